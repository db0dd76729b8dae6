"""The cards of the simulated datasets, in the words of every dataset folder's ``dataset.toml``."""

from __future__ import annotations

from collections.abc import Iterable

from reprcheck.datasets.simulate.simulation import Simulation

_HEAD = """\
schema = 1
name = "{name}"
kind = "{kind}"
channels = [{channels}]
value_range = [0, 255]
license = "CC0-1.0"
citation = "reprcheck, simulated with known causes"
source = "reprcheck.datasets.simulate"

[columns]
sample = "sample"
unit = "unit"
batch = "batch"
"""

_TASK = """
[tasks.{task}]
kind = "classify"
label = "{task}"
holdout = "batch"
protocols = [{protocols}]
"""


def write_card(name: str, simulation: Simulation, tasks: Iterable[str], protocols: Iterable[str]) -> str:
    """Return the TOML text of a card: one classification per cause named in ``tasks``, batches held out."""
    head = _HEAD.format(name=name, kind=simulation.kind, channels=_quoted(simulation.channels))
    listed = _quoted(protocols)
    return head + "".join(_TASK.format(task=task, protocols=listed) for task in tasks)


def _quoted(words: Iterable[str]) -> str:
    return ", ".join(f'"{word}"' for word in words)
