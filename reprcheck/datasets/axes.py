"""What the axes of a stored array are: frames, channels, rows and columns, told from its shape and the card.

Pure functions of shapes, so that a file's header is enough to find it wrong.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reprcheck.errors import UserError


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
            f"an array of shape {times(shape)} is no image of {channels} x height x width",
            "name the column of frame numbers as [columns] frame, or write one image per file",
        )
    found = 1 if len(shape) == 2 else shape[-1] if colour_last or shape[-1] <= 4 < shape[0] else shape[0]
    raise UserError(
        where,
        f"found {found} channel{'s' if found > 1 else ''}, expected {channels} (shape {times(shape)})",
        "put `channels` right on the card, or leave the image's row out of the task by `where`",
    )


def times(shape: tuple[int, ...]) -> str:
    """Return a shape for a sentence, such as "3 x 40 x 40"."""
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
