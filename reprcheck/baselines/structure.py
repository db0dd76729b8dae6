"""What the layout of cells already gives: the `Structure` baseline.

Objects are counted, measured and placed; their brightness never enters. They come from the image's mask where the
dataset has one, else from `segmentation`. The vector is the same after any change of the mask's labels, and, given a
mask, after any change of the pixels whatever.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reprcheck.baselines.identity import baseline_digest
from reprcheck.baselines.layout import clark_evans, delaunay_edges, nearest_distances, neighbours_within
from reprcheck.baselines.segmentation import segment
from reprcheck.baselines.shapes import Floats, Shapes, hull_area, measure
from reprcheck.types import Image, Kind

QUANTILES = (10, 25, 50, 75, 90)
SHAPES = (
    "area",
    "diameter",
    "eccentricity",
    "solidity",
    "extent",
    "form_factor",
    "axis_major",
    "axis_minor",
    "perimeter",
)
RADII = (1 / 8, 1 / 4)
"""Neighbourhoods, as shares of the field's diagonal."""


@dataclass(frozen=True)
class Structure:
    """Encoder: number, size, shape and layout of the objects.

    Attributes
    ----------
    channels : tuple of str
        Names of the channels of the images, in order: which one shows nuclei is told from them.
    kind : {"culture", "tissue", "natural"}
        The dataset's.
    name : str

    Examples
    --------
    >>> import numpy as np
    >>> mask = np.zeros((32, 32), np.int32)
    >>> mask[4:9, 4:9] = 1
    >>> row = Structure(("dna",), "culture").encode([Image(np.zeros((1, 32, 32), np.float32), mask)])[0]
    >>> dict(zip(feature_names(), row.tolist()))["area.mean"]
    25.0
    """

    channels: tuple[str, ...]
    kind: Kind
    name: str = "structure"

    def digest(self) -> str:
        """Return the digest of the features' definition and of what the segmentation is told."""
        return baseline_digest("structure", channels=self.channels, kind=self.kind)

    def encode(self, images: Sequence[Image]) -> NDArray[np.float32]:
        """Return float32[N, D]: the features of `feature_names`."""
        rows = [list(describe(self._mask(image)).values()) for image in images]
        return np.array(rows, np.float32).reshape(len(images), len(feature_names()))

    def _mask(self, image: Image) -> NDArray[np.int32]:
        return segment(image.pixels, self.channels, self.kind) if image.mask is None else image.mask


def feature_names() -> tuple[str, ...]:
    """Return the names of the columns of `Structure.encode`."""
    return tuple(describe(np.zeros((8, 8), np.int32)))


def describe(mask: NDArray[np.int32]) -> dict[str, float]:
    """Describe the objects of a label image.

    Parameters
    ----------
    mask : int32[H, W]
        0 is background.

    Returns
    -------
    dict of str to float
        Always the same keys, in one order; finite for any number and arrangement of objects. Lengths are in pixels,
        but for those relative to the field, which say so. What can't be defined is 0.
    """
    objects = measure(mask)
    return {**_sizes(objects, mask.shape), **_placement(objects, mask.shape), **_neighbourhood(objects, mask.shape)}


def _sizes(objects: Shapes, field: tuple[int, ...]) -> dict[str, float]:
    out = {"count": float(len(objects)), "coverage": float(objects.area.sum() / (field[0] * field[1]))}
    for name in SHAPES:
        out |= _distribution(name, getattr(objects, name))
    out["area.cv"] = out["area.sd"] / out["area.mean"] if len(objects) else 0.0
    resultant = objects.orientation.sum(axis=0) / max(len(objects), 1)
    out["orientation.alignment"] = float(np.hypot(*resultant))  # 1: all parallel, 0: no common direction
    return out


def _placement(objects: Shapes, field: tuple[int, ...]) -> dict[str, float]:
    """Where the objects lie in the field; lengths as shares of its diagonal."""
    names = ("border_share", "hull_share", "largest.offset", "mean.offset", "spread", "spread.anisotropy")
    if not len(objects):
        return dict.fromkeys(names, 0.0)
    diagonal = float(np.hypot(field[0], field[1]))
    middle = np.array([(field[0] - 1) / 2, (field[1] - 1) / 2]) - np.array(objects.origin)
    points = objects.centroids
    largest = points[int(np.argmax(objects.area))]
    centre = points.mean(axis=0)
    deviation = points - centre
    scale = np.sqrt(np.maximum(np.linalg.eigvalsh(deviation.T @ deviation / len(points)), 0.0))
    values = (
        float(objects.at_border.mean()),
        hull_area(points) / (field[0] * field[1]),
        float(np.hypot(*(largest - middle))) / diagonal,
        float(np.hypot(*(centre - middle))) / diagonal,
        float(np.hypot(*scale)) / diagonal,
        float((scale[1] - scale[0]) / scale[1]) if scale[1] > 1e-9 else 0.0,
    )
    return dict(zip(names, values, strict=True))


def _neighbourhood(objects: Shapes, field: tuple[int, ...]) -> dict[str, float]:
    points, n = objects.centroids, len(objects)
    nearest = nearest_distances(points)
    edges = delaunay_edges(points)
    lengths = np.hypot(*(points[edges[:, 0]] - points[edges[:, 1]]).T)
    out = _distribution("nearest", nearest)
    out["clark_evans"] = clark_evans(nearest, n, field[0] * field[1])
    out["delaunay.length.mean"], out["delaunay.length.sd"] = _mean_sd(lengths)
    out["delaunay.degree.mean"], out["delaunay.degree.sd"] = _mean_sd(np.bincount(edges.ravel(), minlength=n))
    for share in RADII:
        near = neighbours_within(points, share * float(np.hypot(field[0], field[1])))
        out[f"within_{share:g}.mean"], out[f"within_{share:g}.sd"] = _mean_sd(near)
    return out


def _distribution(name: str, values: Floats) -> dict[str, float]:
    """Return mean, standard deviation and quantiles; zeros for no values."""
    mean, sd = _mean_sd(values)
    quantiles = np.percentile(values, QUANTILES) if values.size else np.zeros(len(QUANTILES))
    return {f"{name}.mean": mean, f"{name}.sd": sd} | {
        f"{name}.p{q}": float(v) for q, v in zip(QUANTILES, quantiles, strict=True)
    }


def _mean_sd(values: NDArray[np.float64] | NDArray[np.int64]) -> tuple[float, float]:
    return (float(values.mean()), float(values.std())) if values.size else (0.0, 0.0)
