"""Write the recipes as docs/recipes.md.

python tools/recipes_page.py
"""

from __future__ import annotations

from pathlib import Path

from reprcheck.models.recipe import names, read_recipe
from reprcheck.reporters.recipes import page

PAGE = Path(__file__).resolve().parents[1] / "docs" / "recipes.md"
HEAD = """\
# Recipes

How known encoders are used as their authors use them: `--model=recipe:NAME` stands for the SPEC under its title
below, and a scorecard shows it. Options after the name replace the recipe's: `recipe:midnight?pool=cls+mean`. No
weights come along, and none was loaded here: what of a recipe was verified, and what wasn't, stands beside it.
`from=DIR` takes the files from a folder instead of a hub; `checkpoint=FILE` loads a file into timm's network of that
architecture.

A recipe is a file of TOML. One of your own is asked for as `recipe:path/to/mine.toml`. It has `title`, `model` (a
source and its target), `dimension`, `licence`, `citation`, `answer`, `verified`, `unverified`, and `[options]` as a
SPEC has them.

This page is made from the recipes by `tools/recipes_page.py`; change them, not it.

"""


def written() -> str:
    """Return the page."""
    return HEAD + page([read_recipe(name, "recipes") for name in names()])


if __name__ == "__main__":
    PAGE.write_text(written(), encoding="utf-8")
