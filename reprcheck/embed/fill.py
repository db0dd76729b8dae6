"""The only loop over images: what the cache lacks of some samples is computed, and written to it.

Which samples these are is worked out in `reprcheck.embed.engine`.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from reprcheck.datasets.images.values import FACTS, facts_of
from reprcheck.digest import digest
from reprcheck.embed.cache import TEXTS, Cache
from reprcheck.embed.rows import Rows
from reprcheck.embed.workers import Workers
from reprcheck.errors import UserError
from reprcheck.types import Encoder, Image, ImageSource

BATCH = 32
"""Images that an encoder is shown at a time."""
SHARD = 512
"""Vectors in a shard: what a killed run loses at most, per encoder."""
SHORTEST, SHARE, LONGEST = 1.0, 0.1, 30.0
"""A killed run loses at most this share of the time since it began: a second at least, half a minute at most."""


@dataclass(frozen=True)
class ImageView:
    """Samples as encoders see them: a source, positions in it, and the channels shown."""

    images: ImageSource
    rows: NDArray[np.int64]
    channels: tuple[int, ...]

    def read(self, row: int) -> Image:
        """Decode one sample and keep the channels shown."""
        image = self.images.read(row)
        channels = list(self.channels)
        values = None if image.values is None else image.values[channels]
        return replace(image, pixels=np.ascontiguousarray(image.pixels[channels]), values=values)


@dataclass(frozen=True)
class DecodedImage:
    """What the cache remembers of an image.

    Attributes
    ----------
    pixels : str
        Digest of what encoders are shown.
    remarks : tuple of str
        `Image.remarks`.
    facts : str
        `Image.values`, its float32 in hex digits.
    """

    pixels: str
    remarks: tuple[str, ...]
    facts: str

    @classmethod
    def of(cls, image: Image, before: DecodedImage | None = None) -> DecodedImage:
        """Return what the cache shall remember of an image as encoders see it; ``before``, if it is the same image."""
        types = () if image.types is None else (image.types,)  # images without them keep the digest they had
        pixels = digest(image.pixels, image.mask, *types)
        if before is not None and before.pixels == pixels:
            return before
        return cls(pixels, image.remarks, facts_of(image).astype("<f4").tobytes().hex())

    @property
    def values(self) -> NDArray[np.float32]:
        """The facts of its stored values, float32[C, F]; see `reprcheck.datasets.images.values`."""
        return np.frombuffer(bytes.fromhex(self.facts), "<f4").astype(np.float32).reshape(-1, len(FACTS))

    def row(self) -> NDArray[np.uint8]:
        """Return this as bytes, to be written to the cache."""
        return np.frombuffer(json.dumps([self.pixels, self.remarks, self.facts]).encode(), np.uint8)

    @classmethod
    def read(cls, row: NDArray[np.uint8]) -> DecodedImage:
        """Return what a row holds; blanks after it are padding. Raises ValueError or TypeError for another text."""
        pixels, remarks, facts = json.loads(bytes(row))
        return cls(str(pixels), tuple(map(str, remarks)), facts)


@dataclass(frozen=True)
class Gap:
    """Samples of which the cache lacks something: n samples, E encoders.

    Attributes
    ----------
    view : ImageView
    contents : tuple of str
        Digest of what each sample is decoded from.
    decoded_key : str
        Under which the cache remembers what samples decoded to.
    decoded : tuple of DecodedImage or None
        What it remembers of each sample.
    keys : tuple of str
        Digest of each encoder.
    vectors : tuple of Rows
        Of each encoder those that the cache has.
    widths : tuple of int or None
        How many numbers each encoder's vectors have, where it is known.
    title : str
        What the encoders are embedded for.
    batch_timeout : float
        Seconds after which a batch that an encoder hasn't returned ends the run.
    """

    view: ImageView
    contents: tuple[str, ...]
    decoded_key: str
    decoded: tuple[DecodedImage | None, ...]
    keys: tuple[str, ...]
    vectors: tuple[Rows, ...]
    widths: tuple[int | None, ...]
    title: str
    batch_timeout: float

    def take(self, positions: Sequence[int]) -> Gap:
        """Return the samples at some positions."""
        view = replace(self.view, rows=self.view.rows[list(positions)])
        decoded = tuple(self.decoded[i] for i in positions)
        return replace(self, view=view, contents=tuple(self.contents[i] for i in positions), decoded=decoded)


@dataclass(frozen=True)
class Filling:
    """What a gap was filled with.

    Attributes
    ----------
    decoded : mapping of str to DecodedImage
        By what they were decoded from.
    n_vectors : int
        Of all encoders.
    """

    decoded: Mapping[str, DecodedImage]
    n_vectors: int


Recipe = Callable[[], Sequence[Encoder]]
"""Returns the same encoders wherever it is called; pickles."""
Fill = Callable[[Gap, Sequence[Encoder], Cache, Callable[[int], None]], Filling]
"""Writes to the cache what it lacks. Takes a function to be called with the number of samples that are done since last
time; raises as `embed` does."""


def fill_here(gap: Gap, encoders: Sequence[Encoder], cache: Cache, advance: Callable[[int], None]) -> Filling:
    """Decode samples and encode what encoders lack, in this process; see `Fill`."""
    seen, widths, decoded_images, n_vectors = set[str](), list(gap.widths), dict[str, DecodedImage](), 0

    def read(position: int) -> tuple[int, DecodedImage, Image]:
        image = gap.view.read(int(gap.view.rows[position]))
        return position, DecodedImage.of(image, gap.decoded[position]), image

    def lacking(decoded: list[tuple[int, DecodedImage, Image]]) -> list[dict[str, Image]]:
        images = {}
        for position, entry, image in decoded:
            if entry is not gap.decoded[position]:
                writer.add(TEXTS, gap.decoded_key, gap.contents[position], entry.row())
            decoded_images[gap.contents[position]] = entry
            images[entry.pixels] = image
        new = {pixel_id: image for pixel_id, image in images.items() if pixel_id not in seen}
        seen.update(new)
        return [{i: image for i, image in new.items() if i not in vectors} for vectors in gap.vectors]

    def keep(place: int, ids: tuple[str, ...], rows: NDArray[np.float32]) -> None:
        nonlocal n_vectors
        width = widths[place] = widths[place] or rows.shape[1]
        cache.must_fit(rows.shape[1], width)
        for pixel_id, row in zip(ids, rows, strict=True):
            writer.add("vectors", gap.keys[place], pixel_id, row)
        n_vectors += len(ids)
        writer.write_old()

    with _Writer(cache) as writer:
        workers = Workers(encoders, read, lacking, _encode, keep, advance, gap.title, gap.batch_timeout)
        positions = range(len(gap.contents))
        workers.run(positions[i : i + BATCH] for i in range(0, len(positions), BATCH))
    return Filling(decoded_images, n_vectors)


def _encode(encoder: Encoder, images: list[Image]) -> NDArray[np.float32]:
    vectors = np.asarray(encoder.encode(images))
    if vectors.ndim != 2 or len(vectors) != len(images) or vectors.dtype.kind != "f":
        raise UserError(
            encoder.name,
            f"wrong output shape: {vectors.dtype}{list(vectors.shape)} for {len(images)} images",
            f"return float32 [{len(images)}, D]",
        )
    return vectors.astype(np.float32, copy=False)


class _Writer:
    """Gathers rows per key; writes a shard whenever there are enough or they are old, and the rest at the end.

    A failure and an interrupt are ends too.
    """

    def __init__(self, cache: Cache) -> None:
        self.cache = cache
        self.waiting: dict[tuple[str, str], dict[str, NDArray[np.generic]]] = {}
        self.begun = self.written = time.monotonic()

    def add(self, kind: str, key: str, row_id: str, row: NDArray[np.generic]) -> None:
        rows = self.waiting.setdefault((kind, key), {})
        rows[row_id] = row
        if len(rows) >= SHARD:
            self._write(kind, key)

    def write_old(self) -> None:
        """Write all that waits, where a killed run would lose too much."""
        now = time.monotonic()
        if now - self.written >= min(LONGEST, max(SHORTEST, SHARE * (now - self.begun))):
            self._write_all()

    def __enter__(self) -> _Writer:
        return self

    def __exit__(self, *exc: object) -> None:
        self._write_all()

    def _write_all(self) -> None:
        for kind, key in list(self.waiting):
            self._write(kind, key)
        self.written = time.monotonic()

    def _write(self, kind: str, key: str) -> None:
        """Write a shard, whose rows have one shape: texts are followed by blanks."""
        rows = self.waiting[kind, key]
        if kind == "decoded":
            longest = max(row.size for row in rows.values())
            rows = {i: np.pad(row, (0, longest - row.size), constant_values=ord(" ")) for i, row in rows.items()}
        self.cache.add(kind, key, rows)
        del self.waiting[kind, key]  # not before: an interrupt must lose nothing
