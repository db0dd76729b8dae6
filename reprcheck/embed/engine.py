"""Images in, vectors out: each image is decoded once and shown to every encoder that lacks its vector.

What an encoder has already seen comes from the cache. The key of a vector is the encoder's digest and the digest of the
pixels as shown; a source knows cheaply whether pixels may have changed (``ImageSource.content``), and the cache
remembers what each content decoded to: its pixels' digest, the reader's remarks and the facts of its stored values. So
a run with nothing new decodes nothing and still reports what was interpreted, and where values lie.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from reprcheck.code import code_digest
from reprcheck.digest import digest, installed
from reprcheck.embed.cache import TEXTS, Cache
from reprcheck.embed.fill import DecodedImage, Fill, Gap, ImageView, fill_here
from reprcheck.embed.rows import Rows
from reprcheck.embed.shards import DamagedShardWarning
from reprcheck.embed.workers import BATCH_TIMEOUT
from reprcheck.types import Encoder

DECODERS = ("numpy", "pillow", "tifffile", "imagecodecs", "zarr", "h5py", "pyarrow", "scipy")
"""Libraries whose versions can change what a file, or a simulation, decodes to."""

Progress = Callable[[int, str], AbstractContextManager[Callable[[int], None]]]
"""Takes a total and a title; the value of the context is called with the number of images done since last time."""


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
    fill: Fill = fill_here,
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
    fill : Fill
        Computes: this process does, unless another is given.

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
            shelf.load()  # another process may have filled it while this one waited
            if todo := shelf.missing():
                with progress(len(todo), title) as advance:
                    filling = fill(shelf.gap(todo, title, batch_timeout), encoders, cache, advance)
                shelf.decoded |= filling.decoded
                shelf.load()
    cache.share()
    ids = tuple(shelf.decoded[content].pixels for content in shelf.contents)
    return [Block(key, ids, vectors.stack(ids)) for key, vectors in zip(shelf.keys, shelf.vectors, strict=True)]


def load_known(view: ImageView, encoders: Sequence[Encoder], cache: Cache) -> list[Block]:
    """Return from the cache one block per encoder, of those samples of which it has the vectors of all encoders."""
    shelf = _Shelf(cache, view, encoders)
    missing = set(shelf.missing())
    known = [content for i, content in enumerate(shelf.contents) if i not in missing]
    ids = tuple(shelf.decoded[content].pixels for content in known)
    return [Block(key, ids, vectors.stack(ids)) for key, vectors in zip(shelf.keys, shelf.vectors, strict=True)]


def count_missing(view: ImageView, encoders: Sequence[Encoder], cache: Cache) -> tuple[int, ...]:
    """Return how many samples' vectors the cache lacks, for each encoder; nothing is decoded."""
    shelf = _Shelf(cache, view, encoders)
    _, pixels = shelf.known()
    return tuple(len(shelf.contents) - int(vectors.has(pixels).sum()) for vectors in shelf.vectors)


def load_decoded(view: ImageView, cache: Cache) -> list[DecodedImage]:
    """Return from the cache what each sample decoded to."""
    shelf = _Shelf(cache, view, [])
    for i in shelf.missing():  # removed from the cache since
        shelf.decoded[shelf.contents[i]] = DecodedImage.of(view.read(int(view.rows[i])))
    return [shelf.decoded[content] for content in shelf.contents]


def decoded_key(channels: tuple[int, ...]) -> str:
    """Return the key under which the cache remembers what samples decoded to, as far as these channels are shown."""
    return digest("decoded", channels, code_digest(__name__), installed(*DECODERS))


class _Shelf:
    """What the cache holds of these samples: what each decoded to, and each encoder's vectors by its pixels' digest."""

    def __init__(self, cache: Cache, view: ImageView, encoders: Sequence[Encoder]) -> None:
        self.cache, self.view = cache, view
        self.contents = [view.images.content(int(row)) for row in view.rows]
        self.keys = [encoder.digest() for encoder in encoders]
        self.decoded_key = decoded_key(view.channels)
        self.decoded: dict[str, DecodedImage] = {}
        self.load()

    def load(self) -> None:
        """Look up what has been added to the cache since."""
        self.vectors = [self.cache.load("vectors", key) for key in self.keys]
        unknown = [content for content in self.contents if content not in self.decoded]
        self.decoded |= _read_decoded(self.cache.load(TEXTS, self.decoded_key), unknown)

    def missing(self) -> list[int]:
        """Return the positions of samples that some encoder lacks."""
        known, pixels = self.known()
        is_missing = np.ones(len(self.contents), bool)
        is_missing[known] = False
        for vectors in self.vectors:
            is_missing[known] |= ~vectors.has(pixels)
        return [int(i) for i in np.flatnonzero(is_missing)]

    def gap(self, positions: Sequence[int], title: str, batch_timeout: float) -> Gap:
        """Return the samples at some positions as a gap."""
        widths = tuple(vectors.width(self.known()[1]) for vectors in self.vectors)
        keys, vectors = tuple(self.keys), tuple(self.vectors)
        decoded = tuple(map(self.decoded.get, self.contents))
        made_of = self.decoded_key, decoded, keys, vectors, widths, title, batch_timeout
        return Gap(self.view, tuple(self.contents), *made_of).take(positions)

    def known(self) -> tuple[list[int], list[str]]:
        """Return the positions of samples that have been decoded, and the digests of their pixels."""
        known = [i for i, content in enumerate(self.contents) if content in self.decoded]
        return known, [self.decoded[self.contents[i]].pixels for i in known]


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
