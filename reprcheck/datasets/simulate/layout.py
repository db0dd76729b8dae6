"""Where cells lie: centres, territories and nuclei on the pixel grid. What they contain is left to the simulators."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from scipy.spatial import KDTree

MOST_CELLS = 48
"""No field holds more cells; draws per cell are this long, so that one cell fewer leaves the others as they are."""

SIZE = 96
"""Height and width of a field, in pixels."""

Plane = NDArray[np.float64]


@dataclass(frozen=True)
class Cells:
    """The n cells of one field, as seen from each pixel.

    Attributes
    ----------
    centres : float64[n, 2]
        Row and column of each cell, in pixels.
    own : int64[H, W]
        The cell whose territory the pixel lies in, from 0.
    depth : float64[H, W]
        Pixels inward from that cell's membrane; negative outside.
    nuclear : float64[H, W]
        Distance to the centre of that cell's nucleus, in nuclear radii: 1 on the nuclear envelope.
    """

    centres: NDArray[np.float64]
    own: NDArray[np.int64]
    depth: Plane
    nuclear: Plane

    @property
    def nuclei(self) -> NDArray[np.int32]:
        """Label image of the nuclei, int32[H, W]; cell k has label k + 1."""
        return np.where((self.nuclear < 1) & (self.depth > 0), self.own + 1, 0).astype(np.int32)


def smooth_noise(draw: np.random.Generator, sigma: float, count: int = 1) -> NDArray[np.float64]:
    """Return float64[count, H, W] Gaussian fields of standard deviation 1, correlated over ``sigma`` pixels."""
    white = draw.standard_normal((count, SIZE, SIZE))
    field = gaussian_filter(white, (0, sigma, sigma), mode="wrap", truncate=3)
    return np.asarray(field / field.std(axis=(1, 2), keepdims=True))


def scatter(draw: np.random.Generator, count: int, margin: float, candidates: int = 12) -> NDArray[np.float64]:
    """Return float64[count, 2] points that keep their distance: each is the remotest of its candidates (Mitchell 1991).

    Parameters
    ----------
    draw : numpy.random.Generator
    count : int
    margin : float
        Pixels kept free along the field's border.
    candidates : int
        More candidates, more even spacing.
    """
    pool = draw.uniform(margin, SIZE - 1 - margin, (count, candidates, 2))
    points = np.empty((count, 2))
    points[0] = pool[0, 0]
    for k in range(1, count):
        gaps = np.square(pool[k, :, None] - points[None, :k]).sum(axis=2).min(axis=1)
        points[k] = pool[k, gaps.argmax()]
    return points


def lay_out(
    draw: np.random.Generator,
    centres: NDArray[np.float64],
    cell_radius: NDArray[np.float64],
    nucleus_radius: NDArray[np.float64],
    elongation: NDArray[np.float64],
    wobble: float,
) -> Cells:
    """Return the cells around ``centres``: territories bounded by the cell's radius and by its neighbours.

    Parameters
    ----------
    draw : numpy.random.Generator
    centres : float64[n, 2]
    cell_radius, nucleus_radius : float64[n]
        In pixels; an infinite cell radius fills the space between neighbours.
    elongation : float64[n]
        Long over short axis of each nucleus, at an unchanged area.
    wobble : float
        Pixels by which outlines depart from their ideal.
    """
    count = len(centres)
    grid = np.indices((SIZE, SIZE)).astype(float)
    at = np.stack(list(grid + wobble * smooth_noise(draw, 5.0, 2)), axis=-1)
    distance, index = (np.asarray(found) for found in KDTree(centres).query(at.reshape(-1, 2), k=2))
    nearest, own = distance[:, 0].reshape(SIZE, SIZE), index[:, 0].reshape(SIZE, SIZE)
    gap = (distance[:, 1].reshape(SIZE, SIZE) - nearest) / 2

    stretch, turn = draw.uniform(1.0, 1.35, count), draw.uniform(0, np.pi, (2, count))
    shift = draw.normal(0, 0.08, (count, 2)) * nucleus_radius[:, None] * 2
    offset = at - centres[own]
    depth = np.minimum(cell_radius[own] - _radius(offset, own, stretch, turn[0]), gap)
    nuclear = _radius(offset - shift[own], own, elongation, turn[1]) / nucleus_radius[own]
    return Cells(centres, own, depth, nuclear)


def _radius(
    offset: NDArray[np.float64], own: NDArray[np.int64], stretch: NDArray[np.float64], turn: NDArray[np.float64]
) -> Plane:
    """Return the distance of each pixel to its cell's centre on that cell's stretched and turned axes."""
    cos, sin, long = np.cos(turn)[own], np.sin(turn)[own], np.sqrt(stretch)[own]
    along = offset[..., 0] * cos + offset[..., 1] * sin
    across = offset[..., 1] * cos - offset[..., 0] * sin
    return np.asarray(np.hypot(along / long, across * long))
