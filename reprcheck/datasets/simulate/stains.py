"""What all simulators' cells contain: DNA in the nucleus, and the expression of a marker from cell to cell."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter

from reprcheck.datasets.simulate.placement import Cells, Plane, smooth_noise


def per_cell(draw: np.random.Generator, cells: Cells, spread: float) -> Plane:
    """Return a factor per pixel, float64[H, W]: one per cell, log-normal over cells with ``spread`` in logarithms."""
    factor = np.exp(draw.normal(0, spread, cells.most))
    return np.asarray(factor[cells.own])


def nuclear_share(cells: Cells) -> Plane:
    """Return 1 within the nucleus, 0 outside, with a soft envelope between; float64[H, W]."""
    return np.asarray(1 / (1 + np.exp(np.clip((cells.nuclear - 1) / 0.08, -50, 50))))


def dna(draw: np.random.Generator, cells: Cells, blur: float) -> Plane:
    """Return the amount of DNA, float64[H, W]: grainy chromatin, its total varying between cells."""
    chromatin = 0.75 + 0.15 * smooth_noise(draw, 1.5, cells.size)[0]
    amount = nuclear_share(cells) * (cells.depth > 0) * chromatin * per_cell(draw, cells, 0.15)
    return np.asarray(gaussian_filter(amount, blur, truncate=3))
