"""Embeddings that can't be judged, or would make an easy opponent: not finite, constant, of rank one, or indistinct."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from reprcheck.seeding import rng

SMALLEST_SPREAD = 1e-5
"""Root mean square distance from the mean vector over the root mean square length: float32 noise lies below it."""
SMALLEST_RANK_TWO = 1e-4
"""Second singular value of the centred vectors over the first: below it they lie on a line."""


def collapse(vectors: NDArray[np.float32]) -> str | None:
    """Return what is wrong with an embedding, or None.

    Parameters
    ----------
    vectors : float32[n, D]

    Returns
    -------
    {"not finite", "constant", "rank one"} or None
        ``"rank one"`` is only said of D > 1.
    """
    if not np.isfinite(vectors).all():
        return "not finite"
    x = vectors.astype(np.float64)
    centred = x - x.mean(0)
    if np.linalg.norm(centred) <= SMALLEST_SPREAD * np.linalg.norm(x):
        return "constant"
    smaller = centred.T @ centred if x.shape[1] < x.shape[0] else centred @ centred.T
    power = np.linalg.eigvalsh(smaller)
    if len(power) > 1 and power[-2] < SMALLEST_RANK_TWO**2 * power[-1] and x.shape[1] > 1:
        return "rank one"
    return None


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
