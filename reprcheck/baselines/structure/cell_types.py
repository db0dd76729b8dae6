"""Of which type objects are, and whose company they keep: types of cells among their Delaunay neighbours.

Objects without a type stand aside: they are no neighbours here, and no type is dealt out to them. What can't be defined
is 0, as in `layout`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from reprcheck.baselines.structure.shapes import Floats, in_raster_order

_NO_SPREAD = 1e-12
"""A variance below this share of the squared mean is what rounding leaves of 0."""


def object_types(mask: NDArray[np.int32], types: NDArray[np.int32]) -> NDArray[np.int64]:
    """Return int64[n]: the most common type, from 1, of each object's pixels, the lowest of equally common ones.

    Parameters
    ----------
    mask, types : int32[H, W]
        Pixels of type 0 don't count; an object with no others is of type 0.

    Returns
    -------
    int64[n]
        In the order of `shapes.measure`.
    """
    objects = in_raster_order(mask)
    counted = (objects > 0) & (types > 0)
    n, kinds = int(objects.max(initial=0)), int(types.max(initial=0)) + 1
    votes = np.bincount((objects[counted] - 1) * kinds + types[counted], minlength=n * kinds)
    return np.asarray(votes.reshape(n, kinds).argmax(axis=1), np.int64)


def entropy(shares: Floats) -> float:
    """Return Shannon's entropy of shares that add up to 1, in bits."""
    some = shares[shares > 0]
    return float(-(some * np.log2(some)).sum())


def joins(types: NDArray[np.int64], edges: NDArray[np.int64], kinds: int) -> Floats:
    """Return how often types are neighbours, compared with types shuffled over the same objects: z-scores.

    Join counts after Moran, *The interpretation of statistical maps* (1948), with the moments that Cliff and Ord,
    *Spatial Processes* (1981), give for as many objects of each type as there are: an edge's chance to join a pair of
    types is that of two objects drawn from all; of two edges, that of three where they share one, else of four. So
    nothing is shuffled, and the score is the one that endless shuffling would give.

    Parameters
    ----------
    types : int64[n]
        From 1; 0 for none.
    edges : int64[m, 2]
        Pairs of neighbours, each once.
    kinds : int
        K.

    Returns
    -------
    float64[K (K + 1) / 2]
        For pairs (1, 1), (1, 2) to (1, K), (2, 2) and so on. 0 where every shuffle gives the same number.

    Notes
    -----
    A z-score, and not the logarithm of observed over expected: by chance its standard deviation is 1 for rare and for
    common types, so that a probe can weigh its columns, and it is defined without neighbours, too. It grows with the
    number of objects, which is another column.
    """
    a, b = np.triu_indices(kinds)
    typed = types > 0
    edges = edges[typed[edges].all(axis=1)]
    ends = np.sort(types[edges] - 1, axis=1)
    observed = np.bincount(ends[:, 0] * kinds + ends[:, 1], minlength=kinds * kinds)[a * kinds + b]

    m = len(edges)
    degree = np.bincount(edges.ravel())
    sharing = float((degree * (degree - 1)).sum())  # ordered pairs of edges, as are the others
    apart = m * (m - 1) - sharing
    count = np.bincount(types[typed], minlength=kinds + 1)[1:].astype(np.float64)
    first, second, alike = count[a], count[b], a == b
    of_two, of_three, of_four = (np.maximum(_count_draws(count.sum(), draws), 1) for draws in (2, 3, 4))
    two = np.where(alike, _count_draws(first, 2), 2 * first * second) / of_two
    three = np.where(alike, _count_draws(first, 3), first * second * (first + second - 2)) / of_three
    four = np.where(alike, _count_draws(first, 4), 4 * _count_draws(first, 2) * _count_draws(second, 2)) / of_four
    expected = m * two
    variance = expected + sharing * three + apart * four - expected**2
    spread = np.where(variance > _NO_SPREAD * (1 + expected**2), variance, np.inf)
    return np.asarray((observed - expected) / np.sqrt(spread), np.float64)


def distances_to_others(points: Floats, types: NDArray[np.int64], kinds: int) -> Floats:
    """Return float64[kinds]: of the objects of each type, the mean distance to the nearest object of another type.

    Parameters
    ----------
    points : float64[n, 2]
    types : int64[n]
        From 1; 0 for none, which is no other type.
    kinds : int

    Returns
    -------
    float64[kinds]
        0 for a type without objects, and where there is no other.
    """
    means = np.zeros(kinds)
    for kind in np.unique(types[types > 0]).tolist():
        own, others = types == kind, (types > 0) & (types != kind)
        if others.any():
            distances, _ = cKDTree(points[others]).query(points[own])
            means[kind - 1] = np.mean(distances)
    return means


def _count_draws(count: Floats, draws: int) -> Floats:
    """Return the number of ways to draw objects one after the other without putting back: count (count - 1) ..."""
    return np.asarray(np.prod([count - k for k in range(draws)], axis=0), np.float64)
