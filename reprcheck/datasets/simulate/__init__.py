"""Simulated microscopy whose causes are known: the gate's default datasets, and its known-answer ones.

``sim-culture`` and ``sim-tissue`` ask for causes that neither brightness nor structure gives away. Their ``-known``
twins show the same images and ask for what brightness, structure, or nobody can tell. Numpy and scipy only; nothing is
stored.
"""

from __future__ import annotations

import pandas as pd

from reprcheck.datasets.simulate.cards import write_card
from reprcheck.datasets.simulate.culture import Culture
from reprcheck.datasets.simulate.simulation import SimulatedImages, Simulation
from reprcheck.datasets.simulate.tissue import Tissue
from reprcheck.errors import UserError, did_you_mean
from reprcheck.types import ImageSource

__all__ = ["NAMES", "Culture", "SimulatedImages", "Simulation", "Tissue", "open_simulated"]

NAMES: tuple[str, ...] = ("sim-culture", "sim-tissue", "sim-culture-known", "sim-tissue-known")

_KNOWN = ("brightness", "count", "shape", "nothing")
_DEFAULT = {"sim-culture": ("localisation", "texture"), "sim-tissue": ("arrangement", "localisation")}


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
        raise UserError("--dataset", f"no simulated dataset is called {name!r}", did_you_mean(name, NAMES))
    base = name.removesuffix("-known")
    simulation = Culture() if base == Culture.name else Tissue()
    tasks, protocols = (_DEFAULT[base], ("probe/1", "knn/1")) if name == base else (_KNOWN, ("probe/1",))
    table = simulation.table()
    return write_card(name, simulation, tasks, protocols), table, SimulatedImages(simulation, table)
