"""PanNuke: patches of 19 tissues in three folds, with a plane of numbered nuclei for each of five types.

Opening counts the nuclei, which takes one pass over the masks; images and masks are then read one at a time.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from reprcheck.datasets.card.card import Card
from reprcheck.datasets.images import decode
from reprcheck.datasets.public.arrays import ArrayImages, ArrayPosition, Range
from reprcheck.datasets.public.checks import read_array
from reprcheck.types import Image

FOLDS = (1, 2, 3)
TYPES = ("neoplastic", "inflammatory", "connective", "dead", "epithelial")
"""In order of the first planes of a mask; the last plane is background."""
SIZE = 256


def table(root: Path) -> pd.DataFrame:
    """Return one row per patch: fold, tissue, nuclei of each type and of all (``nuclei``, blank where none)."""
    return pd.concat([_read_fold(root, fold) for fold in FOLDS], ignore_index=True)


def images(root: Path, table: pd.DataFrame, card: Card) -> ArrayImages:
    """Return the patches and their nuclei, in order of the table."""
    rows = zip(table["fold"], table["row"], strict=True)
    places = (ArrayPosition((_get_images_path(root, int(f)), _get_masks_path(root, int(f))), int(r)) for f, r in rows)
    return ArrayImages(places, read_patch, card)


def read_patch(place: ArrayPosition, value_range: Range) -> Image:
    """Return one patch, with its nuclei of all types numbered through."""
    patches, masks = place.files
    values = np.moveaxis(read_array(patches, (None, SIZE, SIZE, 3))[place.index], -1, 0)
    planes = read_array(masks, (None, SIZE, SIZE, len(TYPES) + 1))[place.index]
    pixels = decode.scale(np.ascontiguousarray(values), value_range, f"{patches} patch {place.index}")
    return Image(pixels, label_image(planes))


def label_image(planes: NDArray[Any]) -> NDArray[np.int32]:
    """Return int32[Y, X]: nuclei numbered from 1 through all types, whatever their numbers within a type.

    Parameters
    ----------
    planes : ndarray[Y, X, 6]
        One patch of the masks.
    """
    labels = np.zeros(planes.shape[:2], np.int32)
    count = 0
    for kind in range(len(TYPES)):
        inside = planes[..., kind] > 0
        names, index = np.unique(planes[..., kind][inside], return_inverse=True)
        labels[inside] = index + count + 1
        count += len(names)
    return labels


def _get_images_path(root: Path, fold: int) -> Path:
    return root / f"Fold {fold}/images/fold{fold}/images.npy"


def _get_masks_path(root: Path, fold: int) -> Path:
    return root / f"Fold {fold}/masks/fold{fold}/masks.npy"


def _read_fold(root: Path, fold: int) -> pd.DataFrame:
    count = len(read_array(_get_images_path(root, fold), (None, SIZE, SIZE, 3)))
    masks = read_array(_get_masks_path(root, fold), (count, SIZE, SIZE, len(TYPES) + 1))
    tissues = read_array(_get_images_path(root, fold).with_name("types.npy"), (count,))
    counts = np.array([_count_nuclei(patch) for patch in masks]).reshape(count, len(TYPES))
    nuclei = counts.sum(axis=1)
    return pd.DataFrame(
        {
            "patch": [f"fold{fold}-{row:04}" for row in range(count)],
            "fold": fold,
            "row": np.arange(count),
            "tissue": tissues.astype(str),
            **dict(zip(TYPES, counts.T, strict=True)),
            "nuclei": pd.Series(nuclei).where(nuclei > 0),
        }
    )


def _count_nuclei(planes: NDArray[Any]) -> list[int]:
    """Return how many nuclei of each type a patch shows."""
    return [len(np.unique(plane[plane > 0])) for plane in np.moveaxis(planes, -1, 0)[: len(TYPES)]]
