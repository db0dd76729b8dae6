"""Images in files, as an `ImageSource`: the files and frame of each sample, and how they are decoded."""

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
from reprcheck.digest import digest
from reprcheck.errors import Location, UserError
from reprcheck.file_memory import remembered_digest
from reprcheck.types import Image

if TYPE_CHECKING:
    from reprcheck.datasets.card.card import Card  # which says more than what shapes pixels

Extent = tuple[int, int]
"""Height and width in pixels."""

_CheckLabels = Callable[[NDArray[Any], str], NDArray[np.int32]]

STACK_BYTES = 256 * 2**20
"""Bytes of decoded stacks to hold, at most; of a larger stack one frame is read at a time, if its format allows."""


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
        """Return the location of one of the sample's files, for messages."""
        return Location(str(path), within=self.row)


@dataclass(frozen=True)
class Recipe:
    """Everything that decoding depends on, except the bytes of the files.

    Attributes
    ----------
    channels : int
    value_range : (float, float) or None
    fit : {"none", "pad", "resize", "crop"}
    size : (int, int) or None
        Height and width in pixels.
    reading : ReadingOptions
        How each image file is read; for label images only ``level`` counts.
    cell_types : int
        Number of types that the card names, the highest value of a type image.
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
        """Return the recipe of a card; fields of crops are not fitted, since the crops are."""
        reading, types = replace(card.reading, names=card.channels), len(card.cell_types)
        if card.crops is not None:
            return cls(len(card.channels), card.value_range, reading=reading, cell_types=types, clip=card.clip)
        return cls(len(card.channels), card.value_range, card.fit, card.size, reading, types, card.clip)


@dataclass(frozen=True)
class _Part:
    """A file of a sample, and what to read of it; ``channels`` is None for a label image."""

    path: Path
    channels: int | None
    frame: int | None
    reading: ReadingOptions
    where: str


class FileImages:
    """An `ImageSource` over image files; picklable, safe between threads.

    Parameters
    ----------
    entries : sequence of ImageLocation
        By sample.
    recipe : Recipe
    bring : callable, optional
        Updates given files from the remote ones that they mirror.
    """

    def __init__(self, entries: Iterable[ImageLocation], recipe: Recipe, bring: Bring | None = None) -> None:
        self.entries, self.recipe, self.bring = tuple(entries), recipe, bring
        self._digests: dict[Path, str] = {}
        self._levels: dict[Path, PyramidLevel] = {}
        self._extents: dict[Path, Extent] = {}
        self._stacks: RecentCache[axes.StoredArray] = RecentCache(STACK_BYTES, axes.stored_bytes)

    def content(self, index: int, window: Window | None = None) -> str:
        """Return the digest of a sample's files, frame and recipe, and of the code that decodes, without decoding.

        For OME-Zarr only the chunks that hold the sample, or a window of it, are read and count.
        """
        entry, recipe, reading = self.entries[index], self.recipe, self.recipe.reading
        types = (
            (self._digest_part(self._make_label_part(entry, entry.types), window), recipe.cell_types)
            if entry.types
            else ()
        )
        return digest(
            "image",
            code_digest(__name__),
            [self._digest_part(part, window) for part in self._list_parts(entry)],
            entry.frame,
            self._digest_part(self._make_label_part(entry, entry.mask), window) if entry.mask else None,
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
            Of shape (C, *size) if the card has a fit, else of the file's height and width; a window ends at the
            image's border.

        Raises
        ------
        UserError
            For a file that can't be decoded or doesn't match the card; names the file and the row.
        """
        with collecting_remarks() as remarks:
            image = self._read(self.entries[index], window)
        return replace(image, remarks=tuple(remarks))

    def _read(self, entry: ImageLocation, window: Window | None) -> Image:
        recipe, where = self.recipe, entry.name(entry.files[0])
        pixels, values, extent = self._read_scaled(entry, window)
        of_type = partial(label_images.cell_types, most=recipe.cell_types)
        mask = self._read_labels(entry, entry.mask, label_images.label_objects, "mask", window, extent)
        types = self._read_labels(entry, entry.types, of_type, "type image", window, extent)
        return Image(fit.fit_image(pixels, recipe.fit, recipe.size, where), mask, types, values=values)

    def reads_windows(self, index: int) -> bool:
        """Tell whether a window of a sample is read without the rest."""
        return self.recipe.fit == "none" and all(map(is_zarr, self.entries[index].every))

    def extent(self, index: int) -> Extent:
        """Return a sample's stored height and width in pixels, from the header of its first file, read once."""
        part = next(self._list_parts(self.entries[index]))
        if part.path not in self._extents:
            self._extents[part.path] = self._extent(part)
        return self._extents[part.path]

    def _extent(self, part: _Part) -> Extent:
        if is_zarr(part.path):
            return self._arrange(part, self._open_level(part).stored).extent  # of which only a window may be read
        stored = decode.header(part.path, part.channels or 1, part.where, part.reading)
        if part.path.suffix.lower() in decode.PILLOW:
            return interpretation.upright_extent(stored.shape[0], stored.shape[1], stored.orientation)
        extent = self._arrange(part, stored).extent
        refuse_huge(extent, part.where)
        return extent

    def _list_parts(self, entry: ImageLocation) -> Iterator[_Part]:
        reading, whole = self.recipe.reading, len(entry.files) == 1
        for place, path in enumerate(entry.files):
            wanted = reading if whole else replace(reading, names=reading.names[place : place + 1])
            yield _Part(path, self.recipe.channels if whole else 1, entry.frame, wanted, entry.name(path))

    def _make_label_part(self, entry: ImageLocation, path: Path) -> _Part:
        return _Part(path, None, entry.frame, ReadingOptions(level=self.recipe.reading.level), entry.name(path))

    def _read_scaled(
        self, entry: ImageLocation, window: Window | None
    ) -> tuple[NDArray[np.float32], NDArray[np.float32], Extent]:
        """Return a sample or a window in [0, 1], (C, Y, X), facts of its stored values, and the whole image's size.

        Each file is scaled by itself, since files of 8 and of 16 bits differ in range.
        """
        value_range, clip = self.recipe.value_range, self.recipe.clip
        pixels, facts, extents = [], [], list[Extent]()
        for part in self._list_parts(entry):
            values, extent, stored = self._read_values(part, window)
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

    def _read_labels(
        self,
        entry: ImageLocation,
        path: Path | None,
        checked: _CheckLabels,
        what: str,
        window: Window | None,
        extent: Extent,
    ) -> NDArray[np.int32] | None:
        """Return a mask or a type image, fitted as its image is; None where the sample has none."""
        if path is None:
            return None
        part = self._make_label_part(entry, path)
        with collecting_remarks() as remarks:
            values, label_extent, _ = self._read_values(part, window)
            labels = checked(label_images.one_plane(values, part.where), part.where)
        for text in remarks:
            remark(f"its {what}: {text}")
        if label_extent != extent:
            raise UserError(
                part.where,
                f"the {what} is {times(label_extent)} pixels, its image {times(extent)}",
                f"write the {what} at the size of its image",
            )
        return fit.fit_mask(labels, self.recipe.fit, self.recipe.size)

    def _read_values(self, part: _Part, window: Window | None) -> tuple[NDArray[Any], Extent, axes.StoredArray]:
        """Return the wanted values of a file, (C, Y, X), the height and width of its image, and the stored array."""
        project = part.reading.project
        if not is_zarr(part.path):
            stored = decode.read(part.path, part.frame, part.channels, part.where, self._stacks, part.reading)
            arranged = self._arrange(part, stored)
            return axes.planes(stored, arranged, project, window, part.where), arranged.extent, stored
        level = self._open_level(part)
        arranged = self._arrange(part, level.stored)
        chunks = level.chunks(arranged.selections(window), part.where)
        if not zarr_store.list_present(chunks, part.path, part.where) and window is None:
            raise UserError(part.where, "none of its chunks are there", "copy the store again, or remove the row")
        values = decode.guarded(lambda: axes.planes(level.stored, arranged, project, window), part.where)
        return values, arranged.extent, level.stored

    def _arrange(self, part: _Part, stored: axes.StoredArray) -> axes.Axes:
        if part.channels is None:
            colours = axes.count_colours(stored, part.frame)
            frame = (
                part.frame if len(stored.shape) > (2 if colours == 1 else 3) else None
            )  # one plane serves every frame
            return axes.arrange(stored, colours, frame, part.where)
        return axes.arrange(stored, part.channels, part.frame, part.where, part.reading)

    def _open_level(self, part: _Part) -> PyramidLevel:
        if part.reading.series:
            remedy = "remove `series` from the card, and name the group of the image"
            raise UserError(part.where, f"no series {part.reading.series}: OME-Zarr has none", remedy)
        if part.path not in self._levels:
            opened = partial(zarr_store.open_level, part.path, part.reading.level, part.where, self.bring)
            self._levels[part.path] = decode.guarded(opened, part.where)
        return self._levels[part.path]

    def _digest_part(self, part: _Part, window: Window | None) -> Any:
        """Return the digest of a file, or those of the metadata and chunks of an OME-Zarr image."""
        if not is_zarr(part.path):
            return self._digest_file(part.path, part)
        try:
            level = self._open_level(part)
            chunks = level.chunks(self._arrange(part, level.stored).selections(window), part.where)
            if self.bring is not None:
                self.bring(chunks)
            there = zarr_store.list_present(chunks, part.path, part.where)
        except UserError:
            return None  # reading it reports the mistake, and rows without a task aren't checked
        return [level.metadata, [(str(c.relative_to(level.folder)), self._digest_file(c, part)) for c in there]]

    def _digest_file(self, path: Path, part: _Part) -> str:
        if path not in self._digests:
            try:
                self._digests[path] = remembered_digest(path)
            except OSError as error:
                raise UserError(part.where, f"can't be read ({error.strerror})", "check the file") from None
        return self._digests[path]


