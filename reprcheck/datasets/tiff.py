"""TIFF and OME-TIFF by tifffile, which carries on where a file is cut short: here that is an error.

A stack is decoded once for all its frames where it is small enough to be held. A file is read by itself: where its
OME-XML spreads one image over several files, it holds its own pages, since only its own bytes are its identity.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from threading import get_ident
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reprcheck.datasets import interpretation
from reprcheck.datasets.axes import Stored, arrange
from reprcheck.datasets.interpretation import Change
from reprcheck.datasets.reading import AS_STORED, Reading
from reprcheck.datasets.recent import Recent
from reprcheck.errors import UserError

_MIN_IS_WHITE = 0


class TiffDamage(Exception):
    """What tifffile only logs: pages or data that lie beyond the end of the file."""


def read_tiff(
    path: Path,
    frame: int | None,
    channels: int | None,
    where: str,
    stacks: Recent[Stored],
    reading: Reading = AS_STORED,
) -> Stored:
    """Return a series of a TIFF, whole, or at least the frame asked for.

    Parameters
    ----------
    path : Path
    frame : int or None
    channels : int or None
        Channels expected; None for a label image.
    where : str
        Opens the message of an error.
    stacks : Recent
        Holds stacks up to its bound; of a larger one the frame alone is read, where the file allows.
    reading : Reading
        Which series; the first by default.

    Raises
    ------
    TiffDamage, or whatever tifffile raises
        For a file that is truncated or damaged.
    UserError
        For a series that the file doesn't have, or a frame that a large stack doesn't have.
    """
    key = (path, channels is None, reading.series)
    if frame is not None and (held := stacks.get(key)) is not None:
        return held
    with _opened(path) as tif:
        series = _series(tif, reading.series, where)
        stored = _header(tif, reading.series, channels is None, where)
        if frame is None or series.nbytes <= stacks.limit:
            stored = replace(stored, array=np.asarray(series.asarray()))
            return stored if frame is None else stacks.put(key, stored)
        letters = arrange(stored, channels or 1, frame if len(stored.shape) > 2 else None, where, reading).letters
        alone = _frame_alone(tif, series, frame) if letters[0] == "T" else np.asarray(series.asarray())
        return replace(stored, array=alone)


def tiff_header(path: Path, where: str, reading: Reading = AS_STORED) -> Stored:
    """Return the shape and axes of a series of a TIFF; raises as `read_tiff` does."""
    with _opened(path) as tif:
        _series(tif, reading.series, where)
        return _header(tif, reading.series, False, where)


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    import tifffile

    with _refusing_damage(), tifffile.TiffFile(path, _multifile=False) as tif:
        yield tif


def _series(tif: Any, number: int, where: str) -> Any:
    if number >= len(tif.series):
        remedy = "put `series` right on the card, or leave it out"
        raise UserError(where, f"no series {number}: the file holds {len(tif.series)} (counted from 0)", remedy)
    series = tif.series[number]
    if any(page is None for page in series.pages):
        raise TiffDamage("planes that its OME-XML names are not in the file")
    return series


def _header(tif: Any, number: int, labels: bool, where: str) -> Stored:
    series = tif.series[number]
    value, remarks = _interpreted(series, labels, where)
    return Stored(
        shape=tuple(series.shape),
        colour_last=series.axes.endswith("S"),
        axes=series.axes,
        names=_channel_names(tif.ome_metadata, number) if series.kind == "ome" else (),
        value=value,
        remarks=remarks,
    )


def _interpreted(series: Any, labels: bool, where: str) -> tuple[Change | None, tuple[str, ...]]:
    """Return what makes of stored values what a viewer shows, and the remarks on it."""
    page = series.keyframe
    if page.photometric == _MIN_IS_WHITE:
        invert = interpretation.invert_labels if labels else interpretation.invert
        return invert(series.dtype, page.bitspersample, where), (interpretation.INVERTED,)
    return None, ()


def _channel_names(xml: str, number: int) -> tuple[str, ...]:
    """Return what OME-XML calls the channels of an image; none where it leaves one out."""
    from xml.etree import ElementTree

    images = ElementTree.fromstring(xml).findall("{*}Image")
    channels = images[number].findall("{*}Pixels/{*}Channel") if number < len(images) else []
    names = tuple((channel.get("Name") or "").strip() for channel in channels)
    return names if all(names) else ()


def _frame_alone(tif: Any, series: Any, frame: int) -> NDArray[Any]:
    """Return an array in which ``frame`` may be used: mapped, or with that frame read alone, or else read whole."""
    if series.dataoffset is not None:
        dtype = series.dtype.newbyteorder(tif.byteorder)
        return np.asanyarray(tif.filehandle.memmap_array(dtype, series.shape, series.dataoffset))
    per_frame, rest = divmod(len(series.pages), series.shape[0])
    if rest:
        return np.asarray(series.asarray())
    part = tif.asarray(key=range(frame * per_frame, (frame + 1) * per_frame), series=series)
    return np.broadcast_to(part.reshape(1, *series.shape[1:]), series.shape)


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
