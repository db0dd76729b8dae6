"""TissueMNIST: nuclei of human kidney cortex."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from reprcheck.datasets.public import mnist_like
from reprcheck.datasets.public.mnist_like import images

CLASSES = (
    "Collecting Duct, Connecting Tubule",
    "Distal Convoluted Tubule",
    "Glomerular endothelial cells",
    "Interstitial endothelial cells",
    "Leukocytes",
    "Podocytes",
    "Proximal Tubule Segments",
    "Thick Ascending Limb",
)

__all__ = ["images", "table"]


def table(root: Path) -> pd.DataFrame:
    """Return one row per image, as `mnist_like.table`."""
    return mnist_like.table(root, CLASSES)
