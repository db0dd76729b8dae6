"""CHAMMI, the WTC-11 (Allen) crops: stages of the cell cycle, never the same tagged structure on both sides."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from reprcheck.datasets.card.card import Card
from reprcheck.datasets.public.chammi import SideBySide, source


def table(root: Path) -> pd.DataFrame:
    """Return one row per crop; its group is the tagged structure. Raises UserError as `chammi.source` does."""
    return source(root, "Allen", "Structure")


def images(root: Path, table: pd.DataFrame, card: Card) -> SideBySide:
    """Return the crops, in order of the table."""
    return SideBySide.of(root, table, card)
