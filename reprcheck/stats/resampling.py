"""How far a mean over units may lie from the truth: the studentised bootstrap, over units and never over samples.

Efron and Tibshirani (1993, chapter 12): draw n of the n units with replacement, and express the error of each such mean
in its own standard errors. Skewed differences then give an interval that is longer on the side where the tail is.
Of many units that have few different values, it is drawn how often each value comes: the same distribution, sooner.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 9999
"""Resamples of the units; with it, the smallest p is 0.0001."""
FEWEST_RESAMPLES = 999
DRAWS = 40_000_000
"""Most units drawn in all: with more than 4,000 units there are fewer resamples, which such a mean no longer needs."""
FEW_VALUES = 1000
"""Different values up to which their counts are drawn, where not all `RESAMPLES` are."""
_CHUNK = 2_000_000


def resamples(n: int) -> int:
    """Return how many resamples are drawn of ``n`` units."""
    return int(min(RESAMPLES, max(FEWEST_RESAMPLES, DRAWS // n)))


def studentise(values: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    """Return errors of resampled means, each in its own standard errors.

    Parameters
    ----------
    values : float64[n]
        One value per unit, not all alike, n >= 2.
    rng : numpy.random.Generator

    Returns
    -------
    float64[B]
        B as in `resamples`. A resample that happened to draw one value only has no standard error: none is taken to
        have less than 1/n of the units' variance.
    """
    n, times = len(values), resamples(len(values))
    centred = values - values.mean()
    least = float(np.mean(centred**2)) / n
    distinct, counts = np.unique(centred, return_counts=True)
    counted = times < RESAMPLES and len(distinct) <= FEW_VALUES
    step = max(1, _CHUNK // (len(distinct) if counted else n))
    errors = np.empty(times)
    for start in range(0, times, step):
        many = min(step, times - start)
        mean, square = _counted(distinct, counts, many, rng) if counted else _drawn(centred, many, rng)
        errors[start : start + step] = mean / np.sqrt(np.maximum(square - mean**2, least) / (n - 1))
    return errors


Moments = tuple[NDArray[np.float64], NDArray[np.float64]]
"""Of each resample, float64[B]: the mean, and the mean of squares."""


def _drawn(values: NDArray[np.float64], times: int, rng: np.random.Generator) -> Moments:
    n, kind = len(values), np.uint16 if len(values) < 2**16 else np.int64
    resample = values[rng.integers(0, n, (times, n), dtype=kind)]
    return resample.mean(1), np.einsum("ij,ij->i", resample, resample) / n


def _counted(distinct: NDArray[np.float64], counts: NDArray[np.int64], times: int, rng: np.random.Generator) -> Moments:
    n = counts.sum()
    shares = rng.multinomial(n, counts / n, times) / n
    return shares @ distinct, shares @ distinct**2
