"""From an image file to numbers: read its array, scale its values to [0, 1], check its labels.

PNG and JPEG are read by Pillow (16-bit colour PNG by imagecodecs, since Pillow drops half its bits), TIFF by `tiff`,
``.npy`` by numpy; OME-Zarr, which is a folder, is for `zarr_store`. Each function raises a UserError that opens with
the file it was given. Which axis is which is for `axes`, sizes are for `fit`, and which file belongs to which sample is
for `files`.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from reprcheck.datasets.axes import Stored
from reprcheck.datasets.reading import AS_STORED, Reading
from reprcheck.datasets.recent import Recent
from reprcheck.datasets.tiff import read_tiff, tiff_header
from reprcheck.datasets.values import refuse_clipping, stored_range
from reprcheck.datasets.vendor_formats import CONVERSIONS
from reprcheck.errors import UserError

T = TypeVar("T")
PILLOW, TIFF, NUMPY = (".png", ".jpg", ".jpeg"), (".tif", ".tiff"), (".npy",)
FORMATS = (*PILLOW, *TIFF, *NUMPY)
_MAX_LABEL = int(np.iinfo(np.int32).max)


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
    stacks: Recent[Stored],
    reading: Reading = AS_STORED,
) -> Stored:
    """Return a file's array, whole or at least the frame asked for.

    Parameters
    ----------
    path : Path
    frame : int or None
        The frame that will be used; a stack too large for ``stacks`` is read for that frame alone.
    channels : int or None
        Channels expected; None for a label image, whose palette is then left alone.
    where : str
        Opens the message of an error.
    stacks : Recent
        Holds stacks between calls.
    reading : Reading
        Which series of a TIFF.

    Raises
    ------
    UserError
        For a file that is missing, truncated, or not what its name says.
    """

    def decode() -> Stored:
        if path.suffix.lower() in TIFF:
            return read_tiff(path, frame, channels, where, stacks, reading)
        if path.suffix.lower() in NUMPY:
            return _read_numpy(path, frame)
        array = _read_pillow(path, channels)
        return Stored(array.shape, array.ndim == 3, array)

    return guarded(decode, where)


def header(path: Path, where: str, reading: Reading = AS_STORED) -> Stored:
    """Return the shape of a file's array without decoding it; raises UserError where even that fails."""

    def peek() -> Stored:
        if path.suffix.lower() in TIFF:
            return tiff_header(path, where, reading)
        if path.suffix.lower() in NUMPY:
            return Stored(np.load(path, mmap_mode="r", allow_pickle=False).shape, False)
        from PIL import Image

        with Image.open(path) as image:
            return Stored((image.height, image.width), False)

    return guarded(peek, where)


def guarded(decode: Callable[[], T], where: str) -> T:
    """Return what ``decode`` returns; whatever a library raises in it becomes a UserError about ``where``."""
    try:
        return decode()
    except FileNotFoundError:
        raise UserError(where, "no such file", "put the image back, or remove the row") from None
    except (MemoryError, UserError):
        raise
    except Exception as error:  # each library has kinds of its own for a file that is truncated or of another format
        reason = f"{type(error).__name__}: {error}".rstrip(": ")
        raise UserError(
            where, f"can't be decoded, truncated or damaged ({reason})", "write the file again, or remove the row"
        ) from error


def _read_numpy(path: Path, frame: int | None) -> Stored:
    array = np.load(path, mmap_mode=None if frame is None else "r", allow_pickle=False)
    return Stored(array.shape, False, array)


def _read_pillow(path: Path, channels: int | None) -> NDArray[Any]:
    from PIL import Image

    with Image.open(path) as image:
        if _is_deep_colour_png(path):
            import imagecodecs

            image.load()
            return np.asarray(imagecodecs.png_decode(path.read_bytes()))
        image.load()
        if image.mode == "P" and channels is not None:
            return np.asarray(image.convert("L" if channels == 1 else "RGB"))
        if image.mode == "1":
            return np.asarray(image).astype(bool)
        array = np.asarray(image)
        if image.mode in ("I", "I;16B") and path.suffix.lower() == ".png":
            return array.astype(np.uint16)  # a 16-bit PNG, widened or byte-swapped by Pillow
        if image.mode in ("LA", "RGBA") and (array[..., -1] == 255).all():
            array = array[..., :-1]  # an opaque alpha channel says nothing
            return array[..., 0] if array.shape[-1] == 1 else array
        return array


def _is_deep_colour_png(path: Path) -> bool:
    """Tell whether a PNG has 16 bits a channel and more than one channel, from its IHDR chunk."""
    with path.open("rb") as file:
        start = file.read(26)
    return len(start) == 26 and start[12:16] == b"IHDR" and start[24] == 16 and start[25] in (2, 4, 6)


def scale(
    values: NDArray[Any], value_range: tuple[float, float] | None, where: str, clip: bool = False
) -> NDArray[np.float32]:
    """Return stored values as float32 in [0, 1], clipped.

    Parameters
    ----------
    values : ndarray of any shape
    value_range : (float, float) or None
        What becomes 0 and 1. None: the range of an 8- or 16-bit unsigned dtype; floats must lie in [0, 1].
    where : str
    clip : bool
        Whether more than 1 % of a channel's values may lie outside ``value_range``.

    Raises
    ------
    UserError
        For values that aren't numbers, a dtype whose range says nothing about what it holds, or values outside.
    """
    kind = values.dtype.kind
    if kind == "f" and not np.isfinite(values).all():
        raise UserError(
            where, "holds values that are not finite (NaN or infinity)", "replace them, then write it again"
        )
    if value_range is None and kind == "f":
        low, high = (float(values.min()), float(values.max())) if values.size else (0.0, 0.0)
        if low < 0 or high > 1:
            raise UserError(
                where,
                f"floats from {low:g} to {high:g}, outside [0, 1]",
                "say on the card what becomes 0 and 1: value_range = [low, high]",
            )
        return values.astype(np.float32)
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


def labels(values: NDArray[Any], where: str) -> NDArray[np.int32]:
    """Return stored values as labels, int32 of their shape; raises UserError where they aren't whole numbers from 0."""
    if values.dtype.kind not in "bui":
        raise UserError(
            where, f"a mask of {values.dtype}", "write a label image: 0 is background, each object a number"
        )
    if values.size and (int(values.max()) > _MAX_LABEL or int(values.min()) < 0):
        raise UserError(where, f"labels outside 0 to {_MAX_LABEL}", "number the objects from 1")
    mask: NDArray[np.int32] = values.astype(np.int32)
    return mask


def cell_types(values: NDArray[Any], where: str, most: int) -> NDArray[np.int32]:
    """Return stored values as types of cells, int32 of their shape; raises UserError unless they are 0 to ``most``."""
    if values.dtype.kind not in "bui":
        remedy = "write whole numbers: 0 is none, each type its place in cell_types, from 1"
        raise UserError(where, f"a type image of {values.dtype}", remedy)
    low, high = (int(values.min()), int(values.max())) if values.size else (0, 0)
    if low < 0 or high > most:
        what = f"a type {low if low < 0 else high}, and cell_types names 1 to {most}"
        raise UserError(where, what, "name every type there, or write 0 where there is none")
    types: NDArray[np.int32] = values.astype(np.int32)
    return types
