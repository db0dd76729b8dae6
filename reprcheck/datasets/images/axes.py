"""What the axes of a stored array are: told by the file or the card, else from its shape, and which part is an image.

Pure functions of shapes, so that a file's header is enough to find it wrong.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reprcheck.datasets.card.reading import AS_STORED, AXES, Project, ReadingOptions
from reprcheck.datasets.images.interpretation import AS_CHANNEL, OPAQUE, Change, check_opaque, turn, upright_extent
from reprcheck.datasets.images.remarks import remark
from reprcheck.errors import UserError

Window = tuple[slice, slice]
"""Rows and columns of an image."""
UNNAMED = "INQ"
"""Axes of a file's own that say nothing: images, numbers, and whatever a program wrote without telling."""
Selection = tuple[slice, ...]
"""One slice for each axis of a stored array."""


@dataclass(frozen=True)
class StoredArray:
    """An array as a file holds it, or (``array`` None) what its header says of one.

    Attributes
    ----------
    shape : tuple of int
    colour_last : bool
        Whether the file itself says that its last axis is colour.
    array : ndarray or None
        Or whatever is indexed by slices as an ndarray is.
    axes : str
        A letter for each axis, as the file names them: T frames, Z slices, C or S channels, Y, X; "" where it doesn't.
    names : tuple of str
        Of the channels, as the file names them.
    value : callable or None
        Makes what a viewer shows of stored values, an array of the same shape; None: they are that.
    highest : float or None
        The highest value there is, where the dtype doesn't tell: 4095 of 12 bits in 16.
    alpha : {"", "transparency", "unspecified"}
        What the file says of its last colour channel: "" a colour.
    orientation : int
        See `reprcheck.datasets.images.interpretation.turn`.
    remarks : tuple of str
        What was interpreted, as in `reprcheck.types.Image`.
    """

    shape: tuple[int, ...]
    colour_last: bool
    array: NDArray[Any] | None = None
    axes: str = ""
    names: tuple[str, ...] = ()
    value: Change | None = None
    highest: float | None = None
    alpha: str = ""
    orientation: int = 1
    remarks: tuple[str, ...] = ()


def stored_bytes(stored: StoredArray) -> int:
    """Return the bytes that a stored array takes."""
    return 0 if stored.array is None else stored.array.nbytes


@dataclass(frozen=True)
class Axes:
    """What the axes of a stored array are, and where in it one image is.

    Attributes
    ----------
    letters : str
        A letter for each axis: T frames, Z slices to project, C channels, Y, X; "-" is of length 1 and says nothing.
    extent : (int, int)
        Height and width in pixels, upright.
    frame : int or None
    picks : tuple of int
        Where along C the channels wanted are, in order.
    alpha : int or None
        Where along C an alpha channel is that is not wanted.
    """

    letters: str
    extent: tuple[int, int]
    frame: int | None
    picks: tuple[int, ...]
    alpha: int | None = None

    def selections(self, window: Window | None = None) -> list[Selection]:
        """Return the parts of the array that an image, or a window of it, is made of, one per run of channels."""
        rows, columns = window or (slice(None), slice(None))
        frames = slice(None) if self.frame is None else slice(self.frame, self.frame + 1)
        fixed = {"T": frames, "Y": rows, "X": columns}
        return [
            tuple(run if letter == "C" else fixed.get(letter, slice(None)) for letter in self.letters)
            for run in _runs(self.picks)
        ]


def _runs(picks: tuple[int, ...]) -> list[slice]:
    runs: list[slice] = []
    for pick in picks:
        if runs and runs[-1].stop == pick:
            runs[-1] = slice(runs[-1].start, pick + 1)
        else:
            runs.append(slice(pick, pick + 1))
    return runs


