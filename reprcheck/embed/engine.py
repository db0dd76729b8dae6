"""The only loop over images: each is decoded once and shown to every encoder that lacks its vector.

What an encoder has already seen comes from the cache. The key of a vector is the encoder's digest and the digest of the
pixels as shown; a source knows cheaply whether pixels may have changed (``ImageSource.content``), and the cache
remembers what each content decoded to: its pixels' digest, the reader's remarks and the facts of its stored values. So
a run with nothing new decodes nothing and still reports what was interpreted, and where values lie.
"""

from __future__ import annotations

import json
import time
import warnings
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from reprcheck.code import code_digest
from reprcheck.datasets.images.values import FACTS, facts_of
from reprcheck.digest import digest, installed
from reprcheck.embed.cache import TEXTS, Cache
from reprcheck.embed.rows import Rows
from reprcheck.embed.shards import DamagedShardWarning
from reprcheck.embed.workers import BATCH_TIMEOUT, Workers
from reprcheck.errors import UserError
from reprcheck.types import Encoder, Image, ImageSource

BATCH = 32
"""Images that an encoder is shown at a time."""
SHARD = 512
"""Vectors in a shard: what a killed run loses at most, per encoder."""
SHORTEST, SHARE, LONGEST = 1.0, 0.1, 30.0
"""A killed run loses at most this share of the time since it began: a second at least, half a minute at most."""
DECODERS = ("numpy", "pillow", "tifffile", "imagecodecs", "zarr", "h5py", "pyarrow", "scipy")
"""Libraries whose versions can change what a file, or a simulation, decodes to."""

Progress = Callable[[int, str], AbstractContextManager[Callable[[int], None]]]
"""Takes a total and a title; the value of the context is called with the number of images done since last time."""


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
        pixels, values = np.ascontiguousarray(image.pixels[channels]), facts_of(image)[channels]
        return replace(image, pixels=pixels, values=values)


@dataclass(frozen=True)
class Block:
    """Vectors of one encoder for some samples.

    Attributes
    ----------
    source : str
        Digest of the encoder, or of whatever else made the vectors.
    ids : tuple of str
        Digest of each sample's pixels as shown.
    vectors : float32[n, D]
    """

    source: str
    ids: tuple[str, ...]
    vectors: NDArray[np.float32]

    @cached_property
    def digest(self) -> str:
        """Digest of what the vectors are made from, in order."""
        return digest("block", self.source, list(self.ids))

    def take(self, positions: NDArray[np.int64]) -> Block:
        """Return the vectors at some positions."""
        return Block(self.source, tuple(self.ids[i] for i in positions), self.vectors[positions])

    def mapped(self, what: Sequence[str | int], vectors: NDArray[np.float32]) -> Block:
        """Return other vectors made from these, by a function that ``what`` identifies."""
        return Block(digest(self.source, list(what)), self.ids, vectors)


def embed(
    view: ImageView,
    encoders: Sequence[Encoder],
    cache: Cache,
    progress: Progress,
    title: str = "embedding",
    batch_timeout: float = BATCH_TIMEOUT,
) -> list[Block]:
    """Return one block per encoder, computing only what the cache lacks.

    Parameters
    ----------
    view : ImageView
        n samples.
    encoders : sequence of Encoder
    cache : Cache
    progress : Progress
    title : str
        What the progress bar says.
    batch_timeout : float
        Seconds after which a batch that an encoder hasn't returned ends the run.

    Returns
    -------
    list of Block
        In the order of ``encoders``; rows in the order of ``view.rows``.

    Raises
    ------
    UserError
        For an image that can't be read, or an encoder that raises, hangs or returns the wrong shape.
    """
    shelf = _Shelf(cache, view, encoders)
    if shelf.missing():
        with ExitStack() as locks:
            for key in sorted(set(shelf.keys)):
                locks.enter_context(cache.lock("vectors", key))
            shelf = _Shelf(cache, view, encoders)  # another process may have filled it while this one waited
            todo = shelf.missing()
            with _Writer(cache) as writer, progress(len(todo), title) as advance:
                _fill(shelf, encoders, todo, writer, advance, title, batch_timeout)
    ids = tuple(shelf.decoded[content].pixels for content in shelf.contents)
    return [Block(key, ids, vectors.stack(ids)) for key, vectors in zip(shelf.keys, shelf.vectors, strict=True)]


