"""Embeddings that can't be judged, or would make an easy opponent: not finite, constant, or of rank one."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

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
