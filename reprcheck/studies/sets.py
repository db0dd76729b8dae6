"""Simulated sets that only the studies ask: compounds to be matched, a split that was fixed before, many donors."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from reprcheck.datasets.assemble import assemble
from reprcheck.datasets.card.card import parse
from reprcheck.datasets.simulate import Compounds, Culture, Plan, Tissue, open_simulation
from reprcheck.datasets.simulate.cards import write_card
from reprcheck.protocols.knn import KNN
from reprcheck.protocols.nsc import NSC
from reprcheck.protocols.nscb import NSCB
from reprcheck.protocols.probe import PROBE
from reprcheck.types import Dataset

COMPOUNDS = Compounds({"localisation": 1.0, "texture": 1.0, "shape": 1.0}, count=20, doses=(0.0, 0.3, 1.0))
SCREEN = Culture(seed=7, plan=Plan(compounds=COMPOUNDS), batches=2, units=60, fields=2)

_MECHANISM = f"""
[tasks.mechanism]
kind = "classify"
label = "localisation"
unit = ["treatment", "compound"]
aggregate = "mean"
where = {{ dose = [0.3, 1] }}
protocols = ["{NSC.id}", "{NSCB.id}"]
"""
_SPLIT = f"""
[tasks.localisation]
kind = "classify"
label = "localisation"
test = {{ column = "batch", equals = ["plate3", "plate4"] }}
protocols = ["{KNN.id}", "{PROBE.id}"]
"""


def screen(limit: int | None = None) -> Dataset:
    """Return treatments whose mechanism is where their compound moves the protein; several compounds do alike.

    A treatment is a compound at a dose on a plate; the compounds differ in what else they move.
    """
    _, table, images = open_simulation(SCREEN, "sim-screen")
    table["treatment"] = table["compound"] + " @ " + table["dose"] + ", " + table["batch"]
    card = parse(write_card("sim-screen", SCREEN, ()) + _MECHANISM, "sim-screen")
    return assemble(card, table, images, where="sim-screen", limit=limit)


def split(limit: int | None = None) -> Dataset:
    """Return the images of ``sim-culture`` with two plates to train on and two that are judged."""
    _, table, images = open_simulation(Culture(), "sim-culture-split")
    card = parse(write_card("sim-culture-split", Culture(), ()) + _SPLIT, "sim-culture-split")
    return assemble(card, table, images, where="sim-culture-split", limit=limit)


def donors(limit: int | None = None) -> Dataset:
    """Return tissue of 24 donors with twelve fields each, which are alike in brightness and in the size of cells."""
    tissue = Tissue(seed=11, batches=1, units=288, fields=1, donors=24)
    _, table, images = open_simulation(tissue, "sim-donors")
    table["label"] = table["localisation"]
    card = parse(write_card("sim-donors", tissue, ["label"]), "sim-donors")
    return assemble(card, table, images, where="sim-donors", limit=limit)


SETS: Mapping[str, Callable[[int | None], Dataset]] = {
    "sim-screen": screen,
    "sim-culture-split": split,
    "sim-donors": donors,
}
