"""NCT-CRC-HE-100K: a folder of tiles for each of nine tissues, with normalised colours and unknown patients."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from reprcheck.datasets.public.checks import class_tiles

FOLDER = "NCT-CRC-HE-100K"
TISSUES = ("ADI", "BACK", "DEB", "LYM", "MUC", "MUS", "NORM", "STR", "TUM")


def table(root: Path) -> pd.DataFrame:
    """Return one row per tile."""
    return class_tiles(root, FOLDER, {tissue: tissue for tissue in TISSUES})
