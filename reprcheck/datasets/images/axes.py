"""Find the axes of a stored array, from the file or the card, else from its shape; and the part that is one image.

Pure functions of shapes, so that a file's header is enough to find a mistake.
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
"""Letters without a meaning for us: images, numbers, and axes that the writing program left unnamed."""
Selection = tuple[slice, ...]
"""One slice for each axis of a stored array."""


@dataclass(frozen=True)
class StoredArray:
    """An array as a file holds it, or (``array`` None) only its description in the header.

    Attributes
    ----------
    shape : tuple of int
    colour_last : bool
        Whether the file itself says that its last axis is colour.
    array : ndarray or None
        Or any array that takes slices as an ndarray does.
    axes : str
        A letter for each axis, as the file names them: T frames, Z slices, C or S channels, Y, X; "" where it doesn't.
    names : tuple of str
        The file's names of the channels.
    value : callable or None
        Turns stored values into those that a viewer shows, in an array of the same shape; None: they are the same.
    highest : float or None
        The highest possible value, if it isn't the dtype's: 4095 for 12 bits stored in 16.
    alpha : {"", "transparency", "unspecified"}
        The file's description of its last colour channel: "" is a colour.
    orientation : int
        See `reprcheck.datasets.images.interpretation.turn`.
    remarks : tuple of str
        How values were interpreted, as in `reprcheck.types.Image`.
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
    """The axes of a stored array, and the part of it that is one image.

    Attributes
    ----------
    letters : str
        A letter for each axis: T frames, Z slices to project, C channels, Y, X; "-" for one of length 1 to ignore.
    extent : (int, int)
        Height and width in pixels, upright.
    frame : int or None
    picks : tuple of int
        Positions along C of the wanted channels, in order.
    alpha : int or None
        Position along C of an alpha channel that is not wanted.
    """

    letters: str
    extent: tuple[int, int]
    frame: int | None
    picks: tuple[int, ...]
    alpha: int | None = None

    def selections(self, window: Window | None = None) -> list[Selection]:
        """Return the parts of the array that make an image, or a window of it, one per run of neighbouring channels."""
        rows, columns = window or (slice(None), slice(None))
        frames = slice(None) if self.frame is None else slice(self.frame, self.frame + 1)
        fixed = {"T": frames, "Y": rows, "X": columns}
        return [
            tuple(run if letter == "C" else fixed.get(letter, slice(None)) for letter in self.letters)
            for run in _split_runs(self.picks)
        ]


def _split_runs(picks: tuple[int, ...]) -> list[slice]:
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
    """Return the axes of a stored array.

    Parameters
    ----------
    stored : StoredArray
        Where neither file nor card name the axes: (Y,X), (C,Y,X) or (Y,X,C), after the frames if there are any; an
        axis of length 1 may be missing.
    channels : int
        Channels expected.
    frame : int or None
        Frame to use; None: the file holds one image.
    where : str
    reading : ReadingOptions
        If the file names its channels and all of ``reading.names`` are among them, they are picked by name; else by
        position, and their numbers must agree.

    Raises
    ------
    UserError
        For a wrong number of channels or axes, channels in another order than their names, a frame that the file
        doesn't have, or a stack of slices without ``project``.
    """
    letters = _read_letters(stored, channels, frame, reading, where)
    if letters is None:
        return _guess_axes(stored, channels, frame, where, reading)
    sizes = dict(zip(letters, stored.shape, strict=True))
    if frame is not None and sizes.get("T", 1) == 1 and "Z" in sizes and reading.project is None:
        letters = letters.replace("T", "-").replace("Z", "T")  # the table picks planes of a stack
        sizes["T"] = sizes.pop("Z")
    frames, slices, n_channels = (sizes.get(letter, 1) for letter in "TZC")
    description = f"axes {letters}, {times(stored.shape)}"
    if frame is not None:
        _check_frame(frame, frames, where)
    elif frames > 1:
        remedy = "name the column of frame numbers as [columns] frame, or write one image per file"
        raise UserError(where, f"holds {frames} frames ({description})", remedy)
    if slices > 1 and reading.project is None:
        remedy = 'say on the card how to project it: project = "max" (or "mean"); a mask has to be one plane'
        raise UserError(where, f"a stack of {slices} slices ({description})", remedy)
    alpha = _find_alpha(stored, n_channels, channels)
    picks = _pick_channels(stored.names, n_channels if alpha is None else alpha, channels, description, where, reading)
    return Axes(letters, upright_extent(sizes["Y"], sizes["X"], stored.orientation), frame, picks, alpha)


def _find_alpha(stored: StoredArray, n_channels: int, channels: int) -> int | None:
    """Return the position along C of an alpha channel that the card's channels don't include."""
    if not stored.alpha or n_channels == 1 or (stored.alpha == "unspecified" and n_channels != channels + 1):
        return None
    if n_channels == channels:
        remark(AS_CHANNEL)
        return None
    return n_channels - 1


