"""Label images: masks, whose values number objects, and type images, whose values are types of cells.

Pictures of objects aren't labels. If their objects can be separated without doubt, they become labels, with a remark;
otherwise a UserError says what to write instead.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage as ndi

from reprcheck.datasets.images.remarks import remark
from reprcheck.errors import UserError

_MAX_LABEL = int(np.iinfo(np.int32).max)
_SMOOTH_LEVELS, _SMOOTH_PARTS = 8, 3
"""A mask with at least this many levels up to white, and more parts than this per level, is a picture with smooth
edges."""


def one_plane(values: NDArray[Any], where: str) -> NDArray[Any]:
    """Return the plane of a label image, (Y, X), of (C, Y, X): colours must be alike.

    Raises
    ------
    UserError
        For a picture in colour.
    """
    if len(values) == 1:
        return np.asarray(values[0])
    if (values == values[:1]).all():
        remark("stored as grey in colour: one of the equal channels is read")
        return np.asarray(values[0])
    remedy = "write an image of one channel in which each object is a number of its own, and 0 the background"
    raise UserError(where, f"a picture in {len(values)} colours, and labels are numbers", remedy)


def label_objects(values: NDArray[Any], where: str) -> NDArray[np.int32]:
    """Return a mask's labels.

    Parameters
    ----------
    values : ndarray (Y, X)
        Whole numbers, 0 for the background. If there is only one other value, it marks the foreground, not an object:
        its connected parts (by edges of pixels) are labelled from 1.
    where : str

    Returns
    -------
    int32[Y, X]

    Raises
    ------
    UserError
        For fractions, negative numbers, or grey levels from a viewer or an interpolation.

    Examples
    --------
    >>> label_objects(np.array([[255, 0, 255], [255, 0, 0]], np.uint8), "m.png").tolist()
    [[1, 0, 2], [1, 0, 0]]
    """
    values = _to_integers(values, "mask", "write a label image: 0 is background, each object a whole number", where)
    if values.size and (int(values.max()) > _MAX_LABEL or int(values.min()) < 0):
        raise UserError(where, f"labels outside 0 to {_MAX_LABEL}", "number the objects from 1")
    levels = np.unique(values)
    levels = levels[levels > 0]
    if len(levels) == 1:
        parts, count = ndi.label(values)
        if count == 1 and values[:: len(values) - 1 or 1, :: len(values[0]) - 1 or 1].all() and (values == 0).any():
            remark("one object, which holds all corners of the image: if that is the background, write it as 0")
        if count > 1:
            remark("one value for all objects: labelled by connected component, so that touching ones are one")
            return np.asarray(parts, np.int32)
    if values.dtype.kind == "u":
        _check_grey(values, levels, where)
    return np.asarray(values, np.int32)


def cell_types(values: NDArray[Any], where: str, most: int) -> NDArray[np.int32]:
    """Return stored values as types of cells, int32 of their shape; raises UserError unless they are 0 to ``most``."""
    remedy = "write whole numbers: 0 is none, each type its place in cell_types, from 1"
    values = _to_integers(values, "type image", remedy, where)
    low, high = (int(values.min()), int(values.max())) if values.size else (0, 0)
    if low < 0 or high > most:
        what = f"a type {low if low < 0 else high}, and cell_types names 1 to {most}"
        raise UserError(where, what, "name every type there, or write 0 where there is none")
    return np.asarray(values, np.int32)


def _to_integers(values: NDArray[Any], what: str, remedy: str, where: str) -> NDArray[Any]:
    """Return numbers as integers; raises UserError unless they are whole."""
    if values.dtype.kind in "bui":
        return values
    if values.dtype.kind != "f":
        raise UserError(where, f"a {what} of {values.dtype}", remedy)
    if not np.isfinite(values).all():
        raise UserError(where, f"a {what} with values that are not finite (NaN or infinity)", remedy)
    if (values != np.rint(values)).any():
        raise UserError(where, f"a {what} of {values.dtype} with fractions, such as a probability", remedy)
    remark("stored as floats, all of them whole numbers: read as these")
    return np.asarray(np.clip(values, -1, _MAX_LABEL + 1), np.int64)


def _check_grey(values: NDArray[Any], levels: NDArray[Any], where: str) -> None:
    """Raise UserError for the grey levels of a picture of labels.

    A viewer spreads n labels evenly up to white; smooth edges hold every level up to white in scattered parts.
    """
    white = int(levels[-1]) if len(levels) else 0
    if len(levels) < 2 or white not in (255, 65535):
        return
    if _are_even(levels.astype(np.float64), white):
        examples = f"{levels[0]}, {levels[1]}{', …' if len(levels) > 2 else ''}"
        what = f"{len(levels)} grey levels ({examples}), evenly spaced up to white: labels as a viewer shows them"
        raise UserError(where, what, "write the labels themselves, not stretched to the range of the file")
    if len(levels) < _SMOOTH_LEVELS:
        return
    parts = sum(ndi.label(values == level)[1] for level in levels)
    if parts > _SMOOTH_PARTS * len(levels):
        what = f"{len(levels)} grey levels up to white, in {parts} parts: smooth edges of a picture, not labels"
        raise UserError(where, what, "write it without smoothing or lossy compression, each object a number")


def _are_even(levels: NDArray[np.float64], white: int) -> bool:
    """Return whether levels are at least half of an even spacing between 0 and white, rounded in any way."""
    counts = range(len(levels), min(2 * len(levels) + 1, white // 4) + 1)
    return any(np.abs(levels - np.rint(levels * n / white) * white / n).max() < 1 for n in counts)
