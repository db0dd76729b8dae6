"""The only loop over images: each is decoded once and shown to every encoder that lacks its vector.

What an encoder has already seen comes from the cache. The key of a vector is the encoder's digest and the digest of the
pixels as shown; sources tell cheaply whether pixels may have changed (``ImageSource.content``), and the cache remembers
which pixels each content decoded to, so that a run with nothing new decodes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reprcheck.digest import digest
from reprcheck.embed.cache import Cache, stack
from reprcheck.errors import UserError
from reprcheck.types import Encoder, Image, ImageSource

CHUNK = 64
"""Images decoded at a time."""
SHARD = 512
"""Vectors in a shard: what a killed run loses at most, per encoder."""

Progress = Callable[[int, str], AbstractContextManager[Callable[[int], None]]]
"""Given a total and a title, a context whose value is called with the number of images done since last time."""


@dataclass(frozen=True)
class Shown:
    """Samples as encoders see them: a source, positions in it, and the channels shown."""

    images: ImageSource
    rows: NDArray[np.int64]
    channels: tuple[int, ...]

    def read(self, row: int) -> Image:
        """Decode one sample and keep the channels shown."""
        image = self.images.read(row)
        return Image(np.ascontiguousarray(image.pixels[list(self.channels)]), image.mask)


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
    shown: Shown, encoders: Sequence[Encoder], cache: Cache, progress: Progress, title: str = "embedding"
) -> list[Block]:
    """Return one block per encoder, computing only what the cache lacks.

    Parameters
    ----------
    shown : Shown
        n samples.
    encoders : sequence of Encoder
    cache : Cache
    progress : Progress
    title : str
        What the progress bar says.

    Returns
    -------
    list of Block
        In the order of ``encoders``; rows in the order of ``shown.rows``.

    Raises
    ------
    UserError
        For an image that can't be read, or an encoder that raises or returns the wrong shape.
    """
    keys = [encoder.digest() for encoder in encoders]
    contents = [shown.images.content(int(row)) for row in shown.rows]
    pixel_key = digest("pixels", list(shown.channels))

    known, pixels = [cache.load("vectors", key) for key in keys], cache.load("pixels", pixel_key)
    if _missing(contents, pixels, known):
        with ExitStack() as locks:
            for key in sorted(set(keys)):
                locks.enter_context(cache.lock("vectors", key))
            known, pixels = [cache.load("vectors", key) for key in keys], cache.load("pixels", pixel_key)
            todo = _missing(contents, pixels, known)
            with _Writer(cache) as writer, progress(len(todo), title) as advance:
                for chunk in _chunks(todo, CHUNK):
                    images = [shown.read(int(shown.rows[i])) for i in chunk]
                    for i, image in zip(chunk, images, strict=True):
                        identity = digest(image.pixels, image.mask)
                        pixels[contents[i]] = np.frombuffer(bytes.fromhex(identity), np.uint8)
                        writer.add("pixels", pixel_key, contents[i], pixels[contents[i]])
                    for encoder, key, vectors in zip(encoders, keys, known, strict=True):
                        ids = [bytes(pixels[contents[i]]).hex() for i in chunk]
                        new = {pid: image for pid, image in zip(ids, images, strict=True) if pid not in vectors}
                        if new:
                            for pid, vector in zip(new, _encode(encoder, list(new.values())), strict=True):
                                vectors[pid] = vector
                                writer.add("vectors", key, pid, vector)
                    advance(len(chunk))

    shown_ids = tuple(bytes(pixels[c]).hex() for c in contents)
    return [Block(key, shown_ids, stack(vectors, shown_ids)) for key, vectors in zip(keys, known, strict=True)]


def _missing(contents: Sequence[str], pixels: Mapping[str, Any], known: Sequence[Mapping[str, Any]]) -> list[int]:
    def seen(content: str) -> bool:
        return content in pixels and all(bytes(pixels[content]).hex() in vectors for vectors in known)

    return [i for i, content in enumerate(contents) if not seen(content)]


def _encode(encoder: Encoder, images: list[Image]) -> NDArray[np.float32]:
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
    """Gathers rows per key and writes a shard whenever enough have come, and the rest at the end, failure or not."""

    def __init__(self, cache: Cache) -> None:
        self.cache = cache
        self.waiting: dict[tuple[str, str], dict[str, NDArray[np.generic]]] = {}

    def add(self, kind: str, key: str, row_id: str, row: NDArray[np.generic]) -> None:
        rows = self.waiting.setdefault((kind, key), {})
        rows[row_id] = row
        if len(rows) >= SHARD:
            self.cache.add(kind, key, self.waiting.pop((kind, key)))

    def __enter__(self) -> _Writer:
        return self

    def __exit__(self, *exc: object) -> None:
        for (kind, key), rows in self.waiting.items():
            self.cache.add(kind, key, rows)