def count_colours(stored: StoredArray, frame: int | None) -> int:
    """Return how many colour channels a label image has, without alpha; 1 if it isn't in colour."""
    if not stored.axes and len(stored.shape) == 3 and stored.shape[-1] in (3, 4) and frame is None:
        return stored.shape[-1] - (1 if stored.alpha else 0)
    if not stored.colour_last:
        return 1
    return stored.shape[-1] - (1 if stored.alpha else 0)


def _read_letters(
    stored: StoredArray, channels: int, frame: int | None, reading: ReadingOptions, where: str
) -> str | None:
    """Return the letters of the axes from the card or else the file, or None if neither names them all."""
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
    file_letters = stored.axes.replace("S", "C")
    letters = "".join(
        "-" if size == 1 and (letter not in AXES or file_letters.count(letter) > 1) else letter
        for letter, size in zip(file_letters, stored.shape, strict=False)
    )
    first = letters.lstrip("-")[:1]
    if frame is not None and first not in AXES and "T" not in letters and ("C" in letters or channels == 1):
        letters = letters.replace(first, "T", 1)  # the table picks along it, whatever the file calls it
    letters_known = letters.replace("-", "")
    if not file_letters or len(letters) != len(stored.shape) or set(letters_known) & set(UNNAMED):
        return None
    if not set("YX") <= set(letters_known) <= set(AXES) or len(set(letters_known)) < len(letters_known):
        remedy = f'say on the card what they are, with letters of {AXES}, such as axes = "ZCYX"'
        raise UserError(where, f"has axes {stored.axes} ({times(stored.shape)}), which aren't all known", remedy)
    return letters


def _pick_channels(
    names: tuple[str, ...], n_channels: int, channels: int, description: str, where: str, reading: ReadingOptions
) -> tuple[int, ...]:
    named_apart = len(names) == n_channels == len(set(names))
    if named_apart and reading.names and set(reading.names) <= set(names):
        return tuple(names.index(name) for name in reading.names)
    if n_channels != channels:
        names_text = f"; named {', '.join(names)}" if named_apart else ""
        raise _explain_channels(n_channels, channels, description + names_text, where)
    for place, name in enumerate(reading.names if named_apart else ()):
        if name in names and names.index(name) != place:
            raise UserError(
                where,
                f"its channels are {', '.join(names)}, and the card's {', '.join(reading.names)}",
                "name the channels on the card as the file does, or in its order",
            )
    return tuple(range(channels))


def _guess_axes(stored: StoredArray, channels: int, frame: int | None, where: str, reading: ReadingOptions) -> Axes:
    shape, before = stored.shape, ""
    if stored.colour_last and (alpha := _find_alpha(stored, shape[-1], channels)) is not None:
        colours = (alpha,) if alpha > 1 else ()
        bare = _guess_axes(replace(stored, shape=(*shape[:-1], *colours), alpha=""), channels, frame, where, reading)
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
        has_frames = not single and len(shape) > 2
        _check_frame(frame, shape[0] if has_frames else 1, where)
        if not single:
            shape, before = shape[1:], "T"
    letters = _guess_plane_letters(shape, stored.colour_last, channels, where)
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


def _guess_plane_letters(shape: tuple[int, ...], colour_last: bool, channels: int, where: str) -> str:
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
    n_channels = 1 if len(shape) == 2 else shape[-1] if colour_last or shape[-1] <= 4 < shape[0] else shape[0]
    raise _explain_channels(n_channels, channels, f"shape {times(shape)}", where)


def _explain_channels(n_channels: int, channels: int, description: str, where: str) -> UserError:
    return UserError(
        where,
        f"found {n_channels} channel{'s' if n_channels > 1 else ''}, expected {channels} ({description})",
        "put `channels` right on the card, or leave the image's row out of the task by `where`",
    )


def times(shape: tuple[int, ...]) -> str:
    """Return a shape for a sentence, such as "3 x 40 x 40"."""
    return " x ".join(map(str, shape))


def planes(
    stored: StoredArray, axes: Axes, project: Project | None = None, window: Window | None = None, where: str = ""
) -> NDArray[Any]:
    """Return the values of one image, or of a window of it, upright and as a viewer shows them, (C, Y, X).

    The mean of slices of integers is rounded, so that the values keep the range of their dtype.

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
    parts = [_reorder(value(np.asarray(array[part])), axes.letters) for part in axes.selections(window)]
    values: NDArray[Any] = parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1)
    return turn(_project(values, project), stored.orientation)


def _project(values: NDArray[Any], project: Project | None) -> NDArray[Any]:
    """Return (Z, C, Y, X) as (C, Y, X)."""
    if len(values) == 1:
        return np.asarray(values[0])
    if project == "max":
        return np.asarray(values.max(axis=0))
    mean = values.mean(axis=0)
    return np.asarray(mean if values.dtype.kind == "f" else np.rint(mean), dtype=values.dtype)


def _reorder(array: NDArray[Any], letters: str) -> NDArray[Any]:
    """Return one frame as (Z, C, Y, X)."""
    sizes = dict(zip(letters, array.shape, strict=True))
    order = sorted(range(array.ndim), key=lambda axis: ("-" + AXES).index(letters[axis]))
    return array.transpose(order).reshape(sizes.get("Z", 1), sizes.get("C", 1), sizes["Y"], sizes["X"])
