"""Control tasks: what a probe scores on labels that mean nothing, so that skill isn't taken for knowledge.

After Hewitt and Liang (2019): every unit gets a random label, the same for all its samples, and samples of one unit lie
in the training and in the judged part. What a probe then scores above chance it owes to recognising units: donors,
wells, fields. Selectivity is its score on the task minus that.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from reprcheck.seeding import rng
from reprcheck.types import Task


def control(task: Task) -> Task | None:
    """Return the control task of a classification; None where units are, as a rule, single samples.

    The labels' shares are those of the task's units; in a paired design, where units hold several labels, those of its
    samples. A fixed split plays no part: folds are drawn over samples.
    """
    units, first, index = np.unique(task.units, return_index=True, return_inverse=True)
    if task.kind != "classify" or len(index) < 2 * len(units):
        return None
    of_units = task.y[first]
    if (of_units[index] != task.y).any():
        middles = (np.arange(len(units)) + 0.5) / len(units)
        of_units = np.sort(task.y)[(middles * len(task.y)).astype(int)]
    labels = rng("control", units).permutation(of_units)
    samples = np.array([f"{i:09d}" for i in range(len(index))])
    return replace(task, y=labels[index], units=samples, holdout=None, test=None)
