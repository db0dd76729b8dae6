"""CIFAR-10's binary version: six files of records, one byte for the label and 3 x 32 x 32 for the image.

The Python version is pickled, and nothing is unpickled here.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from reprcheck.datasets.card.card import Card
from reprcheck.datasets.public.array_rows import MappedImages
from reprcheck.datasets.public.checks import not_as_published
from reprcheck.types import ImageSource

FOLDER = "cifar-10-batches-bin"
SPLITS = {f"data_batch_{i}": "train" for i in range(1, 6)} | {"test_batch": "test"}
RECORD = np.dtype([("label", "u1"), ("pixels", "u1", (3, 32, 32))])


def table(root: Path) -> pd.DataFrame:
    """Return one row per image, in order of the files.

    Parameters
    ----------
    root : Path

    Returns
    -------
    pandas.DataFrame
        ``image_id``, ``label``, ``split``; ``file`` and ``row``, where its pixels are.

    Raises
    ------
    UserError
        For a file that is missing or isn't made of whole records, or a label without a name.
    """
    classes = _read_classes(root / FOLDER / "batches.meta.txt")
    parts = []
    for name, split in SPLITS.items():
        path = root / FOLDER / f"{name}.bin"
        if not path.is_file():
            raise not_as_published(path, "no such file")
        if not path.stat().st_size or path.stat().st_size % RECORD.itemsize:
            raise not_as_published(path, f"{path.stat().st_size} bytes, not a number of records of {RECORD.itemsize}")
        labels = _map_records(path)["label"]
        if labels.max() >= len(classes):
            raise not_as_published(path, f"label {labels.max()}, and {len(classes)} classes have names")
        row = np.arange(len(labels))
        ids = [f"{name}_{i:05d}" for i in row]
        label_names = np.array(classes)[labels]
        parts.append(pd.DataFrame({"image_id": ids, "label": label_names, "split": split, "file": name, "row": row}))
    return pd.concat(parts, ignore_index=True)


def images(root: Path, table: pd.DataFrame, card: Card) -> ImageSource:
    """Return the images of the rows of `table`."""
    files = {name: root / FOLDER / f"{name}.bin" for name in SPLITS}
    return MappedImages(
        [(files[file], row) for file, row in zip(table["file"], table["row"], strict=True)], _map_pixels, card
    )


def _read_classes(path: Path) -> list[str]:
    if not path.is_file():
        raise not_as_published(path, "no such file")
    return path.read_text(encoding="ascii").split()


def _map_records(path: Path) -> NDArray[Any]:
    return np.memmap(path, RECORD, "r")


def _map_pixels(path: Path) -> NDArray[Any]:
    pixels: NDArray[Any] = _map_records(path)["pixels"]
    return pixels
