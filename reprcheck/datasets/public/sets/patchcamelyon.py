"""PatchCamelyon: patches, labels and slides of three splits, in HDF5 and CSV files of their own.

A patch is read alone. h5py is an optional dependency, imported where a file is opened.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from reprcheck.datasets.card.card import Card
from reprcheck.datasets.images import decode
from reprcheck.datasets.public.arrays import ArrayImages, ArrayPosition, Range
from reprcheck.datasets.public.checks import check_shape, need, not_as_published, read_columns
from reprcheck.types import Image

SPLITS = ("train", "valid", "test")
PATCH = (96, 96, 3)
LABELS = np.array(["no_tumour", "tumour"])
AGREEMENT = 0.9
"""Share of patches whose label must agree with the slide table: in two unrelated tables half of them would."""

_TRAINING_SLIDE = re.compile(r"camelyon16_train_(normal|tumor)_(\d+)")
_RADBOUD_UP_TO = {"normal": 100, "tumor": 70}


def table(root: Path) -> pd.DataFrame:
    """Return one row per patch, of each split that is here; none needs another."""
    here = [split for split in SPLITS if any(_get_path(root, split, part).exists() for part in ("x.h5", "y.h5"))]
    if not here:
        raise not_as_published(root, f"no {_get_path(root, 'test', 'x.h5').name}, nor that of another split")
    return pd.concat([_read_split(root, split) for split in here], ignore_index=True)


def images(root: Path, table: pd.DataFrame, card: Card) -> ArrayImages:
    """Return the patches, in order of the table."""
    rows = zip(table["split"], table["row"], strict=True)
    return ArrayImages((ArrayPosition((_get_path(root, s, "x.h5"),), int(r)) for s, r in rows), read_patch, card)


def read_patch(place: ArrayPosition, value_range: Range) -> Image:
    """Return one patch; its file is opened for it alone."""
    path = place.files[0]
    with _open_dataset(path, "x") as patches:
        check_shape(path, patches.shape, (None, *PATCH))
        values = np.ascontiguousarray(np.moveaxis(patches[place.index], -1, 0))
    return Image(decode.scale(values, value_range, f"{path} patch {place.index}"))


def _get_path(root: Path, split: str, part: str) -> Path:
    return root / f"camelyonpatch_level_2_split_{split}_{part}"


def _read_split(root: Path, split: str) -> pd.DataFrame:
    x, y, meta = (_get_path(root, split, part) for part in ("x.h5", "y.h5", "meta.csv"))
    with _open_dataset(x, "x") as patches:
        check_shape(x, patches.shape, (None, *PATCH))
        count = len(patches)
    with _open_dataset(y, "y") as stored:
        check_shape(y, stored.shape, (count, 1, 1, 1))
        tumour = stored[:].ravel() == 1
    slides = read_columns(meta, ("wsi", "center_tumor_patch"))
    if len(slides) != count:
        raise not_as_published(meta, f"{len(slides)} rows for the {count} patches of {x.name}")
    agree = float(np.mean((slides["center_tumor_patch"].str.lower() == "true").to_numpy() == tumour))
    if agree < AGREEMENT:
        what = f"its center_tumor_patch is the label in {y.name} for {agree:.0%} of the patches only"
        raise not_as_published(meta, f"{what}, so it isn't the table of this split")
    return pd.DataFrame(
        {
            "patch": [f"{split}-{row:06}" for row in range(count)],
            "split": split,
            "row": np.arange(count),
            "label": LABELS[tumour.astype(int)],
            "slide": slides["wsi"],
            "centre": [_find_centre(str(slide)) for slide in slides["wsi"]],
        }
    )


def _find_centre(slide: str) -> str:
    """Return the hospital of a training slide of Camelyon16, by its number; that of test slides is unknown."""
    if not (match := _TRAINING_SLIDE.fullmatch(slide)):
        return "not told"
    return "Radboud" if int(match[2]) <= _RADBOUD_UP_TO[match[1]] else "Utrecht"


@contextmanager
def _open_dataset(path: Path, key: str) -> Iterator[Any]:
    """Yield a dataset of an HDF5 file."""
    import h5py

    try:
        file = h5py.File(need(path), "r")
    except OSError as error:
        raise not_as_published(path, f"can't be read, truncated or damaged ({error})") from None
    with file:
        if key not in file:
            raise not_as_published(path, f"no dataset {key!r}, which the published file has")
        yield file[key]
