"""Seeded random ReLU expansions of a baseline's features, so that a model isn't compared with linear functions alone.

A few features under a linear probe are an easy opponent: any wide function of them looks like more biology. A family
therefore holds the features themselves and several of these expansions, at the model's dimension.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from reprcheck.seeding import rng

_FLAT = 1e-6


def expand(features: NDArray[np.float32], width: int, seed: int) -> NDArray[np.float32]:
    """Return random nonlinear functions of features: ReLU(Z W / sqrt(d) + b), one hidden layer (random features).

    Z is the features standardised over all n rows (a flat column becomes 0), W and b are standard Gaussian, drawn from
    the seed, d and width alone. No label enters. Permuting rows permutes the result, up to rounding.

    Parameters
    ----------
    features : float32[n, d]
    width : int
        Columns wanted, at least 1.
    seed : int
        One member of the family.

    Returns
    -------
    float32[n, width]

    Notes
    -----
    Random features under a linear probe: Rahimi and Recht, *Weighted sums of random kitchen sinks* (2008).

    Examples
    --------
    >>> expand(np.eye(3, dtype=np.float32), width=8, seed=0).shape
    (3, 8)
    """
    n, d = features.shape
    if n == 0 or d == 0:
        return np.zeros((n, width), np.float32)
    draw = rng("expansion", seed, d, width)
    weights = draw.standard_normal((d, width)) / np.sqrt(d)
    bias = draw.standard_normal(width)
    hidden = standardise(features) @ weights + bias
    active: NDArray[np.float32] = np.maximum(hidden, 0.0).astype(np.float32)
    return active


def standardise(features: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return float64[n, d]: columns of mean 0 and variance 1, and zeros where a column is flat.

    Statistics are summed over sorted values, so they don't depend on the order of the rows.
    """
    x = features.astype(np.float64)
    if not len(x):
        return x
    ordered = np.sort(x, axis=0)
    mean = ordered.mean(axis=0)
    sd = np.sqrt(np.mean((ordered - mean) ** 2, axis=0))
    flat = sd <= _FLAT * np.maximum(1e-3, np.abs(mean))
    z: NDArray[np.float64] = np.where(flat, 0.0, (x - mean) / np.where(flat, 1.0, sd))
    return z
