"""A simulated experiment: its settings, its sample table and its images.

All simulators share the design, the differences between batches, donors, wells and units, the camera, and one random
stream per purpose. Which cells there are and what they contain is left to `culture` and `tissue`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from reprcheck.code import code_digest
from reprcheck.datasets.simulate.camera import Camera
from reprcheck.datasets.simulate.design import cross
from reprcheck.datasets.simulate.factors import CauseLevel, Factors, between
from reprcheck.datasets.simulate.placement import USUAL_SIZE, Cells
from reprcheck.datasets.simulate.planting import Plan, deal
from reprcheck.datasets.table.plate import PlatePosition, place
from reprcheck.digest import digest
from reprcheck.errors import UserError
from reprcheck.seeding import rng
from reprcheck.types import Image, Kind

COMMON: Factors = {"brightness": ("bright", "dim"), "nothing": ("heads", "tails")}
"""Causes that every simulator has."""
BLENDED = ("polarity", *COMMON)
"""Causes of two classes that a design doesn't cross with all others, as a batch has too few units."""


@dataclass(frozen=True)
class Variation:
    """What nobody plants: standard deviations of logarithms over batches, donors and units; gains are per channel."""

    batch_gain: float = 0.08
    batch_background: float = 0.15
    donor_gain: float = 0.15
    donor_size: float = 0.06
    unit_gain: float = 0.12
    unit_background: float = 0.1
    unit_size: float = 0.05


