"""CRC-VAL-HE-7K: laid out as NCT-CRC-HE-100K, from patients of its own."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from reprcheck.datasets.public.checks import class_tiles
from reprcheck.datasets.public.sets.nct_crc_he import TISSUES

FOLDER = "CRC-VAL-HE-7K"


def table(root: Path) -> pd.DataFrame:
    """Return one row per tile."""
    return class_tiles(root, FOLDER, {tissue: tissue for tissue in TISSUES})