def arrange(
    stored: StoredArray, channels: int, frame: int | None, where: str, reading: ReadingOptions = AS_STORED
) -> Axes:
    """Return what the axes of a stored array are.

    Parameters
    ----------
    stored : Stored
        Where neither file nor card name the axes: (Y,X), (C,Y,X) or (Y,X,C), after the frames where there are any; an
        axis of length 1 may be missing.
    channels : int
        Channels expected.
    frame : int or None
        Frame to be used; None: the file holds one image.
    where : str
    reading : Reading
        Where the file names its channels and all of ``reading.names`` are among them, they are picked by name; else by
        position, and there must be as many.

    Raises
    ------
    UserError
        For another number of channels or axes, channels in another order than their names, a frame the file doesn't
        have, or a stack of slices that nothing projects.
    """
    letters = _told(stored, channels, frame, reading, where)
    if letters is None:
        return _guessed(stored, channels, frame, where, reading)
    sizes = dict(zip(letters, stored.shape, strict=True))
    if frame is not None and sizes.get("T", 1) == 1 and "Z" in sizes and reading.project is None:
        letters = letters.replace("T", "-").replace("Z", "T")  # a stack of which the table picks planes
        sizes["T"] = sizes.pop("Z")
    frames, slices, found = (sizes.get(letter, 1) for letter in "TZC")
    shown = f"axes {letters}, {times(stored.shape)}"
    if frame is not None:
        _check_frame(frame, frames, where)
    elif frames > 1:
        remedy = "name the column of frame numbers as [columns] frame, or write one image per file"
        raise UserError(where, f"holds {frames} frames ({shown})", remedy)
    if slices > 1 and reading.project is None:
        remedy = 'say on the card how to project it: project = "max" (or "mean"); a mask has to be one plane'
        raise UserError(where, f"a stack of {slices} slices ({shown})", remedy)
    alpha = _alpha(stored, found, channels)
    picks = _picks(stored.names, found if alpha is None else alpha, channels, shown, where, reading)
    return Axes(letters, upright_extent(sizes["Y"], sizes["X"], stored.orientation), frame, picks, alpha)


def _alpha(stored: StoredArray, found: int, channels: int) -> int | None:
    """Return where along C an alpha channel is that isn't wanted: the card's channels don't count it."""
    if not stored.alpha or found == 1 or (stored.alpha == "unspecified" and found != channels + 1):
        return None
    if found == channels:
        remark(AS_CHANNEL)
        return None
    return found - 1


def count_colours(stored: StoredArray, frame: int | None) -> int:
    """Return how many channels the colours of a label image have, alpha aside; 1 where nothing speaks of colour."""
    if not stored.axes and len(stored.shape) == 3 and stored.shape[-1] in (3, 4) and frame is None:
        return stored.shape[-1] - (1 if stored.alpha else 0)
    if not stored.colour_last:
        return 1
    return stored.shape[-1] - (1 if stored.alpha else 0)


def _told(stored: StoredArray, channels: int, frame: int | None, reading: ReadingOptions, where: str) -> str | None:
    """Return the letters of the axes that the card or else the file names, or None where they don't say enough."""
    if reading.axes is not None:
        if stored.colour_last and len(reading.axes) == len(stored.shape) - 1 and "C" not in reading.axes:
            return f"{reading.axes}C"
        if len(reading.axes) != len(stored.shape):
            raise UserError(
                where,
                f"{len(stored.shape)} axes ({times(stored.shape)}), and the card's are {reading.axes}",
                "put `axes` right on the card, or remove it where files name their axes",
            )
        return reading.axes
    named = stored.axes.replace("S", "C")
    letters = "".join(
        "-" if size == 1 and (letter not in AXES or named.count(letter) > 1) else letter
        for letter, size in zip(named, stored.shape, strict=False)
    )
    first = letters.lstrip("-")[:1]
    if frame is not None and first not in AXES and "T" not in letters and ("C" in letters or channels == 1):
        letters = letters.replace(first, "T", 1)  # what the table picks from, whatever the file calls it
    known = letters.replace("-", "")
    if not named or len(letters) != len(stored.shape) or set(known) & set(UNNAMED):
        return None
    if not set("YX") <= set(known) <= set(AXES) or len(set(known)) < len(known):
        remedy = f'say on the card what they are, with letters of {AXES}, such as axes = "ZCYX"'
        raise UserError(where, f"has axes {stored.axes} ({times(stored.shape)}), which aren't all known", remedy)
    return letters


def _picks(
    names: tuple[str, ...], found: int, channels: int, shown: str, where: str, reading: ReadingOptions
) -> tuple[int, ...]:
    known = len(names) == found == len(set(names))
    if known and reading.names and set(reading.names) <= set(names):
        return tuple(names.index(name) for name in reading.names)
    if found != channels:
        called = f"; named {', '.join(names)}" if known else ""
        raise _wrong_channels(found, channels, shown + called, where)
    for place, name in enumerate(reading.names if known else ()):
        if name in names and names.index(name) != place:
            raise UserError(
                where,
                f"its channels are {', '.join(names)}, and the card's {', '.join(reading.names)}",
                "name the channels on the card as the file does, or in its order",
            )
    return tuple(range(channels))


