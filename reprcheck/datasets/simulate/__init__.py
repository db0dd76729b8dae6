"""Simulated microscopy whose causes are known: the gate's default datasets, and its known-answer ones.

``sim-culture`` and ``sim-tissue`` ask for causes that neither brightness nor structure nor texture gives away. Their
``-known`` twins show the same images and ask for what one of these reveals, or nothing does. `dataset` makes one to a
user's own `Plan`. Only numpy and scipy are used, and nothing is stored.
"""

from __future__ import annotations

import pandas as pd

from reprcheck.datasets.assemble import assemble
from reprcheck.datasets.card.card import parse
from reprcheck.datasets.simulate.camera import Camera
from reprcheck.datasets.simulate.cards import ASKED_BY, write_card
from reprcheck.datasets.simulate.culture import Culture
from reprcheck.datasets.simulate.placement import Cells, Morphology
from reprcheck.datasets.simulate.planting import Compounds, Plan
from reprcheck.datasets.simulate.simulation import Plate, SimulatedImages, Simulation, Variation
from reprcheck.datasets.simulate.tissue import Tissue
from reprcheck.errors import Option, UserError, did_you_mean
from reprcheck.types import Dataset, ImageSource

__all__ = [
    "NAMES",
    "Camera",
    "Cells",
    "Compounds",
    "Culture",
    "Morphology",
    "Plan",
    "Plate",
    "SimulatedImages",
    "Simulation",
    "Tissue",
    "Variation",
    "dataset",
    "open_simulated",
    "open_simulation",
]

NAMES: tuple[str, ...] = ("sim-culture", "sim-tissue", "sim-culture-known", "sim-tissue-known")

_DEFAULT = {"sim-culture": ("localisation", "polarity"), "sim-tissue": ("polarity",)}
_KNOWN = {
    "sim-culture": ("brightness", "count", "nothing", "shape", "texture"),
    "sim-tissue": ("arrangement", "brightness", "count", "localisation", "nothing", "shape"),
}


def dataset(
    simulation: Simulation, name: str = "simulated", *, limit: int | None = None, types: bool = False
) -> Dataset:
    """Return a simulation as a dataset, for `reprcheck.check`; its tasks are what its plan asks.

    Parameters
    ----------
    simulation : Simulation
    name : str
        Not an identity: equal simulations are equal datasets.
    limit : int, optional
        Cut each task down to about this many samples.
    types : bool
        Whether images come with the type of each cell, for `structure` to count; refused if all are of one type.

    Examples
    --------
    >>> shortcut = Plan(label={"texture": 0.5}, confound={"brightness": ("texture", 0.8)})
    >>> tuple(dataset(Culture(plan=shortcut, batches=2, units=8)).tasks)
    ('texture',)
    """
    card, table, images = open_simulation(simulation, name, types=types)
    return assemble(parse(card, name), table, images, where=name, limit=limit)


def open_simulation(
    simulation: Simulation, name: str = "simulated", *, types: bool = False
) -> tuple[str, pd.DataFrame, ImageSource]:
    """Return the card, the sample table and the images of a simulation, as `open_simulated` does; see `dataset`."""
    if types and not simulation.cell_types:
        raise UserError("types", f"all cells of {simulation.name} are of one type", "leave types out")
    table = simulation.table()
    card = write_card(name, simulation, cell_types=simulation.cell_types if types else ())
    return card, table, SimulatedImages(simulation, table, types=types)


def open_simulated(name: str) -> tuple[str, pd.DataFrame, ImageSource]:
    """Return a simulated dataset: its card, its sample table and its images.

    Parameters
    ----------
    name : str
        One of `NAMES`.

    Returns
    -------
    card : str
        Text in the grammar of ``dataset.toml``.
    table : pandas.DataFrame
        Columns ``sample``, ``unit``, ``batch`` and one per cause, all strings; sorted by sample.
    images : ImageSource
        Indexed by row of the table.

    Raises
    ------
    UserError
        If no simulated dataset has that name.

    Examples
    --------
    >>> card, table, images = open_simulated("sim-culture")
    >>> images.read(0).pixels.shape
    (3, 96, 96)
    """
    if name not in NAMES:
        raise UserError(Option("dataset", name), f"no simulated dataset is called {name!r}", did_you_mean(name, NAMES))
    base = name.removesuffix("-known")
    simulation = Culture() if base == Culture.name else Tissue()
    tasks, protocols = (_DEFAULT[base], ASKED_BY["causes"]) if name == base else (_KNOWN[base], ASKED_BY["known"])
    table = simulation.table()
    return write_card(name, simulation, tasks, protocols), table, SimulatedImages(simulation, table)
