"""Size and shape of every object in a label image, all objects at once.

The measures are scikit-image's `regionprops` (the tests hold them to it, and to exact convex hulls), computed over the
whole image, since a region at a time is too slow for fields of hundreds of cells. Sums are over integers, so a mask
moved, relabelled or compressed gives the same numbers bit for bit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_STRAIGHT, _DIAGONAL, _MIXED = (5, 7, 15, 17, 25, 27), (21, 33), (13, 23)
_STEP_LENGTH = np.zeros(51)
_STEP_LENGTH[list(_STRAIGHT)] = 1.0
_STEP_LENGTH[list(_DIAGONAL)] = np.sqrt(2.0)
_STEP_LENGTH[list(_MIXED)] = (1 + np.sqrt(2.0)) / 2
"""Length that a contour pixel adds, by its neighbourhood code: Benkrid and Crookes (2000), as in scikit-image."""


@dataclass(frozen=True, eq=False)
class Shapes:
    """The n objects of a label image, in the order of their first pixel; lengths in pixels.

    Attributes
    ----------
    centroids : float64[n, 2]
        Row and column, relative to the upper left corner of the objects' common bounding box.
    origin : tuple of int
        Row and column of that corner in the image.
    area, perimeter, axis_major, axis_minor, diameter : float64[n]
    eccentricity, solidity, extent, form_factor : float64[n]
        In [0, 1].
    orientation : float64[n, 2]
        Unit vector at twice the angle of the major axis; zero for an object without one.
    at_border : bool[n]
        Whether the object touches the edge of the image.
    """

    centroids: Floats
    origin: tuple[int, int]
    area: Floats
    perimeter: Floats
    axis_major: Floats
    axis_minor: Floats
    diameter: Floats
    eccentricity: Floats
    solidity: Floats
    extent: Floats
    form_factor: Floats
    orientation: Floats
    at_border: NDArray[np.bool_]

    def __len__(self) -> int:
        """Return the number of objects."""
        return len(self.area)


def measure(mask: NDArray[np.int32]) -> Shapes:
    """Measure every object of a label image.

    Parameters
    ----------
    mask : int[H, W]
        0 is background; labels needn't be consecutive nor objects connected.

    Returns
    -------
    Shapes
        Area in pixels; axes and eccentricity of the ellipse with the same second moments; diameter of the disk of the
        same area; perimeter after Benkrid and Crookes (2000); solidity, area over that of the convex hull of the
        pixels' corners; extent, area over bounding box; form factor, 4 pi area / perimeter squared, at most 1.
    """
    labels = in_raster_order(mask)
    rows, columns = np.nonzero(labels)
    n = int(labels.max(initial=0))
    origin = (int(rows.min()), int(columns.min())) if n else (0, 0)
    of = labels[rows, columns] - 1
    r, c = rows - origin[0], columns - origin[1]

    area = np.bincount(of, minlength=n).astype(float)
    top, bottom = _bounds(r, of, n)
    left, right = _bounds(c, of, n)
    u, v = r - top[of], c - left[of]  # from the object's own corner: small integers
    su, sv = _sum(u, of, n), _sum(v, of, n)
    centroids = np.stack([top + su / area, left + sv / area], axis=1)
    uu = area * _sum(u * u, of, n) - su * su
    vv = area * _sum(v * v, of, n) - sv * sv
    uv = area * _sum(u * v, of, n) - su * sv

    spread = np.hypot(uu - vv, 2 * uv)
    major, minor = uu + vv + spread, np.maximum(uu + vv - spread, 0.0)
    elongated = spread > 0
    safe = np.where(elongated, spread, 1.0)
    perimeter = _perimeters(labels, n)
    hull = _hull_areas(u, v, of, n)
    return Shapes(
        centroids=centroids,
        origin=origin,
        area=area,
        perimeter=perimeter,
        axis_major=4 * np.sqrt(major / 2) / area,
        axis_minor=4 * np.sqrt(minor / 2) / area,
        diameter=np.sqrt(4 * area / np.pi),
        eccentricity=np.sqrt(np.where(major > 0, 1 - minor / np.where(major > 0, major, 1.0), 0.0)),
        solidity=area / hull,
        extent=area / ((bottom - top + 1) * (right - left + 1)),
        form_factor=np.minimum(1.0, 4 * np.pi * area / np.maximum(perimeter, 1e-6) ** 2),
        orientation=np.stack([(uu - vv) / safe, 2 * uv / safe], axis=1) * elongated[:, None],
        at_border=_touching(labels, n),
    )


def hull_area(points: Floats) -> float:
    """Return the area of the convex hull of float64[n, 2] points; 0 for fewer than three or a straight line."""
    if len(points) < 3:
        return 0.0
    x, first = np.unique(points[:, 0], return_inverse=True)
    low, high = np.full(len(x), np.inf), np.full(len(x), -np.inf)
    np.minimum.at(low, first, points[:, 1])
    np.maximum.at(high, first, points[:, 1])
    at = x.tolist()
    return max(0.0, -_under_hull(at, (-high).tolist()) - _under_hull(at, low.tolist()))


def in_raster_order(mask: NDArray[np.int32]) -> NDArray[np.int64]:
    """Return int64[H, W]: objects renumbered 1..n by their first pixel, so that names of labels can't matter."""
    flat = mask.ravel()
    labels = np.zeros(flat.size, np.int64)
    inside = np.flatnonzero(flat)
    if inside.size:
        _, first, inverse = np.unique(flat[inside], return_index=True, return_inverse=True)
        rank = np.empty(first.size, np.int64)
        rank[np.argsort(first)] = np.arange(1, first.size + 1)
        labels[inside] = rank[inverse]
    return labels.reshape(mask.shape)


