"""The columns of the `Structure` baseline: the name, meaning, source and value of each.

`MEASURES`, and `of_types` where cells have types, is the only list there is. The names, the vectors and the table in
`docs/structure.md` are made from it.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations_with_replacement

import numpy as np
from numpy.typing import NDArray

from reprcheck.baselines.columns import Measure
from reprcheck.baselines.structure.cell_types import distances_to_others, entropy, joins
from reprcheck.baselines.structure.measures import ALONE, EMPTY, Field, distribution, mean_and_sd, single
from reprcheck.baselines.structure.shapes import hull_area
from reprcheck.baselines.structure.spatial import (
    clark_evans,
    clustered_share,
    coherence,
    density_spread,
    moran,
    neighbours_within,
    ripley,
)

RADII = (1 / 8, 1 / 4)
"""Neighbourhoods, as shares of the field's diagonal."""

SCALES = (1 / 16, 1 / 8, 1 / 4)
"""Radii of Ripley's function, as shares of the field's shorter side: beyond a quarter, pairs are too few."""
REACH = 2.0
"""How far objects of one cluster are apart at most, from centre to centre, in median diameters."""


def _anisotropy(field: Field) -> float:
    small, large = field.scale
    return float((large - small) / large) if large > 1e-9 else 0.0


def _within(share: float) -> Measure[Field]:
    return mean_and_sd(
        f"within_{share:g}",
        "objects",
        f"other objects whose centroid lies within {share:g} of the field's diagonal of an object's",
        "",
        lambda field: neighbours_within(field.points, share * field.diagonal),
    )


def _ripley(field: Field) -> Sequence[float]:
    radii = [share * min(field.height, field.width) for share in SCALES]
    return tuple(float(v) for v in ripley(field.points, radii, field.height, field.width))


def _composition(field: Field, kinds: int) -> Sequence[float]:
    none, *some = np.bincount(field.types, minlength=kinds + 1) / len(field.types)
    return (*some, none, entropy(np.array([none, *some])))


def _apart(field: Field, kinds: int) -> Sequence[float]:
    usual = float(np.median(field.nearest)) if field.nearest.size else 0.0
    distances = distances_to_others(field.points, field.types, kinds)
    return [float(distance) / usual if usual > 0 else 0.0 for distance in distances]


_REGIONS = "scikit-image, `regionprops`"
_DELAUNAY = "Doyle et al. 2008"

MEASURES: tuple[Measure[Field], ...] = (
    single("count", "objects", "number of objects", "", lambda f: float(len(f.objects))),
    single(
        "coverage", "", "area of all objects over that of the field", "", lambda f: float(f.objects.area.sum() / f.area)
    ),
    distribution("area", "px²", "pixels of an object", _REGIONS, lambda f: f.objects.area),
    distribution("diameter", "px", "diameter of the disk of the same area", _REGIONS, lambda f: f.objects.diameter),
    distribution(
        "eccentricity",
        "",
        "of the ellipse with the same second moments: 0 a circle, 1 a line",
        _REGIONS,
        lambda f: f.objects.eccentricity,
    ),
    distribution(
        "solidity",
        "",
        "area over that of the convex hull of the pixels' corners",
        _REGIONS,
        lambda f: f.objects.solidity,
    ),
    distribution("extent", "", "area over that of the upright bounding box", _REGIONS, lambda f: f.objects.extent),
    distribution(
        "form_factor",
        "",
        "4π area / perimeter², at most 1: a disk has 1",
        "CellProfiler, `MeasureObjectSizeShape`",
        lambda f: f.objects.form_factor,
    ),
    distribution(
        "axis_major",
        "px",
        "long axis of the ellipse with the same second moments",
        _REGIONS,
        lambda f: f.objects.axis_major,
    ),
    distribution("axis_minor", "px", "short axis of that ellipse", _REGIONS, lambda f: f.objects.axis_minor),
    distribution("perimeter", "px", "length of the contour", "Benkrid and Crookes 2000", lambda f: f.objects.perimeter),
    single(
        "area.cv",
        "",
        "standard deviation of the areas over their mean",
        "",
        lambda f: float(f.objects.area.std()) / float(f.objects.area.mean()),
    ),
    single(
        "orientation.alignment",
        "",
        "length of the mean of unit vectors at twice the angle of each long axis: 1 parallel, 0 no common direction",
        "Mardia and Jupp 2000",
        lambda f: float(np.hypot(*(f.objects.orientation.sum(axis=0) / len(f.objects)))),
    ),
    single(
        "border_share",
        "",
        "share of objects that touch the edge of the field",
        "",
        lambda f: float(f.objects.at_border.mean()),
    ),
    single(
        "hull_share",
        "",
        "area of the convex hull of the centroids over that of the field",
        "",
        lambda f: hull_area(f.points) / f.area,
        "fewer than three objects, or objects in line",
    ),
    single(
        "largest.offset",
        "diagonals",
        "distance of the largest object's centroid from the middle of the field",
        "",
        lambda f: f.offset(f.points[int(np.argmax(f.objects.area))]),
    ),
    single(
        "mean.offset",
        "diagonals",
        "distance of the mean centroid from the middle of the field",
        "",
        lambda f: f.offset(f.points.mean(axis=0)),
    ),
    single(
        "spread",
        "diagonals",
        "root mean square distance of the centroids from their mean",
        "",
        lambda f: float(np.hypot(*f.scale)) / f.diagonal,
    ),
    single(
        "spread.anisotropy",
        "",
        "1 - b / a, with a and b the standard deviations of the centroids along their principal axes",
        "",
        _anisotropy,
        "objects in one place",
    ),
    distribution(
        "nearest", "px", "distance from an object's centroid to the nearest other's", "", lambda f: f.nearest, ALONE
    ),
    single(
        "clark_evans",
        "",
        "mean of these distances over that of as many random points: below 1 clustered, above 1 regular; no edge "
        "correction",
        "Clark and Evans 1954",
        lambda f: clark_evans(f.nearest, len(f.objects), f.area),
        ALONE,
    ),
    mean_and_sd(
        "delaunay.length",
        "px",
        "length of an edge of the Delaunay triangulation of the centroids",
        _DELAUNAY,
        lambda f: f.edge_lengths,
        ALONE,
    ),
    mean_and_sd(
        "delaunay.degree",
        "objects",
        "Delaunay neighbours of an object",
        _DELAUNAY,
        lambda f: np.bincount(f.edges.ravel(), minlength=len(f.objects)),
    ),
    *(_within(share) for share in RADII),
    Measure(
        tuple(f"ripley_{share:g}" for share in SCALES),
        "",
        "L(r) / r - 1, at r of these shares of the field's shorter side: 0 random, above clustered, below regular; the "
        "field's borders are in the expectation",
        "Ripley 1977; Ghosh 1951",
        ALONE,
        _ripley,
    ),
    single(
        "local_density.sd",
        "",
        "standard deviation over objects of the log of 1 / d², with d the distance to the fifth nearest other (or the "
        "last, where there are fewer); no edge correction",
        "Loftsgaarden and Quesenberry 1965",
        lambda f: density_spread(f.points),
        "fewer than three objects",
    ),
    single(
        "clusters.share",
        "",
        f"share of objects in clusters: four or more within {REACH:g} median diameters of one of them (DBSCAN)",
        "Ester et al. 1996",
        lambda f: clustered_share(f.points, REACH * float(np.median(f.objects.diameter))),
    ),
    single(
        "orientation.neighbours",
        "",
        "mean over Delaunay neighbours of cos 2 (angle between their long axes): 1 parallel, 0 no order, -1 crossed",
        "de Gennes and Prost 1993",
        lambda f: coherence(f.objects.orientation, f.edges),
        ALONE,
    ),
    single(
        "area.neighbours",
        "",
        "Moran's I of the areas over Delaunay neighbours: 1 neighbours are alike, about 0 no relation, below 0 unlike",
        "Moran 1950",
        lambda f: moran(f.objects.area, f.edges),
        "fewer than two objects, or areas all alike",
    ),
)
"""Every measure, in order of the columns."""


