"""The nearest of many vectors, without a matrix of all similarities.

Similarities are made in float32, a tile at a time, and all but those near the top are dropped at once: the k-th largest
of the maxima of short runs bounds from below what the k-th largest can be. What is left is compared in float64.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from reprcheck.cores import cores

FEW = 2048
"""Vectors up to which all similarities are sorted."""
ROWS, COLUMNS, RUN = 1024, 8192, 64
"""Sides of a tile, and vectors whose largest similarity bounds."""
SLACK = 1e-5
"""What the similarity of two vectors may lose in float32."""
MANY = 2**20
"""Similarities made in float64 at a time."""


def nearest(queries: NDArray[np.float64], among: NDArray[np.float64], k: int) -> NDArray[np.int64]:
    """Return for each query the k nearest vectors by inner product, nearest first; of equals, the earlier first.

    Parameters
    ----------
    queries : float64[n, D]
        Of unit length or 0.
    among : float64[m, D]
        Likewise.
    k : int
        At most m.

    Returns
    -------
    int64[n, k]
        Positions in ``among``.
    """
    if len(among) <= max(FEW, k * RUN):
        return np.argsort(-(queries @ among.T), axis=1, kind="stable")[:, :k]
    narrow = among.astype(np.float32)

    def of_rows(start: int) -> NDArray[np.int64]:
        return _nearest(queries[start : start + ROWS], among, narrow, k)

    with ThreadPoolExecutor(cores()) as pool:
        return np.concatenate(list(pool.map(of_rows, range(0, len(queries), ROWS))))


def _nearest(
    queries: NDArray[np.float64], among: NDArray[np.float64], narrow: NDArray[np.float32], k: int
) -> NDArray[np.int64]:
    shown = queries.astype(np.float32)
    tops = np.full((len(queries), k), -np.inf, np.float32)
    kept: list[tuple[NDArray[np.int64], NDArray[np.float32]]] = []
    for start in range(0, len(among), COLUMNS):
        similar = shown @ narrow[start : start + COLUMNS].T
        whole = similar.shape[1] // RUN * RUN
        runs = similar[:, :whole].reshape(len(queries), -1, RUN).max(2)
        tops = np.partition(np.hstack([tops, runs, similar[:, whole:]]), -k, axis=1)[:, -k:]
        high = np.flatnonzero(similar >= tops.min(1, keepdims=True) - SLACK)
        row, column = np.divmod(high, similar.shape[1])
        kept.append((row * len(among) + start + column, similar.ravel()[high]))
    at, values = (np.concatenate(parts) for parts in zip(*kept, strict=True))
    at = at[values >= tops.min(1)[at // len(among)] - SLACK]
    row, column = np.divmod(at, len(among))
    parts = [slice(i, i + MANY // among.shape[1] + 1) for i in range(0, len(at), MANY // among.shape[1] + 1)]
    exact = np.concatenate([np.einsum("ij,ij->i", queries[row[part]], among[column[part]]) for part in parts])
    order = np.lexsort((column, -exact, row))
    first = np.searchsorted(row[order], np.arange(len(queries)))
    positions: NDArray[np.int64] = column[order][first[:, None] + np.arange(k)]
    return positions