@dataclass(frozen=True)
class Plate:
    """Wells, to which units are dealt at random, batch by batch, and what a place does to what is seen there.

    Attributes
    ----------
    rows, columns : int
    gradient : float
        Logarithm of the gain in the last column over that in the first.
    edge : float
        Logarithm of the gain in wells at the border over that in the others.
    edge_size : float
        Logarithm of the size of cells in wells at the border over that in the others.
    """

    rows: int = 4
    columns: int = 6
    gradient: float = 0.0
    edge: float = 0.0
    edge_size: float = 0.0

    @property
    def wells(self) -> list[str]:
        """Names of the wells, row by row: ``A01`` and so on."""
        return [f"{PlatePosition(row=r + 1).letters}{c + 1:02d}" for r in range(self.rows) for c in range(self.columns)]

    def offsets(self, well: str) -> tuple[float, float]:
        """Return what a well adds to the logarithms of gain and size."""
        row, column = divmod(self.wells.index(well), self.columns)
        border = row in (0, self.rows - 1) or column in (0, self.columns - 1)
        gain = self.gradient * (column / max(self.columns - 1, 1) - 0.5) + self.edge * border
        return gain, self.edge_size * border


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
    size : int
        Height and width of a field, in pixels; a larger one shows more cells.
    plan : Plan, optional
        What is planted; without it all causes of the simulator, crossed, at effect 1.
    variation : Variation
    plate : Plate, optional
        Gives the table a column ``well``.
    donors : int
        Donors in each batch, to whom its units are dealt at random; gives the table a column ``donor``. 0: no donors.

    Raises
    ------
    UserError
        For settings that can't be simulated.
    """

    name: ClassVar[str]
    kind: ClassVar[Kind]
    channels: ClassVar[tuple[str, ...]]
    causes: ClassVar[Factors]
    batch_word: ClassVar[str]
    unit_letter: ClassVar[str]
    cell_types: ClassVar[tuple[str, ...]] = ()
    """Names of the types of cells, where there are several, in the order of `Cells.typed_nuclei`."""

    seed: int = 0
    batches: int = 4
    units: int = 24
    fields: int = 3
    purity: float = 0.3
    camera: Camera = field(default_factory=Camera)
    size: int = USUAL_SIZE
    plan: Plan | None = None
    variation: Variation = field(default_factory=Variation)
    plate: Plate | None = None
    donors: int = 0

    def __post_init__(self) -> None:
        if self.size < USUAL_SIZE // 2:
            raise UserError("size", f"{self.size} pixels hold no field of cells", f"use {USUAL_SIZE // 2} or more")
        if self.camera.bits not in (8, 12, 16):
            raise UserError("Camera.bits", f"{self.camera.bits} isn't a depth of cameras", "use 8, 12 or 16")
        if self.plate and self.units > len(self.plate.wells):
            what = f"{self.units} units don't fit {len(self.plate.wells)} wells"
            raise UserError("plate", what, "use a larger plate, or fewer units")
        if self.plan:
            self.plan.check(self.name, {**self.causes, **COMMON}, self.plate is not None)

    @property
    def planted(self) -> Factors:
        """The causes that differ between units, compounds aside, and their classes."""
        every = {**self.causes, **COMMON}
        return every if self.plan is None else {cause: every[cause] for cause in self.plan.effects}

    def table(self) -> pd.DataFrame:
        """Return the sample table: one row per field, sorted by sample.

        Returns
        -------
        pandas.DataFrame
            String columns ``sample``, ``unit``, ``batch``; ``donor`` and ``well`` where there are some; and one per
            cause, blank where a compound leaves it alone; ``compound`` and ``dose`` where these are planted.
        """
        places = self._places()
        factors, key = {**self.causes, **COMMON}, (self.name, self.seed)
        if self.plan is None:
            crossed = {cause: classes for cause, classes in factors.items() if cause not in BLENDED}
            blended = {cause: factors[cause] for cause in BLENDED if cause in factors}
            design = cross(crossed, blended, self.batches, self.units, key)
        else:
            columns = np.array([place(well).column for well in places.get("well", [])], dtype=np.int64)
            design = deal(self.plan, factors, self.batches, self.units, columns, key)
        batch = [f"{self.batch_word}{b + 1}" for b in design.pop("batch")]
        unit = [f"{b}-{self.unit_letter}{u + 1:02d}" for b, u in zip(batch, design.pop("unit"), strict=True)]
        units = pd.concat([pd.DataFrame({"unit": unit, "batch": batch}), places, design], axis=1)
        rows = units.loc[units.index.repeat(self.fields)].reset_index(drop=True)
        number = np.tile(np.arange(1, self.fields + 1), len(units))
        rows.insert(0, "sample", [f"{u}-f{f}" for u, f in zip(rows["unit"], number, strict=True)])
        return rows

    def render(self, row: Mapping[str, str]) -> Image:
        """Return one field; a changed cause changes what it causes, and nothing else.

        Parameters
        ----------
        row : mapping of str to str
            ``sample``, ``unit``, ``batch`` and the class of every cause, as in a row of `table`.

        Returns
        -------
        Image
            float32[3, H, W] in whole grey levels, and the label image of the nuclei.
        """
        return self.scene(row)[0]

    def scene(self, row: Mapping[str, str]) -> tuple[Image, Cells]:
        """Return one field, as `render` does, and its cells: where they lie, and of which type they are."""
        unit, batch, spread = self._draw("unit", row["unit"]), self._draw("batch", row["batch"]), self.variation
        gain_shift, size_shift = self._offsets(row)
        brightness = between(-0.12, 0.12, self.level("brightness", row).towards("bright"))
        log_gain = batch.normal(0, spread.batch_gain, 3) + unit.normal(0, spread.unit_gain, 3) + brightness + gain_shift
        log_dark = batch.normal(0, spread.batch_background, 3) + unit.normal(0, spread.unit_background, 3)
        background = self.camera.background * np.exp(log_dark)
        log_size = unit.normal(0, spread.unit_size) + size_shift
        blur = np.hypot(unit.uniform(0.6, 1.0), self.camera.psf)
        cells, amounts = self.stain(row, log_size=log_size, blur=blur)
        exposure = self._draw("camera", row["sample"])
        light = self.camera.illumination(exposure, self.size)
        signal = (0.5 * np.exp(log_gain)[:, None, None] * amounts + background[:, None, None]) * light
        return Image(self.camera.expose(exposure, signal), cells.nuclei), cells

    def level(self, cause: str, row: Mapping[str, str]) -> CauseLevel:
        """Return how far a row of the table moves a cause."""
        return CauseLevel(row[cause], 1.0) if self.plan is None else self.plan.level(cause, row)

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

    def _places(self) -> pd.DataFrame:
        """Return the donor and the well of every unit, batch by batch: as many columns as there are of these."""
        columns: dict[str, list[str]] = {}
        for batch in range(self.batches):
            word = f"{self.batch_word}{batch + 1}"
            if self.donors:
                dealt = rng("simulate/donors", self.name, self.seed, batch).permutation(self.units) % self.donors
                columns.setdefault("donor", []).extend(f"{word}-d{d + 1}" for d in dealt)
            if self.plate:
                order = rng("simulate/wells", self.name, self.seed, batch).permutation(len(self.plate.wells))
                columns.setdefault("well", []).extend(self.plate.wells[k] for k in order[: self.units])
        return pd.DataFrame(columns, index=range(self.batches * self.units), dtype=str)

    def _offsets(self, row: Mapping[str, str]) -> tuple[NDArray[np.float64], float]:
        """Return what donor and well add to the logarithms of gain, float64[3], and of size."""
        gain, size = np.zeros(3), 0.0
        if self.donors:
            donor = self._draw("donor", row["donor"])
            gain, size = donor.normal(0, self.variation.donor_gain, 3), donor.normal(0, self.variation.donor_size)
        if self.plate:
            place_gain, place_size = self.plate.offsets(row["well"])
            gain, size = gain + place_gain, size + place_size
        return gain, size

    def _draw(self, purpose: str, name: str) -> np.random.Generator:
        return rng("simulate", self.name, self.seed, purpose, name)


class SimulatedImages:
    """The images of a simulation, indexed by row of its table: an `ImageSource`.

    Parameters
    ----------
    simulation : Simulation
    table : pandas.DataFrame
        Its own.
    types : bool
        Whether images show the type of each cell, as those of a dataset with type images do.
    """

    def __init__(self, simulation: Simulation, table: pd.DataFrame, *, types: bool = False) -> None:
        self._simulation, self._types = simulation, types
        self._rows = [{str(k): str(v) for k, v in row.items()} for row in table.to_dict("records")]

    def __len__(self) -> int:
        return len(self._rows)

    def content(self, index: int) -> str:
        """Return the digest of the simulator's code, the settings and the sample; nothing is rendered."""
        code = code_digest(type(self._simulation).__module__), code_digest(__name__)
        settings = self._simulation.name, asdict(self._simulation), self._types
        return digest("simulated", *code, *settings, self._rows[index])

    def read(self, index: int) -> Image:
        """Render the sample; every call and every process gets the same pixels."""
        image, cells = self._simulation.scene(self._rows[index])
        return replace(image, types=cells.typed_nuclei) if self._types else image
