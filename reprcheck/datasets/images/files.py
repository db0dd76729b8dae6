"""Images in files, as an `ImageSource`: which files and frame make a sample, and what its image is made of."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from reprcheck.code import code_digest
from reprcheck.datasets.card.reading import AS_STORED, ReadingOptions
from reprcheck.datasets.images import axes, decode, fit, interpretation, label_images
from reprcheck.datasets.images import zarr as zarr_store
from reprcheck.datasets.images.axes import Window, times
from reprcheck.datasets.images.bounds import refuse_huge
from reprcheck.datasets.images.fit import Fit
from reprcheck.datasets.images.recent import RecentCache
from reprcheck.datasets.images.remarks import collecting_remarks, remark
from reprcheck.datasets.images.values import measure
from reprcheck.datasets.images.zarr import Bring, PyramidLevel, is_zarr
from reprcheck.digest import digest, file_digest
from reprcheck.errors import Location, UserError
from reprcheck.types import Image

if TYPE_CHECKING:
    from reprcheck.datasets.card.card import Card  # which says more than what shapes pixels

Extent = tuple[int, int]
"""Height and width in pixels."""

_Checked = Callable[[NDArray[Any], str], NDArray[np.int32]]

STACK_BYTES = 256 * 2**20
"""Bytes of decoded stacks held at most; of a larger stack only the frame asked for is read, where its format allows."""


@dataclass(frozen=True)
class ImageLocation:
    """Where one sample's image is.

    Attributes
    ----------
    files : tuple of Path
        One that holds all channels, or one per channel.
    frame : int or None
        Frame of a stack, from 0.
    mask : Path or None
    row : str
        The sample's row, as messages name it.
    types : Path or None
        Beside a mask, the image of its cells' types.
    """

    files: tuple[Path, ...]
    frame: int | None
    mask: Path | None
    row: str
    types: Path | None = None

    @property
    def every(self) -> tuple[Path, ...]:
        """All of the sample's files."""
        return (*self.files, *(path for path in (self.mask, self.types) if path is not None))

    def name(self, path: Path) -> Location:
        """Return how to name one of the entry's files in a message."""
        return Location(str(path), within=self.row)


@dataclass(frozen=True)
class Recipe:
    """Everything that decoding depends on, the files' bytes aside.

    Attributes
    ----------
    channels : int
    value_range : (float, float) or None
    fit : {"none", "pad", "resize", "crop"}
    size : (int, int) or None
        Height and width in pixels.
    reading : Reading
        What is read of each image file; of label images only ``level`` counts.
    cell_types : int
        How many types the card names: the highest value of a type image.
    clip : bool
        Whether more than 1 % of a channel's values may lie outside the range.
    """

    channels: int
    value_range: tuple[float, float] | None = None
    fit: Fit = "none"
    size: tuple[int, int] | None = None
    reading: ReadingOptions = AS_STORED
    cell_types: int = 0
    clip: bool = False

    @classmethod
    def of(cls, card: Card) -> Recipe:
        """Return the recipe that a card prescribes; fields to be cropped are left as they are, for crops are fitted."""
        reading, types = replace(card.reading, names=card.channels), len(card.cell_types)
        if card.crops is not None:
            return cls(len(card.channels), card.value_range, reading=reading, cell_types=types, clip=card.clip)
        return cls(len(card.channels), card.value_range, card.fit, card.size, reading, types, card.clip)


@dataclass(frozen=True)
class _Part:
    """A file of a sample: where it is, and what is wanted of it; ``channels`` is None for a label image."""

    path: Path
    channels: int | None
    frame: int | None
    reading: ReadingOptions
    where: str


