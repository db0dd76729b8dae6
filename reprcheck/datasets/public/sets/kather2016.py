"""Kather's colorectal textures: a folder of tiles for each of eight classes; a tile's name has its slide."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd

from reprcheck.datasets.public.checks import class_tiles, not_as_published

FOLDER = "Kather_texture_2016_image_tiles_5000"
LABELS = {
    "01_TUMOR": "tumour",
    "02_STROMA": "stroma",
    "03_COMPLEX": "complex",
    "04_LYMPHO": "lympho",
    "05_DEBRIS": "debris",
    "06_MUCOSA": "mucosa",
    "07_ADIPOSE": "adipose",
    "08_EMPTY": "empty",
}
_NAME = re.compile(r"[^_]+_(CRC-Prim-HE-\d\d).*\.tif_Row_\d+_Col_\d+\.tif")


def table(root: Path) -> pd.DataFrame:
    """Return one row per tile; ``slide`` is the number in its name, whatever letters and regions follow it."""
    tiles = class_tiles(root, FOLDER, LABELS)
    return tiles.assign(slide=[_slide(root / path) for path in tiles["path"]])


def _slide(path: Path) -> str:
    if not (match := _NAME.fullmatch(path.name)):
        what = "the name tells no slide, as 10009_CRC-Prim-HE-03_009.tif_Row_301_Col_151.tif does"
        raise not_as_published(path, what)
    return match[1]
