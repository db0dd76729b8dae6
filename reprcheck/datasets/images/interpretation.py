"""Interpret stored values: from the numbers in a file to the picture that a viewer shows.

Pure functions of values and of their description in a file's header; the readers of formats know the tags. If it isn't
clear what a viewer shows, a UserError says what to write instead.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reprcheck.errors import UserError

Change = Callable[[NDArray[Any]], NDArray[Any]]
"""Returns other values of the same shape."""

INVERTED = "stored with 0 as white (PhotometricInterpretation MinIsWhite): inverted, as viewers show it"
COLOURED = "stored as numbers of a palette: read as the colours they stand for"
BRIGHTNESS = "stored as numbers of a palette of one hue: read as the brightness they stand for"
OPAQUE = "stored with an alpha channel, opaque throughout: dropped"
AS_CHANNEL = "the last channel is stored as transparency: read as the channel that the card names"

_ROUNDING = 1e-6
"""By how much an opaque alpha channel of floats may differ from 1."""
_ONE_HUE = 2
"""Of 255: by how much colours of a palette may differ from its one hue."""


def compose(first: Change | None, then: Change | None) -> Change | None:
    """Return a change that applies both, one after the other; None is no change."""
    if first is None or then is None:
        return first or then
    return lambda values: then(first(values))


def invert(dtype: np.dtype[Any], bits: int, where: str) -> Change:
    """Return the change of values stored with 0 as white to 0 as black; raises UserError if black isn't defined.

    Parameters
    ----------
    dtype : numpy.dtype
        Of the values; bool for one bit.
    bits : int
        Bits of a value in the file; the highest value is black.
    where : str
    """
    if dtype.kind not in "bu":
        what = f"{dtype} stored with 0 as white (MinIsWhite), and nothing tells which value is black"
        raise UserError(where, what, "write it with 0 as black (MinIsBlack)")
    if dtype.kind == "b":
        return np.logical_not
    highest = dtype.type(2**bits - 1)
    return lambda values: np.asarray(highest - values)


def invert_labels(dtype: np.dtype[Any], bits: int, where: str) -> Change:
    """Return the change of `invert` for label images; it raises UserError if stored zeros may be the background."""
    inverted = invert(dtype, bits, where)

    def change(values: NDArray[Any]) -> NDArray[Any]:
        if not values.all():
            what = "labels stored with 0 as white (MinIsWhite): viewers show the background that 0 stands for as white"
            raise UserError(where, what, "write them with 0 as black (MinIsBlack), 0 for the background")
        return inverted(values)

    return change


def calibrate(function: int, c0: float, c1: float, where: str) -> tuple[Change | None, str]:
    """Return the change of stored values to calibrated ones, as ImageJ makes it, and a remark; None for no change.

    Parameters
    ----------
    function : int
        Number of ImageJ's calibration function: 0 is a straight line, from 20 on there is none.
    c0, c1 : float
        Offset and slope of the line. ImageJ keeps images of signed integers so, with an offset of -32768.
    where : str

    Raises
    ------
    UserError
        For a function that isn't a straight line.
    """
    if function >= 20 or (c0, c1) == (0, 1):
        return None, ""
    if function:
        what = f"calibrated by a curve (ImageJ's calibration function {function})"
        raise UserError(where, what, "write the calibrated values, as 32-bit floats")
    remark = f"stored with a calibration (ImageJ): {c0:g} + {c1:g} times the stored value is read"
    if c1 == 1 and c0 == int(c0) and abs(c0) < 2**31:
        return lambda values: _add_offset(values, int(c0)), remark
    return lambda values: np.asarray(c0 + c1 * values.astype(np.float64)), remark


def _add_offset(values: NDArray[Any], offset: int) -> NDArray[Any]:
    """Add a whole offset: in 16 bits if it is that of ImageJ's signed numbers; floats stay floats."""
    if values.dtype.kind == "f":
        return np.asarray(values + values.dtype.type(offset))
    moved = values.astype(np.int64) + offset
    return moved.astype(np.int16 if values.dtype == np.uint16 and offset == -(2**15) else np.int64)


