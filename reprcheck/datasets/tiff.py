"""TIFF and OME-TIFF by tifffile, which carries on where a file is cut short: here that is an error.

A stack is decoded once for all its frames where it is small enough to be held.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import get_ident
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reprcheck.datasets.axes import Stored, arrange
from reprcheck.datasets.recent import Recent


class TiffDamage(Exception):
    """What tifffile only logs: pages or data that lie beyond the end of the file."""


def read_tiff(path: Path, frame: int | None, channels: int, where: str, stacks: Recent[Stored]) -> Stored:
    """Return the first series of a TIFF, whole, or at least the frame asked for.

    Parameters
    ----------
    path : Path
    frame : int or None
    channels : int
        Channels expected.
    where : str
        Opens the message of an error.
    stacks : Recent
        Holds stacks up to its bound; of a larger one the frame alone is read, where the file allows.

    Raises
    ------
    TiffDamage, or whatever tifffile raises
        For a file that is truncated or damaged.
    UserError
        For a frame that a large stack doesn't have.
    """
    if frame is not None and (held := stacks.get(path)) is not None:
        return held
    import tifffile

    with _refusing_damage(), tifffile.TiffFile(path) as tif:
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


def tiff_header(path: Path) -> Stored:
    """Return the shape of the first series of a TIFF; raises as `read_tiff` does."""
    import tifffile

    with _refusing_damage(), tifffile.TiffFile(path) as tif:
        return Stored(tuple(tif.series[0].shape), tif.series[0].axes.endswith("S"))


class _Errors(logging.Handler):
    """Collects the errors that this thread logs; a tag that can't be read is none, pixels don't depend on it."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.thread, self.found = get_ident(), list[str]()

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a message."""
        message = record.getMessage()
        if record.thread == self.thread and not message.startswith("<TiffTag"):
            self.found.append(message)


@contextmanager
def _refusing_damage() -> Iterator[None]:
    """Raise TiffDamage for errors that tifffile logs and then ignores, so that no half-read image is scored."""
    logger, errors = logging.getLogger("tifffile"), _Errors()
    logger.addHandler(errors)
    try:
        yield
    finally:
        logger.removeHandler(errors)
    if errors.found:
        raise TiffDamage(errors.found[0])
