"""The samples of a unit made one, where a task's card says so: their vectors aggregated, alike for every encoder."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reprcheck.digest import digest
from reprcheck.embed.engine import Block
from reprcheck.types import Aggregation, Task

_HOW: Mapping[Aggregation, Callable[..., NDArray[Any]]] = {"mean": np.mean, "median": np.median}


@dataclass(frozen=True)
class Groups:
    """Which samples become one, and how.

    Attributes
    ----------
    how : {"mean", "median"}
        Of vectors, coordinate by coordinate, and of a regression's label.
    names : str[m]
        Sorted.
    members : tuple of int64[k]
        The positions of each group's samples.
    """

    how: Aggregation
    names: NDArray[np.str_]
    members: tuple[NDArray[np.int64], ...]

    @classmethod
    def of(cls, task: Task) -> Groups | None:
        """Return the groups of a task, or None where its samples stand for themselves."""
        if task.aggregate is None or task.innermost is None:
            return None
        names, index = np.unique(task.innermost, return_inverse=True)
        return cls(task.aggregate, names, tuple(np.flatnonzero(index == i) for i in range(len(names))))

    def block(self, block: Block) -> Block:
        """Return one vector per group, in order of their names; its id is made of its members' ids, in any order."""
        vectors = np.stack([self._one(block.vectors[group]) for group in self.members]).astype(np.float32)
        ids = tuple(digest(sorted(block.ids[i] for i in group)) for group in self.members)
        return Block(digest(block.source, "aggregate/1", self.how), ids, vectors)

    def task(self, task: Task) -> Task:
        """Return the task on groups: what all samples of a group share is the group's, a number is aggregated."""
        first = np.array([group[0] for group in self.members])
        labels = [task.y[group] for group in self.members]
        return replace(
            task,
            rows=task.rows[first],
            y=task.y[first] if task.classes else np.array([self._one(y) for y in labels]),
            units=task.units[first],
            batches=task.batches[first],
            control=None if task.control is None else task.control[first],
            positions=None if task.positions is None else task.positions[first],
            replicates=None if task.replicates is None else task.replicates[first],
            metadata=None if task.metadata is None else task.metadata[first],
            sizes=None if task.sizes is None else np.stack([self._one(task.sizes[group]) for group in self.members]),
            depths=None if task.depths is None else np.stack([self._one(task.depths[group]) for group in self.members]),
            test=None if task.test is None else task.test[first],
            aggregate=None,
            innermost=None,
        )

    def _one(self, values: NDArray[Any]) -> NDArray[np.float64]:
        one: NDArray[np.float64] = _HOW[self.how](values.astype(np.float64), axis=0)
        return one
