"""Read TIFF and OME-TIFF by tifffile. A truncated file, which tifffile reads in part, is an error here.

Previews, labels and the lower levels of pyramids are passed over. What tags say of the values is kept with them, so
that `axes.planes` returns what a viewer shows. A stack that is small enough to hold is decoded once for all its frames.
Each file is read alone: if OME-XML spreads an image over several files, a file has only its own pages, since its
identity is only its own bytes.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from math import prod
from pathlib import Path
from threading import get_ident
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reprcheck.datasets.card.reading import AS_STORED, ReadingOptions
from reprcheck.datasets.images import interpretation
from reprcheck.datasets.images.axes import StoredArray, arrange
from reprcheck.datasets.images.bounds import refuse_huge
from reprcheck.datasets.images.interpretation import Change
from reprcheck.datasets.images.recent import RecentCache
from reprcheck.errors import UserError

_WHITE_IS_0, _BLACK_IS_0, _RGB, _PALETTE, _YCBCR = 0, 1, 2, 3, 6
_JPEG, _OLD_JPEG, _APERIO_YCBCR = 7, 6, 33003
_REDUCED, _MASK = 1, 4
"""Bits of a page's subfile type."""
_PHOTOMETRIC, _ORIENTATION = 262, 274
"""Tags."""
MOST_PLANES = 10**6
"""Planes of an image in OME-XML: each is looked up before any is read."""


class TiffDamage(Exception):
    """Pages or data lie beyond the end of the file, which tifffile only logs."""


@dataclass(frozen=True)
class _Source:
    """The level of a series to read, the number of the series in the file, and remarks on the choice."""

    series: Any
    number: int
    remarks: tuple[str, ...]

    @property
    def page(self) -> Any:
        """The page whose tags apply to all pages."""
        return self.series.keyframe

    @property
    def bits(self) -> int:
        """Bits of a stored value; of a decoded one if channels differ in bits."""
        bits = self.page.bitspersample
        return bits if isinstance(bits, int) else 8 * self.series.dtype.itemsize


def read_tiff(
    path: Path,
    frame: int | None,
    channels: int | None,
    where: str,
    stacks: RecentCache[StoredArray],
    reading: ReadingOptions = AS_STORED,
) -> StoredArray:
    """Return an image of a TIFF, whole or at least the frame.

    Parameters
    ----------
    path : Path
    frame : int or None
    channels : int or None
        Channels expected; None for a label image.
    where : str
        Opens the message of an error.
    stacks : RecentCache
        Holds stacks up to its limit; of a larger one only the frame is read, if the file allows.
    reading : ReadingOptions
        Which series, by default the largest, and which of its levels, by default the full resolution.

    Raises
    ------
    TiffDamage, or whatever tifffile raises
        For a file that is truncated or damaged.
    UserError
        For a series, level or frame that the file doesn't have, or values of which no tag says what a viewer shows.
    """
    key = (path, channels, reading.series, reading.level)
    if frame is not None and (stack := stacks.get(key)) is not None:
        return stack
    with _open_tiff(path) as tif:
        source = _choose_source(tif, reading, channels is None, where)
        stored, series = _read_header(tif, source, channels, where), source.series
        whole = frame is None or series.nbytes <= stacks.limit or _is_coloured(source, channels)
        if whole:
            refuse_huge(stored.shape, where)
        refuse_huge(source.page.chunks, where, "is cut into strips or tiles of", "write it in smaller tiles")
        if frame is None or whole:
            _check_alike(source, series.pages, where)
            array = np.asarray(series.asarray())
            stored = replace(stored, array=_apply_palette(array, source) if _is_coloured(source, channels) else array)
            return stored if frame is None else stacks.put(key, stored)
        letters = arrange(stored, channels or 1, frame if len(stored.shape) > 2 else None, where, reading).letters
        refuse_huge(series.shape[1:] if letters[0] == "T" else series.shape, where)
        alone = _read_frame(tif, source, frame, where) if letters[0] == "T" else np.asarray(series.asarray())
        return replace(stored, array=alone)


def tiff_header(path: Path, channels: int | None, where: str, reading: ReadingOptions = AS_STORED) -> StoredArray:
    """Return the shape and axes of an image of a TIFF; raises as `read_tiff` does."""
    with _open_tiff(path) as tif:
        return _read_header(tif, _choose_source(tif, reading, channels is None, where), channels, where)


@contextmanager
def _open_tiff(path: Path) -> Iterator[Any]:
    import tifffile

    with _refusing_damage(), tifffile.TiffFile(path, _multifile=False) as tif:
        yield tif


