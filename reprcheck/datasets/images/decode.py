"""From an image file to numbers: read its array, scale its values to [0, 1].

PNG and JPEG are read by `png_jpeg`, TIFF by `tiff`, ``.npy`` by `npy`, OME-Zarr, which is a folder, by `zarr`. Each
function raises a UserError that opens with the file. The order of axes is for `axes`, the meaning of values for
`interpretation` and `label_images`, sizes for `fit`, and the files of each sample for `files`.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from reprcheck.datasets.card.reading import AS_STORED, ReadingOptions
from reprcheck.datasets.images.axes import StoredArray
from reprcheck.datasets.images.bounds import SMALLER
from reprcheck.datasets.images.npy import npy_header, read_npy
from reprcheck.datasets.images.png_jpeg import png_jpeg_header, read_png_jpeg
from reprcheck.datasets.images.recent import RecentCache
from reprcheck.datasets.images.remarks import remark
from reprcheck.datasets.images.tiff import read_tiff, tiff_header
from reprcheck.datasets.images.values import refuse_clipping, stored_range
from reprcheck.datasets.images.vendor_formats import CONVERSIONS
from reprcheck.errors import UserError, clipped

T = TypeVar("T")
PILLOW, TIFF, NUMPY = (".png", ".jpg", ".jpeg"), (".tif", ".tiff"), (".npy",)
FORMATS = (*PILLOW, *TIFF, *NUMPY)
_ROUNDING = 1e-6
"""By how much floats may lie outside [0, 1]; floats of fewer digits may by more."""


def check_format(path: Path, where: str) -> None:
    """Raise UserError for a file of no known format."""
    if path.suffix.lower() not in FORMATS:
        remedy = CONVERSIONS.get(path.suffix.lower(), "use PNG, JPEG, TIFF or .npy")
        raise UserError(where, f"unknown image format {path.suffix!r}", remedy)


def read(
    path: Path,
    frame: int | None,
    channels: int | None,
    where: str,
    stacks: RecentCache[StoredArray],
    reading: ReadingOptions = AS_STORED,
) -> StoredArray:
    """Return a file's array as stored, whole or at least the frame, with how to interpret it.

    Parameters
    ----------
    path : Path
    frame : int or None
        The frame to use; of a stack too large for ``stacks`` only this frame is read.
    channels : int or None
        Channels expected; None for a label image, whose palette is then left alone.
    where : str
        Opens the message of an error.
    stacks : RecentCache
        Holds stacks between calls.
    reading : ReadingOptions
        Which series and level.

    Raises
    ------
    UserError
        For a file that is missing, truncated, or of another format than its name.
    """

    def decode() -> StoredArray:
        if path.suffix.lower() in TIFF:
            return read_tiff(path, frame, channels, where, stacks, reading)
        if path.suffix.lower() in NUMPY:
            return read_npy(path, frame, channels, where, stacks, reading)
        return read_png_jpeg(path, channels, where)

    if channels is not None:
        _check_single(path, where, reading)
    return guarded(decode, where)


def _check_single(path: Path, where: str, reading: ReadingOptions) -> None:
    """Raise UserError if the card has a series or a level that no file of this format has."""
    for key, number in (("series", reading.series), ("level", reading.level)):
        if number and path.suffix.lower() not in TIFF:
            remedy = f"remove `{key}` from the card, or leave the image's row out"
            raise UserError(where, f"no {key} {number}: {path.suffix} files hold one image", remedy)


def header(path: Path, channels: int, where: str, reading: ReadingOptions = AS_STORED) -> StoredArray:
    """Return the shape of a file's array without decoding it; raises UserError if that fails.

    For a PNG or a JPEG it is only height and width.
    """

    def peek() -> StoredArray:
        if path.suffix.lower() in TIFF:
            return tiff_header(path, channels, where, reading)
        if path.suffix.lower() in NUMPY:
            return StoredArray(npy_header(path, where).shape, False)
        return png_jpeg_header(path, where)

    _check_single(path, where, reading)
    return guarded(peek, where)


def guarded(decode: Callable[[], T], where: str) -> T:
    """Return what ``decode`` returns; turn any exception of a library into a UserError about ``where``."""
    try:
        return decode()
    except FileNotFoundError:
        raise UserError(where, "no such file", "put the image back, or remove the row") from None
    except UserError:
        raise
    except MemoryError:
        raise UserError(where, "needs more memory than there is", SMALLER) from None
    except OSError as error:
        if error.errno is None:  # Pillow's, of what a file holds
            raise _damaged(error, where) from None
        raise UserError(where, f"can't be read ({error.strerror})", "check the file") from None
    except Exception as error:  # each library has kinds of its own for a file that is truncated or of another format
        raise _damaged(error, where) from None


def _damaged(why: Exception, where: str) -> UserError:
    reason = clipped(f"{type(why).__name__}: {why}".rstrip(": "), 300)
    what = f"can't be decoded, truncated or damaged ({reason})"
    return UserError(where, what, "write the file again, or remove the row")


def scale(
    values: NDArray[Any], value_range: tuple[float, float] | None, where: str, clip: bool = False
) -> NDArray[np.float32]:
    """Return stored values as float32 in [0, 1], clipped.

    Parameters
    ----------
    values : ndarray of any shape
    value_range : (float, float) or None
        The values that become 0 and 1. None: the range of an 8- or 16-bit unsigned dtype; floats must lie in [0, 1].
    where : str
    clip : bool
        Whether more than 1 % of a channel's values may lie outside ``value_range``.

    Raises
    ------
    UserError
        For values that aren't numbers, a dtype that needs a ``value_range``, or values outside it.
    """
    kind = values.dtype.kind
    if kind == "f" and not np.isfinite(values).all():
        raise UserError(
            where, "holds values that are not finite (NaN or infinity)", "replace them, then write it again"
        )
    if value_range is None and kind == "f":
        low, high = (float(values.min()), float(values.max())) if values.size else (0.0, 0.0)
        by = max(_ROUNDING, 4 * float(np.finfo(values.dtype).eps))
        if -by <= low < 0 or 1 < high <= 1 + by:
            remark("floats a rounding error outside [0, 1]: clipped")
        if low < -by or high > 1 + by:
            raise UserError(
                where,
                f"floats from {low:g} to {high:g}, outside [0, 1]",
                "say on the card what becomes 0 and 1: value_range = [low, high]",
            )
        return np.clip(values.astype(np.float32), 0, 1)
    if kind not in "buif":
        raise UserError(where, f"holds {values.dtype}, not numbers", "write integers or floats")
    if value_range is not None and not clip:
        refuse_clipping(values, value_range, where)
    bounds = value_range or stored_range(values.dtype)
    if bounds is None:
        raise UserError(
            where,
            f"holds {values.dtype}, whose range says nothing about its values",
            "say on the card what becomes 0 and 1: value_range = [low, high]",
        )
    if values.dtype.itemsize > 2:  # 32-bit values lose digits in float32, so the range is taken off first
        return np.clip((values.astype(np.float64) - bounds[0]) / (bounds[1] - bounds[0]), 0, 1).astype(np.float32)
    scaled: NDArray[np.float32] = values.astype(np.float32)
    scaled -= np.float32(bounds[0])
    scaled /= np.float32(bounds[1] - bounds[0])
    return np.clip(scaled, 0, 1, out=scaled)
