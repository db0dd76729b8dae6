"""The folder that a run reports to: its own scorecards, and no others, from its first moment to its last.

``run.json`` names the run, what it decided, and its scorecards: ``scorecard.json`` for one model, a folder for each of
several. Whatever an earlier run left is undecided at once and gone before this one's are complete, so that no
"released" outlives the run that said so. Files that no run of the gate wrote are never touched.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from reprcheck.errors import UserError
from reprcheck.scorecard import document
from reprcheck.scorecard.atomic import replace_text
from reprcheck.types import Outcome, Scorecard

INDEX = "run.json"
"""The file that says whose the folder is."""
SCHEMA = 1
LONGEST_NAME = 256
"""Bytes that no file system takes in a name."""
SEVERITY: Sequence[Outcome] = ("released", "not_enough_evidence", "undecided", "blocked")
"""Of several models the worst outcome is the run's."""

Writer = Callable[[Scorecard, Path], Path]
"""Writes one more report of a scorecard into its folder, and returns the file's path."""


@dataclass(frozen=True)
class ReportFolder:
    """A report folder in the hands of one run.

    Attributes
    ----------
    path : Path
        Made where it isn't there.
    run_id : str
    writers : tuple of callable
        Reports beside ``scorecard.json``.
    """

    path: Path
    run_id: str
    writers: tuple[Writer, ...] = ()

    def replace(self, cards: Sequence[Scorecard]) -> None:
        """Put these scorecards in the place of whatever a run of the gate left here.

        At every moment each scorecard in the folder is a whole one, and each is named in ``run.json``, so that the next
        run finds it however this one ends. An earlier run's says what the first of these does until it is gone.

        Raises
        ------
        UserError
            Where the folder can't be written.
        """
        folders = {self.of(card, cards): card for card in cards}
        old = [self.path / name for name in scorecards(self.path)]
        new = [folder / document.NAME for folder in folders]
        outcome = max((card.gate.outcome for card in cards), key=SEVERITY.index)
        stale = set(old) - set(new)
        self._write_index("undecided", {*old, *new})
        for path in stale:
            document.write(cards[0], path.parent)
        for folder, card in folders.items():
            written = [document.write(card, folder), *(write(card, folder) for write in self.writers)]
        names = {path.name for path in written}
        for path in stale:
            _remove([path.parent / name for name in names], self.path)
        self._write_index(outcome, new)

    def of(self, card: Scorecard, cards: Sequence[Scorecard]) -> Path:
        """Return where a scorecard lies: this folder, or among several a folder of its model's name in it."""
        return self.path / card.model["name"] if len(cards) > 1 else self.path

    def _write_index(self, outcome: Outcome, paths: Iterable[Path]) -> None:
        names = sorted(path.relative_to(self.path).as_posix() for path in paths)
        index = {"schema": SCHEMA, "id": self.run_id, "outcome": outcome, "scorecards": names}
        replace_text(self.path / INDEX, json.dumps(index, indent=2) + "\n")


@dataclass(frozen=True)
class Index:
    """What ``run.json`` says: what was decided, and which scorecards there should be, relative to the folder.

    Without one, or with one that can't be read, nothing is known.
    """

    outcome: str | None = None
    scorecards: tuple[str, ...] = ()


def read_index(folder: Path) -> Index:
    """Return a folder's index; names that point elsewhere than into the folder, or to another file, are passed over."""
    try:
        index = json.loads((folder / INDEX).read_text(encoding="utf-8"))
        outcome, names = (
            index["outcome"],
            [PurePosixPath(name) for name in index["scorecards"] if isinstance(name, str)],
        )
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return Index()
    inside = [p for p in names if p.name == document.NAME and ".." not in p.parts and not p.is_absolute()]
    short = [p for p in inside if all(len(part.encode()) < LONGEST_NAME for part in p.parts)]
    return Index(outcome if isinstance(outcome, str) else None, tuple(sorted(p.as_posix() for p in short)))


def scorecards(folder: Path) -> list[str]:
    """Return the scorecards in a folder, relative to it: those that its index names, and one of no run's."""
    return [name for name in sorted({*read_index(folder).scorecards, document.NAME}) if (folder / name).is_file()]


def read(path: Path) -> list[Scorecard]:
    """Read the scorecard of a file, or all that the last run left in a folder.

    Raises
    ------
    UserError
        Where there is none, or one is missing or can't be read.
    """
    if not path.is_dir():
        return [document.read(path)]
    names = scorecards(path)
    if not names:
        raise UserError(str(path), "holds no scorecard", "name the folder given as --report-dir, or a scorecard.json")
    return [document.read(path / name) for name in dict.fromkeys([*names, *read_index(path).scorecards])]


def _remove(files: Iterable[Path], root: Path) -> None:
    for file in files:
        try:
            file.unlink(missing_ok=True)
        except OSError as problem:
            raise UserError(str(file), f"can't be removed: {problem.strerror}", "remove it") from None
        if file.parent != root:
            with suppress(OSError):  # not empty: something of the user's lies there
                file.parent.rmdir()
