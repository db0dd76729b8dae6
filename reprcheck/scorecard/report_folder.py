"""The folder that a run reports to: its own scorecards, and no others, from its first moment to its last.

``run.json`` names the run, what it decided, and its scorecards: ``scorecard.json`` for one model, a folder for each of
several. Whatever an earlier run left is undecided at once and gone before this one's are complete, so that no
"released" outlives the run that said so. Reports beside a scorecard are listed as well, and go with it. Files that no
run of the gate wrote are never touched.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Protocol

from reprcheck.errors import UserError
from reprcheck.scorecard import document
from reprcheck.scorecard.atomic import replace_bytes, replace_text
from reprcheck.types import Outcome, Scorecard

INDEX = "run.json"
"""The file that says whose the folder is."""
SCHEMA = 1
STEM = document.NAME.removesuffix(".json")
"""What names of reports begin with."""
LONGEST_NAME = 256
"""Bytes that no file system takes in a name."""
_BESIDE = re.compile(rf"{STEM}(\.\w[\w-]*)+", re.ASCII)
SEVERITY: Sequence[Outcome] = ("released", "not_enough_evidence", "undecided", "blocked")
"""Of several models the worst outcome is the run's."""


class Report(Protocol):
    """One more file beside ``scorecard.json``."""

    @property
    def file(self) -> str:
        """Its name, which begins as ``scorecard.json`` does."""

    def render(self, scorecard: Scorecard) -> bytes:
        """Return its bytes. Raises UserError where that fails."""


@dataclass(frozen=True)
class ReportFolder:
    """A report folder in the hands of one run.

    Attributes
    ----------
    path : Path
        Made where it isn't there.
    run_id : str
    """

    path: Path
    run_id: str

    def replace(self, cards: Sequence[Scorecard], reports: Sequence[Report] = ()) -> list[UserError]:
        """Put these scorecards in the place of whatever a run of the gate left here.

        At every moment each scorecard in the folder is a whole one, and each is named in ``run.json``, so that the next
        run finds it however this one ends. An earlier run's says what the first of these does until it is gone.

        Parameters
        ----------
        cards : sequence of Scorecard
        reports : sequence of Report
            What is written beside each scorecard.

        Returns
        -------
        list of UserError
            Why reports are missing, where they couldn't be rendered.

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
        files = {report.file for report in reports}
        before = {*read_index(self.path).reports} | files
        self._write_index("undecided", {*old, *new}, before)
        for path in stale:
            document.write(cards[0], path.parent)
        missing = []
        for folder, card in folders.items():
            document.write(card, folder)
            for report in reports:
                try:
                    content = report.render(card)
                except UserError as failure:
                    missing.append(failure)
                    _remove([folder / report.file], folder)
                else:
                    replace_bytes(folder / report.file, content)
            _remove([folder / name for name in before - files], folder)
        for path in stale:
            _remove([path.parent / name for name in (document.NAME, *before)], self.path)
        self._write_index(outcome, new, files)
        return missing

    def of(self, card: Scorecard, cards: Sequence[Scorecard]) -> Path:
        """Return where a scorecard lies: this folder, or among several a folder of its model's name in it."""
        return self.path / card.model["name"] if len(cards) > 1 else self.path

    def _write_index(self, outcome: Outcome, paths: Iterable[Path], reports: Iterable[str]) -> None:
        names = sorted(path.relative_to(self.path).as_posix() for path in paths)
        index = {"schema": SCHEMA, "id": self.run_id, "outcome": outcome}
        index |= {"scorecards": names, "reports": sorted(reports)}
        replace_text(self.path / INDEX, json.dumps(index, indent=2) + "\n")


@dataclass(frozen=True)
class Index:
    """What ``run.json`` says: what was decided, which scorecards there should be, relative to the folder, and reports.

    Without one, or with one that can't be read, nothing is known.
    """

    outcome: str | None = None
    scorecards: tuple[str, ...] = ()
    reports: tuple[str, ...] = ()


def read_index(folder: Path) -> Index:
    """Return a folder's index; names that point elsewhere than into the folder, or to another file, are passed over."""
    try:
        index = json.loads((folder / INDEX).read_text(encoding="utf-8"))
        outcome = index["outcome"]
        names = [PurePosixPath(name) for name in index["scorecards"] if isinstance(name, str)]
        reports = [name for name in index.get("reports", ()) if isinstance(name, str)]
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return Index()
    inside = [p for p in names if p.name == document.NAME and ".." not in p.parts and not p.is_absolute()]
    short = [p for p in inside if all(len(part.encode()) < LONGEST_NAME for part in p.parts)]
    beside = [name for name in reports if is_report(name)]
    return Index(
        outcome if isinstance(outcome, str) else None, tuple(sorted(p.as_posix() for p in short)), tuple(sorted(beside))
    )


def is_report(name: str) -> bool:
    """Tell whether a file of this name may lie beside a scorecard as a report of it: ``scorecard.md``, say."""
    return bool(_BESIDE.fullmatch(name)) and name != document.NAME and len(name) < LONGEST_NAME


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
    return [document.read(file) for file in scorecard_files(path)]


def scorecard_files(path: Path) -> list[Path]:
    """Return the file that a path names, or those that the last run should have left in a folder.

    Raises
    ------
    UserError
        Where a folder holds none.
    """
    if not path.is_dir():
        return [path]
    names = scorecards(path)
    if not names:
        raise UserError(str(path), "holds no scorecard", "name the folder given as --report-dir, or a scorecard.json")
    return [path / name for name in dict.fromkeys([*names, *read_index(path).scorecards])]


def write_beside(path: Path, reports: Sequence[Report]) -> list[Path]:
    """Draw a scorecard that lies in its folder, and return the files written beside it.

    In a report folder of the gate's ``run.json`` lists them from now on, so that they go with the scorecard.

    Parameters
    ----------
    path : Path
        Of the scorecard's file.
    reports : sequence of Report

    Raises
    ------
    UserError
        Where it can't be read, drawn or written.
    """
    card = document.read(path)
    contents = {path.parent / report.file: report.render(card) for report in reports}
    for folder in (path.parent, path.parent.parent):
        index = read_index(folder)
        if index.outcome is not None and path.relative_to(folder).as_posix() in index.scorecards:
            index_file = json.loads((folder / INDEX).read_text(encoding="utf-8"))
            index_file["reports"] = sorted({*index.reports, *(report.file for report in reports)})
            replace_text(folder / INDEX, json.dumps(index_file, indent=2) + "\n")
    for file, content in contents.items():
        replace_bytes(file, content)
    return list(contents)


def _remove(files: Iterable[Path], root: Path) -> None:
    for file in files:
        try:
            file.unlink(missing_ok=True)
        except OSError as problem:
            raise UserError(str(file), f"can't be removed: {problem.strerror}", "remove it") from None
        if file.parent != root:
            with suppress(OSError):  # not empty: something of the user's lies there
                file.parent.rmdir()
