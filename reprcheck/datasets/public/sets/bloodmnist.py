"""BloodMNIST: single blood cells."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from reprcheck.datasets.public import mnist_like
from reprcheck.datasets.public.mnist_like import images

CLASSES = (
    "basophil",
    "eosinophil",
    "erythroblast",
    "immature granulocytes(myelocytes, metamyelocytes and promyelocytes)",
    "lymphocyte",
    "monocyte",
    "neutrophil",
    "platelet",
)

__all__ = ["images", "table"]


def table(root: Path) -> pd.DataFrame:
    """Return one row per image, as `mnist_like.table`."""
    return mnist_like.table(root, CLASSES)
