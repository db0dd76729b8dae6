"""Write the catalogue of public sets as docs/public-sets.md.

python tools/public_sets_page.py
"""

from __future__ import annotations

from pathlib import Path

from reprcheck.datasets.public import names, public_set
from reprcheck.reporters.public_sets import page

PAGE = Path(__file__).resolve().parents[1] / "docs" / "public-sets.md"
HEAD = """\
# Public sets

The field's sets that reprcheck opens by name. `reprcheck data fetch NAME` brings one, checked against what is published
about its files; `--dataset=NAME` then asks its tasks. Each entry says what of it was verified and what wasn't.

This page is made from the entries by `tools/public_sets_page.py`; change them, not it.

"""


def written() -> str:
    """Return the page."""
    return HEAD + page([public_set(name) for name in names()])


if __name__ == "__main__":
    PAGE.write_text(written(), encoding="utf-8")
