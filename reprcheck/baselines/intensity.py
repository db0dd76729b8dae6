"""What a brightness histogram already gives: the `Intensity` baseline.

Per channel: moments, quantiles, extremes and a histogram whose bins are finer where images are dim. Nothing spatial:
the vector is the same, bit for bit, after any shuffle of the pixels within a channel. Correlation between channels is
left out on purpose: which values share a pixel is co-location. Masks are ignored.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reprcheck.baselines.reference import Baseline
from reprcheck.code import code_digest
from reprcheck.digest import digest, installed
from reprcheck.types import Dataset, Image

PERCENTILES = (1, 5, 10, 25, 50, 75, 90, 95, 99)
BINS = 16
LEVELS = 255.0
"""The histogram is even in log(1 + 255 x): one grey level of an 8-bit image is two bins above black."""

_MOMENTS = ("mean", "std", "skewness", "kurtosis")
_FLAT = 1e-6
_EDGES = np.expm1(np.log1p(LEVELS) * np.arange(1, BINS) / BINS) / LEVELS


@dataclass(frozen=True)
class Intensity:
    """Encoder: the brightness statistics of each channel.

    Attributes
    ----------
    name : str

    Examples
    --------
    >>> import numpy as np
    >>> Intensity().encode([Image(np.zeros((2, 8, 8), np.float32))]).shape
    (1, 62)
    """

    name: str = "intensity"

    def digest(self) -> str:
        """Return the digest of the features' definition."""
        return digest("intensity", code_digest(__name__), installed("numpy"))

    def encode(self, images: Sequence[Image]) -> NDArray[np.float32]:
        """Return float32[N, 31 C]: the features of `feature_names`, for N images of C channels."""
        if not images:
            return np.zeros((0, 0), np.float32)
        rows = [np.concatenate([channel_statistics(c) for c in image.pixels]) for image in images]
        return np.stack(rows).astype(np.float32)


def feature_names(channels: Sequence[str]) -> tuple[str, ...]:
    """Return the names of the columns of `Intensity.encode`, for channels of these names."""
    per_channel = (
        *_MOMENTS,
        *(f"p{q}" for q in PERCENTILES),
        "min",
        "max",
        *(f"bin{k}" for k in range(BINS)),
    )
    return tuple(f"{channel}.{feature}" for channel in channels for feature in per_channel)


def channel_statistics(values: NDArray[np.float32]) -> NDArray[np.float64]:
    """Describe the distribution of one channel's values.

    Parameters
    ----------
    values : float32, any shape
        Values in [0, 1]; what lies outside counts in the outer bins.

    Returns
    -------
    float64[31]
        Mean, standard deviation, asinh of skewness and of excess kurtosis (their raw tails would dwarf a linear probe;
        0 where the channel is flat), the percentiles, minimum, maximum, and the share of pixels in each bin.
    """
    x = np.sort(values, axis=None).astype(np.float64)  # sorted first: sums can't depend on where a pixel was
    mean = x.mean()
    deviation = x - mean
    std = np.sqrt(np.mean(deviation**2))
    skewness = kurtosis = 0.0
    if std > _FLAT * max(1e-3, abs(mean)):
        z2 = (deviation / std) ** 2
        skewness = float(np.arcsinh(np.mean(z2 * (deviation / std))))
        kurtosis = float(np.arcsinh(np.mean(z2 * z2) - 3.0))
    at = np.asarray(PERCENTILES) / 100 * (x.size - 1)
    quantiles = np.interp(at, np.arange(x.size), x)
    below = np.concatenate(([0], np.searchsorted(x, _EDGES, side="left"), [x.size]))
    histogram = np.diff(below) / x.size
    return np.concatenate(([mean, std, skewness, kurtosis], quantiles, [x[0], x[-1]], histogram))


class IntensityBaseline(Baseline):
    """The brightness of every dataset's images."""

    name, knows = "intensity", "brightness"
    letter, heading, probed = "i", "inten-\nsity", (name,)

    def encoder(self, dataset: Dataset, channels: tuple[str, ...]) -> Intensity:
        """Return the encoder, the same for every dataset."""
        return Intensity()


INTENSITY = IntensityBaseline()
