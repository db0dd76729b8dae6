"""Where cells lie: centres, territories and nuclei on the pixel grid. What they contain is left to the simulators."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from scipy.spatial import KDTree

from reprcheck.datasets.simulate.factors import between

USUAL_SIZE = 96
"""Height and width of the embedded sets' fields, in pixels; larger ones have as many cells per area."""

MOST_CELLS = 48
"""Such a field holds no more; draws per cell are this long, so that one cell fewer leaves the others as they are."""

Plane = NDArray[np.float64]


@dataclass(frozen=True)
class Morphology:
    """How many cells there are in a field, how large they are, and how close together.

    Attributes
    ----------
    few, many : (int, int)
        Fewest and most cells in a field of 96 x 96 pixels, for either class of the count.
    radius : float
        Of a cell, in pixels; an infinite one fills the space between neighbours.
    nucleus : float
        Radius of a nucleus, in pixels.
    margin : float
        Pixels along the field's border in which no centre lies.
    wobble : float
        Pixels by which outlines depart from their ideal.
    spread : float
        Standard deviation of the logarithm of size, over the cells of a field.
    tie : float
        Correlation of the logarithms of a nucleus's size and its cell's, in [0, 1].
    crowding : float
        Share of cells, in [0, 1], that lie next to another one rather than where there is most room.
    """

    few: tuple[int, int]
    many: tuple[int, int]
    radius: float
    nucleus: float
    margin: float
    wobble: float
    spread: float = 0.08
    tie: float = 1.0
    crowding: float = 0.0


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
    types : str[n] or None
        The type of each cell, where there are several.
    """

    centres: NDArray[np.float64]
    own: NDArray[np.int64]
    depth: Plane
    nuclear: Plane
    types: NDArray[np.str_] | None = None

    @property
    def size(self) -> int:
        """Height and width of the field, in pixels."""
        return len(self.own)

    @property
    def most(self) -> int:
        """How many cells a field of this size could hold."""
        return most_cells(self.size)

    @property
    def nuclei(self) -> NDArray[np.int32]:
        """Label image of the nuclei, int32[H, W]; cell k has label k + 1."""
        return np.where((self.nuclear < 1) & (self.depth > 0), self.own + 1, 0).astype(np.int32)

    @property
    def typed_nuclei(self) -> NDArray[np.int32]:
        """Label image of the types, int32[H, W]: in each nucleus 1 for the first type by name, and so on."""
        assert self.types is not None
        codes = np.unique(self.types, return_inverse=True)[1]
        return np.where(self.nuclei > 0, codes[self.own] + 1, 0).astype(np.int32)

    def table(self) -> pd.DataFrame:
        """Return a row per cell: its ``label`` in the mask, ``row`` and ``column`` of its centre, ``type`` if any."""
        labels = np.arange(1, len(self.centres) + 1)
        table = pd.DataFrame({"label": labels, "row": self.centres[:, 0], "column": self.centres[:, 1]})
        return table if self.types is None else table.assign(type=self.types)


def most_cells(size: int) -> int:
    """Return how many cells a field of ``size`` x ``size`` pixels could hold."""
    return int(np.ceil(MOST_CELLS * (size / USUAL_SIZE) ** 2))


def smooth_noise(draw: np.random.Generator, sigma: float, size: int, count: int = 1) -> NDArray[np.float64]:
    """Return float64[count, size, size] Gaussian fields of standard deviation 1, correlated over ``sigma`` pixels."""
    white = draw.standard_normal((count, size, size))
    field = gaussian_filter(white, (0, sigma, sigma), mode="wrap", truncate=3)
    return np.asarray(field / field.std(axis=(1, 2), keepdims=True))


def grow(
    draw: np.random.Generator,
    dials: np.random.Generator,
    look: Morphology,
    *,
    many: float,
    elongated: float,
    log_size: float,
    size: int,
) -> Cells:
    """Return the cells of a field.

    Parameters
    ----------
    draw, dials : numpy.random.Generator
        What the embedded sets draw, and what only dials that they leave alone do.
    look : Morphology
    many, elongated : float
        Where the field lies between few and many cells, and its nuclei between round and elongated ones: 0 to 1.
    log_size : float
        Logarithm of the unit's cell size, relative to the usual.
    size : int
        Height and width of the field, in pixels.
    """
    most = most_cells(size)
    few_or_many = between(float(draw.integers(*look.few)), float(draw.integers(*look.many)), many)
    count = int(np.clip(np.rint(few_or_many * (size / USUAL_SIZE) ** 2), 2, most))
    variation = draw.normal(0, look.spread, most)
    own = look.tie * variation + np.sqrt(1 - look.tie**2) * dials.normal(0, look.spread, most)
    typical = between(1.3, 1.6, elongated) + 0.18 * draw.standard_normal()
    aspect = np.maximum(typical + 0.12 * draw.uniform(-1, 1, most)[:count], 1.0)
    crowded = dials.uniform(size=most)[:count] < look.crowding
    centres = scatter(draw, count, look.margin, size, crowded, beside=2.2 * look.nucleus)
    cell_radius = look.radius * np.exp(log_size + variation)[:count]
    nucleus_radius = look.nucleus * np.exp(log_size + own)[:count]
    return lay_out(draw, centres, cell_radius, nucleus_radius, aspect, look.wobble, size)


def scatter(
    draw: np.random.Generator,
    count: int,
    margin: float,
    size: int,
    crowded: NDArray[np.bool_],
    beside: float,
    candidates: int = 12,
) -> NDArray[np.float64]:
    """Return float64[count, 2] points that keep their distance: each is the remotest of its candidates (Mitchell 1991).

    Parameters
    ----------
    draw : numpy.random.Generator
    count : int
    margin : float
        Pixels kept free along the field's border.
    size : int
        Height and width of the field, in pixels.
    crowded : bool[count]
        Points that take the candidate whose distance from the others is closest to ``beside`` instead.
    beside : float
        In pixels.
    candidates : int
        More candidates, more even spacing.
    """
    pool = draw.uniform(margin, size - 1 - margin, (count, candidates, 2))
    points = np.empty((count, 2))
    points[0] = pool[0, 0]
    for k in range(1, count):
        gaps = np.square(pool[k, :, None] - points[None, :k]).sum(axis=2).min(axis=1)
        points[k] = pool[k, np.abs(np.sqrt(gaps) - beside).argmin() if crowded[k] else gaps.argmax()]
    return points


def lay_out(
    draw: np.random.Generator,
    centres: NDArray[np.float64],
    cell_radius: NDArray[np.float64],
    nucleus_radius: NDArray[np.float64],
    elongation: NDArray[np.float64],
    wobble: float,
    size: int,
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
    size : int
        Height and width of the field, in pixels.
    """
    count = len(centres)
    grid = np.indices((size, size)).astype(float)
    at = np.stack(list(grid + wobble * smooth_noise(draw, 5.0, size, 2)), axis=-1)
    distance, index = (np.asarray(values) for values in KDTree(centres).query(at.reshape(-1, 2), k=2))
    nearest, own = distance[:, 0].reshape(size, size), index[:, 0].reshape(size, size)
    gap = (distance[:, 1].reshape(size, size) - nearest) / 2

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
