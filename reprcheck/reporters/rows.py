"""``scorecard.csv`` and ``scorecard.parquet``: a row for each verdict, for a spreadsheet or a data frame."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any

from reprcheck.reporters import wording
from reprcheck.reporters.reporter import Reporter
from reprcheck.types import Cell, Scorecard, Setting

_TEXT = (
    *("model", "digest", "setting", "dataset", "task", "protocol", "qualification", "diagnostic", "verdict"),
    *("reference", "statement"),
)
_NUMBERS = ("effect", "low", "high", "margin", "alpha", "mde", "p", "p_adjusted", "model_score", "reference_score")
_COUNTS = ("n_units", "units_needed")
COLUMNS = (
    *("model", "digest", "setting", "dataset", "task", "protocol", "qualification", "diagnostic", "verdict", "blocks"),
    *("effect", "low", "high", "margin", "alpha", "mde", "n_units", "units_needed", "p", "p_adjusted"),
    *("reference", "model_score", "reference_score", "statement"),
)
"""Of both files, in this order; `docs/scorecard.md` says what each holds."""


def rows(scorecards: Iterable[Scorecard]) -> list[dict[str, Any]]:
    """Return the verdicts as mappings from `COLUMNS` to a number, a text, a bool, or None where there is none."""
    return [row for card in scorecards for row in _rows(card)]


def _rows(card: Scorecard) -> Iterable[dict[str, Any]]:
    settings = {setting.id: setting for setting in card.settings}
    against = wording.blocking(card)
    for cell in wording.cells(card):
        scores = wording.compared(cell, settings) or (None, None)
        values: dict[str, Any] = {
            **vars(cell),
            **_place(cell, settings.get(cell.setting)),
            "model": card.model["name"],
            "digest": card.model["digest"],
            "verdict": cell.status,
            "statement": wording.verdict(cell),
            "blocks": cell in against,
            "model_score": scores[0],
            "reference_score": scores[1],
            **{name: _number(cell, name, float) for name in ("p", "p_adjusted")},
            "units_needed": _number(cell, "units_needed", int),
        }
        yield {name: values[name] for name in COLUMNS}


def _number(cell: Cell, name: str, kind: type[int] | type[float]) -> float | None:
    """Return a number among a cell's details; those of an extension's diagnostic may hold anything."""
    value = cell.details.get(name)
    return kind(value) if isinstance(value, kind | int) and not isinstance(value, bool) else None


def _place(cell: Cell, setting: Setting | None) -> dict[str, str | None]:
    """Return the parts of a setting; where it wasn't described, the dataset that its id begins with."""
    if setting is None:
        return {"dataset": cell.setting.partition(":")[0], "task": None, "protocol": None, "qualification": None}
    return {name: getattr(setting, name) for name in ("dataset", "task", "protocol", "qualification")}


class Csv(Reporter):
    """``scorecard.csv``."""

    suffix = ".csv"

    def render(self, scorecard: Scorecard) -> str:
        """Return the table of one scorecard."""
        return self.render_together([scorecard])

    def render_together(self, scorecards: Sequence[Scorecard]) -> str:
        """Return the verdicts below one heading; numbers as Python writes them, nothing where there is none."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(COLUMNS)
        for row in rows(scorecards):
            writer.writerow([_harmless(value) if isinstance(value, str) else value for value in row.values()])
        return text.getvalue()


class Parquet(Reporter):
    """``scorecard.parquet``."""

    suffix = ".parquet"

    def render(self, scorecard: Scorecard) -> bytes:
        """Return the table of one scorecard."""
        return self.render_together([scorecard])

    def render_together(self, scorecards: Sequence[Scorecard]) -> bytes:
        """Return the verdicts as one table, whose columns have their types where they are empty, too."""
        import pyarrow as pa
        from pyarrow import parquet

        kinds = dict.fromkeys(_TEXT, pa.string()) | dict.fromkeys(_NUMBERS, pa.float64())
        kinds |= dict.fromkeys(_COUNTS, pa.int64()) | {"blocks": pa.bool_()}
        safe = [
            {name: wording.one_line(value) if isinstance(value, str) else value for name, value in row.items()}
            for row in rows(scorecards)
        ]
        sink = io.BytesIO()
        parquet.write_table(pa.Table.from_pylist(safe, pa.schema([(name, kinds[name]) for name in COLUMNS])), sink)
        return sink.getvalue()


CSV, PARQUET = Csv(), Parquet()


def _harmless(text: str) -> str:
    """Return text that no spreadsheet takes for a formula, as it would ``=…`` or ``@…``."""
    line = wording.one_line(text)
    return f"'{line}" if line.startswith(("=", "+", "-", "@")) else line
