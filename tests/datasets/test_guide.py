"""The dataset guide tells the truth: it has every key of the card, under its table, and its cards are read."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from reprcheck.datasets.card.card import FITS, KEYS, KINDS, of, parse
from reprcheck.datasets.card.crops import BORDERS
from reprcheck.datasets.card.reading import PROJECTS

GUIDE = (Path(__file__).resolve().parents[2] / "docs" / "datasets.md").read_text(encoding="utf-8")
EXAMPLE, CROPS, TYPES = re.findall(r"```toml\n(.*?)```", GUIDE, re.DOTALL)

STATE = {"kind": "classify", "label": "state", "protocols": ["knn/1"]}


@pytest.mark.parametrize("table", KEYS)
def test_every_key_of_a_table_has_a_row(table: str) -> None:
    heading = f"### `{table}`" if table else "## The card"
    part = re.split(r"^##", GUIDE.partition(f"{heading}\n")[2], maxsplit=1, flags=re.MULTILINE)[0]
    assert set(re.findall(r"^\| `(\w+)` \|", part, re.MULTILINE)) == set(KEYS[table])


@pytest.mark.parametrize("value", [*KINDS, *FITS, *BORDERS, *PROJECTS])
def test_every_choice_is_named(value: str) -> None:
    assert f'"{value}"' in GUIDE


def test_its_cards_are_read() -> None:
    assert [task.name for task in parse(EXAMPLE, "docs/datasets.md").tasks] == ["treatment", "dose"]
    with_crops = of(tomllib.loads(EXAMPLE) | tomllib.loads(CROPS), "docs/datasets.md")
    assert with_crops.crops is not None
    assert with_crops.crops.border == "drop"
    with_types = of(tomllib.loads(EXAMPLE) | tomllib.loads(TYPES) | {"tasks": {"state": STATE}}, "docs/datasets.md")
    assert with_types.columns.types == "cell_types"
    assert with_types.cell_types[0] == "tumour"
