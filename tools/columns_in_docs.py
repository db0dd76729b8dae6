"""Put the columns of hand-made baselines into their pages in `docs/`, from the registries that compute them.

    python tools/columns_in_docs.py

`make reports` runs it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from reprcheck.baselines.columns import Measure
from reprcheck.baselines.structure import features as structure
from reprcheck.baselines.structure import stain
from reprcheck.baselines.structure.measures import STATISTICS
from reprcheck.baselines.texture import features as texture

DOCS = Path(__file__).resolve().parents[1] / "docs"
REGISTERED: dict[str, Sequence[Measure]] = {
    "structure.md": (*structure.MEASURES, *structure.of_types(("TYPE", "TYPE")), *stain.MEASURES),
    "texture.md": texture.MEASURES,
}
"""Every measure that there is, by the page that documents it; TYPE stands for each type that a card names."""
TABLE = re.compile(r"(<!-- columns -->\n)(?:\|.*\n)*")


def table(measures: Sequence[Measure]) -> str:
    """Return the table of all columns, a row for each measure."""
    head = ("columns", "unit", "what it is", "source", "not defined, so 0, for")
    rows = [(_columns(one), one.unit, one.definition, one.source, one.zero_for) for one in measures]
    lines = [head, ("---",) * len(head), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def _columns(one: Measure) -> str:
    """Return the names of a measure's columns; ``*`` stands for all statistics of objects."""
    stem = one.columns[0].removesuffix(f".{STATISTICS[0]}")
    if one.columns == tuple(f"{stem}.{s}" for s in STATISTICS):
        return f"`{stem}.*`"
    stems, ends = (
        [*dict.fromkeys(part)] for part in zip(*(name.partition(".")[::2] for name in one.columns), strict=True)
    )
    if min(len(stems), len(ends)) > 1 and one.columns == tuple(f"{stem}.{end}" for stem in stems for end in ends):
        return f"{_listed(stems)}, each with {_listed([f'.{end}' for end in ends])}"
    return _listed(dict.fromkeys(one.columns))


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def filled(name: str) -> str:
    """Return a page with its table made anew."""
    made = table(REGISTERED[name])
    return TABLE.sub(lambda match: match[1] + made, (DOCS / name).read_text(encoding="utf-8"))


if __name__ == "__main__":
    for page in REGISTERED:
        (DOCS / page).write_text(filled(page), encoding="utf-8")
