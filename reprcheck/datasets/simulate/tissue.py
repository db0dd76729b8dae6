"""Tissue in dense layers: patients differ in how their cells are arranged, at the same composition and layout.

A field shows closely packed cells in three channels: ``DNA``, ``tumour`` and ``immune``, the markers of two cell types.
Causes, constant within a patient: ``arrangement`` deals the types out to the same cells in another order;
``localisation`` moves the tumour marker within its cells, at equal amounts; ``polarity`` gathers it on the side of
the cell on which chromatin is dense, or on the opposite one; ``count`` changes how dense the cells are, ``shape`` the
outline of their nuclei, ``brightness`` the gain; ``nothing`` is a label without an effect.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from reprcheck.datasets.simulate.amounts import rank_within
from reprcheck.datasets.simulate.factors import CauseLevel, Factors, between
from reprcheck.datasets.simulate.placement import Cells, Morphology, Plane, grow, smooth_noise
from reprcheck.datasets.simulate.simulation import Simulation
from reprcheck.datasets.simulate.stains import directions, dna, per_cell, side
from reprcheck.types import Kind

IMMUNE_SHARE = 0.45
"""Share of the cells that are immune, whatever the arrangement."""

NICHE = 20.0
"""Extent of a niche, in pixels: the correlation length of what draws immune cells together."""

REACH = 12.0
"""Distance over which dispersed immune cells avoid each other, in pixels."""


@dataclass(frozen=True)
class Tissue(Simulation):
    """A tissue study: batches are sites, units are patients. Settings as for `Simulation`, and one more.

    Attributes
    ----------
    cells : Morphology

    Examples
    --------
    >>> study = Tissue(seed=1)
    >>> study.render(study.table().iloc[0]).pixels.shape
    (3, 96, 96)
    """

    name: ClassVar[str] = "sim-tissue"
    kind: ClassVar[Kind] = "tissue"
    channels: ClassVar[tuple[str, ...]] = ("DNA", "tumour", "immune")
    causes: ClassVar[Factors] = {
        "arrangement": ("dispersed", "mixed", "niches"),
        "localisation": ("cytoplasm", "membrane"),
        "polarity": ("opposite", "same"),
        "count": ("dense", "loose"),
        "shape": ("elongated", "round"),
    }
    batch_word: ClassVar[str] = "site"
    unit_letter: ClassVar[str] = "p"
    cell_types: ClassVar[tuple[str, ...]] = ("immune", "tumour")

    cells: Morphology = field(default=Morphology((27, 38), (32, 43), np.inf, nucleus=4.8, margin=3, wobble=0.8))

    def stain(self, row: Mapping[str, str], log_size: float, blur: float) -> tuple[Cells, NDArray[np.float64]]:
        """Return the cells, with their types, and the amounts of DNA, tumour marker and immune marker."""
        cells = grow(
            self._draw("cells", row["sample"]),
            self._draw("dials", row["sample"]),
            self.cells,
            many=self.level("count", row).towards("dense"),
            elongated=self.level("shape", row).towards("elongated"),
            log_size=log_size,
            size=self.size,
        )
        arrangement = self.level("arrangement", row)
        immune = deal_types(self._draw("types", row["sample"]), cells.centres, arrangement, self.size)
        angles = directions(self._draw("sides", row["sample"]), cells, self.level("polarity", row))
        chromatin, tumour = (0.0, 0.0) if angles is None else (side(cells, angle) for angle in angles)
        draw = self._draw("stain", row["sample"])
        amounts = (
            dna(draw, cells, blur, chromatin),
            _tumour(draw, cells, ~immune, self.level("localisation", row), self.purity, blur, tumour),
            _immune(draw, cells, immune, blur),
        )
        return replace(cells, types=np.where(immune, "immune", "tumour")), np.stack(amounts)


def deal_types(
    draw: np.random.Generator, centres: NDArray[np.float64], arrangement: CauseLevel, size: int
) -> NDArray[np.bool_]:
    """Return which cells are immune, bool[n]: always the same share, dealt out by where the cells are.

    Parameters
    ----------
    draw : numpy.random.Generator
    centres : float64[n, 2]
        Row and column, in pixels.
    arrangement : Level
        ``dispersed``, each away from the others; ``mixed``, at random; or ``niches``, together in patches.
    size : int
        Height and width of the field, in pixels.
    """
    relief = smooth_noise(draw, NICHE, size)[0]
    chance = draw.standard_normal(len(centres))
    share = round(IMMUNE_SHARE * len(centres))
    effect = min(arrangement.effect, 1.0)
    if arrangement.name == "dispersed":
        cells = _keep_apart(centres, chance, share, effect)
    elif arrangement.name == "niches":
        row, column = np.clip(np.rint(centres).astype(int), 0, size - 1).T
        cells = np.argsort(effect * relief[row, column] + between(1, 0.1, effect) * chance)[-share:]
    else:
        cells = np.argsort(chance)[-share:]
    immune = np.zeros(len(centres), dtype=bool)
    immune[cells] = True
    return immune


def _keep_apart(
    centres: NDArray[np.float64], chance: NDArray[np.float64], count: int, effect: float
) -> NDArray[np.int64]:
    """Return ``count`` cells, chosen one by one where the smallest part of the neighbourhood is taken already."""
    square = np.square(centres[:, None] - centres).sum(axis=2)
    closeness = np.exp(-square / (2 * REACH**2))
    closeness = effect * (closeness / closeness.sum(axis=1, keepdims=True))
    crowding = between(1, 0.02, effect) * chance
    cells = np.empty(count, dtype=np.int64)
    for k in range(count):
        cells[k] = crowding.argmin()
        crowding += closeness[:, cells[k]]
        crowding[cells[k]] = np.inf
    return cells


def _tumour(
    draw: np.random.Generator,
    cells: Cells,
    carriers: NDArray[np.bool_],
    where: CauseLevel,
    purity: float,
    blur: float,
    lean: Plane | float,
) -> Plane:
    membrane = np.exp(-((cells.depth / 1.6) ** 2))
    cytoplasm = (1 - membrane) * (1 - 0.6 * np.exp(-(cells.nuclear**4)))
    leaning = draw.uniform(0, 1, cells.most)[cells.own]
    elsewhere = leaning * membrane + (1 - leaning) * cytoplasm
    share = min(purity * where.effect, 1.0)
    there = membrane if where.name == "membrane" else cytoplasm
    pattern = share * there + (1 - share) * elsewhere + 0.25 * smooth_noise(draw, 1.2, cells.size)[0] + 0.4 * lean
    return _marker(draw, cells, carriers, gaussian_filter(pattern, blur, truncate=3))


def _immune(draw: np.random.Generator, cells: Cells, carriers: NDArray[np.bool_], blur: float) -> Plane:
    pattern = np.exp(-(((cells.depth - 1) / 3) ** 2)) + 0.3 * smooth_noise(draw, 1.2, cells.size)[0]
    return _marker(draw, cells, carriers, gaussian_filter(pattern, blur, truncate=3))


def _marker(draw: np.random.Generator, cells: Cells, carriers: NDArray[np.bool_], pattern: Plane) -> Plane:
    """Return the amounts of a marker of which all cells hold a trace, and the carriers much more."""
    rank = rank_within(pattern, cells.own, np.ones_like(cells.own, dtype=bool))
    level = np.where(carriers, 1.0, 0.12)[cells.own]
    return np.asarray(level * (0.1 + 0.9 * rank**2) * per_cell(draw, cells, 0.3))
