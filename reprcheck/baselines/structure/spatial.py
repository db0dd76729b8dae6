"""Where objects lie among each other, from their centroids alone, and what neighbours have in common.

What can't be defined for so few objects is 0 (a distance to a neighbour with one object, a triangle with two); the
object count, which stands beside these numbers, lets a probe see that.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import Delaunay, QhullError, cKDTree

Floats = NDArray[np.float64]

_STRAIGHT = 1e-6
_DENSITY_NEIGHBOURS = 5
_CLUSTER_OBJECTS = 4
"""Objects within reach, itself among them, that make one the core of a cluster: the 4 of DBSCAN's authors."""


def nearest_distances(points: Floats) -> Floats:
    """Return float64[n]: the distance from each of float64[n, 2] points to the nearest other; empty for n < 2."""
    if len(points) < 2:
        return np.zeros(0)
    distances, _ = cKDTree(points).query(points, k=2)
    return np.asarray(distances, np.float64)[:, 1]


def neighbours_within(points: Floats, radius: float) -> NDArray[np.int64]:
    """Return int64[n]: how many other points lie within ``radius`` of each."""
    if len(points) < 2:
        return np.zeros(len(points), np.int64)
    counts = cKDTree(points).query_ball_point(points, radius, return_length=True)
    return np.asarray(counts, np.int64) - 1


def delaunay_edges(points: Floats) -> NDArray[np.int64]:
    """Return int64[m, 2]: the edges of the Delaunay triangulation, each once, as pairs of positions.

    Points on a straight line, or two points, have the path along the line instead: the triangulation's limit.
    """
    n = len(points)
    if n < 2:
        return np.zeros((0, 2), np.int64)
    centred = points - points.mean(axis=0)
    _, scale, axes = np.linalg.svd(centred, full_matrices=False)
    if n > 2 and scale[1] > _STRAIGHT * scale[0]:
        try:
            corners = Delaunay(centred).simplices
        except QhullError:  # flat to qhull's eye, if not to ours
            pass
        else:
            sides = np.concatenate([corners[:, [0, 1]], corners[:, [1, 2]], corners[:, [0, 2]]])
            return np.unique(np.sort(sides, axis=1), axis=0).astype(np.int64)
    order = np.argsort(centred @ axes[0], kind="stable")
    return np.stack([order[:-1], order[1:]], axis=1).astype(np.int64)


def clark_evans(nearest: Floats, n: int, area: float) -> float:
    """Return the mean nearest distance over that of n random points in ``area``: below 1 clustered, above 1 regular.

    Clark and Evans, *Distance to nearest neighbor as a measure of spatial relationships* (1954), without edge
    correction; 0 for fewer than two points.
    """
    return float(nearest.mean() * 2 * np.sqrt(n / area)) if nearest.size else 0.0


def ripley(points: Floats, radii: Sequence[float], height: float, width: float) -> Floats:
    """Return float64[k]: L(r) / r - 1 at each of k radii: above 0 clustered at that scale, below 0 regular.

    L(r) = sqrt(K(r) / pi) after Ripley, *Modelling spatial patterns* (1977), and Besag in its discussion. K(r) / pi r^2
    is estimated as the ordered pairs of float64[n, 2] points nearer than r, over those that n random points would have
    in expectation in the same ``height`` by ``width`` rectangle, borders and all: n (n - 1) times the share that Ghosh,
    *Random distances within a rectangle and between two rectangles* (1951), gives for r up to the shorter side. So a
    random pattern has no border effect, and a point's own place in the field doesn't matter. 0 for fewer than two.
    """
    n, r = len(points), np.asarray(radii, np.float64)
    if n < 2:
        return np.zeros(len(r))
    tree = cKDTree(points)
    pairs = np.asarray(tree.count_neighbors(tree, r), np.float64) - n
    area = height * width
    share = (np.pi * r**2 - 4 / 3 * (height + width) / area * r**3 + r**4 / (2 * area)) / area
    excess: Floats = np.sqrt(pairs / (n * (n - 1) * share)) - 1
    return excess


def density_spread(points: Floats) -> float:
    """Return the standard deviation over objects of the log of the density around each; 0 for fewer than two.

    The density at an object is k / (pi d^2), with d the distance to its k-th nearest other, k = 5 or all the others
    (Loftsgaarden and Quesenberry, *A nonparametric estimate of a multivariate density function*, 1965), and d at least
    half a pixel. No border correction; random points have sqrt(trigamma(5)) = 0.47, and more where few are inside.
    """
    k = min(_DENSITY_NEIGHBOURS, len(points) - 1)
    if k < 1:
        return 0.0
    distances, _ = cKDTree(points).query(points, k=[k + 1])
    return float(2 * np.log(np.maximum(distances, 0.5)).std())


def clustered_share(points: Floats, reach: float) -> float:
    """Return the share of objects that DBSCAN puts into a cluster; 0 for none.

    A core has at least 4 objects within reach, itself among them; a cluster's objects are cores and what is within
    reach of one (Ester, Kriegel, Sander and Xu, *A density-based algorithm for discovering clusters*, 1996).
    """
    cores = points[neighbours_within(points, reach) + 1 >= _CLUSTER_OBJECTS]
    if not len(cores):
        return 0.0
    nearest, _ = cKDTree(cores).query(points)
    return float(np.mean(nearest <= reach))


def moran(values: Floats, edges: NDArray[np.int64]) -> float:
    """Return how alike neighbours are in a value: the mean product of both over edges, as a share of the variance.

    Moran's I, *Notes on continuous stochastic phenomena* (1950), of float64[n] values (less their mean) over edges,
    int64[m, 2]. Shuffled values have -1 / (n - 1) in expectation. 0 without edges, or where all values are alike.
    """
    if not len(edges):
        return 0.0
    z = values - values.mean()
    variance = float(np.mean(z**2))
    return float(np.mean(z[edges[:, 0]] * z[edges[:, 1]])) / variance if variance > 0 else 0.0


def coherence(directions: Floats, edges: NDArray[np.int64]) -> float:
    """Return how parallel neighbours are: the mean over edges of cos 2 (angle between their axes), in [-1, 1].

    That is the nematic order of neighbours, two by two: de Gennes and Prost, *The physics of liquid crystals* (1993).

    Parameters
    ----------
    directions : float64[n, 2]
        Unit vectors at twice the angle of each axis; zero for an object without one, whose edges don't count.
    edges : int64[m, 2]

    Returns
    -------
    float
        0 where no edge counts.
    """
    a, b = directions[edges[:, 0]], directions[edges[:, 1]]
    counted = a.any(axis=1) & b.any(axis=1)
    return float((a[counted] * b[counted]).sum(axis=1).mean()) if counted.any() else 0.0
