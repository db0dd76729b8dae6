"""PathMNIST: patches of colorectal tissue. Its test images are of another centre than the rest."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from reprcheck.datasets.public import mnist_like
from reprcheck.datasets.public.mnist_like import images

CLASSES = (
    "adipose",
    "background",
    "debris",
    "lymphocytes",
    "mucus",
    "smooth muscle",
    "normal colon mucosa",
    "cancer-associated stroma",
    "colorectal adenocarcinoma epithelium",
)

__all__ = ["images", "table"]


def table(root: Path) -> pd.DataFrame:
    """Return one row per image: as `mnist_like.table`, and the ``source`` that it is from."""
    rows = mnist_like.table(root, CLASSES)
    sources = {"train": "NCT-CRC-HE-100K", "val": "NCT-CRC-HE-100K", "test": "CRC-VAL-HE-7K"}
    return rows.assign(source=rows["split"].map(sources))
