"""What a thumbnail already gives: the `Pixels` baseline.

Each channel is averaged down to a small square and flattened: layout and coarse brightness survive, texture and fine
shape don't. Masks are ignored. `components` turns the thumbnails of a task into fewer numbers, which a probe can take.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from reprcheck.baselines.reference import Baseline
from reprcheck.code import code_digest
from reprcheck.digest import digest, installed
from reprcheck.types import Dataset, Image

COMPONENTS = 64
"""Principal components kept of thumbnails."""


@dataclass(frozen=True)
class Pixels:
    """Encoder: an area-averaged thumbnail of each channel.

    Attributes
    ----------
    side : int
        Height and width of the thumbnail in pixels, at least 1.
    name : str

    Examples
    --------
    >>> import numpy as np
    >>> Pixels(side=4).encode([Image(np.ones((3, 10, 6), np.float32))]).shape
    (1, 48)
    """

    side: int = 12
    name: str = "pixels"

    def digest(self) -> str:
        """Return the digest of the thumbnail's size and the way it is made."""
        return digest("pixels", self.side, code_digest(__name__), installed("numpy"))

    def encode(self, images: Sequence[Image]) -> NDArray[np.float32]:
        """Return float32[N, C * side * side], channel by channel, row by row."""
        if not images:
            return np.zeros((0, 0), np.float32)
        return np.stack([thumbnail(image.pixels, self.side).ravel() for image in images])


def thumbnail(pixels: NDArray[np.float32], side: int) -> NDArray[np.float32]:
    """Average each channel over a grid of ``side`` by ``side`` equal areas.

    Parameters
    ----------
    pixels : float32[C, H, W]
    side : int
        Where it exceeds H or W, areas are parts of a pixel and pixels repeat.

    Returns
    -------
    float32[C, side, side]
    """
    rows, columns = interval_shares(pixels.shape[1], side), interval_shares(pixels.shape[2], side)
    return np.stack([rows @ c.astype(np.float64) @ columns.T for c in pixels]).astype(np.float32)


def components(vectors: NDArray[np.float32], count: int = COMPONENTS) -> NDArray[np.float32]:
    """Return the leading principal components of vectors; no label enters, and all rows do.

    Parameters
    ----------
    vectors : float32[n, d]
    count : int
        Components wanted.

    Returns
    -------
    float32[n, min(count, n, d)]
        Scores, of falling variance; signs are such that each axis has its largest loading positive.
    """
    x = vectors.astype(np.float64)
    rank = min(count, *x.shape)
    if not rank:
        return np.zeros((len(x), 0), np.float32)
    _, _, axes = np.linalg.svd(x - x.mean(axis=0), full_matrices=False)
    axes = axes[:rank]
    largest = np.take_along_axis(axes, np.abs(axes).argmax(axis=1)[:, None], axis=1)
    scores: NDArray[np.float32] = ((x - x.mean(axis=0)) @ (axes * np.sign(largest)).T).astype(np.float32)
    return scores


@lru_cache(maxsize=64)
def interval_shares(length: int, parts: int) -> NDArray[np.float64]:
    """Return float64[parts, length]: the share of each of ``parts`` equal intervals that each pixel covers.

    Shared by its callers: not to be written to.
    """
    edges = np.linspace(0, length, parts + 1)
    pixel = np.arange(length)
    upper = np.minimum(edges[1:, None], pixel + 1)
    lower = np.maximum(edges[:-1, None], pixel)
    share: NDArray[np.float64] = np.maximum(upper - lower, 0.0) * (parts / length)
    return share


class PixelsBaseline(Baseline):
    """Thumbnails, for every dataset."""

    name, knows = "pixels", "the image"
    letter = "p"

    def encoder(self, dataset: Dataset, channels: tuple[str, ...]) -> Pixels:
        """Return the encoder, the same for every dataset."""
        return Pixels()

    def compared(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the leading principal components of thumbnails: all their numbers would be too many for a probe."""
        return components(vectors)


PIXELS = PixelsBaseline()
