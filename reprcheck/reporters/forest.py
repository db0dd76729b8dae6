"""``scorecard.svg``: every effect with its interval, its margin and the least effect that could be shown, as a picture.

For a README or a page: it brings its own colours for light and dark, and asks for nothing beside itself. Verdicts
differ by shape and by word as well as by colour.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from reprcheck.reporters import wording
from reprcheck.reporters.plot import Axis, axis, shorten
from reprcheck.reporters.reporter import Reporter
from reprcheck.reporters.templates import render
from reprcheck.types import Cell, Scorecard

_ROW = 22
"""Height of a row, in the picture's pixels."""


class Forest(Reporter):
    """``scorecard.svg``."""

    suffix = ".svg"

    def render(self, scorecard: Scorecard) -> str:
        """Return the picture: a row for each verdict, under its dataset and its setting."""
        scale = effects_axis(scorecard.cells)
        rows = list(_rows(scorecard, scale))
        statuses = [status for status in wording.STATUSES if any(c.status == status for c in scorecard.cells)]
        return render(
            "forest.svg",
            title=shorten(f"{scorecard.model['name']}: {wording.outcome(scorecard)}", 80),
            tally=wording.tally(scorecard.cells),
            scale=scale,
            rows=rows,
            row=_ROW,
            statuses=statuses,
        )


SVG = Forest()


def effects_axis(cells: tuple[Cell, ...]) -> Axis:
    """Return the axis that holds the effects of cells, their intervals, margins and least effects to be shown."""
    return axis(value for cell in cells for value in (cell.low, cell.high, cell.margin, cell.mde))


def _rows(card: Scorecard, scale: Axis) -> Iterator[dict[str, Any]]:
    """Yield what each row says and where its marks stand; ``kind`` is a dataset, a setting or a cell."""
    short = wording.short_names(card.cells)
    for dataset, by_setting in wording.by_dataset(card).items():
        yield {"kind": "dataset", "label": shorten(dataset, 48), "full": dataset}
        for name, cells in by_setting.items():
            yield {"kind": "setting", "label": shorten(wording.within(dataset, name), 44), "full": name}
            for cell in cells:
                label = shorten(short[cell.diagnostic], 24)
                yield {"kind": "cell", "label": label, "full": cell.statement, "cell": cell, **places(cell, scale)}


def places(cell: Cell, scale: Axis) -> dict[str, float | None]:
    """Return where a cell's numbers stand on an axis, from 0 to 100; None for one that it doesn't have."""
    values = {"effect": cell.effect, "low": cell.low, "high": cell.high, "margin": cell.margin, "mde": cell.mde}
    return {f"{name}_at": None if value is None else scale.place(value) for name, value in values.items()}
