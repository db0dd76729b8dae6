"""Imagenette at 160 pixels: JPEG files in folders named by WordNet id, under ``train`` and ``val``.

ImageNet holds grey and four-colour files among its RGB ones, so every image is converted to RGB.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image as Pictures

from reprcheck.code import code_digest
from reprcheck.datasets.card.card import Card
from reprcheck.datasets.images.decode import scale
from reprcheck.datasets.images.fit import fit_image
from reprcheck.datasets.public.checks import not_as_published
from reprcheck.digest import digest
from reprcheck.file_memory import remembered_digest
from reprcheck.types import Image, ImageSource

FOLDER = "imagenette2-160"
SPLITS = ("train", "val")
CLASSES = {
    "n01440764": "tench",
    "n02102040": "English springer",
    "n02979186": "cassette player",
    "n03000684": "chain saw",
    "n03028079": "church",
    "n03394916": "French horn",
    "n03417042": "garbage truck",
    "n03425413": "gas pump",
    "n03445777": "golf ball",
    "n03888257": "parachute",
}


def table(root: Path) -> pd.DataFrame:
    """Return one row per image: ``image_id``, ``label``, ``split``, ``path``; sorted by path.

    Raises
    ------
    UserError
        For a class's folder that is missing or empty.
    """
    rows = []
    for split in SPLITS:
        for synset, label in CLASSES.items():
            folder = root / FOLDER / split / synset
            files = sorted(folder.glob("*.JPEG"))
            if not files:
                raise not_as_published(folder, "no JPEG files there")
            rows += [(path.stem, label, split, path.relative_to(root).as_posix()) for path in files]
    return pd.DataFrame(rows, columns=["image_id", "label", "split", "path"])


def images(root: Path, table: pd.DataFrame, card: Card) -> ImageSource:
    """Return the images of the rows of `table`."""
    return _Photographs(tuple(root / path for path in table["path"]), card)


@dataclass(frozen=True)
class _Photographs:
    paths: tuple[Path, ...]
    card: Card

    def content(self, index: int) -> str:
        keys = (self.card.value_range, self.card.clip, self.card.fit, self.card.size)
        return digest("photograph", code_digest(__name__), remembered_digest(self.paths[index]), *keys)

    def read(self, index: int) -> Image:
        path = self.paths[index]
        try:
            with Pictures.open(path) as picture:
                values = np.moveaxis(np.asarray(picture.convert("RGB")), -1, 0)
        except OSError as error:
            raise not_as_published(path, f"can't be decoded ({error})") from None
        scaled = scale(values, self.card.value_range, str(path), self.card.clip)
        return Image(np.ascontiguousarray(fit_image(scaled, self.card.fit, self.card.size, str(path))))
