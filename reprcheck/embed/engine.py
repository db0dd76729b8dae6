"""The only loop over images: each is decoded once and shown to every encoder that lacks its vector.

What an encoder has already seen comes from the cache. The key of a vector is the encoder's digest and the digest of the
pixels as shown; a source knows cheaply whether pixels may have changed (``ImageSource.content``), and the cache
remembers what each content decoded to: its pixels' digest, the reader's remarks and the facts of its stored values. So
a run with nothing new decodes nothing and still reports what was interpreted, and where values lie.
"""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from reprcheck.code import code_digest
from reprcheck.datasets.images.values import FACTS, facts_of
from reprcheck.digest import digest, installed
from reprcheck.embed.cache import TEXTS, Cache, stack
from reprcheck.embed.rows import Rows
from reprcheck.embed.shards import DamagedShardWarning
from reprcheck.errors import UserError
from reprcheck.types import Encoder, Image, ImageSource

CHUNK = 64
"""Images decoded at a time."""
SHARD = 512
"""Vectors in a shard: what a killed run loses at most, per encoder."""
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
    view: ImageView, encoders: Sequence[Encoder], cache: Cache, progress: Progress, title: str = "embedding"
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

    Returns
    -------
    list of Block
        In the order of ``encoders``; rows in the order of ``view.rows``.

    Raises
    ------
    UserError
        For an image that can't be read, or an encoder that raises or returns the wrong shape.
    """
    shelf = _Shelf(cache, view, encoders)
    if shelf.missing():
        with ExitStack() as locks:
            for key in sorted(set(shelf.keys)):
                locks.enter_context(cache.lock("vectors", key))
            shelf = _Shelf(cache, view, encoders)  # another process may have filled it while this one waited
            todo = shelf.missing()
            with _Writer(cache) as writer, ThreadPoolExecutor(_cores()) as pool, progress(len(todo), title) as advance:
                for chunk in _chunks(todo, CHUNK):
                    images = shelf.decode(chunk, writer)
                    lacking = [{i: images[i] for i in images if i not in vectors} for vectors in shelf.vectors]
                    encoded = pool.map(_encode, encoders, [list(new.values()) for new in lacking])
                    for key, vectors, new, rows in zip(shelf.keys, shelf.vectors, lacking, encoded, strict=True):
                        for pixel_id, row in zip(new, rows, strict=True):
                            vectors[pixel_id] = row
                            writer.add("vectors", key, pixel_id, row)
                    advance(len(chunk))
    ids = tuple(shelf.decoded[content].pixels for content in shelf.contents)
    return [Block(key, ids, stack(vectors, ids)) for key, vectors in zip(shelf.keys, shelf.vectors, strict=True)]


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

    def decode(self, positions: Sequence[int], writer: _Writer) -> dict[str, Image]:
        """Decode some samples and write to the cache what they decoded to; return images by digest of their pixels."""
        images = {}
        for i in positions:
            image = self.view.read(int(self.view.rows[i]))
            entry = self.decoded[self.contents[i]] = DecodedImage.of(image)
            writer.add("decoded", self.decoded_key, self.contents[i], entry.row())
            images[entry.pixels] = image
        return images


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


def _cores() -> int:
    """Return how many encoders may run side by side: the cores of this process, shared with other xdist workers."""
    mine = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, mine // int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")))


def _encode(encoder: Encoder, images: list[Image]) -> NDArray[np.float32]:
    if not images:
        return np.empty((0, 0), np.float32)
    vectors = np.asarray(encoder.encode(images))
    if vectors.ndim != 2 or len(vectors) != len(images) or vectors.dtype.kind != "f":
        raise UserError(
            encoder.name,
            f"wrong output shape: {vectors.dtype}{list(vectors.shape)} for {len(images)} images",
            f"return float32 [{len(images)}, D]",
        )
    return vectors.astype(np.float32, copy=False)


def _chunks(items: Sequence[int], size: int) -> Iterator[Sequence[int]]:
    return (items[i : i + size] for i in range(0, len(items), size))


class _Writer:
    """Gathers rows per key; writes a shard whenever there are enough, and the rest at the end, after a failure too."""

    def __init__(self, cache: Cache) -> None:
        self.cache = cache
        self.waiting: dict[tuple[str, str], dict[str, NDArray[np.generic]]] = {}

    def add(self, kind: str, key: str, row_id: str, row: NDArray[np.generic]) -> None:
        rows = self.waiting.setdefault((kind, key), {})
        rows[row_id] = row
        if len(rows) >= SHARD:
            self._write(kind, key, self.waiting.pop((kind, key)))

    def __enter__(self) -> _Writer:
        return self

    def __exit__(self, *exc: object) -> None:
        for (kind, key), rows in self.waiting.items():
            self._write(kind, key, rows)

    def _write(self, kind: str, key: str, rows: dict[str, NDArray[np.generic]]) -> None:
        """Write a shard, whose rows have one shape: texts are followed by blanks."""
        if kind == "decoded":
            longest = max(row.size for row in rows.values())
            rows = {i: np.pad(row, (0, longest - row.size), constant_values=ord(" ")) for i, row in rows.items()}
        self.cache.add(kind, key, rows)
