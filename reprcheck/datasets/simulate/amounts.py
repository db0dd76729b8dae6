"""The device that keeps brightness and structure from giving a cause away: equal amounts, placed differently.

Within each cell a pattern is replaced by the rank of its pixels, and the rank by a fixed amount. Every cell then holds
the same histogram of values, whatever the pattern; only where the values lie differs. Ranks are taken after blurring.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def rank_within(
    pattern: NDArray[np.float64], cell: NDArray[np.int64], inside: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Return the rank of each pixel's value among the pixels of its cell, on (0, 1).

    Parameters
    ----------
    pattern : float64[H, W]
        Only its order within a cell matters.
    cell : int64[H, W]
        The cell of each pixel, from 0.
    inside : bool[H, W]
        Pixels that belong to a cell; the others get 0.

    Examples
    --------
    >>> rank_within(np.array([[3.0, 9.0, 7.0]]), np.zeros((1, 3), int), np.ones((1, 3), bool)).round(2).tolist()
    [[0.17, 0.83, 0.5]]
    """
    labels = cell[inside]
    order = np.lexsort((pattern[inside], labels))
    size = np.bincount(labels)
    place = np.arange(labels.size) - (np.cumsum(size) - size)[labels[order]]
    ranks = np.empty(labels.size)
    ranks[order] = (place + 0.5) / size[labels[order]]
    out = np.zeros(pattern.shape)
    out[inside] = ranks
    return out
