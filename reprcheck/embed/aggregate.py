"""Aggregation of a unit's samples into one, where a task's card asks for it; the same for every encoder."""

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


def aggregate(task: Task) -> Task:
    """Return the task that is judged: one sample per group, where the card aggregates."""
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
        """Return one vector per group, sorted by name; its id depends on its members' ids, not on their order."""
        vectors = np.stack([self._merge(block.vectors[group]) for group in self.members]).astype(np.float32)
        ids = tuple(digest(sorted(block.ids[i] for i in group)) for group in self.members)
        return Block(digest(block.source, "aggregate", code_digest(__name__), self.how), ids, vectors)

    def task(self, task: Task) -> Task:
        """Return the task with one sample per group: names are the first member's, numbers are aggregated."""
        merged = task.take(np.array([group[0] for group in self.members]))
        numbers = {"y": None if task.classes else task.y, "sizes": task.sizes, "depths": task.depths}
        numbers_merged: dict[str, Any] = {
            name: np.array([self._merge(samples[group]) for group in self.members])
            for name, samples in numbers.items()
            if samples is not None
        }
        return replace(merged, **numbers_merged, aggregate=None, innermost=None)

    def _merge(self, values: NDArray[Any]) -> NDArray[np.float64]:
        value: NDArray[np.float64] = _HOW[self.how](values.astype(np.float64), axis=0)
        return value