def _choose_source(tif: Any, reading: ReadingOptions, labels: bool, where: str) -> _Source:
    """Choose the series and level of a file to read."""
    if tif.is_ome and (planes := _count_planes(tif.ome_metadata)) > MOST_PLANES:
        what = f"its OME-XML names {planes:,} planes, and {MOST_PLANES:,} are the most"
        raise UserError(where, what, "write the file again, or remove the row")
    every, remarks = tif.series, []
    number = _find_largest(every) if reading.series is None else reading.series
    if number >= len(every):
        remedy = "put `series` right on the card, or leave it out"
        raise UserError(where, f"no series {number}: the file holds {len(every)} (counted from 0)", remedy)
    if len(every) > 1:
        alike = len({_get_extent(series) for series in every}) == 1
        why = "the first" if alike else "the largest"
        remarks.append(
            f"holds {len(every)} series: number {number} is read, "
            + (f"{why}; `series` on the card names another" if reading.series is None else "as the card says")
        )
    levels = sorted(
        every[number].levels, key=lambda level: -_count_pixels(level)
    )  # a preview may come before its image
    level = reading.level if len(levels) > 1 or not labels else 0  # one plane of labels fits the level of its image
    if level >= len(levels):
        remedy = "put `level` right on the card"
        raise UserError(where, f"no level {level}: the image has {len(levels)} (counted from 0)", remedy)
    if len(levels) > 1:
        remarks.append(interpretation.of_pyramid(level, len(levels)))
    series = levels[level]
    if any(page is None for page in series.pages):
        raise TiffDamage("planes that its OME-XML names are not in the file")
    return _Source(series, number, tuple(remarks))


def _find_largest(every: Sequence[Any]) -> int:
    """Return the number of the largest series that isn't marked as reduced, or as a transparency mask."""
    whole = [i for i, series in enumerate(every) if not series.keyframe.subfiletype & (_REDUCED | _MASK)]
    return max(whole or range(len(every)), key=lambda i: (_count_pixels(every[i]), -i))


def _count_pixels(series: Any) -> int:
    """Return how many pixels an image of a series has, the largest of its levels."""
    return max(height * width for height, width in map(_get_extent, series.levels or [series]))


def _get_extent(series: Any) -> tuple[int, int]:
    sizes = dict(zip(series.axes, series.shape, strict=True))
    return sizes.get("Y", 1), sizes.get("X", 1)


def _read_header(tif: Any, source: _Source, channels: int | None, where: str) -> StoredArray:
    series, page = source.series, source.page
    shape, axes = tuple(series.shape), str(series.axes)
    if _is_coloured(source, channels):
        shape, axes = (*shape, 3), f"{axes}S"
    value, remarks = _interpret(tif, source, channels, where)
    orientation = page.tags.valueof(_ORIENTATION, default=1)
    if orientation not in range(2, 9):
        orientation = 1
    else:
        remarks.append(interpretation.oriented(orientation))
    return StoredArray(
        shape=shape,
        colour_last=axes.endswith("S"),
        axes=axes,
        names=_read_channel_names(tif.ome_metadata, source.number) if series.kind == "ome" else (),
        value=value,
        highest=2**source.bits - 1 if 8 < source.bits < 16 else None,
        alpha=_read_alpha(page),
        orientation=orientation,
        remarks=(*source.remarks, *remarks),
    )


def _read_alpha(page: Any) -> str:
    """Return the file's description of its last channel, as in `StoredArray`."""
    if not page.extrasamples or (page.photometric != _RGB and len(page.extrasamples) > 1):
        return ""
    if page.extrasamples[-1] in (1, 2):  # premultiplied or not: where it is opaque both are the same
        return "transparency"
    return "unspecified" if page.photometric == _RGB and len(page.extrasamples) == 1 else ""


def _interpret(tif: Any, source: _Source, channels: int | None, where: str) -> tuple[Change | None, list[str]]:
    """Return the change from stored values to those that a viewer shows, and remarks on it."""
    page, labels = source.page, channels is None
    bits, photometric = source.bits, page.photometric
    if _PHOTOMETRIC not in page.tags:
        photometric = _BLACK_IS_0  # as libtiff takes it
    _check_colours(page, photometric, labels, where)
    value: Change | None = None
    remarks = []
    if photometric == _WHITE_IS_0:
        invert = interpretation.invert_labels if labels else interpretation.invert
        value, remarks = invert(source.series.dtype, bits, where), [interpretation.INVERTED]
    elif photometric == _PALETTE and not labels:
        if channels == 1:
            value = interpretation.brightness(_read_palette(page), where)
        remarks = [interpretation.BRIGHTNESS if channels == 1 else interpretation.COLOURED]
    if photometric != _PALETTE and not labels:
        value = interpretation.compose(value, interpretation.spread(bits))
    metadata = None if source.series.kind == "ome" else tif.imagej_metadata
    if metadata and "c0" in metadata and "c1" in metadata:
        line, remark = interpretation.calibrate(
            int(metadata.get("cf", 0)), float(metadata["c0"]), float(metadata["c1"]), where
        )
        value, remarks = interpretation.compose(value, line), remarks + ([remark] if remark else [])
    return value, remarks


