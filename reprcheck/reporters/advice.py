"""What to do next, from a scorecard's own numbers: what broke, which shortcut, how many more units."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from reprcheck.errors import UserError
from reprcheck.registry import DIAGNOSTICS
from reprcheck.reporters import wording
from reprcheck.types import Cell, Scorecard

_QUALIFICATIONS = {
    "saturated": "an encoder that nobody trained is at the ceiling already, so no model can show more. "
    "Ask a harder task",
    "no_signal": "no encoder tells the labels from permuted ones. Look at the labels and at the images that carry them",
    "underpowered": "too few units, or units that may not be independent. Judge more of them, or declare the unit that "
    "is",
}


def question(diagnostic: str) -> str:
    """Return what a diagnostic asks, as its documentation begins; blank for one that isn't installed."""
    try:
        documentation = str(DIAGNOSTICS.get(diagnostic).documentation)
    except UserError:
        return ""
    return documentation.partition("\n")[0].partition(": ")[2]


def next_steps(card: Scorecard) -> list[str]:
    """Return what to do, the most urgent first; each is one or two sentences."""
    against = wording.blocking(card)
    return [
        *_of_errors([cell for cell in against if cell.status == "error"]),
        *_of_failures([cell for cell in against if cell.status == "fail"]),
        *_of_units(card, [cell for cell in against if cell.status == "inconclusive"]),
        *_of_settings(card),
        *_of_notes(card),
        *_of_a_release(card),
    ]


def _of_errors(cells: Sequence[Cell]) -> Iterator[str]:
    if cells:
        yield (
            f"{wording.counted(len(cells), 'verdict')} could not be computed ({_names(cells)}). Run the gate again "
            "with --reprcheck-debug, which prints the traceback."
        )


def _of_failures(cells: Sequence[Cell]) -> Iterator[str]:
    """Say, for each diagnostic that failed, what the model is no better than, and what to try."""
    for name in sorted({cell.diagnostic for cell in cells}, key=lambda name: (-_count(name, cells), name)):
        mine = [cell for cell in cells if cell.diagnostic == name]
        references = sorted({cell.reference for cell in mine if cell.reference})
        yield (
            f"{name} failed in {wording.counted(len(mine), 'setting')}: the model is no better than "
            f"{', '.join(references)} there, or not by the margin. {_tried(name)}"
        )


def _tried(diagnostic: str) -> str:
    try:
        advice = str(DIAGNOSTICS.get(diagnostic).advice)
    except UserError:
        return "See what its documentation proposes."
    return f"{advice[:1].upper()}{advice[1:]}."


def _of_units(card: Scorecard, cells: Sequence[Cell]) -> Iterator[str]:
    """Say, for each task, how many units would settle what its units leave open."""
    tasks = {setting.id: f"{setting.dataset}:{setting.task}" for setting in card.settings}
    for task in sorted({tasks.get(cell.setting, cell.setting) for cell in cells}):
        mine = [cell for cell in cells if tasks.get(cell.setting, cell.setting) == task]
        settled = [(n, cell) for cell in mine if (n := _units_needed(cell)) is not None]
        if settled:
            most, hardest = max(settled, key=lambda pair: pair[0])
            few = min(n for n, _ in settled)
            span = f"About {most}" if few == most else f"Between {few} and {most}"
            yield (
                f"{task}: {span} units, where {hardest.n_units} were judged, would let effects of the size found pass "
                f"in {wording.counted(len(settled), 'inconclusive verdict')} (the most in {hardest.diagnostic})."
            )
        if hopeless := [cell for cell in mine if _units_needed(cell) is None]:
            yield (
                f"{task}: in {wording.counted(len(hopeless), 'inconclusive verdict')} no number of units within reach "
                f"would let the effect found pass ({_names(hopeless, within=True)}). A better model may, or "
                "another task."
            )


def _units_needed(cell: Cell) -> int | None:
    needed = cell.details.get("units_needed")
    return needed if isinstance(needed, int) and needed > (cell.n_units or 0) else None


def _of_settings(card: Scorecard) -> Iterator[str]:
    for qualification, why in _QUALIFICATIONS.items():
        names = sorted(setting.id for setting in card.settings if setting.qualification == qualification)
        if names:
            yield f"{', '.join(names)}: {why}."


def _of_notes(card: Scorecard) -> Iterator[str]:
    n = len(wording.notes(card.settings))
    if n:
        yield f"Read the {'note' if n == 1 else f'{n} notes'} on what could mislead here, before a verdict is quoted."


def _of_a_release(card: Scorecard) -> Iterator[str]:
    """Say of a release which verdict was the closest."""
    spare = [(c.low - c.margin, c) for c in wording.cells(card) if c.low is not None and c.margin is not None]
    if card.gate.released and spare:
        room, cell = min(spare, key=lambda pair: pair[0])
        yield (
            f"The closest call was {cell.setting} {cell.diagnostic}: its lower bound lies {room:.3f} above the margin. "
            "If one verdict changes with the next release, expect this one."
        )


def _names(cells: Iterable[Cell], within: bool = False) -> str:
    """Return the cells' names; those within a task go by diagnostic and protocol."""
    names = [
        f"{cell.diagnostic} by {cell.setting.partition('/')[2]}" if within else f"{cell.setting} {cell.diagnostic}"
        for cell in cells
    ]
    return ", ".join(names[:4]) + (f", and {len(names) - 4} more" if len(names) > 4 else "")


def _count(diagnostic: str, cells: Iterable[Cell]) -> int:
    return sum(cell.diagnostic == diagnostic for cell in cells)
