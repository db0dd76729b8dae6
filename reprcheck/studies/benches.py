"""Benches for contestants that a study makes itself: on the simulated sets, and on the real ones where they are.

The real sets are looked for in ``shared/data`` beside the checkout; whoever lacks them measures on the simulated ones
alone, and each study says which sets it saw.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from reprcheck.baselines import Baseline
from reprcheck.datasets import catalogue
from reprcheck.datasets.simulate import NAMES
from reprcheck.diagnostics.bench import Bench
from reprcheck.diagnostics.contestants import Contestants
from reprcheck.digest import digest
from reprcheck.embed.cache import Cache, default_folder
from reprcheck.embed.embedder import Embedder, taker
from reprcheck.embed.engine import Block
from reprcheck.models import AdaptationImages, Model
from reprcheck.policy import Policy
from reprcheck.protocols import Protocol
from reprcheck.runs.benches import Benches
from reprcheck.seeding import rng
from reprcheck.studies.sets import SETS
from reprcheck.types import Dataset, Encoder, Task

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"
"""Where real sets lie, if anywhere."""
QUICK_LIMIT = 96
"""Samples that a quick look cuts every task down to."""


@contextmanager
def _quietly(_total: int, _title: str) -> Iterator[Callable[[int], None]]:
    """Show nothing: the study has a bar of its own, and there can be one."""
    yield lambda _: None


@dataclass(frozen=True)
class StudySetting:
    """A setting that a study asks in."""

    dataset: Dataset
    task: Task
    protocol: str

    @property
    def name(self) -> str:
        """The setting's id."""
        return f"{self.dataset.name}:{self.task.name}/{self.protocol}"


@dataclass(frozen=True)
class Halves:
    """A setting cut in two by what folds hold out, batches or units: one half to learn from, one to be judged on.

    Attributes
    ----------
    learns : bool[n]
        Of the setting's samples.
    judged : StudySetting
        The other half, as a set of its own.
    """

    learns: NDArray[np.bool_]
    judged: StudySetting

    @classmethod
    def of(cls, at: StudySetting, name: Sequence[str | int | bool]) -> Halves:
        """Cut a setting in two by a draw of this name."""
        task = at.task
        groups = task.batches if task.holdout == "batch" else task.units
        names = np.unique(groups)
        learns = np.isin(groups, rng(*name).permutation(names)[: len(names) // 2])
        half = task.take(np.flatnonzero(~learns))
        half_set = replace(at.dataset, tasks={half.name: half}, digest=digest(at.dataset.digest, list(name)))
        return cls(learns, StudySetting(half_set, replace(half, control=None, positions=None), at.protocol))


def open_sets(limits: Mapping[str, int | None], settings: Iterable[str]) -> list[Dataset]:
    """Open those sets that settings name and that are here, with the tasks asked, each cut down to the set's limit."""
    tasks_of: dict[str, set[str]] = {}
    for setting in settings:
        name, task = setting.partition("/")[0].split(":")
        tasks_of.setdefault(name, set()).add(task)
    opened = []
    for name, limit in limits.items():
        if name in tasks_of and (name in NAMES or name in SETS or (SHARED / name).is_dir()):
            open_set = SETS.get(name)
            whole = (
                open_set(limit) if open_set else catalogue.load(name if name in NAMES else SHARED / name, limit=limit)
            )
            tasks = {task.name: task for task in whole.tasks.values() if task.name in tasks_of[name]}
            opened.append(replace(whole, tasks=tasks))
    return opened


def study_settings(sets: Iterable[Dataset], settings: Iterable[str]) -> list[StudySetting]:
    """Return those settings ``dataset:task/protocol`` whose sets are here, whether or not their cards ask so."""
    by_name, chosen = {dataset.name: dataset for dataset in sets}, []
    for setting in settings:
        task, _, protocol = setting.partition("/")
        name, task = task.split(":")
        if name in by_name:
            chosen.append(StudySetting(by_name[name], by_name[name].tasks[task], protocol))
    return chosen


def by(protocol: Protocol, *tasks: str) -> tuple[str, ...]:
    """Return the settings of tasks ``dataset:task`` under a protocol."""
    return tuple(f"{task}/{protocol.id}" for task in tasks)


class Trial(NamedTuple):
    """One encoder of a study in one setting."""

    at: StudySetting
    kind: str
    width: int
    number: int


def plan_trials(
    settings: Sequence[StudySetting], kinds: Iterable[str], widths: Sequence[int], each: int
) -> list[Trial]:
    """Return ``each`` trials of every kind in every setting; of one width each time, to share references."""
    return [
        Trial(at, kind, widths[(s + number) % len(widths)], number)
        for s, at in enumerate(settings)
        for kind in kinds
        for number in range(each)
    ]


class StudyBenches:
    """Benches for contestants that a study makes itself; all that is computed is kept in the usual cache.

    Parameters
    ----------
    policy : Policy
    """

    def __init__(self, policy: Policy) -> None:
        self._benches = Benches(policy, Embedder(Cache(default_folder()), _quietly))
        self._made: dict[str, Bench] = {}

    def of(self, at: StudySetting, model: Block, untrained: Mapping[str, tuple[Block, ...]] | None = None) -> Bench:
        """Return a bench in a setting for one block of its task's samples, and the untrained families beside it."""
        contestants = Contestants(model, untrained or {})
        if at.name not in self._made:
            self._made[at.name] = self._benches.of(contestants, at.dataset, at.task, at.protocol)
        return replace(self._made[at.name], contestants=contestants)

    def of_model(self, model: Model, at: StudySetting) -> Bench:
        """Return a bench in a setting for a model, with the untrained networks that it would meet at the gate."""
        return self._benches.of_model(model, at.dataset, at.task, at.protocol)

    def baseline(self, dataset: Dataset, task: Task, baseline: Baseline) -> Block:
        """Return a hand-made baseline of a task's samples, aggregated where the task is."""
        return taker(dataset, task)(self._benches.opponents.baselines(dataset, task.channels)[baseline.name])

    def blocks(self, dataset: Dataset, task: Task, encoders: Sequence[Encoder], title: str) -> list[Block]:
        """Embed all samples that share the task's channels, and return the task's, aggregated where the task is."""
        take = taker(dataset, task)
        return [take(block) for block in self._benches.embedder.embed(dataset, task.channels, encoders, title)]

    def adaptation_images(self, dataset: Dataset, task: Task) -> AdaptationImages:
        """Return the images that batch normalisation is adapted to."""
        return self._benches.opponents.adaptation_images(dataset, task.channels)