def _guessed(stored: StoredArray, channels: int, frame: int | None, where: str, reading: ReadingOptions) -> Axes:
    shape, before = stored.shape, ""
    if stored.colour_last and (alpha := _alpha(stored, shape[-1], channels)) is not None:
        colours = (alpha,) if alpha > 1 else ()
        bare = _guessed(replace(stored, shape=(*shape[:-1], *colours), alpha=""), channels, frame, where, reading)
        return replace(bare, letters=bare.letters if colours else f"{bare.letters}C", alpha=alpha)
    if frame is None:
        while len(shape) > 3 and shape[0] == 1:
            shape, before = shape[1:], before + "-"
        plane = 2 if channels == 1 else 3
        if reading.project and len(shape) == plane + 1 and (plane == 3 or not stored.colour_last):
            remark(f"an axis of {shape[0]} that nothing names: read as slices")
            shape, before = shape[1:], before + "Z"
    else:
        single = len(shape) == (2 if channels == 1 else 3) and (channels == 1 or channels in (shape[0], shape[-1]))
        counted = not single and len(shape) > 2
        _check_frame(frame, shape[0] if counted else 1, where)
        if not single:
            shape, before = shape[1:], "T"
    letters = _plane_letters(shape, stored.colour_last, channels, where)
    size = dict(zip(letters, shape, strict=True))
    if letters == "CYX" and channels > 1:
        if reading.project and frame is None:
            what = f"an axis of {channels} that nothing names, and the card projects slices"
            raise UserError(
                where, what, 'say on the card whether it is channels, axes = "CYX", or slices, axes = "ZYX"'
            )
        remark(f"an axis of {channels} that nothing names: read as the channels")
    return Axes(
        before + letters, upright_extent(size["Y"], size["X"], stored.orientation), frame, tuple(range(channels))
    )


def _check_frame(frame: int, frames: int, where: str) -> None:
    if frame >= frames:
        raise UserError(
            where, f"no frame {frame}: the file holds {frames} (counted from 0)", "put the frame column right"
        )


def _plane_letters(shape: tuple[int, ...], colour_last: bool, channels: int, where: str) -> str:
    if len(shape) == 2 and channels == 1:
        return "YX"
    if len(shape) == 3 and shape[0] == channels and not colour_last:
        return "CYX"
    if len(shape) == 3 and shape[-1] == channels:
        return "YXC"
    if len(shape) not in (2, 3):
        raise UserError(
            where,
            f"an array of shape {times(shape)} is no image of {channels} x height x width",
            "name the column of frame numbers as [columns] frame, or write one image per file",
        )
    found = 1 if len(shape) == 2 else shape[-1] if colour_last or shape[-1] <= 4 < shape[0] else shape[0]
    raise _wrong_channels(found, channels, f"shape {times(shape)}", where)


def _wrong_channels(found: int, channels: int, shown: str, where: str) -> UserError:
    return UserError(
        where,
        f"found {found} channel{'s' if found > 1 else ''}, expected {channels} ({shown})",
        "put `channels` right on the card, or leave the image's row out of the task by `where`",
    )


def times(shape: tuple[int, ...]) -> str:
    """Return a shape for a sentence, such as "3 x 40 x 40"."""
    return " x ".join(map(str, shape))


def planes(
    stored: StoredArray, axes: Axes, project: Project | None = None, window: Window | None = None, where: str = ""
) -> NDArray[Any]:
    """Return the values of one image, or of a window of it, upright and as a viewer shows them, (C, Y, X).

    The mean of slices is rounded where files hold integers, so that the values keep the range of their dtype.

    Raises
    ------
    UserError
        For an alpha channel that isn't opaque, or values that no viewer could show.
    """
    array = stored.array
    assert array is not None  # a header has no values
    value = stored.value or (lambda values: values)
    for text in stored.remarks:
        remark(text)
    if axes.alpha is not None:
        for part in replace(axes, picks=(axes.alpha,)).selections(window):
            check_opaque(np.asarray(array[part]), stored.highest, where)
        remark(OPAQUE)
    parts = [_upright(value(np.asarray(array[part])), axes.letters) for part in axes.selections(window)]
    values: NDArray[Any] = parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1)
    return turn(_projected(values, project), stored.orientation)


def _projected(values: NDArray[Any], project: Project | None) -> NDArray[Any]:
    """Return (Z, C, Y, X) as (C, Y, X)."""
    if len(values) == 1:
        return np.asarray(values[0])
    if project == "max":
        return np.asarray(values.max(axis=0))
    mean = values.mean(axis=0)
    return np.asarray(mean if values.dtype.kind == "f" else np.rint(mean), dtype=values.dtype)


def _upright(array: NDArray[Any], letters: str) -> NDArray[Any]:
    """Return one frame as (Z, C, Y, X)."""
    sizes = dict(zip(letters, array.shape, strict=True))
    order = sorted(range(array.ndim), key=lambda axis: ("-" + AXES).index(letters[axis]))
    return array.transpose(order).reshape(sizes.get("Z", 1), sizes.get("C", 1), sizes["Y"], sizes["X"])
