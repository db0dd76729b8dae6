"""Does the label follow the batch? Then units of a batch succeed and fail together, and batches are what counts."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from reprcheck.types import Task

FOLLOWS = 0.3
"""Association from which batches are what is resampled: below, an interval over units keeps its rate (`batches`)."""
FEWEST = 10
"""Held-out batches that a verdict may rest on where the label follows them."""


def batches_of_units(task: Task, judged: NDArray[np.bool_]) -> NDArray[np.str_] | None:
    """Return the batch of each judged unit, str[n_units], units sorted by name; None where one lies in several."""
    _, first, index = np.unique(task.units[judged], return_index=True, return_inverse=True)
    of_sample = task.batches[judged]
    batches: NDArray[np.str_] = of_sample[first]
    return None if (batches[index] != of_sample).any() else batches


def unit_association(task: Task, judged: NDArray[np.bool_]) -> float:
    """Return how closely the label of judged units follows the batch; 0 where a unit lies in several batches."""
    batches = batches_of_units(task, judged)
    if batches is None:
        return 0.0
    _, first = np.unique(task.units[judged], return_index=True)
    return association(task.y[judged][first], batches)


def association(y: NDArray[np.int64] | NDArray[np.float64], batches: NDArray[np.str_]) -> float:
    """Return how closely a label follows the batch, from 0 to 1, corrected for what chance gives.

    Parameters
    ----------
    y : int64[n] or float64[n]
        Codes of classes, or a number.
    batches : str[n]

    Returns
    -------
    float
        For classes Cramér's V with the correction of Bergsma (2013); for a number the root of epsilon squared, the
        share of its variance between batches (Kelley 1935).
    """
    names, batch = np.unique(batches, return_inverse=True)
    n, groups = len(y), len(names)
    if groups < 2 or n <= groups:
        return 0.0
    if y.dtype.kind == "f":
        total = float(np.square(y - y.mean()).sum())
        means = np.bincount(batch, weights=y) / np.bincount(batch)
        within = float(np.square(y - means[batch]).sum())
        return float(np.sqrt(max(0.0, 1 - within / (n - groups) / (total / (n - 1))))) if total > 0 else 0.0
    classes, code = np.unique(y, return_inverse=True)
    if len(classes) < 2:
        return 0.0
    counts = np.zeros((len(classes), groups))
    np.add.at(counts, (code, batch), 1)
    expected = counts.sum(1, keepdims=True) * counts.sum(0) / n
    squared = float((np.square(counts - expected) / expected).sum()) / n
    rows, columns = counts.shape
    corrected = max(0.0, squared - (rows - 1) * (columns - 1) / (n - 1))
    fewer = min(rows - (rows - 1) ** 2 / (n - 1), columns - (columns - 1) ** 2 / (n - 1)) - 1
    return float(np.sqrt(min(1.0, corrected / fewer)))
