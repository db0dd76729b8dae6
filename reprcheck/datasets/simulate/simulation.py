"""A simulated experiment: its settings, its sample table and its images.

What all simulators share: the crossed plan, the nuisance of batches and units, the camera, one random stream per
purpose. Which cells there are and what they contain is left to `culture` and `tissue`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from reprcheck.datasets.simulate.camera import Camera
from reprcheck.datasets.simulate.design import Factors, plan
from reprcheck.datasets.simulate.layout import Cells
from reprcheck.digest import code_digest, digest
from reprcheck.seeding import rng
from reprcheck.types import Image, Kind

BLENDED: Factors = {"brightness": ("bright", "dim"), "nothing": ("heads", "tails")}
"""Causes that every simulator has."""


@dataclass(frozen=True)
class Simulation(ABC):
    """Settings of a simulated experiment; equal settings, equal images.

    Attributes
    ----------
    seed : int
        Another seed, another experiment.
    batches, units, fields : int
        Batches, units per batch (a multiple of 24 balances every cause in every batch), fields per unit.
    purity : float
        Share of a marker's pattern that follows the unit's class, in (0, 1]; the rest differs from cell to cell.
    camera : Camera
    """

    name: ClassVar[str]
    kind: ClassVar[Kind]
    channels: ClassVar[tuple[str, ...]]
    causes: ClassVar[Factors]
    batch_word: ClassVar[str]
    unit_letter: ClassVar[str]

    seed: int = 0
    batches: int = 4
    units: int = 24
    fields: int = 3
    purity: float = 0.3
    camera: Camera = field(default_factory=Camera)

    def table(self) -> pd.DataFrame:
        """Return the sample table: one row per field, sorted by sample.

        Returns
        -------
        pandas.DataFrame
            String columns ``sample``, ``unit``, ``batch``, and one per cause, `brightness` and `nothing` among them.
        """
        plan_ = plan(self.causes, BLENDED, self.batches, self.units, (self.name, self.seed))
        rows = plan_.loc[plan_.index.repeat(self.fields)].reset_index(drop=True)
        number = np.tile(np.arange(1, self.fields + 1), len(plan_))
        batch = [f"{self.batch_word}{b + 1}" for b in rows.pop("batch")]
        unit = [f"{b}-{self.unit_letter}{u + 1:02d}" for b, u in zip(batch, rows.pop("unit"), strict=True)]
        sample = [f"{u}-f{f}" for u, f in zip(unit, number, strict=True)]
        return pd.concat([pd.DataFrame({"sample": sample, "unit": unit, "batch": batch}), rows], axis=1)

    def render(self, row: Mapping[str, str]) -> Image:
        """Return one field; a changed cause changes what it causes, and nothing else.

        Parameters
        ----------
        row : mapping of str to str
            ``sample``, ``unit``, ``batch`` and the class of every cause, as in a row of `table`.

        Returns
        -------
        Image
            float32[3, 96, 96] in steps of 1/255, and the label image of the nuclei.
        """
        unit, batch = self._draw("unit", row["unit"]), self._draw("batch", row["batch"])
        brightness = 0.12 if row["brightness"] == "bright" else -0.12
        gain = np.exp(batch.normal(0, 0.08, 3) + unit.normal(0, 0.12, 3) + brightness)
        background = 0.05 * np.exp(batch.normal(0, 0.15, 3) + unit.normal(0, 0.1, 3))
        cells, amounts = self.stain(row, log_size=unit.normal(0, 0.05), blur=unit.uniform(0.6, 1.0))
        exposure = self._draw("camera", row["sample"])
        light = self.camera.illumination(exposure)
        signal = (0.5 * gain[:, None, None] * amounts + background[:, None, None]) * light
        return Image(self.camera.expose(exposure, signal), cells.nuclei)

    @abstractmethod
    def stain(self, row: Mapping[str, str], log_size: float, blur: float) -> tuple[Cells, NDArray[np.float64]]:
        """Return the cells of a field and the amount of each stain, float64[3, H, W], before gain and background.

        Parameters
        ----------
        row : mapping of str to str
            As for `render`.
        log_size : float
            Logarithm of the unit's cell size, relative to the usual.
        blur : float
            Standard deviation of the point spread function, in pixels.
        """

    def _draw(self, purpose: str, name: str) -> np.random.Generator:
        return rng("simulate", self.name, self.seed, purpose, name)


class SimulatedImages:
    """The images of a simulation, indexed by row of its table: an `ImageSource`."""

    def __init__(self, simulation: Simulation, table: pd.DataFrame) -> None:
        self._simulation = simulation
        self._rows = [{str(k): str(v) for k, v in row.items()} for row in table.to_dict("records")]

    def __len__(self) -> int:
        return len(self._rows)

    def content(self, index: int) -> str:
        """Return the digest of the simulators' code, the settings and the sample; nothing is rendered."""
        code = code_digest("reprcheck.datasets.simulate")
        return digest(code, self._simulation.name, asdict(self._simulation), self._rows[index])

    def read(self, index: int) -> Image:
        """Render the sample; every call and every process gets the same pixels."""
        return self._simulation.render(self._rows[index])
