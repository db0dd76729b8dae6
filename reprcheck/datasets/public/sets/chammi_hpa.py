"""CHAMMI, the Human Protein Atlas crops: where a protein is, never the same cell line on both sides."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from reprcheck.datasets.card.card import Card
from reprcheck.datasets.public.chammi import SideBySide, source


def table(root: Path) -> pd.DataFrame:
    """Return one row per crop; its group is the cell line. Raises UserError as `chammi.source` does."""
    return source(root, "HPA", "cell_type")


def images(root: Path, table: pd.DataFrame, card: Card) -> SideBySide:
    """Return the crops, in order of the table."""
    return SideBySide.of(root, table, card)
