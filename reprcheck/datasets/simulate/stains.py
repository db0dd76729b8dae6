"""What all simulators' cells contain: DNA in the nucleus, and the expression of a marker from cell to cell."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from reprcheck.datasets.simulate.factors import CauseLevel
from reprcheck.datasets.simulate.placement import Cells, Plane, smooth_noise

SCATTER = 0.5
"""Standard deviation of the angle between two stains that lean together, in radians."""
NEAR = 4.0
"""Pixels from a cell's centre within which its sides blend into each other."""


def per_cell(draw: np.random.Generator, cells: Cells, spread: float) -> Plane:
    """Return a factor per pixel, float64[H, W]: one per cell, log-normal over cells with ``spread`` in logarithms."""
    factor = np.exp(draw.normal(0, spread, cells.most))
    return np.asarray(factor[cells.own])


def directions(draw: np.random.Generator, cells: Cells, opposite: CauseLevel) -> NDArray[np.float64] | None:
    """Return for each cell the angles that two stains lean towards, float64[2, n]; None where nothing is planted.

    Each is uniform by itself. Together they are ``same`` or ``opposite``, give or take a sixth of a turn, in a share of
    the cells that is the effect.
    """
    if opposite.effect <= 0:
        return None
    first, other = draw.uniform(0, 2 * np.pi, (2, cells.most))
    second = first + (np.pi if opposite.name == "opposite" else 0.0) + draw.normal(0, SCATTER, cells.most)
    return np.stack([first, np.where(draw.uniform(size=cells.most) < opposite.effect, second, other)])


def side(cells: Cells, direction: NDArray[np.float64]) -> Plane:
    """Return how far each pixel lies to one side of its cell, float64[H, W] from -1 to 1; directions are angles."""
    offset = np.indices((cells.size, cells.size)) - np.moveaxis(cells.centres[cells.own], 2, 0)
    angle, distance = np.arctan2(offset[0], offset[1]), np.hypot(*offset)
    return np.asarray(np.cos(angle - direction[cells.own]) * np.minimum(distance / NEAR, 1))


def nuclear_share(cells: Cells) -> Plane:
    """Return 1 within the nucleus, 0 outside, with a soft envelope between; float64[H, W]."""
    return np.asarray(1 / (1 + np.exp(np.clip((cells.nuclear - 1) / 0.08, -50, 50))))


def dna(draw: np.random.Generator, cells: Cells, blur: float, lean: Plane | float = 0.0) -> Plane:
    """Return the amount of DNA, float64[H, W]: grainy chromatin, its total varying between cells.

    It is denser where ``lean``, from -1 to 1, is high.
    """
    chromatin = (0.75 + 0.15 * smooth_noise(draw, 1.5, cells.size)[0]) * (1 + 0.35 * lean)
    amount = nuclear_share(cells) * (cells.depth > 0) * chromatin * per_cell(draw, cells, 0.15)
    return np.asarray(gaussian_filter(amount, blur, truncate=3))
