"""Read ``.npy`` files. The header is checked first, so that huge shapes and Python objects are refused.

Files are never mapped into memory, since a file that shrinks while it is mapped ends the process; of a stack too large
to hold, one frame is read.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reprcheck.datasets.card.reading import AS_STORED, ReadingOptions
from reprcheck.datasets.images.axes import StoredArray, arrange
from reprcheck.datasets.images.bounds import refuse_huge
from reprcheck.datasets.images.recent import RecentCache
from reprcheck.errors import UserError, clipped


@dataclass(frozen=True)
class Header:
    """A file's header: shape, order of the axes, type, and the offset of the values."""

    shape: tuple[int, ...]
    fortran: bool
    dtype: np.dtype[Any]
    start: int


def npy_header(path: Path, where: str) -> Header:
    """Return the header of a file.

    Raises
    ------
    UserError
        For anything but numbers, which is never unpickled, or a file shorter than its header says.
    ValueError
        Where there is no header.
    """
    with path.open("rb") as file:
        version = np.lib.format.read_magic(file)
        if version == (1, 0):
            shape, fortran, dtype = np.lib.format.read_array_header_1_0(file)
        else:
            shape, fortran, dtype = np.lib.format.read_array_header_2_0(file)
        start, size = file.tell(), os.fstat(file.fileno()).st_size
    if dtype.hasobject:
        what = "holds Python objects, which are never unpickled"
        raise UserError(where, what, "save an array of integers or floats")
    if dtype.kind not in "buifc":  # complex numbers are reported later, with their use
        raise UserError(where, f"holds {clipped(str(dtype))}, not numbers", "write integers or floats")
    if min(shape, default=0) < 0 or prod(shape) * dtype.itemsize > size - start:
        shape_text = " x ".join(f"{length:,}" for length in shape)
        why = f"its header says {shape_text} values of {dtype}, and {size - start:,} bytes follow"
        what = f"can't be decoded, truncated or damaged ({why})"
        raise UserError(where, what, "write the file again, or remove the row")
    return Header(shape, fortran, dtype, start)


def read_npy(
    path: Path,
    frame: int | None,
    channels: int | None,
    where: str,
    stacks: RecentCache[StoredArray],
    reading: ReadingOptions = AS_STORED,
) -> StoredArray:
    """Return a file's array, whole or at least the frame asked for; parameters as of `decode.read`.

    Raises
    ------
    UserError
        As `npy_header`, or for more values than may be in memory at once.
    """
    if frame is not None and (stack := stacks.get((path,))) is not None:
        return stack
    header = npy_header(path, where)
    stored = StoredArray(header.shape, False)
    if frame is not None and prod(header.shape) * header.dtype.itemsize > stacks.limit and not header.fortran:
        letters = arrange(stored, channels or 1, frame if len(header.shape) > 2 else None, where, reading).letters
        if letters[0] == "T":
            each = header.shape[1:]
            refuse_huge(each, where, "a frame holds")
            part = _read_values(path, header, frame * prod(each), each)
            return replace(stored, array=np.broadcast_to(part[None], header.shape))
    refuse_huge(header.shape, where)
    whole = replace(stored, array=_read_values(path, header, 0, header.shape))
    return whole if frame is None else stacks.put((path,), whole)


def _read_values(path: Path, header: Header, first: int, shape: tuple[int, ...]) -> NDArray[Any]:
    """Return values in a shape, from the ``first`` on. Raises ValueError if the file has shrunk meanwhile."""
    offset = header.start + first * header.dtype.itemsize
    flat = np.fromfile(path, header.dtype, prod(shape), offset=offset)
    return flat.reshape(shape, order="F" if header.fortran else "C")
