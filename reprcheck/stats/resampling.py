"""How far a mean over units may lie from the truth: the studentised bootstrap, over units and never over samples.

Efron and Tibshirani (1993, chapter 12): draw n of the n units with replacement, and express the error of each such mean
in its own standard errors. Skewed differences then give an interval that is longer on the side where the tail is.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 9999
"""Resamples of the units; with it, the smallest p is 0.0001."""
FEWEST_RESAMPLES = 999
DRAWS = 40_000_000
"""Most units drawn in all: with more than 4,000 units there are fewer resamples, which such a mean no longer needs."""
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
    step, kind = max(1, _CHUNK // n), np.uint16 if n < 2**16 else np.int64
    errors = np.empty(times)
    for start in range(0, times, step):
        resample = centred[rng.integers(0, n, (min(step, times - start), n), dtype=kind)]
        mean = resample.mean(1)
        variance = np.einsum("ij,ij->i", resample, resample) / n - mean**2
        errors[start : start + step] = mean / np.sqrt(np.maximum(variance, least) / (n - 1))
    return errors
