"""Embeddings that can't be judged, or would make an easy opponent: not finite, constant, of few values, of rank one.

Or indistinct: they don't tell units apart. Floats have steps, and an untrained network's features may lie so close
together that few steps are left between them, however many numbers a vector has.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from reprcheck.seeding import rng

SMALLEST_SPREAD = 1e-5
"""Root mean square distance from the mean vector over the root mean square length: float32 noise lies below it."""
FEWEST_STEPS, FADED = 8, 64
"""Steps of the floats within one standard deviation: below the first a feature has some fifty values at most, and
rounding on the way through a network is a part of them; below the second a network's signal has faded."""
PRECISIONS = {16: 7, 13: 10, 0: 23}
"""Bits of a float32 that are 0 throughout where it was computed in bfloat16, float16 or float32, and digits kept."""
SMALLEST_RANK_TWO = 1e-4
"""Second singular value of the centred vectors over the first: below it they lie on a line."""


def collapse(vectors: NDArray[np.float32]) -> str | None:
    """Return what is wrong with an embedding, or None.

    Parameters
    ----------
    vectors : float32[n, D]

    Returns
    -------
    {"not finite", "constant", "few values", "rank one"} or None
        ``"few values"`` where most features have fewer than `FEWEST_STEPS`; ``"rank one"`` is only said of D > 1.
    """
    if not np.isfinite(vectors).all():
        return "not finite"
    x = vectors.astype(np.float64)
    centred = x - x.mean(0)
    if np.linalg.norm(centred) <= SMALLEST_SPREAD * np.linalg.norm(x):
        return "constant"
    if float(np.median(float_steps(vectors))) < FEWEST_STEPS:
        return "few values"
    smaller = centred.T @ centred if x.shape[1] < x.shape[0] else centred @ centred.T
    power = np.linalg.eigvalsh(smaller)
    if len(power) > 1 and power[-2] < SMALLEST_RANK_TWO**2 * power[-1] and x.shape[1] > 1:
        return "rank one"
    return None


def lost_signal(vectors: NDArray[np.float32]) -> str | None:
    """Return what became of the differences between images on the way through a network, or None.

    Parameters
    ----------
    vectors : float32[n, D]

    Returns
    -------
    {"explodes", "fades"} or None
        Not all values are finite, or most features have fewer than `FADED` steps.
    """
    if not np.isfinite(vectors).all():
        return "explodes"
    return "fades" if float(np.median(float_steps(vectors))) < FADED else None


def float_steps(vectors: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return how many steps of the floats that vectors were computed in each feature's standard deviation spans.

    A step is the distance between floats at the feature's largest magnitude. Vectors whose last bits are 0 throughout
    were computed in half precision.

    Parameters
    ----------
    vectors : float32[n, D]
        Finite.

    Returns
    -------
    float64[D]
        0 for a constant feature.
    """
    bits = np.ascontiguousarray(vectors, np.float32).view(np.uint32)
    digits = next(kept for zeros, kept in PRECISIONS.items() if not (bits & ((1 << zeros) - 1)).any())
    x = vectors.astype(np.float64)
    if not len(x):
        return np.zeros(x.shape[1])
    _, exponent = np.frexp(np.abs(x).max(0, initial=0.0))
    steps: NDArray[np.float64] = x.std(0) / np.ldexp(1.0, exponent - 1 - digits)
    return steps


INDISTINCT, SEPARATE = 0.52, 0.6
"""Below the first an encoder doesn't separate units; from the second on it clearly does."""
PAIRS = 4000
"""Pairs of either kind that the separation is taken from."""


def separation(vectors: NDArray[np.float32], units: NDArray[np.str_]) -> float | None:
    """Return how often two samples of one unit are more alike than two of different units.

    The area under the ROC curve of cosine similarity between standardised vectors: 0.5 says nothing. Pairs are drawn
    from the number of samples alone, so that all encoders meet the same ones.

    Parameters
    ----------
    vectors : float32[n, D]
    units : str[n]

    Returns
    -------
    float or None
        None where fewer than two units have several samples, or the vectors aren't finite.
    """
    _, index, counts = np.unique(units, return_inverse=True, return_counts=True)
    if (counts > 1).sum() < 2 or not np.isfinite(vectors).all():
        return None
    draw = rng("separation", len(units))
    order = np.argsort(index, kind="stable")
    start = np.concatenate(([0], np.cumsum(counts)))
    unit = draw.choice(np.flatnonzero(counts > 1), PAIRS)
    first = draw.integers(0, counts[unit])
    second = (first + draw.integers(1, counts[unit])) % counts[unit]
    left, right = draw.integers(0, len(units), (2, 2 * PAIRS))
    apart = index[left] != index[right]
    x = vectors.astype(np.float64)
    x = (x - x.mean(0)) / np.maximum(x.std(0), 1e-12)
    x /= np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-12)

    def alike(a: NDArray[np.int64], b: NDArray[np.int64]) -> NDArray[np.float64]:
        similarity: NDArray[np.float64] = np.einsum("ij,ij->i", x[a], x[b])
        return similarity

    same = alike(order[start[unit] + first], order[start[unit] + second])
    other = np.sort(alike(left[apart], right[apart]))
    below = np.searchsorted(other, same, "left") + np.searchsorted(other, same, "right")
    return float(below.mean() / (2 * len(other)))
