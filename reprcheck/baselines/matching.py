"""Brightness taken away: every image gets one reference histogram, and only then is encoded.

`beyond_intensity` re-embeds a model on matched images. After matching, a channel's values say which pixel is brighter
than which, and no more. Ties share one value, so images full of ties (a padded border, a clipped background, few grey
levels) keep the sizes of their ties: histograms are equal up to those.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from reprcheck.code import code_digest
from reprcheck.digest import digest, installed
from reprcheck.errors import UserError
from reprcheck.types import Encoder, Image

KNOTS = 256
PROBABILITIES: NDArray[np.float64] = (1 - np.cos(np.pi * np.arange(KNOTS) / (KNOTS - 1))) / 2
"""Where quantile functions are kept: 0 to 1, dense towards both ends (steps of 4e-5), where spots and debris are."""


@dataclass(frozen=True)
class Quantiles:
    """Encoder: the quantile functions that `TargetHistograms` are the mean of, so that they can be cached by image.

    Attributes
    ----------
    name : str
    """

    name: str = "quantiles"

    def digest(self) -> str:
        """Return the digest of how quantiles are taken."""
        return digest("quantiles", code_digest(__name__), installed("numpy"))

    def encode(self, images: Sequence[Image]) -> NDArray[np.float32]:
        """Return float32[N, C * 256]: each channel's quantiles at `PROBABILITIES`, channel by channel."""
        if not images:
            return np.zeros((0, 0), np.float32)
        rows = [np.concatenate([quantile_function(c) for c in image.pixels]) for image in images]
        return np.stack(rows).astype(np.float32)


@dataclass(frozen=True, eq=False)
class TargetHistograms:
    """One quantile function per channel.

    Attributes
    ----------
    quantiles : float32[C, 256]
        Values at `PROBABILITIES`, non-decreasing along each row.
    """

    quantiles: NDArray[np.float32]

    @classmethod
    def mean(cls, vectors: NDArray[np.float32], channels: int) -> TargetHistograms:
        """Average the quantile functions of images, channel by channel; labels play no part.

        Parameters
        ----------
        vectors : float32[N, C * 256]
            As `Quantiles` takes them; N is at least 1.
        channels : int
            C.
        """
        return cls(_increasing(vectors.mean(axis=0, dtype=np.float64).reshape(channels, KNOTS)))

    def digest(self) -> str:
        """Return the digest of the quantiles."""
        return digest("reference", self.quantiles)


@dataclass(frozen=True, eq=False)
class MatchedEncoder:
    """Encoder: another encoder, shown images whose histograms are those of the reference.

    Attributes
    ----------
    encoder : Encoder
    reference : TargetHistograms
    """

    encoder: Encoder
    reference: TargetHistograms

    @property
    def name(self) -> str:
        """The encoder's name, and that its images are matched."""
        return f"{self.encoder.name}|matched"

    @property
    def thread_safe(self) -> bool:
        """Whether the encoder is."""
        return bool(getattr(self.encoder, "thread_safe", False))

    def digest(self) -> str:
        """Return the digest of the encoder, the reference and the way they are joined."""
        made_of = (self.encoder.digest(), self.reference.digest())
        return digest("matched", *made_of, code_digest(__name__), installed("numpy"))

    def encode(self, images: Sequence[Image]) -> NDArray[np.float32]:
        """Return the encoder's vectors of the matched images; masks are passed on unchanged."""
        return self.encoder.encode([replace(i, pixels=match(i.pixels, self.reference)) for i in images])


def quantile_function(values: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return float64[256]: the quantiles of values of any shape at `PROBABILITIES`.

    The i-th of n sorted values (from 0) sits at probability (i + 0.5) / n, with lines between and the extremes beyond
    (Hazen's positions): the inverse of the mid-ranks in `match`.
    """
    x = np.sort(values, axis=None).astype(np.float64)
    return np.interp(PROBABILITIES * x.size - 0.5, np.arange(x.size), x)


def _increasing(quantiles: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return float32: rows made non-decreasing, which rounding may have undone."""
    return np.maximum.accumulate(quantiles.astype(np.float32), axis=1)


def match(pixels: NDArray[np.float32], reference: TargetHistograms) -> NDArray[np.float32]:
    """Give each channel the reference's histogram, keeping the order of its values.

    A value's probability is the share of pixels below it plus half the share of pixels equal to it, as in classic
    histogram matching; the result is the reference's quantile there. Only ranks enter, so any strictly increasing
    change of a channel leaves the result as it is, and a constant channel becomes the reference's median.

    Parameters
    ----------
    pixels : float32[C, H, W]
    reference : TargetHistograms
        Of the same C channels.

    Returns
    -------
    float32[C, H, W]

    Raises
    ------
    UserError
        Where the channel counts differ.
    """
    if len(pixels) != len(reference.quantiles):
        raise UserError(
            "histogram matching",
            f"an image has {len(pixels)} channels, the reference {len(reference.quantiles)}",
            "take the reference from images of the same dataset and task",
        )
    return np.stack([_match_channel(c, q) for c, q in zip(pixels, reference.quantiles, strict=True)])


def _match_channel(channel: NDArray[np.float32], quantiles: NDArray[np.float32]) -> NDArray[np.float32]:
    _, inverse, counts = np.unique(channel, return_inverse=True, return_counts=True)
    middle = (np.cumsum(counts) - 0.5 * counts) / channel.size
    value = np.interp(middle, PROBABILITIES, quantiles).astype(np.float32)
    matched: NDArray[np.float32] = value[inverse].reshape(channel.shape)
    return matched