class FileImages:
    """An `ImageSource` over image files; picklable, safe between threads.

    Parameters
    ----------
    entries : sequence of Entry
        By sample.
    recipe : Recipe
    bring : callable, optional
        Where the files mirror remote ones: makes those asked for current.
    """

    def __init__(self, entries: Iterable[ImageLocation], recipe: Recipe, bring: Bring | None = None) -> None:
        self.entries, self.recipe, self.bring = tuple(entries), recipe, bring
        self._digests: dict[Path, str] = {}
        self._levels: dict[Path, PyramidLevel] = {}
        self._extents: dict[Path, Extent] = {}
        self._stacks: RecentCache[axes.StoredArray] = RecentCache(STACK_BYTES, axes.stored_bytes)

    def content(self, index: int, window: Window | None = None) -> str:
        """Return the digest of a sample's files, frame and recipe, and of the code that decodes; no decoding.

        Of an OME-Zarr only the chunks that hold the sample, or a window of it, count, so that no others are read.
        """
        entry, recipe, reading = self.entries[index], self.recipe, self.recipe.reading
        types = (self._bytes(self._label_part(entry, entry.types), window), recipe.cell_types) if entry.types else ()
        return digest(
            "image",
            code_digest(__name__),
            [self._bytes(part, window) for part in self._parts(entry)],
            entry.frame,
            self._bytes(self._label_part(entry, entry.mask), window) if entry.mask else None,
            [recipe.channels, recipe.value_range, recipe.fit, recipe.size],
            reading.chosen(),
            reading.names if any(map(_may_name_channels, entry.files)) else (),
            types,
            recipe.clip,
        )

    def read(self, index: int, window: Window | None = None) -> Image:
        """Decode a sample, or a window of one that is not fitted.

        Returns
        -------
        Image
            Of shape (C, *size) where the card has a fit, else of the file's own height and width; a window that reaches
            over the border is cut off there.

        Raises
        ------
        UserError
            For a file that can't be decoded, or isn't what the card says; names the file and the row.
        """
        with collecting_remarks() as remarks:
            image = self._read(self.entries[index], window)
        return replace(image, remarks=tuple(remarks))

    def _read(self, entry: ImageLocation, window: Window | None) -> Image:
        recipe, where = self.recipe, entry.name(entry.files[0])
        pixels, values, extent = self._scaled(entry, window)
        of_type = partial(label_images.cell_types, most=recipe.cell_types)
        mask = self._labels(entry, entry.mask, label_images.label_objects, "mask", window, extent)
        types = self._labels(entry, entry.types, of_type, "type image", window, extent)
        return Image(fit.fit_image(pixels, recipe.fit, recipe.size, where), mask, types, values=values)

    def reads_windows(self, index: int) -> bool:
        """Tell whether a window of a sample is read without the rest."""
        return self.recipe.fit == "none" and all(map(is_zarr, self.entries[index].every))

    def extent(self, index: int) -> Extent:
        """Return a sample's stored height and width in pixels, from the header of its first file, read once."""
        part = next(self._parts(self.entries[index]))
        if part.path not in self._extents:
            self._extents[part.path] = self._extent(part)
        return self._extents[part.path]

    def _extent(self, part: _Part) -> Extent:
        if is_zarr(part.path):
            return self._arranged(part, self._level(part).stored).extent  # of which only a window may be read
        stored = decode.header(part.path, part.channels or 1, part.where, part.reading)
        if part.path.suffix.lower() in decode.PILLOW:
            return interpretation.upright_extent(stored.shape[0], stored.shape[1], stored.orientation)
        extent = self._arranged(part, stored).extent
        refuse_huge(extent, part.where)
        return extent

    def _parts(self, entry: ImageLocation) -> Iterator[_Part]:
        reading, whole = self.recipe.reading, len(entry.files) == 1
        for place, path in enumerate(entry.files):
            chosen = reading if whole else replace(reading, names=reading.names[place : place + 1])
            yield _Part(path, self.recipe.channels if whole else 1, entry.frame, chosen, entry.name(path))

    def _label_part(self, entry: ImageLocation, path: Path) -> _Part:
        return _Part(path, None, entry.frame, ReadingOptions(level=self.recipe.reading.level), entry.name(path))

    def _scaled(
        self, entry: ImageLocation, window: Window | None
    ) -> tuple[NDArray[np.float32], NDArray[np.float32], Extent]:
        """Return a sample or a window in [0, 1], (C, Y, X), facts of its stored values, and the whole image's size.

        Each file is scaled by itself: one of 8 bits beside one of 16 has a range of its own.
        """
        value_range, clip = self.recipe.value_range, self.recipe.clip
        pixels, facts, extents = [], [], list[Extent]()
        for part in self._parts(entry):
            values, extent, stored = self._values(part, window)
            bounds = value_range or ((0.0, stored.highest) if stored.highest else None)
            pixels.append(decode.scale(values, bounds, part.where, clip))
            dtype = None if stored.array is None else stored.array.dtype
            facts.append(measure(values, bounds, dtype, on_card=value_range is not None))
            extents.append(extent)
            if extent != extents[0]:
                raise UserError(
                    part.where,
                    f"{times(extent)} pixels, and {entry.files[0].name} of the same sample {times(extents[0])} pixels",
                    "write all channels of a sample at one size",
                )
        return np.ascontiguousarray(np.concatenate(pixels)), np.concatenate(facts), extents[0]

    def _labels(
        self,
        entry: ImageLocation,
        path: Path | None,
        checked: _Checked,
        what: str,
        window: Window | None,
        extent: Extent,
    ) -> NDArray[np.int32] | None:
        """Return a mask or a type image, fitted as its image is; None where the sample has none."""
        if path is None:
            return None
        part = self._label_part(entry, path)
        with collecting_remarks() as remarks:
            values, found, _ = self._values(part, window)
            labels = checked(label_images.one_plane(values, part.where), part.where)
        for text in remarks:
            remark(f"its {what}: {text}")
        if found != extent:
            raise UserError(
                part.where,
                f"the {what} is {times(found)} pixels, its image {times(extent)}",
                f"write the {what} at the size of its image",
            )
        return fit.fit_mask(labels, self.recipe.fit, self.recipe.size)

    def _values(self, part: _Part, window: Window | None) -> tuple[NDArray[Any], Extent, axes.StoredArray]:
        """Return what is wanted of a file, (C, Y, X), the height and width of its whole image, and how it is stored."""
        project = part.reading.project
        if not is_zarr(part.path):
            stored = decode.read(part.path, part.frame, part.channels, part.where, self._stacks, part.reading)
            found = self._arranged(part, stored)
            return axes.planes(stored, found, project, window, part.where), found.extent, stored
        level = self._level(part)
        found = self._arranged(part, level.stored)
        chunks = level.chunks(found.selections(window), part.where)
        if not zarr_store.those_there(chunks, part.path, part.where) and window is None:
            raise UserError(part.where, "none of its chunks are there", "copy the store again, or remove the row")
        values = decode.guarded(lambda: axes.planes(level.stored, found, project, window), part.where)
        return values, found.extent, level.stored

    def _arranged(self, part: _Part, stored: axes.StoredArray) -> axes.Axes:
        if part.channels is None:
            colours = axes.count_colours(stored, part.frame)
            frame = (
                part.frame if len(stored.shape) > (2 if colours == 1 else 3) else None
            )  # one plane serves every frame
            return axes.arrange(stored, colours, frame, part.where)
        return axes.arrange(stored, part.channels, part.frame, part.where, part.reading)

    def _level(self, part: _Part) -> PyramidLevel:
        if part.reading.series:
            remedy = "remove `series` from the card, and name the group of the image"
            raise UserError(part.where, f"no series {part.reading.series}: OME-Zarr has none", remedy)
        if part.path not in self._levels:
            opened = partial(zarr_store.open_level, part.path, part.reading.level, part.where, self.bring)
            self._levels[part.path] = decode.guarded(opened, part.where)
        return self._levels[part.path]

    def _bytes(self, part: _Part, window: Window | None) -> Any:
        """Return the digest of a file, or those of what a Zarr store's image is made of."""
        if not is_zarr(part.path):
            return self._file(part.path, part)
        try:
            level = self._level(part)
            chunks = level.chunks(self._arranged(part, level.stored).selections(window), part.where)
            if self.bring is not None:
                self.bring(chunks)
            there = zarr_store.those_there(chunks, part.path, part.where)
        except UserError:
            return None  # reading it tells what is wrong, and rows of no task aren't judged
        return [level.metadata, [(str(c.relative_to(level.folder)), self._file(c, part)) for c in there]]

    def _file(self, path: Path, part: _Part) -> str:
        if path not in self._digests:
            try:
                self._digests[path] = file_digest(path)
            except OSError as error:
                raise UserError(part.where, f"can't be read ({error.strerror})", "check the file") from None
        return self._digests[path]


