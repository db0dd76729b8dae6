"""Images in files, as an `ImageSource`: which files and frame make a sample, and what its image is made of."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reprcheck.datasets import axes, decode, fit
from reprcheck.datasets.card import Card, Fit
from reprcheck.datasets.recent import Recent
from reprcheck.digest import code_digest, digest, file_digest
from reprcheck.errors import UserError
from reprcheck.types import Image

STACK_BYTES = 256 * 2**20
"""Bytes of decoded stacks held at most; of a larger stack only the frame asked for is read, where its format allows."""


@dataclass(frozen=True)
class Entry:
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
    """

    files: tuple[Path, ...]
    frame: int | None
    mask: Path | None
    row: str

    def name(self, path: Path) -> str:
        """Return how to name one of the entry's files in a message."""
        return f"{path} ({self.row})"


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
    """

    channels: int
    value_range: tuple[float, float] | None = None
    fit: Fit = "none"
    size: tuple[int, int] | None = None

    @classmethod
    def of(cls, card: Card) -> Recipe:
        """Return the recipe that a card prescribes."""
        return cls(len(card.channels), card.value_range, card.fit, card.size)


class FileImages:
    """An `ImageSource` over image files; picklable, safe between threads.

    Parameters
    ----------
    entries : sequence of Entry
        By sample.
    recipe : Recipe
    """

    def __init__(self, entries: Iterable[Entry], recipe: Recipe) -> None:
        self.entries, self.recipe = tuple(entries), recipe
        self._digests: dict[Path, str] = {}
        self._stacks: Recent[axes.Stored] = Recent(STACK_BYTES, axes.stored_bytes)

    def content(self, index: int) -> str:
        """Return the digest of a sample's files, frame and recipe, and of the code that decodes; no decoding."""
        entry, recipe = self.entries[index], self.recipe
        return digest(
            "image",
            code_digest("reprcheck.datasets", "axes", "decode", "files", "fit", "tiff", "tiles"),
            [self._bytes(path, entry) for path in entry.files],
            entry.frame,
            self._bytes(entry.mask, entry) if entry.mask else None,
            [recipe.channels, recipe.value_range, recipe.fit, recipe.size],
        )

    def read(self, index: int) -> Image:
        """Decode a sample.

        Returns
        -------
        Image
            Of shape (C, *size) where the card has a fit, else of the file's own height and width.

        Raises
        ------
        UserError
            For a file that can't be decoded, or isn't what the card says; names the file and the row.
        """
        entry, recipe = self.entries[index], self.recipe
        stored = self._stored(entry)
        where = entry.name(entry.files[0])
        pixels = np.ascontiguousarray(decode.scale(stored, recipe.value_range, where))
        mask = self._mask(entry, stored.shape[1:]) if entry.mask else None
        return Image(
            pixels=fit.fit_image(pixels, recipe.fit, recipe.size, where),
            mask=None if mask is None else fit.fit_mask(mask, recipe.fit, recipe.size),
        )

    def extent(self, index: int) -> tuple[int, int]:
        """Return a sample's stored height and width in pixels, from the header of its first file."""
        entry = self.entries[index]
        path = entry.files[0]
        stored = decode.header(path, entry.name(path))
        if path.suffix.lower() in decode.PILLOW:
            return stored.shape[0], stored.shape[1]
        found = axes.arrange(stored, self._channels_per_file(), entry.frame, entry.name(path))
        return found.height, found.width

    def _channels_per_file(self) -> int:
        return self.recipe.channels if len(self.entries[0].files) == 1 else 1

    def _stored(self, entry: Entry) -> NDArray[Any]:
        """Return the stored values of a sample, (C, Y, X)."""
        channels = self._channels_per_file()
        parts = []
        for path in entry.files:
            where = entry.name(path)
            stored = decode.read(path, entry.frame, channels, where, self._stacks)
            parts.append(axes.planes(stored, channels, entry.frame, where))
            if parts[-1].shape != parts[0].shape:
                raise UserError(
                    where,
                    f"{_pixels(parts[-1])}, and {entry.files[0].name} of the same sample {_pixels(parts[0])}",
                    "write all channels of a sample at one size",
                )
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def _mask(self, entry: Entry, shape: tuple[int, ...]) -> NDArray[np.int32]:
        assert entry.mask is not None
        where = entry.name(entry.mask)
        mask = decode.labels(decode.read(entry.mask, entry.frame, None, where, self._stacks), entry.frame, where)
        if mask.shape != shape:
            raise UserError(
                where,
                f"the mask is {_pixels(mask)}, its image {shape[0]} x {shape[1]}",
                "write the mask at the size of its image",
            )
        return mask

    def _bytes(self, path: Path, entry: Entry) -> str:
        if path not in self._digests:
            try:
                self._digests[path] = file_digest(path)
            except OSError as error:
                raise UserError(entry.name(path), f"can't be read ({error.strerror})", "check the file") from error
        return self._digests[path]


def _pixels(array: NDArray[Any]) -> str:
    return f"{array.shape[-2]} x {array.shape[-1]} pixels"


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
    extents = {files: images.extent(index) for files, index in last.items()}
    first, size = next(iter(extents.items()))
    for files, other in extents.items():
        if other != size:
            raise UserError(
                f"{first[0]} and {files[0]}",
                f"{size[0]} x {size[1]} and {other[0]} x {other[1]} pixels, and images must be of one size",
                'add fit = "pad" (or "resize", "crop") and size = [height, width] to dataset.toml',
            )
