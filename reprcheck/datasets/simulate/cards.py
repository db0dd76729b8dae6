"""The cards of the simulated datasets, in the words of every dataset folder's ``dataset.toml``."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from importlib.resources import files

from reprcheck.datasets.simulate.simulation import Simulation

ASKED_BY: Mapping[str, list[str]] = tomllib.loads((files(__package__) / "protocols.toml").read_text(encoding="utf-8"))
"""Ids of protocols: of tasks on ``causes``, of those whose end is ``known`` in advance, and of those on ``doses``."""

_HEAD = """\
schema = 1
name = "{name}"
kind = "{kind}"
channels = [{channels}]
value_range = [0, {white}]
license = "CC0-1.0"
citation = "reprcheck, simulated with known causes"
source = "reprcheck.datasets.simulate"
{types}
[columns]
sample = "sample"
unit = {unit}
batch = "batch"
"""

_TASK = """
[tasks.{task}]
kind = "classify"
label = "{task}"
holdout = "{holdout}"
protocols = [{protocols}]
"""

_DOSE = """
[tasks.dose]
kind = "regress"
label = "dose"
unit = "unit"
holdout = "{holdout}"
control = {{ column = "dose", equals = 0 }}
protocols = [{protocols}]
"""


def write_card(
    name: str,
    simulation: Simulation,
    tasks: Iterable[str] | None = None,
    protocols: Iterable[str] = tuple(ASKED_BY["causes"]),
    cell_types: Iterable[str] = (),
) -> str:
    """Return the TOML text of a card: a classification per cause of ``tasks``, or else what the simulation's plan asks.

    Batches are held out, or units where there is one batch. Donors, where there are some, are the units; a series of
    doses is made of wells all the same.
    """
    unit = '["unit", "donor"]' if simulation.donors else '"unit"'
    holdout = "batch" if simulation.batches > 1 else "unit"
    text = _HEAD.format(
        name=name,
        kind=simulation.kind,
        channels=_quoted(simulation.channels),
        white=simulation.camera.white,
        unit=unit,
        types=f"cell_types = [{types}]\n" if (types := _quoted(cell_types)) else "",
    )
    text += 'position = "well"\n' if simulation.plate else ""
    plan, sections = simulation.plan, _quoted(protocols)
    names = list(tasks) if tasks is not None else sorted(plan.label if plan else simulation.causes)
    text += "".join(_TASK.format(task=task, holdout=holdout, protocols=sections) for task in names)
    if tasks is None and plan and plan.compounds:
        treated = ", ".join(f"{dose:g}" for dose in plan.compounds.doses if dose)
        text += _TASK.format(task="compound", holdout=holdout, protocols=sections)
        text += f"where = {{ dose = [{treated}] }}\n"
        text += _DOSE.format(holdout=holdout, protocols=_quoted(ASKED_BY["doses"]))
    return text


def _quoted(words: Iterable[str]) -> str:
    return ", ".join(f'"{word}"' for word in words)
