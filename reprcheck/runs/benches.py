"""Benches set up: one model in one setting, beside everything it may be compared with there.

The gate's sessions set up a bench for a model; studies set one up for contestants of their own. Both get the same task,
baselines and notes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from reprcheck.baselines.pixels import PIXELS
from reprcheck.baselines.reference import Baseline
from reprcheck.code import code_digest
from reprcheck.confounds import notes as misleading
from reprcheck.confounds.values import describe_values
from reprcheck.datasets.images.values import Values
from reprcheck.diagnostics.bench import Bench
from reprcheck.diagnostics.contestants import Contestants
from reprcheck.embed.aggregate import Groups, aggregate
from reprcheck.embed.embedder import Embedder, taker
from reprcheck.embed.engine import Block
from reprcheck.models import Model
from reprcheck.policy import Policy
from reprcheck.registry import REFERENCES
from reprcheck.runs.opponents import Opponents
from reprcheck.types import Dataset, Task


@dataclass
class Benches:
    """Sets benches up, from what is embedded once for all of them.

    Parameters
    ----------
    policy : Policy
    embedder : Embedder
    """

    policy: Policy
    embedder: Embedder
    opponents: Opponents = field(init=False)
    _images: dict[tuple[str, str], Images] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.opponents = Opponents(self.policy, self.embedder)

    def of_model(self, model: Model, dataset: Dataset, task: Task, protocol: str) -> Bench:
        """Return a bench for a model, with all that it meets. Raises UserError for what the user can put right."""
        take, channels = taker(dataset, task), task.channels
        contestants = self.opponents.on_images(model, dataset, channels).mapped(take, aggregate(task).units)

        def matched() -> Contestants | None:
            others = self.opponents.on_matched_images(model, dataset, channels)
            return others and others.mapped(take)

        return self.of(contestants, dataset, task, protocol, model.name, matched, model.notes_on(dataset, task))

    def of(
        self,
        contestants: Contestants,
        dataset: Dataset,
        task: Task,
        protocol: str,
        model: str = "made",
        matched: Callable[[], Contestants | None] = lambda: None,
        notes: tuple[str, ...] = (),
    ) -> Bench:
        """Return a bench for contestants of a task's samples, whoever made them; aggregated where the task is.

        Parameters
        ----------
        contestants : Contestants
        dataset : Dataset
        task : Task
        protocol : str
        model : str
            The model's name.
        matched : callable
            As `Bench` has it.
        notes : tuple of str
            On how the model was shown the images.
        """
        take, groups = taker(dataset, task), Groups.of(task)
        met = {name: take(block) for name, block in self.opponents.baselines(dataset, task.channels).items()}
        images = self._described(dataset, task)
        return Bench(
            model=model,
            dataset=dataset.name,
            dataset_digest=dataset.digest,
            kind=dataset.kind,
            limit=dataset.limit,
            task=aggregate(images.task),
            protocol=protocol,
            policy=self.policy,
            cache=self.embedder.cache,
            progress=self.embedder.progress,
            contestants=contestants,
            baselines={name: _make_comparable(REFERENCES.get(name), block) for name, block in met.items()},
            thumbnails=met[PIXELS.name],
            ids=groups.names if groups else dataset.ids[task.rows],
            matched=matched,
            notes=(*notes, *contestants.notes, *images.notes),
            blank=np.array([images.blank[group].all() for group in groups.members]) if groups else images.blank,
        )

    def _described(self, dataset: Dataset, task: Task) -> Images:
        """Return what was learned from reading a task's images. They were embedded before: nothing is decoded."""
        key = (dataset.digest, task.name)
        if key not in self._images:
            decoded = self.embedder.decoded(dataset, task)
            values = Values(np.stack([image.values for image in decoded]))
            ids, names = dataset.ids[task.rows].tolist(), [dataset.channels[c] for c in task.channels]
            notes = misleading.interpreted(task, [image.remarks for image in decoded], ids)
            notes += describe_values(task, values, names, ids)
            deep = task if values.depths is None else replace(task, depths=values.depths)
            self._images[key] = Images(deep, np.asarray(values.constant.all(axis=1)), tuple(notes))
        return self._images[key]


@dataclass(frozen=True)
class Images:
    """What was learned from reading a task's images.

    Attributes
    ----------
    task : Task
        With the depths of its images.
    blank : bool[n]
        Which images are one value throughout.
    notes : tuple of str
        What was interpreted, and what stored values give away.
    """

    task: Task
    blank: NDArray[np.bool_]
    notes: tuple[str, ...]


def _make_comparable(baseline: Baseline, block: Block) -> Block:
    vectors = baseline.compared(block.vectors)
    if vectors is block.vectors:
        return block
    return block.mapped(["compared", baseline.name, code_digest(type(baseline).__module__)], vectors)
