"""The post-processing every encoder gets: standardise on the training samples, scale each block, rotate.

The result has total variance 1 on the training set whatever the width, so one grid of regularisation strengths means
the same for a narrow baseline and a wide embedding. Where there are more columns than training samples the data is
rotated onto the training samples' span, which changes no L2-regularised linear predictor and makes fitting fast.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reprcheck.protocols.folds import judged
from reprcheck.types import Task


def prepare(
    blocks: Sequence[NDArray[np.float32]], train: NDArray[np.int64], test: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the training and the judged samples, ready for a linear model.

    Parameters
    ----------
    blocks : sequence of float[n, D_b]
    train, test : int64[n_train], int64[n_test]

    Returns
    -------
    float64[n_train, R], float64[n_test, R]
        R is at most min(n_train, sum of D_b).
    """
    a, b = scaled(blocks, train, test)
    return _rotate(a, b) if a.shape[1] > a.shape[0] else (a, b)


def scaled(
    blocks: Sequence[NDArray[np.float32]], train: NDArray[np.int64], test: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return ``prepare``'s samples before the rotation: standardised columns, each block of total variance 1/blocks.

    A column that is constant on the training samples becomes 0 for all.
    """
    parts = [_standardise(block, train, test) for block in blocks]
    share = 1 / np.sqrt(len(blocks))
    return np.hstack([a for a, _ in parts]) * share, np.hstack([b for _, b in parts]) * share


def _standardise(
    block: NDArray[np.float32], train: NDArray[np.int64], test: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    x = block.astype(np.float64)
    mean, sd = x[train].mean(0), x[train].std(0)
    alive = sd > 1e-9 * np.maximum(np.abs(mean), 1e-30)
    scale = np.where(alive, 1 / np.where(alive, sd, 1), 0) / np.sqrt(max(alive.sum(), 1))
    return (x[train] - mean) * scale, (x[test] - mean) * scale


def _rotate(a: NDArray[np.float64], b: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    values, vectors = np.linalg.eigh(a @ a.T)
    keep = values > 1e-10 * values[-1]
    keep[-1] = True  # one column at least, also where all are constant
    root = np.sqrt(np.maximum(values[keep], 1e-300))
    return vectors[:, keep] * root, (b @ a.T) @ (vectors[:, keep] / root)


def per_unit(values: NDArray[np.float64], task: Task) -> tuple[NDArray[np.str_], NDArray[np.float64]]:
    """Return units and a score for each, such that the mean over units is the balanced mean of ``values``.

    Parameters
    ----------
    values : float64[n]
        A value per sample; that of a sample which isn't judged has no say.
    task : Task
        Classification: every class weighs the same, whatever its size. Regression: every sample does.

    Returns
    -------
    str[n_units], float64[n_units]
        Of the units with a judged sample. A unit's score may exceed its samples' range where units or classes differ in
        size.
    """
    is_judged = judged(task)
    units, index = np.unique(task.units[is_judged], return_inverse=True)
    values, y = values[is_judged], task.y[is_judged]
    if task.kind == "classify":
        counts = np.bincount(y, minlength=len(task.classes))
        weight = len(units) / (np.count_nonzero(counts) * counts[y])
    else:
        weight = np.full(len(values), len(units) / len(values))
    return units, group_sum(weight * values, index)


def group_sum(values: NDArray[Any], index: NDArray[Any]) -> NDArray[np.float64]:
    """Return the sum of ``values`` for each code 0..max of ``index``."""
    return np.bincount(index, weights=values).astype(np.float64)
