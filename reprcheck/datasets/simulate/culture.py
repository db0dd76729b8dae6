"""Cultured cells on plates: what differs between wells is known, and one kind of evidence reveals each cause.

A field shows spread-out cells in three channels: ``DNA``, ``protein`` and ``organelle``. Causes, constant within a
well: ``localisation`` moves the protein, ``texture`` the organelle, at equal amounts per cell; ``polarity`` gathers the
protein on the side of the cell on which chromatin is dense, or on the opposite one; ``count`` changes how many cells
there are, ``shape`` the outline of their nuclei, ``brightness`` the gain; ``nothing`` is a label without an effect.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from reprcheck.datasets.simulate.amounts import rank_within
from reprcheck.datasets.simulate.factors import CauseLevel, Factors, between
from reprcheck.datasets.simulate.placement import Cells, Morphology, Plane, grow, smooth_noise
from reprcheck.datasets.simulate.simulation import Simulation
from reprcheck.datasets.simulate.stains import directions, dna, nuclear_share, per_cell, side
from reprcheck.types import Kind


@dataclass(frozen=True)
class Culture(Simulation):
    """A culture experiment: batches are plates, units are wells. Settings as for `Simulation`, and two more.

    Attributes
    ----------
    cells : Morphology
    grain : float
        Extent of the organelle's puncta, in pixels; the mesh of a network is twice as wide.

    Examples
    --------
    >>> study = Culture(seed=1)
    >>> study.render(study.table().iloc[0]).pixels.shape
    (3, 96, 96)
    """

    name: ClassVar[str] = "sim-culture"
    kind: ClassVar[Kind] = "culture"
    channels: ClassVar[tuple[str, ...]] = ("DNA", "protein", "organelle")
    causes: ClassVar[Factors] = {
        "localisation": ("cytoplasm", "nucleus", "rim"),
        "texture": ("network", "puncta"),
        "polarity": ("opposite", "same"),
        "count": ("few", "many"),
        "shape": ("elongated", "round"),
    }
    batch_word: ClassVar[str] = "plate"
    unit_letter: ClassVar[str] = "w"

    cells: Morphology = field(default=Morphology((5, 10), (7, 12), radius=13.5, nucleus=6, margin=9, wobble=1.0))
    grain: float = 1.4

    def stain(self, row: Mapping[str, str], log_size: float, blur: float) -> tuple[Cells, NDArray[np.float64]]:
        """Return the cells and the amounts of DNA, protein and organelle."""
        cells = grow(
            self._draw("cells", row["sample"]),
            self._draw("dials", row["sample"]),
            self.cells,
            many=self.level("count", row).towards("many"),
            elongated=self.level("shape", row).towards("elongated"),
            log_size=log_size,
            size=self.size,
        )
        angles = directions(self._draw("sides", row["sample"]), cells, self.level("polarity", row))
        chromatin, protein = (0.0, 0.0) if angles is None else (side(cells, angle) for angle in angles)
        draw = self._draw("stain", row["sample"])
        amounts = (
            dna(draw, cells, blur, chromatin),
            _protein(draw, cells, self.level("localisation", row), self.purity, blur, protein),
            _organelle(draw, cells, self.level("texture", row).towards("puncta"), self.grain, blur),
        )
        return cells, np.stack(amounts)


def _protein(
    draw: np.random.Generator, cells: Cells, where: CauseLevel, purity: float, blur: float, lean: Plane | float
) -> Plane:
    nucleus = np.exp(-(cells.nuclear**4))
    rim = np.exp(-(((cells.depth - 1.2) / 1.6) ** 2))
    places = {"cytoplasm": (1 - nucleus) * (1 - rim) * (cells.depth > 0), "nucleus": nucleus, "rim": rim}
    leaning = draw.dirichlet(np.ones(3), cells.most)[cells.own]
    elsewhere = (leaning * np.stack(list(places.values()), axis=-1)).sum(axis=-1)
    share = min(purity * where.effect, 1.0)
    there = places[where.name] if where.name else 0.0
    pattern = share * there + (1 - share) * elsewhere + 0.25 * smooth_noise(draw, 1.2, cells.size)[0] + 0.4 * lean
    membrane = np.clip(1 + cells.depth / 1.5, 0, 1)
    inside = membrane > 0
    rank = rank_within(gaussian_filter(pattern, blur, truncate=3) * membrane, cells.own, inside)
    return np.asarray(inside * (0.08 + 0.92 * rank**3) * per_cell(draw, cells, 0.25))


def _organelle(draw: np.random.Generator, cells: Cells, puncta: float, grain: float, blur: float) -> Plane:
    blobs, ridges = smooth_noise(draw, grain, cells.size)[0], -np.abs(smooth_noise(draw, 2 * grain, cells.size)[0])
    pattern = gaussian_filter(between(ridges, blobs, puncta), 0.6 * blur, truncate=3)
    inside = cells.depth > 0
    rank = rank_within(pattern - 1.5 * nuclear_share(cells), cells.own, inside)
    return np.asarray(inside * (0.08 + 0.92 * rank**3) * per_cell(draw, cells, 0.25))