def _may_name_channels(path: Path) -> bool:
    return is_zarr(path) or path.suffix.lower() in decode.TIFF


def check_one_size(images: FileImages, indices: Iterable[int]) -> None:
    """Raise UserError for images of several sizes without a fit.

    Parameters
    ----------
    images : FileImages
    indices : iterable of int
        Samples to check; of those that share a file, only the one with the last frame is.
    """
    last: dict[tuple[Path, ...], int] = {}
    for index in indices:
        entry = images.entries[index]
        latest = images.entries[last.setdefault(entry.files, index)]
        if (entry.frame or 0) > (latest.frame or 0):
            last[entry.files] = index
    if not last or images.recipe.fit != "none":
        return
    extents = {index: images.extent(index) for index in last.values()}
    first, size = next(iter(extents.items()))
    others = [index for index, extent in extents.items() if extent != size]
    if others:
        entry, name = images.entries[others[0]], images.entries[first].files[0].name
        more = f"; {len(others) - 1} more differ from it" if len(others) > 1 else ""
        what = f"{times(extents[others[0]])} pixels, and images must be of one size ({name} is {times(size)}{more})"
        raise UserError(
            entry.name(entry.files[0]),
            what,
            'add fit = "pad" (or "resize", "crop") and size = [height, width] to dataset.toml',
        )