def spread(bits: int) -> Change | None:
    """Return the change of grey levels of 2 or 4 bits to 8 bits, as viewers and PNG decoders make it; else None.

    Examples
    --------
    >>> spread(4)(np.array([0, 1, 15], np.uint8)).tolist()
    [0, 17, 255]
    """
    if bits not in (2, 4):
        return None
    step = np.uint8(255 // (2**bits - 1))
    return lambda values: np.asarray(values * step)


def colours(numbers: NDArray[Any], palette: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the colours that numbers of a palette stand for, uint8[..., 3], their last axis the colour.

    Parameters
    ----------
    numbers : ndarray of whole numbers
    palette : uint8[n, 3]
    """
    return np.take(palette, numbers.astype(np.intp), axis=0)


def brightness(palette: NDArray[np.uint8], where: str) -> Change:
    """Return the change of numbers of a palette to the brightness of its colours, all of one hue or grey.

    So a fluorescence image that a program stored in its channel's colour becomes grey levels again.

    Parameters
    ----------
    palette : uint8[n, 3]
    where : str

    Raises
    ------
    UserError
        From the returned function, for colours of several hues.
    """
    values = palette.max(axis=1)

    def change(numbers: NDArray[Any]) -> NDArray[Any]:
        numbers = numbers.astype(np.intp)
        used = palette[np.unique(numbers)].astype(np.float64)
        hue = used[used.max(axis=1).argmax()] / max(used.max(), 1)
        if (np.abs(used - hue * used.max(axis=1, keepdims=True)) > _ONE_HUE).any():
            what = "found colours of several hues (a palette), expected 1 channel"
            raise UserError(where, what, "name three channels on the card, red, green and blue, or write it as grey")
        return np.asarray(np.take(values, numbers))

    return change


def check_opaque(alpha: NDArray[Any], highest: float | None, where: str) -> None:
    """Raise UserError for an alpha channel that isn't opaque throughout.

    Parameters
    ----------
    alpha : ndarray
        As stored.
    highest : float or None
        The value for opaque; None: the highest value of the dtype, 1 for floats.
    where : str
    """
    if highest is None:
        highest = 1 if alpha.dtype.kind in "bf" else np.iinfo(alpha.dtype).max
    if not (np.abs(alpha.astype(np.float64) - highest) <= _ROUNDING * highest).all():
        what = "transparent in places: what a viewer shows depends on what lies behind"
        raise UserError(where, what, "write it without transparency, on the background it is meant for")


def oriented(orientation: int) -> str:
    """Return the remark on an image that is stored in another orientation than viewers show."""
    return f"stored turned or mirrored (orientation {orientation}, EXIF or TIFF): read upright, as viewers show it"


def turn(values: NDArray[Any], orientation: int) -> NDArray[Any]:
    """Return values upright.

    Parameters
    ----------
    values : ndarray (..., Y, X)
    orientation : int
        1 to 8, as TIFF and EXIF count: where the first stored row and column lie in the picture.

    Examples
    --------
    >>> turn(np.array([[1, 2], [3, 4]]), 6).tolist()  # the first row is the right side
    [[3, 1], [4, 2]]
    """
    if orientation >= 5:
        values = values.swapaxes(-1, -2)
    if orientation in (2, 3, 6, 7):
        values = values[..., ::-1]
    if orientation in (3, 4, 7, 8):
        values = values[..., ::-1, :]
    return values


def upright_extent(height: int, width: int, orientation: int) -> tuple[int, int]:
    """Return the height and width of what `turn` returns."""
    return (width, height) if orientation >= 5 else (height, width)


def of_pyramid(level: int, levels: int) -> str:
    """Return the remark on an image that is stored in several resolutions."""
    return f"a pyramid of {levels} levels: level {level}{', full resolution,' if level == 0 else ''} is read"


def lossy_labels(where: str) -> UserError:
    """Return the error for labels in a JPEG."""
    return UserError(where, "labels in a JPEG, which changes values", "write them as PNG or TIFF, without loss")
