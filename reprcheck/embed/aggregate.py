"""The samples of a unit made one, where a task's card says so: their vectors aggregated, alike for every encoder."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reprcheck.code import code_digest
from reprcheck.digest import digest
from reprcheck.embed.engine import Block
from reprcheck.types import Aggregation, Task

_HOW: Mapping[Aggregation, Callable[..., NDArray[Any]]] = {"mean": np.mean, "median": np.median}


def aggregated(task: Task) -> Task:
    """Return the task that is judged: on groups of samples where it aggregates."""
    groups = Groups.of(task)
    return groups.task(task) if groups else task


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
        return Block(digest(block.source, "aggregate", code_digest(__name__), self.how), ids, vectors)

    def task(self, task: Task) -> Task:
        """Return the task on groups: what all samples of a group share is the group's, a number is aggregated."""
        one = task.take(np.array([group[0] for group in self.members]))
        numbers = {"y": None if task.classes else task.y, "sizes": task.sizes, "depths": task.depths}
        ones: dict[str, Any] = {
            name: np.array([self._one(values[group]) for group in self.members])
            for name, values in numbers.items()
            if values is not None
        }
        return replace(one, **ones, aggregate=None, innermost=None)

    def _one(self, values: NDArray[Any]) -> NDArray[np.float64]:
        one: NDArray[np.float64] = _HOW[self.how](values.astype(np.float64), axis=0)
        return one