def of_types(names: Sequence[str]) -> tuple[Measure[Field], ...]:
    """Return the further measures of a dataset whose cells have types with these names; none without names."""
    if not names:
        return ()
    pairs = combinations_with_replacement(names, 2)
    return (
        Measure(
            (*(f"types.share.{name}" for name in names), "types.none", "types.entropy"),
            "",
            "share of the objects that are of a type, and that are of none; Shannon's entropy of these shares, in bits",
            "",
            EMPTY,
            lambda field: _composition(field, len(names)),
        ),
        Measure(
            tuple(f"types.joins.{a}:{b}" for a, b in pairs),
            "",
            "pairs of Delaunay neighbours of these two types, less their mean number where types are dealt out anew to "
            "the same objects, in standard deviations: above 0 together, below apart; objects of no type aside",
            "Moran 1948; Cliff and Ord 1981",
            "fewer than two objects with a type, or types of which every deal gives the same number",
            lambda field: joins(field.types, field.edges, len(names)).tolist(),
        ),
        Measure(
            tuple(f"types.apart.{name}" for name in names),
            "",
            "mean distance from an object of the type to the nearest of another type, over the median of `nearest`",
            "",
            "no object of the type, or none of another",
            lambda field: _apart(field, len(names)),
        ),
    )


def feature_names(cell_types: Sequence[str] = ()) -> tuple[str, ...]:
    """Return the names of the columns of `Structure.encode`, for a dataset that names these types of cells."""
    return tuple(name for m in (*MEASURES, *of_types(cell_types)) for name in m.columns)


def measure_objects(
    mask: NDArray[np.int32], types: NDArray[np.int32] | None = None, cell_types: Sequence[str] = ()
) -> dict[str, float]:
    """Describe the objects of a label image.

    Parameters
    ----------
    mask : int32[H, W]
        0 is background.
    types : int32[H, W], optional
        The type of the cell at each pixel: position from 1 in ``cell_types``, 0 where it isn't known.
    cell_types : sequence of str
        Names of the types.

    Returns
    -------
    dict of str to float
        Always the same keys for the same ``cell_types``, in one order; finite for any number and arrangement of
        objects. What can't be defined is 0.
    """
    return _values((*MEASURES, *of_types(cell_types)), mask, types)


def composition(
    mask: NDArray[np.int32], types: NDArray[np.int32] | None, cell_types: Sequence[str]
) -> dict[str, float]:
    """Return those values of `measure_objects` that concern types."""
    return _values(of_types(cell_types), mask, types)


def _values(
    measures: Sequence[Measure[Field]], mask: NDArray[np.int32], types: NDArray[np.int32] | None
) -> dict[str, float]:
    field = Field.of(mask, types)
    if not len(field.objects):
        return {name: 0.0 for m in measures for name in m.columns}
    return {n: v for m in measures for n, v in zip(m.columns, m.values(field), strict=True)}
