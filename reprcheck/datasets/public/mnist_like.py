"""The layout that all of MedMNIST's sets share: for each split an array of images and one of labels, in a ``.npz``.

An ``.npz`` is a zip of ``.npy`` files; it is unpacked when it is fetched, into a folder named by the size of its images
in pixels, so that its arrays can be mapped and need not fit the memory. The largest size that is there is read.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from reprcheck.datasets.card.card import Card
from reprcheck.datasets.public.array_rows import MappedImages
from reprcheck.datasets.public.checks import not_as_published

SIZES = (224, 128, 64, 28)
SPLITS = ("train", "val", "test")


def table(root: Path, classes: Sequence[str]) -> pd.DataFrame:
    """Return one row per image: ``image_id``, ``label``, ``split``, ``row`` in the split; in order of the splits.

    Parameters
    ----------
    root : Path
    classes : sequence of str
        Names of the labels 0, 1, …

    Raises
    ------
    UserError
        For an array that is missing, or doesn't fit the others.
    """
    folder, size = _find_largest(root)
    parts = []
    for split in SPLITS:
        pictures, path = _map_array(folder / f"{split}_images.npy"), folder / f"{split}_labels.npy"
        labels = _map_array(path)
        if pictures.shape[1:3] != (size, size) or labels.shape != (len(pictures), 1):
            raise not_as_published(path, f"labels of shape {labels.shape} for images of shape {pictures.shape}")
        if len(labels) and labels.max() >= len(classes):
            raise not_as_published(path, f"label {labels.max()}, and there are {len(classes)} classes")
        row = np.arange(len(labels))
        ids = [f"{split}_{i:06d}" for i in row]
        label_names = np.array(classes)[labels[:, 0]]
        parts.append(pd.DataFrame({"image_id": ids, "label": label_names, "split": split, "row": row}))
    return pd.concat(parts, ignore_index=True)


def images(root: Path, table: pd.DataFrame, card: Card) -> MappedImages:
    """Return the images of the rows of `table`."""
    folder, _ = _find_largest(root)
    files = {split: folder / f"{split}_images.npy" for split in SPLITS}
    return MappedImages(
        [(files[split], row) for split, row in zip(table["split"], table["row"], strict=True)], _map_array, card
    )


def _find_largest(root: Path) -> tuple[Path, int]:
    for size in SIZES:
        if (root / str(size)).is_dir():
            return root / str(size), size
    raise not_as_published(root, "no folder named by a size of images (28, 64, 128 or 224)")


def _map_array(path: Path) -> NDArray[Any]:
    if not path.is_file():
        raise not_as_published(path, "no such file")
    try:
        array: NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, EOFError) as error:
        raise not_as_published(path, f"can't be read as an array ({error})") from None
    return array
