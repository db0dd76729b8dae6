"""The best score there is: what labels of repeated measurements agree on, where a task has some."""

from __future__ import annotations

import numpy as np

from reprcheck.protocols.folds import judged
from reprcheck.types import Task

CEILING = 1.0
"""The best score of every protocol so far: balanced accuracy, R2, concordance. Replicates may show it out of reach."""


def ceiling(task: Task) -> float:
    """Return the best score there is: `CEILING`, or where the task has replicates what their labels agree on.

    Classification: how often a sample's label is the one most of its other replicates have, ties counting in part,
    every class weighing the same. Regression: 1 - (variance within replicates) / (variance of the label). Things
    measured once don't count. Of a fixed split it is that of the judged samples.
    """
    if task.replicates is None:
        return CEILING
    names, index, counts = np.unique(task.replicates, return_inverse=True, return_counts=True)
    repeated = (counts[index] > 1) & (names[index] != "")
    if not repeated.any():
        return CEILING
    if task.kind == "regress":
        groups = [task.y[repeated & (index == i)] for i in np.unique(index[repeated])]
        within = sum(float(np.square(g - g.mean()).sum()) for g in groups) / sum(len(g) - 1 for g in groups)
        return float(1 - within / task.y[judged(task)].var())
    table = np.zeros((len(names), len(task.classes)))
    np.add.at(table, (index, task.y), 1)
    others = table[index] - np.eye(len(task.classes))[task.y]
    winners = others == others.max(1, keepdims=True)
    agreed = winners[np.arange(len(task.y)), task.y] / winners.sum(1)
    scored = repeated & judged(task)
    y, agreed = task.y[scored], agreed[scored]
    return float(np.mean([agreed[y == label].mean() for label in np.unique(y)])) if scored.any() else CEILING
