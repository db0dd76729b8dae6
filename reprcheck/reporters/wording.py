"""The words and numbers that every report has in common, and the order in which they stand."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from reprcheck.baselines.names import reference_of
from reprcheck.errors import printable
from reprcheck.registry import REFERENCES
from reprcheck.types import MODEL, Cell, Scorecard, Setting, Status

ABSENT = "–"
"""Stands for a number that there is none of."""

STATUSES: tuple[Status, ...] = ("pass", "fail", "error", "inconclusive", "waived", "not_applicable")


def one_line(text: str) -> str:
    r"""Return text on one line, with what can't be printed (control codes, direction marks) written as its escape.

    Examples
    --------
    >>> one_line("a\n  b\x1b[31m")
    'a b\\x1b[31m'
    """
    return printable(re.sub(r"\s", " ", " ".join(line.strip() for line in text.splitlines())))


def signed(number: float | None) -> str:
    """Return an effect with its sign and three decimals.

    Examples
    --------
    >>> signed(0.1316), signed(-0.0001), signed(None)
    ('+0.132', '+0.000', '–')
    """
    return ABSENT if _is_missing(number) else f"{_round(number):+.3f}"


def score(number: float | None) -> str:
    """Return a score, margin or detectable effect with three decimals."""
    return ABSENT if _is_missing(number) else f"{_round(number):.3f}"


def effect(cell: Cell) -> str:
    """Return a cell's effect and its bounds, as ``+0.132 [+0.087, +0.178]``."""
    if _is_missing(cell.effect):
        return ABSENT
    return f"{signed(cell.effect)} [{signed(cell.low)}, {signed(cell.high)}]"


def spaced(word: str) -> str:
    """Return a verdict or a qualification as people read it: ``not applicable``."""
    return word.replace("_", " ")


def counted(n: int, noun: str) -> str:
    """Return a number with its noun: ``1 unit``, ``24 units``, ``4 batches``."""
    return f"{n} {noun}" + ("" if n == 1 else "es" if noun.endswith("ch") else "s")


def size(setting: Setting) -> str:
    """Return how much a setting rests on: samples, units, batches, and whether ``--limit`` cut it down."""
    parts = [(setting.n_samples, "sample"), (setting.n_units, "unit"), (setting.n_batches, "batch")]
    cut = [] if setting.limit is None else [f"cut down to {setting.limit} by a limit"]
    return ", ".join([counted(n, noun) for n, noun in parts] + cut)


def tally(cells: Sequence[Cell]) -> str:
    """Return how many cells there are of each verdict, as ``15 cells: 8 pass, 1 fail``."""
    counts = Counter(cell.status for cell in cells)
    counts_by_status = [f"{counts[s]} {spaced(s)}" for s in STATUSES if counts[s]]
    return counted(len(cells), "cell") + (f": {', '.join(counts_by_status)}" if counts_by_status else "")


def legend(cells: Sequence[Cell]) -> str:
    """Return what the columns of a table of cells mean."""
    alphas = sorted({f"{cell.alpha:g}" for cell in cells if cell.alpha is not None})
    return (
        "Effect: mean over units of the model's score minus the reference's, with its one-sided bounds"
        + (f" at alpha {', '.join(alphas)}" if alphas else "")
        + ". A cell passes where the lower bound exceeds the margin."
    )


def short_names(cells: Sequence[Cell]) -> dict[str, str]:
    """Return diagnostics by what they compare with, where this tells them apart: ``beats_untrained`` is untrained."""
    names = sorted({cell.diagnostic for cell in cells})
    short = [name.partition("_")[2] or name for name in names]
    return {name: new if short.count(new) == 1 else name for name, new in zip(names, short, strict=True)}


def outcome(scorecard: Scorecard) -> str:
    """Return the decision in a word or three; what isn't a release is in capitals."""
    outcome = scorecard.gate.outcome
    return outcome if outcome == "released" else spaced(outcome).upper()


def encoders(settings: Iterable[Setting]) -> list[str]:
    """Return the names of all encoders scored: the model, the references as they are registered, then any others."""
    order = [MODEL, *REFERENCES.names()]

    def place(name: str) -> tuple[int, str]:
        reference = reference_of(name)
        return (order.index(reference) if reference in order else len(order)), name

    return sorted({name for setting in settings for name in setting.scores}, key=place)


