"""What the columns of the `Structure` baseline are made from: a field measured once, and the kinds of columns.

Which columns there are is for `features`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from reprcheck.baselines.columns import Measure
from reprcheck.baselines.structure.cell_types import object_types
from reprcheck.baselines.structure.shapes import Floats, Shapes, measure
from reprcheck.baselines.structure.spatial import delaunay_edges, nearest_distances

QUANTILES = (10, 25, 50, 75, 90)
STATISTICS = ("mean", "sd", *(f"p{q}" for q in QUANTILES))
"""What a column of objects' values becomes."""

EMPTY, ALONE = "no objects", "fewer than two objects"


@dataclass(frozen=True, eq=False)
class Field:
    """A label image measured once, for all measures.

    Attributes
    ----------
    objects : Shapes
    height, width : int
        Of the field, in pixels.
    types : int64[n]
        The type of each object, from 1; 0 for none.
    """

    objects: Shapes
    height: int
    width: int
    types: NDArray[np.int64]

    @classmethod
    def of(cls, mask: NDArray[np.int32], types: NDArray[np.int32] | None = None) -> Field:
        """Measure a label image, int32[H, W]; 0 is background. Without a type image no object is of a type."""
        objects = measure(mask)
        of_each = np.zeros(len(objects), np.int64) if types is None else object_types(mask, types)
        return cls(objects, mask.shape[0], mask.shape[1], of_each)

    @property
    def points(self) -> Floats:
        """The centroids of the objects, float64[n, 2]."""
        return self.objects.centroids

    @property
    def area(self) -> int:
        """In pixels."""
        return self.height * self.width

    @cached_property
    def diagonal(self) -> float:
        """In pixels."""
        return float(np.hypot(self.height, self.width))

    @cached_property
    def nearest(self) -> Floats:
        """The distance from each object to the nearest other, float64[n]; empty for one object."""
        return nearest_distances(self.points)

    @cached_property
    def edges(self) -> NDArray[np.int64]:
        """The Delaunay neighbours, int64[m, 2]."""
        return delaunay_edges(self.points)

    @cached_property
    def edge_lengths(self) -> Floats:
        """The distance between Delaunay neighbours, float64[m]."""
        rows, columns = (self.points[self.edges[:, 0]] - self.points[self.edges[:, 1]]).T
        return np.asarray(np.hypot(rows, columns), np.float64)

    @cached_property
    def scale(self) -> Floats:
        """Standard deviations of the centroids along their principal axes, float64[2], the smaller first."""
        deviation = self.points - self.points.mean(axis=0)
        return np.sqrt(np.maximum(np.linalg.eigvalsh(deviation.T @ deviation / len(self.points)), 0.0))

    def offset(self, point: Floats) -> float:
        """Return how far a point lies from the middle of the field, as a share of the diagonal."""
        middle = np.array([(self.height - 1) / 2, (self.width - 1) / 2]) - np.array(self.objects.origin)
        return float(np.hypot(*(point - middle))) / self.diagonal


def single(
    name: str, unit: str, definition: str, source: str, value: Callable[[Field], float], zero_for: str = EMPTY
) -> Measure[Field]:
    """Return the measure of one number per field."""
    return Measure((name,), unit, definition, source, zero_for, lambda field: (value(field),))


def distribution(
    name: str, unit: str, definition: str, source: str, of: Callable[[Field], Floats], zero_for: str = EMPTY
) -> Measure[Field]:
    """Return the measure of all objects' values: mean, standard deviation and quantiles."""

    def values(field: Field) -> Sequence[float]:
        numbers = of(field)
        if not numbers.size:
            return (0.0,) * len(STATISTICS)
        return (*_mean_sd(numbers), *np.percentile(numbers, QUANTILES).tolist())

    return Measure(tuple(f"{name}.{s}" for s in STATISTICS), unit, definition, source, zero_for, values)


def mean_and_sd(
    name: str,
    unit: str,
    definition: str,
    source: str,
    of: Callable[[Field], NDArray[np.float64] | NDArray[np.int64]],
    zero_for: str = EMPTY,
) -> Measure[Field]:
    """Return the measure of all objects' values: mean and standard deviation."""
    return Measure(
        (f"{name}.mean", f"{name}.sd"), unit, definition, source, zero_for, lambda field: _mean_sd(of(field))
    )


def _mean_sd(values: NDArray[np.float64] | NDArray[np.int64]) -> tuple[float, float]:
    return (float(values.mean()), float(values.std())) if values.size else (0.0, 0.0)