def _check_colours(page: Any, photometric: int, labels: bool, where: str) -> None:
    """Raise UserError for a coding of colours that isn't read."""
    import tifffile

    if labels and page.compression in (_JPEG, _OLD_JPEG):
        raise interpretation.lossy_labels(where)
    if photometric == _PALETTE and page.samplesperpixel > 1:
        what = "numbers of a palette with another channel, such as transparency, beside them"
        raise UserError(where, what, "write it again as RGB, or as grey with 0 as black")
    decoded = page.compression == _JPEG and page.planarconfig == 1 and not page.extrasamples  # to RGB, by tifffile
    readable = (_WHITE_IS_0, _BLACK_IS_0, _RGB, _PALETTE, *((_YCBCR,) if decoded else ()))
    if photometric in readable and page.compression != _APERIO_YCBCR:
        return
    try:
        name = tifffile.PHOTOMETRIC(_YCBCR if photometric in readable else photometric).name
    except ValueError:
        name = str(photometric)
    what = f"holds colours as {name} (PhotometricInterpretation), which aren't read"
    raise UserError(where, what, "write it again as RGB, or as grey with 0 as black")


def _is_coloured(source: _Source, channels: int | None) -> bool:
    """Return whether numbers of a palette become three channels."""
    return source.page.photometric == _PALETTE and channels not in (None, 1)


def _read_palette(page: Any) -> NDArray[np.uint8]:
    """Return the colours of a page's palette, uint8[n, 3]: the upper 8 of their 16 bits, if these are used."""
    colours = np.asarray(page.colormap).T
    return (colours >> (8 if colours.max(initial=0) > 255 else 0)).astype(np.uint8)


def _apply_palette(array: NDArray[Any], source: _Source) -> NDArray[Any]:
    return interpretation.colours(array, _read_palette(source.page))


def _check_alike(source: _Source, pages: Sequence[Any], where: str) -> None:
    """Raise UserError if the pages of a series differ in the meaning of their values."""

    def tags(page: Any) -> tuple[Any, ...]:
        whole = page if page is source.page or page.is_virtual else page.aspage()
        colours = whole.colormap if whole.photometric == _PALETTE else None
        return whole.photometric, whole.tags.valueof(_ORIENTATION), None if colours is None else colours.tobytes()

    first = tags(source.page)
    for number, page in enumerate(pages):
        if page is not source.page and tags(page) != first:
            what = f"its page {number} is of another PhotometricInterpretation, palette or orientation than its first"
            raise UserError(where, what, "write all pages alike, or each to a file of its own")


def _count_planes(xml: str) -> int:
    """Return the number of planes of the largest image in OME-XML, over all its files."""
    from xml.etree import ElementTree

    images = ElementTree.fromstring(xml).iterfind("{*}Image/{*}Pixels")
    return max((prod(int(pixels.get(f"Size{axis}", 1)) for axis in "ZCT") for pixels in images), default=0)


def _read_channel_names(xml: str, number: int) -> tuple[str, ...]:
    """Return the names of an image's channels in OME-XML; none if one has no name."""
    from xml.etree import ElementTree

    images = ElementTree.fromstring(xml).findall("{*}Image")
    channels = images[number].findall("{*}Pixels/{*}Channel") if number < len(images) else []
    names = tuple((channel.get("Name") or "").strip() for channel in channels)
    return names if all(names) else ()


def _read_frame(tif: Any, source: _Source, frame: int, where: str) -> NDArray[Any]:
    """Return an array in which ``frame`` is valid: only that frame is read if possible, else all.

    Never mapped: a file that shrinks while it is mapped ends the process.
    """
    series = source.series
    if series.dataoffset is not None:
        dtype, each = series.dtype.newbyteorder(tif.byteorder), prod(series.shape[1:])
        part = tif.filehandle.read_array(dtype, each, series.dataoffset + frame * each * dtype.itemsize)
        return np.broadcast_to(part.reshape(1, *series.shape[1:]), series.shape)
    per_frame, rest = divmod(len(series.pages), series.shape[0])
    if rest:
        return np.asarray(series.asarray())
    pages = range(frame * per_frame, (frame + 1) * per_frame)
    _check_alike(source, [series.pages[number] for number in pages], where)
    part = tif.asarray(key=pages, series=series)
    return np.broadcast_to(part.reshape(1, *series.shape[1:]), series.shape)


class _Errors(logging.Handler):
    """Collects the errors that this thread logs, except those of tags, on which pixels don't depend."""

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
    """Raise TiffDamage for errors that tifffile logs and then ignores, so that no incomplete image is scored."""
    logger, errors = logging.getLogger("tifffile"), _Errors()
    logger.addHandler(errors)
    try:
        yield
    finally:
        logger.removeHandler(errors)
    if errors.found:
        raise TiffDamage(errors.found[0])
