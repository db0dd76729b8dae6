"""Put the columns of the structural baseline into `docs/structure.md`, from the registry that computes them.

    python tools/structure_table.py

`make reports` runs it.
"""

from __future__ import annotations

import re
from pathlib import Path

from reprcheck.baselines.structure.features import MEASURES, of_types
from reprcheck.baselines.structure.measures import STATISTICS, Measure

PAGE = Path(__file__).resolve().parents[1] / "docs/structure.md"
TABLE = re.compile(r"(<!-- columns -->\n)(?:\|.*\n)*")


def table() -> str:
    """Return the table of all columns, a row for each measure; TYPE stands for each type that a card names."""
    head = ("columns", "unit", "what it is", "source", "not defined, so 0, for")
    rows = [(_columns(one), one.unit, one.definition, one.source, one.zero_for) for one in registered()]
    lines = [head, ("---",) * len(head), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def _columns(one: Measure) -> str:
    """Return the names of a measure's columns; ``*`` stands for all statistics."""
    stem = one.columns[0].removesuffix(f".{STATISTICS[0]}")
    if one.columns == tuple(f"{stem}.{s}" for s in STATISTICS):
        return f"`{stem}.*`"
    return ", ".join(f"`{name}`" for name in dict.fromkeys(one.columns))


def registered() -> tuple[Measure, ...]:
    """Return every measure that there is."""
    return (*MEASURES, *of_types(("TYPE", "TYPE")))


def filled(page: str) -> str:
    """Return the page with its table made anew."""
    return TABLE.sub(lambda found: found[1] + table(), page)


if __name__ == "__main__":
    PAGE.write_text(filled(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