def _fill(
    shelf: _Shelf,
    encoders: Sequence[Encoder],
    todo: Sequence[int],
    writer: _Writer,
    advance: Callable[[int], None],
    title: str,
    batch_timeout: float,
) -> None:
    """Decode samples and encode what encoders lack, into the shelf and the cache."""
    requested: list[set[str]] = [set() for _ in encoders]

    def lacking(decoded: list[tuple[int, DecodedImage, Image]]) -> list[dict[str, Image]]:
        images = {}
        for i, entry, image in decoded:
            shelf.decoded[shelf.contents[i]] = entry
            writer.add("decoded", shelf.decoded_key, shelf.contents[i], entry.row())
            images[entry.pixels] = image
        batches = []
        for vectors, ids in zip(shelf.vectors, requested, strict=True):
            batches.append({i: image for i, image in images.items() if i not in vectors and i not in ids})
            ids.update(batches[-1])
        return batches

    def keep(place: int, ids: tuple[str, ...], rows: NDArray[np.float32]) -> None:
        for pixel_id, row in zip(ids, rows, strict=True):
            shelf.vectors[place][pixel_id] = row
            writer.add("vectors", shelf.keys[place], pixel_id, row)
            requested[place].discard(pixel_id)
        writer.write_old()

    workers = Workers(encoders, shelf.read, lacking, _encode, keep, advance, title, batch_timeout)
    workers.run(todo[i : i + BATCH] for i in range(0, len(todo), BATCH))


def load_decoded(view: ImageView, cache: Cache) -> list[DecodedImage]:
    """Return from the cache what each sample decoded to."""
    shelf = _Shelf(cache, view, [])
    for i in shelf.missing():  # removed from the cache since
        shelf.decoded[shelf.contents[i]] = DecodedImage.of(view.read(int(view.rows[i])))
    return [shelf.decoded[content] for content in shelf.contents]


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
    def of(cls, image: Image) -> DecodedImage:
        """Return what the cache shall remember of an image as encoders see it."""
        types = () if image.types is None else (image.types,)  # images without them keep the digest they had
        pixels = digest(image.pixels, image.mask, *types)
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


class _Shelf:
    """What the cache holds of these samples: what each decoded to, and each encoder's vectors by its pixels' digest."""

    def __init__(self, cache: Cache, view: ImageView, encoders: Sequence[Encoder]) -> None:
        self.view = view
        self.contents = [view.images.content(int(row)) for row in view.rows]
        self.keys = [encoder.digest() for encoder in encoders]
        self.vectors = [cache.load("vectors", key) for key in self.keys]
        self.decoded_key = digest("decoded", view.channels, code_digest(__name__), installed(*DECODERS))
        self.decoded = _read_decoded(cache.load(TEXTS, self.decoded_key), self.contents)

    def missing(self) -> list[int]:
        """Return the positions of samples that some encoder lacks."""
        known = [i for i, content in enumerate(self.contents) if content in self.decoded]
        pixels = [self.decoded[self.contents[i]].pixels for i in known]
        is_missing = np.ones(len(self.contents), bool)
        is_missing[known] = False
        for vectors in self.vectors:
            is_missing[known] |= ~vectors.has(pixels)
        return [int(i) for i in np.flatnonzero(is_missing)]

    def read(self, position: int) -> tuple[int, DecodedImage, Image]:
        """Decode a sample, in any thread; return its position too, and what the cache shall remember of it."""
        image = self.view.read(int(self.view.rows[position]))
        return position, DecodedImage.of(image), image


def _read_decoded(texts: Rows, contents: Sequence[str]) -> dict[str, DecodedImage]:
    """Return what the cache remembers of some contents; texts that say something else are reported, and left out."""
    decoded, n_unclear = {}, 0
    for places, rows in texts.parts(contents):
        for place, row in zip(places, rows, strict=True):
            try:
                image = DecodedImage.read(row)
                _ = image.values  # facts of another length
            except (ValueError, TypeError):
                n_unclear += 1
            else:
                decoded[contents[place]] = image
    if n_unclear:
        warnings.warn(f"{n_unclear} decoded images aren't told as expected; decoded again", DamagedShardWarning, 2)
    return decoded


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
