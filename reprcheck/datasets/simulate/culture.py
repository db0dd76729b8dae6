"""Cultured cells on plates: what differs between wells is known, and one kind of evidence can tell each cause.

A field shows spread-out cells in three channels: ``DNA``, ``protein`` and ``organelle``. Causes, constant within a
well: ``localisation`` moves the protein, ``texture`` the organelle, at equal amounts per cell; ``count`` changes how
many cells there are, ``shape`` the outline of their nuclei, ``brightness`` the gain; ``nothing`` is a label without an
effect.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from reprcheck.datasets.simulate.amounts import rank_within
from reprcheck.datasets.simulate.design import Factors
from reprcheck.datasets.simulate.layout import MOST_CELLS, Cells, lay_out, scatter, smooth_noise
from reprcheck.datasets.simulate.simulation import Simulation
from reprcheck.datasets.simulate.stains import Plane, dna, nuclear_share, per_cell
from reprcheck.types import Kind


@dataclass(frozen=True)
class Culture(Simulation):
    """A culture experiment: batches are plates, units are wells. Settings as for `Simulation`.

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
        "count": ("few", "many"),
        "shape": ("elongated", "round"),
    }
    batch_word: ClassVar[str] = "plate"
    unit_letter: ClassVar[str] = "w"

    def stain(self, row: Mapping[str, str], log_size: float, blur: float) -> tuple[Cells, NDArray[np.float64]]:
        """Return the cells and the amounts of DNA, protein and organelle."""
        cells = _cells(
            self._draw("cells", row["sample"]), row["count"] == "many", row["shape"] == "elongated", log_size
        )
        draw = self._draw("stain", row["sample"])
        amounts = (
            dna(draw, cells, blur),
            _protein(draw, cells, row["localisation"], self.purity, blur),
            _organelle(draw, cells, row["texture"], blur),
        )
        return cells, np.stack(amounts)


def _cells(draw: np.random.Generator, many: bool, elongated: bool, log_size: float) -> Cells:
    few_or_many = draw.integers(5, 10), draw.integers(7, 12)
    count = int(few_or_many[many])
    size = np.exp(log_size + draw.normal(0, 0.08, MOST_CELLS))[:count]
    typical = (1.6 if elongated else 1.3) + 0.18 * draw.standard_normal()
    aspect = np.maximum(typical + 0.12 * draw.uniform(-1, 1, MOST_CELLS)[:count], 1.0)
    centres = scatter(draw, count, margin=9)
    return lay_out(draw, centres, 13.5 * size, 6 * size, aspect, wobble=1.0)


def _protein(draw: np.random.Generator, cells: Cells, where: str, purity: float, blur: float) -> Plane:
    nucleus = np.exp(-(cells.nuclear**4))
    rim = np.exp(-(((cells.depth - 1.2) / 1.6) ** 2))
    places = {"cytoplasm": (1 - nucleus) * (1 - rim) * (cells.depth > 0), "nucleus": nucleus, "rim": rim}
    leaning = draw.dirichlet(np.ones(3), MOST_CELLS)[cells.own]
    elsewhere = (leaning * np.stack(list(places.values()), axis=-1)).sum(axis=-1)
    pattern = purity * places[where] + (1 - purity) * elsewhere + 0.25 * smooth_noise(draw, 1.2)[0]
    membrane = np.clip(1 + cells.depth / 1.5, 0, 1)
    inside = membrane > 0
    rank = rank_within(gaussian_filter(pattern, blur, truncate=3) * membrane, cells.own, inside)
    return np.asarray(inside * (0.08 + 0.92 * rank**3) * per_cell(draw, cells, 0.25))


def _organelle(draw: np.random.Generator, cells: Cells, texture: str, blur: float) -> Plane:
    blobs, ridges = smooth_noise(draw, 1.4)[0], -np.abs(smooth_noise(draw, 2.8)[0])
    pattern = gaussian_filter(blobs if texture == "puncta" else ridges, 0.6 * blur, truncate=3)
    inside = cells.depth > 0
    rank = rank_within(pattern - 1.5 * nuclear_share(cells), cells.own, inside)
    return np.asarray(inside * (0.08 + 0.92 * rank**3) * per_cell(draw, cells, 0.25))