def _sum(values: NDArray[np.int64], of: NDArray[np.int64], n: int) -> Floats:
    return np.bincount(of, weights=values, minlength=n).astype(np.float64)


def _bounds(at: NDArray[np.int64], of: NDArray[np.int64], n: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    low, high = np.full(n, np.iinfo(np.int64).max), np.full(n, -1)
    np.minimum.at(low, of, at)
    np.maximum.at(high, of, at)
    return low, high


def _touching(labels: NDArray[np.int64], n: int) -> NDArray[np.bool_]:
    edge = np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]])
    return np.bincount(edge, minlength=n + 1)[1:] > 0


def _perimeters(labels: NDArray[np.int64], n: int) -> Floats:
    """Return float64[n]: scikit-image's `perimeter` of each object as if it were alone."""
    padded = np.pad(labels, 1)
    centre = padded[1:-1, 1:-1]

    def beside(image: NDArray[np.int64], dr: int, dc: int) -> NDArray[np.int64]:
        h, w = labels.shape
        return image[1 + dr : 1 + dr + h, 1 + dc : 1 + dc + w]

    cross = ((-1, 0), (1, 0), (0, -1), (0, 1))
    inner = np.ones(labels.shape, bool)
    for step in cross:
        inner &= beside(padded, *step) == centre
    contour = np.pad(np.where(inner, 0, labels), 1)
    rows, columns = np.nonzero(contour)
    own = contour[rows, columns]
    code = np.ones(own.size, np.int64)
    for dr in (-1, 0, 1):
        for dc in (-1, 0, 1):
            if dr or dc:
                code += (2 if dr * dc == 0 else 10) * (contour[rows + dr, columns + dc] == own)
    return np.bincount(own - 1, weights=_STEP_LENGTH[code], minlength=n).astype(np.float64)


def _hull_areas(u: NDArray[np.int64], v: NDArray[np.int64], of: NDArray[np.int64], n: int) -> Floats:
    """Return float64[n]: the area of the convex hull of each object's pixels, taken as unit squares."""
    lines = int(u.max(initial=0)) + 2  # horizontal grid lines; a pixel in row u has corners on lines u and u + 1
    low, high = np.full(n * lines, np.iinfo(np.int64).max), np.full(n * lines, -1)
    for line in (of * lines + u, of * lines + u + 1):
        np.minimum.at(low, line, v)
        np.maximum.at(high, line, v + 1)
    lines_in_use = np.flatnonzero(high >= 0)
    at = np.searchsorted(lines_in_use, np.arange(n + 1) * lines)
    x, below, above = (lines_in_use % lines).tolist(), low[lines_in_use].tolist(), (-high[lines_in_use]).tolist()
    spans = [slice(at[k], at[k + 1]) for k in range(n)]
    return np.array([-_under_hull(x[s], above[s]) - _under_hull(x[s], below[s]) for s in spans], np.float64)


def _under_hull(x: Sequence[float], y: Sequence[float]) -> float:
    """Return the integral of the lower convex hull of points with increasing x (Andrew's monotone chain)."""
    hx, hy = [x[0]], [y[0]]
    for px, py in zip(x[1:], y[1:], strict=True):
        while len(hx) > 1 and (hx[-1] - hx[-2]) * (py - hy[-2]) <= (hy[-1] - hy[-2]) * (px - hx[-2]):
            hx.pop()
            hy.pop()
        hx.append(px)
        hy.append(py)
    return sum((hx[i] - hx[i - 1]) * (hy[i] + hy[i - 1]) for i in range(1, len(hx))) / 2