def _may_name_channels(path: Path) -> bool:
    return is_zarr(path) or path.suffix.lower() in decode.TIFF


def check_one_size(images: FileImages, indices: Iterable[int]) -> None:
    """Raise UserError where images that nothing fits to one size have several.

    Parameters
    ----------
    images : FileImages
    indices : iterable of int
        Samples to look at; of those that share a file, the one with the last frame.
    """
    last: dict[tuple[Path, ...], int] = {}
    for index in indices:
        entry = images.entries[index]
        held = images.entries[last.setdefault(entry.files, index)]
        if (entry.frame or 0) > (held.frame or 0):
            last[entry.files] = index
    if not last or images.recipe.fit != "none":
        return
    extents = {index: images.extent(index) for index in last.values()}
    first, size = next(iter(extents.items()))
    others = [index for index, extent in extents.items() if extent != size]
    if others:
        entry, named = images.entries[others[0]], images.entries[first].files[0].name
        more = f"; {len(others) - 1} more differ from it" if len(others) > 1 else ""
        what = f"{times(extents[others[0]])} pixels, and images must be of one size ({named} is {times(size)}{more})"
        raise UserError(
            entry.name(entry.files[0]),
            what,
            'add fit = "pad" (or "resize", "crop") and size = [height, width] to dataset.toml',
        )