def by_dataset(scorecard: Scorecard) -> dict[str, dict[str, list[Cell]]]:
    """Return the cells by dataset and by setting id, diagnostics in the order of the policy."""
    diagnostics = list(scorecard.policy.get("diagnostics", ()))

    def place(cell: Cell) -> tuple[str, int, str, str]:
        listed = cell.diagnostic in diagnostics
        return (
            cell.setting,
            diagnostics.index(cell.diagnostic) if listed else len(diagnostics),
            cell.diagnostic,
            cell.model,
        )

    dataset = {setting.id: setting.dataset for setting in scorecard.settings}
    groups: dict[str, dict[str, list[Cell]]] = {}
    for cell in sorted(scorecard.cells, key=place):
        name = dataset.get(cell.setting, cell.setting.partition(":")[0])
        groups.setdefault(name, {}).setdefault(cell.setting, []).append(cell)
    return groups


def within(dataset: str, setting: str) -> str:
    """Return a setting's id without the dataset it stands under."""
    return setting.removeprefix(f"{dataset}:")


def compared(cell: Cell, settings: Mapping[str, Setting]) -> tuple[float, float] | None:
    """Return the two mean scores whose difference is the cell's effect, where the setting lists both.

    A diagnostic may compare other things than the encoders listed (features beside an embedding, bits, matched
    images); then there are none.
    """
    scores = settings[cell.setting].scores if cell.setting in settings else {}
    if cell.effect is None or cell.reference is None or not {MODEL, cell.reference} <= set(scores):
        return None
    model, reference = scores[MODEL]["mean"], scores[cell.reference]["mean"]
    return (model, reference) if abs(model - reference - cell.effect) < 0.001 else None


def blocking(scorecard: Scorecard) -> list[Cell]:
    """Return the cells that the gate names among what blocks."""
    reasons = scorecard.gate.blocked_by
    return [cell for cell in cells(scorecard) if any(reason.startswith(_start(cell)) for reason in reasons)]


def other_reasons(scorecard: Scorecard) -> list[str]:
    """Return what blocks beside the verdicts of cells: what is missing, waivers, datasets that can't tell."""
    starts = tuple(map(_start, scorecard.cells))
    return [reason for reason in scorecard.gate.blocked_by if not reason.startswith(starts)]


def left_open(scorecard: Scorecard) -> list[Cell]:
    """Return the cells that neither passed nor were waived nor block."""
    against = blocking(scorecard)
    return [cell for cell in cells(scorecard) if cell.status not in ("pass", "waived") and cell not in against]


def waived(scorecard: Scorecard) -> list[Cell]:
    """Return the cells that were waived; the statement of each has by whom, until when, why, and what was found."""
    return [cell for cell in cells(scorecard) if cell.status == "waived"]


def sentence(cell: Cell) -> str:
    """Return a cell's verdict and why, as the gate words it."""
    return f"{_start(cell)}{verdict(cell)}"


def verdict(cell: Cell) -> str:
    """Return a cell's verdict and why, without its name."""
    return f"{spaced(cell.status)}: {cell.statement}"


def notes(settings: Iterable[Setting]) -> list[str]:
    """Return the settings' notes, each once, with the tasks that it is about."""
    about: dict[str, list[str]] = {}
    for setting in sorted(settings, key=lambda s: s.id):
        for note in setting.notes:
            tasks = about.setdefault(note, [])
            task = f"{setting.dataset}:{setting.task}"
            if task not in tasks:
                tasks.append(task)
    return [f"{', '.join(tasks)}: {note}" for note, tasks in about.items()]


def cells(scorecard: Scorecard) -> list[Cell]:
    """Return all cells in the order in which reports have them."""
    return [cell for settings in by_dataset(scorecard).values() for cells in settings.values() for cell in cells]


def _start(cell: Cell) -> str:
    return f"{cell.setting} {cell.diagnostic}: "


def _is_missing(number: float | None) -> bool:
    return number is None or not math.isfinite(number)


def _round(number: float | None) -> float:
    return round(number or 0.0, 3) + 0.0  # no -0.000
