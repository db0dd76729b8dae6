"""From the bytes of an image file to channels x height x width.

One function per step: read the array, arrange its axes, scale its values to [0, 1], fit it to the dataset's size.
PNG and JPEG are read by Pillow (16-bit colour PNG by imagecodecs, since Pillow drops half its bits), TIFF by
tifffile, ``.npy`` by numpy. Each step raises a UserError that opens with the file it was given. Which file belongs to
which sample is for `files`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reprcheck.datasets.card import Fit
from reprcheck.datasets.recent import Recent
from reprcheck.errors import UserError

PILLOW, TIFF, NUMPY = (".png", ".jpg", ".jpeg"), (".tif", ".tiff"), (".npy",)
FORMATS = (*PILLOW, *TIFF, *NUMPY)
_STORED_RANGE = {"bool": (0.0, 1.0), "uint8": (0.0, 255.0), "uint16": (0.0, 65535.0)}
_MAX_LABEL = int(np.iinfo(np.int32).max)


@dataclass(frozen=True)
class Stored:
    """An array as a file holds it, or (``array`` None) what its header says of one.

    Attributes
    ----------
    shape : tuple of int
    colour_last : bool
        Whether the file itself says that its last axis is colour.
    array : ndarray or None
    """

    shape: tuple[int, ...]
    colour_last: bool
    array: NDArray[Any] | None = None


def stored_bytes(stored: Stored) -> int:
    """Return the bytes that a stored array takes."""
    return 0 if stored.array is None else stored.array.nbytes


@dataclass(frozen=True)
class Axes:
    """What the axes of a stored array are: whether the first counts frames, and where the channels are, if anywhere."""

    frames: bool
    channel: int | None
    height: int
    width: int


def check_format(path: Path, where: str) -> None:
    """Raise UserError for a file of no known format."""
    if path.suffix.lower() not in FORMATS:
        raise UserError(where, f"unknown image format {path.suffix!r}", "use PNG, JPEG, TIFF or .npy")


def read(path: Path, frame: int | None, channels: int | None, where: str, stacks: Recent[Stored]) -> Stored:
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

    Raises
    ------
    UserError
        For a file that is missing, truncated, or not what its name says.
    """

    def decode() -> Stored:
        if path.suffix.lower() in TIFF:
            return _read_tiff(path, frame, channels or 1, where, stacks)
        if path.suffix.lower() in NUMPY:
            return _read_numpy(path, frame)
        array = _read_pillow(path, channels)
        return Stored(array.shape, array.ndim == 3, array)

    return _guarded(decode, where)


def header(path: Path, where: str) -> Stored:
    """Return the shape of a file's array without decoding it; raises UserError where even that fails."""

    def peek() -> Stored:
        if path.suffix.lower() in TIFF:
            import tifffile

            with tifffile.TiffFile(path) as tif:
                return Stored(tuple(tif.series[0].shape), tif.series[0].axes.endswith("S"))
        if path.suffix.lower() in NUMPY:
            return Stored(np.load(path, mmap_mode="r", allow_pickle=False).shape, False)
        from PIL import Image

        with Image.open(path) as image:
            return Stored((image.height, image.width), False)

    return _guarded(peek, where)


def _guarded(decode: Callable[[], Stored], where: str) -> Stored:
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


def _read_tiff(path: Path, frame: int | None, channels: int, where: str, stacks: Recent[Stored]) -> Stored:
    if frame is not None and (held := stacks.get(path)) is not None:
        return held
    import tifffile

    with tifffile.TiffFile(path) as tif:
        series = tif.series[0]
        shape, colour_last = tuple(series.shape), series.axes.endswith("S")
        if frame is None or series.nbytes <= stacks.limit:
            stored = Stored(shape, colour_last, np.asarray(tif.asarray(series=0)))
            return stored if frame is None else stacks.put(path, stored)
        axes = arrange(Stored(shape, colour_last), channels, frame if len(shape) > 2 else None, where)
        array = _frame_alone(tif, path, frame) if axes.frames else np.asarray(tif.asarray(series=0))
        return Stored(shape, colour_last, array)


def _frame_alone(tif: Any, path: Path, frame: int) -> NDArray[Any]:
    """Return an array in which ``frame`` may be used: mapped, or with that frame read alone, or else read whole."""
    import tifffile

    series = tif.series[0]
    if series.dataoffset is not None:
        return np.asanyarray(tifffile.memmap(path, series=0, mode="r"))
    per_frame, rest = divmod(len(series.pages), series.shape[0])
    if rest:
        return np.asarray(tif.asarray(series=0))
    part = tif.asarray(key=range(frame * per_frame, (frame + 1) * per_frame), series=0)
    return np.broadcast_to(part.reshape(1, *series.shape[1:]), series.shape)


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


def arrange(stored: Stored, channels: int, frame: int | None, where: str) -> Axes:
    """Return what the axes of a stored array are.

    Parameters
    ----------
    stored : Stored
        (Y,X), (C,Y,X) or (Y,X,C), after the frames where there are any; an axis of length 1 may be missing.
    channels : int
        Channels expected.
    frame : int or None
        Frame to be used; None: the file holds one image.
    where : str

    Raises
    ------
    UserError
        For another number of channels or axes, or a frame the file doesn't have.
    """
    shape = stored.shape
    if frame is None:
        while len(shape) > 3 and shape[0] == 1:
            shape = shape[1:]
        return _plane_axes(shape, stored.colour_last, channels, False, where)
    single = len(shape) == (2 if channels == 1 else 3) and (channels == 1 or channels in (shape[0], shape[-1]))
    frames = 1 if single or len(shape) < 3 else shape[0]
    if frame >= frames:
        raise UserError(
            where,
            f"no frame {frame}: the file holds {frames} (counted from 0)",
            "put the frame column right",
        )
    return _plane_axes(shape if frames == 1 and single else shape[1:], stored.colour_last, channels, not single, where)


