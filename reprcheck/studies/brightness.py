"""Encoders that see brightness alone, and random or fitted functions of what they saw: who is asked in `intensity`.

Apart from the study, so that what it caches depends on this code and not on all that a study needs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reprcheck.baselines.expansions import standardise
from reprcheck.code import code_digest
from reprcheck.digest import digest, installed
from reprcheck.embed.engine import Block
from reprcheck.seeding import rng, seed
from reprcheck.studies.functions import FITTED, Floats, Function, apply, kernel, mlp
from reprcheck.types import Image

LEVELS = 1024
TOP = 255.0
"""Levels are even in log(1 + 255 x), as the bins of the baseline are."""


@dataclass(frozen=True)
class Levels:
    """Encoder: each channel's histogram at 1024 levels."""

    name: str = "levels"

    def digest(self) -> str:
        """Return the digest of how levels are taken."""
        return digest("levels", code_digest(__name__), installed("numpy"))

    def encode(self, images: Sequence[Image]) -> NDArray[np.float32]:
        """Return float32[N, C * 1024]: shares of a channel's pixels."""
        rows = [np.concatenate([_shares(channel) for channel in image.pixels]) for image in images]
        return np.stack(rows).astype(np.float32)


def _shares(channel: NDArray[np.float32]) -> Floats:
    level = np.log1p(TOP * np.clip(channel.ravel(), 0, 1)) / np.log1p(TOP) * (LEVELS - 1)
    return np.bincount(np.rint(level).astype(np.int64), minlength=LEVELS) / channel.size


@dataclass(frozen=True)
class Waves:
    """Encoder: means over an image's pixels of random waves of their values, from histograms at 1024 levels."""

    seed: int
    width: int

    @property
    def name(self) -> str:
        """Of this draw."""
        return f"waves-{self.seed}"

    def digest(self) -> str:
        """Return the digest of the draw."""
        return digest("waves", self.seed, self.width, code_digest(__name__), installed("numpy"))

    def encode(self, images: Sequence[Image]) -> NDArray[np.float32]:
        """Return float32[N, D], D the width rounded up to as much per channel."""
        levels = Levels().encode(images).reshape(len(images), -1, LEVELS).astype(np.float64)
        return _mean_of_waves(
            Seen(np.zeros((len(images), 1), np.float32), levels), self.width, rng("waves", self.seed)
        ).astype(np.float32)


@dataclass(frozen=True)
class Seen:
    """What a function may see of n images: the baseline's features, and histograms float64[n, C, 1024]."""

    features: NDArray[np.float32]
    levels: Floats


def _of_features(name: str) -> Callable[[Seen, int, np.random.Generator], Floats]:
    return lambda seen, width, draw: apply(name, seen.features, width, draw).astype(np.float64)


def _bins(number: int) -> Callable[[Seen, int, np.random.Generator], Floats]:
    def function(seen: Seen, width: int, draw: np.random.Generator) -> Floats:
        """Return the shares of pixels in bins even in the logarithm of brightness, or in brightness; or their roots."""
        shares = seen.levels
        at = (
            np.arange(LEVELS) / LEVELS if draw.random() < 0.5 else np.expm1(np.linspace(0, np.log1p(TOP), LEVELS)) / TOP
        )
        bins = np.eye(number)[np.minimum((at * number).astype(np.int64), number - 1)]
        counted = (shares @ bins).reshape(len(shares), -1)
        return np.sqrt(counted) if draw.random() < 0.5 else counted

    return function


def _mean_of_waves(seen: Seen, width: int, draw: np.random.Generator) -> Floats:
    """Return the mean over each channel's pixels of random waves of their values."""
    return _mean_over_pixels(kernel, seen, width, draw)


def _mean_of_networks(seen: Seen, width: int, draw: np.random.Generator) -> Floats:
    """Return the mean over each channel's pixels of random networks of their values."""
    return _mean_over_pixels(mlp(np.tanh), seen, width, draw)


def _mean_over_pixels(function: Function, seen: Seen, width: int, draw: np.random.Generator) -> Floats:
    each = -(-width // seen.levels.shape[1])
    at = np.linspace(-1, 1, LEVELS)[:, None] * draw.choice((2.0, 6.0, 20.0))
    return (seen.levels @ function(at, each, draw)).reshape(len(seen.levels), -1)


def _quantiles(seen: Seen, width: int, draw: np.random.Generator) -> Floats:
    """Return the levels below which random shares of a channel's pixels lie."""
    each = -(-width // seen.levels.shape[1])
    shares = np.sort(draw.random(each))
    below = seen.levels.cumsum(2)
    found = [[np.searchsorted(channel, shares) for channel in image] for image in below]
    return np.array(found, float).reshape(len(below), -1)


def _network_of_bins(seen: Seen, width: int, draw: np.random.Generator) -> Floats:
    return apply("tanh network", _bins(64)(seen, width, draw).astype(np.float32), width, draw).astype(np.float64)


KINDS: Mapping[str, Callable[[Seen, int, np.random.Generator], Floats]] = {
    "linear map": _of_features("linear map"),
    "tanh network": _of_features("tanh network"),
    "ReLU network": _of_features("ReLU network"),
    "sine network": _of_features("sine network"),
    "kernel": _of_features("kernel"),
    "products": _of_features("products"),
    "32 bins": _bins(32),
    "64 bins": _bins(64),
    "network of 64 bins": _network_of_bins,
    "quantiles": _quantiles,
    "mean of waves": _mean_of_waves,
    "mean of networks": _mean_of_networks,
}


def drawn(features: Block, levels: Block, kind: str, width: int, name: Sequence[str | int]) -> Block:
    """Return a block of a function of brightness, one of `KINDS`, drawn by a name.

    Parameters
    ----------
    features, levels : Block
        Of `Intensity` and of `Levels`, for the same images.
    kind : str
    width : int
    name : sequence of str or int
    """
    seen = Seen(features.vectors, levels.vectors.reshape(len(levels.ids), -1, LEVELS).astype(np.float64))
    vectors = KINDS[kind](seen, width, rng(*name)).astype(np.float32)
    source = digest(kind, width, list(name), code_digest(__name__), features.source, levels.source)
    return Block(source, levels.ids, vectors)


def fitted(
    features: Block,
    levels: Block,
    y: NDArray[np.int64],
    learns: NDArray[np.bool_],
    kind: str,
    fine: bool,
    name: Sequence[str | int],
) -> Block:
    """Return a block, for the images that it hasn't learned from, of what was fitted to the label on the others.

    Parameters
    ----------
    features, levels : Block
        Of `Intensity` and of `Levels`, for n images.
    y : int64[n]
    learns : bool[n]
        The images to learn from.
    kind : str
        One of `FITTED`.
    fine : bool
        Whether 64 bins are read beside the features.
    name : sequence of str or int
        What the seed is made of.
    """
    z = standardise(features.vectors)
    if fine:
        shares = levels.vectors.reshape(-1, LEVELS).reshape(len(z), -1, 64, LEVELS // 64).sum(3)
        z = np.hstack([z, standardise(np.sqrt(shares).reshape(len(z), -1))])
    vectors = FITTED[kind](z[learns], y[learns], z[~learns], seed(*name) % 2**31).astype(np.float32)
    code = code_digest(__name__), installed("scikit-learn", "scipy", "numpy")
    source = digest(kind, fine, list(name), code, features.digest, levels.digest, y, learns)
    return Block(source, tuple(levels.ids[i] for i in np.flatnonzero(~learns)), vectors)
