"""Where objects lie among each other: distances, neighbours and spread, from their centroids alone.

What can't be defined for so few objects is 0 (a distance to a neighbour with one object, a triangle with two); the
object count, which stands beside these numbers, tells a probe so.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import Delaunay, QhullError, cKDTree

Floats = NDArray[np.float64]

_STRAIGHT = 1e-6


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
    found = cKDTree(points).query_ball_point(points, radius, return_length=True)
    return np.asarray(found, np.int64) - 1


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