def _plane_axes(shape: tuple[int, ...], colour_last: bool, channels: int, frames: bool, where: str) -> Axes:
    if len(shape) == 2 and channels == 1:
        return Axes(frames, None, shape[0], shape[1])
    if len(shape) == 3 and shape[0] == channels and not colour_last:
        return Axes(frames, 0, shape[1], shape[2])
    if len(shape) == 3 and shape[-1] == channels:
        return Axes(frames, 2, shape[0], shape[1])
    if len(shape) not in (2, 3):
        raise UserError(
            where,
            f"an array of shape {_times(shape)} is no image of {channels} x height x width",
            "name the column of frame numbers as [columns] frame, or write one image per file",
        )
    found = 1 if len(shape) == 2 else shape[-1] if colour_last or shape[-1] <= 4 < shape[0] else shape[0]
    raise UserError(
        where,
        f"found {found} channel{'s' if found > 1 else ''}, expected {channels} (shape {_times(shape)})",
        "put `channels` right on the card, or leave the image's row out of the task by `where`",
    )


def _times(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape))


def planes(stored: Stored, channels: int, frame: int | None, where: str) -> NDArray[Any]:
    """Return the stored values of one image as (C, Y, X)."""
    axes = arrange(stored, channels, frame, where)
    array = stored.array
    assert array is not None  # `arrange` refuses a frame that isn't there
    if axes.frames:
        array = array[frame]
    array = array.reshape(array.shape[-3:] if axes.channel is not None else array.shape[-2:])
    if axes.channel is None:
        return np.asarray(array)[None]
    return np.asarray(array if axes.channel == 0 else np.moveaxis(array, -1, 0))


def scale(values: NDArray[Any], value_range: tuple[float, float] | None, where: str) -> NDArray[np.float32]:
    """Return stored values as float32 in [0, 1], clipped.

    Parameters
    ----------
    values : ndarray of any shape
    value_range : (float, float) or None
        What becomes 0 and 1. None: the range of an 8- or 16-bit unsigned dtype; floats must lie in [0, 1].
    where : str

    Raises
    ------
    UserError
        For values that aren't numbers, or a dtype whose range says nothing about what it holds.
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
    bounds = value_range or _STORED_RANGE.get(values.dtype.name)
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


def labels(stored: Stored, frame: int | None, where: str) -> NDArray[np.int32]:
    """Return a label image as int32[Y, X]; raises UserError for one that isn't a plane of whole numbers from 0."""
    values = planes(stored, 1, frame if len(stored.shape) > 2 else None, where)[0]
    if values.dtype.kind not in "bui":
        raise UserError(
            where, f"a mask of {values.dtype}", "write a label image: 0 is background, each object a number"
        )
    if values.size and (int(values.max()) > _MAX_LABEL or int(values.min()) < 0):
        raise UserError(where, f"labels outside 0 to {_MAX_LABEL}", "number the objects from 1")
    mask: NDArray[np.int32] = values.astype(np.int32)
    return mask


def fit_image(pixels: NDArray[np.float32], fit: Fit, size: tuple[int, int] | None, where: str) -> NDArray[np.float32]:
    """Return float32[C, H, W] fitted to ``size``.

    Parameters
    ----------
    pixels : float32[C, Y, X]
    fit : {"none", "pad", "resize", "crop"}
        "pad": centred, zeros around, what is larger cut off evenly. "resize": linear, anti-aliased. "crop": centred.
    size : (int, int) or None
        Height and width in pixels; None with "none".
    where : str

    Raises
    ------
    UserError
        For an image smaller than a crop.
    """
    if size is None or fit == "none" or pixels.shape[1:] == size:
        return pixels
    if fit == "resize":
        from skimage.transform import resize

        fitted: NDArray[np.float32] = resize(  # type: ignore[no-untyped-call]
            np.moveaxis(pixels, 0, -1), size, order=1, anti_aliasing=True
        )
        return np.ascontiguousarray(np.moveaxis(np.clip(fitted, 0, 1), -1, 0), dtype=np.float32)
    if fit == "crop" and (pixels.shape[1] < size[0] or pixels.shape[2] < size[1]):
        raise UserError(
            where, f"{_times(pixels.shape[1:])} pixels, smaller than the crop of {_times(size)}", 'use fit = "pad"'
        )
    return _centred(pixels, size)


def fit_mask(mask: NDArray[np.int32], fit: Fit, size: tuple[int, int] | None) -> NDArray[np.int32]:
    """Return int32[H, W]: a mask fitted as `fit_image` fits its image, "resize" by nearest neighbour."""
    if size is None or fit == "none" or mask.shape == size:
        return mask
    if fit == "resize":
        rows, columns = (
            ((np.arange(new) + 0.5) * old / new).astype(int) for old, new in zip(mask.shape, size, strict=True)
        )
        return mask[np.ix_(rows, columns)]
    return _centred(mask, size)


def _centred(array: NDArray[Any], size: tuple[int, int]) -> NDArray[Any]:
    """Return an array cut or padded with zeros around its centre, along the last two axes."""
    fitted = np.zeros((*array.shape[:-2], *size), dtype=array.dtype)
    source, target = [], []
    for old, new in zip(array.shape[-2:], size, strict=True):
        common = min(old, new)
        source.append(slice((old - common) // 2, (old - common) // 2 + common))
        target.append(slice((new - common) // 2, (new - common) // 2 + common))
    fitted[..., target[0], target[1]] = array[..., source[0], source[1]]
    return fitted
