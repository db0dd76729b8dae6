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
from scipy.linalg import solve_triangular

from reprcheck.protocols.folds import judged
from reprcheck.types import Task

CHUNK = 2**14
"""Samples turned into float64 at a time."""
JITTER = 1e-10
"""Variance that a rotation adds to each training sample, as a share of theirs: it makes the rotation well defined."""


def prepare(
    blocks: Sequence[NDArray[np.float32]],
    train: NDArray[np.int64],
    test: NDArray[np.int64],
    dtype: type[np.floating] = np.float64,
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return the training and the judged samples, ready for a linear model.

    Parameters
    ----------
    blocks : sequence of float[n, D_b]
    train, test : int64[n_train], int64[n_test]
    dtype : type
        Of what is returned.

    Returns
    -------
    float[n_train, R], float[n_test, R]
        R is at most min(n_train, sum of D_b).
    """
    if sum(block.shape[1] for block in blocks) <= len(train):
        return scaled(blocks, train, test, dtype)
    a, b = _rotate(*scaled(blocks, train, test))
    return a.astype(dtype, copy=False), b.astype(dtype, copy=False)


def scaled(
    blocks: Sequence[NDArray[np.float32]],
    train: NDArray[np.int64],
    test: NDArray[np.int64],
    dtype: type[np.floating] = np.float64,
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return ``prepare``'s samples before the rotation: standardised columns, each block of total variance 1/blocks.

    A column that is constant on the training samples becomes 0 for all.
    """
    mean, scale = standardising(blocks, train)
    return standardise(blocks, train, mean, scale, dtype), standardise(blocks, test, mean, scale, dtype)


def standardising(
    blocks: Sequence[NDArray[np.float32]], train: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return what ``scaled`` takes from each column and multiplies it by, both float64[sum of D_b]."""
    means, scales = zip(*(_standard(block, train) for block in blocks), strict=True)
    return np.concatenate(means), np.concatenate(scales) / np.sqrt(len(blocks))


def standardise(
    blocks: Sequence[NDArray[np.float32]],
    rows: NDArray[np.int64],
    mean: NDArray[np.float64],
    scale: NDArray[np.float64],
    dtype: type[np.floating] = np.float64,
) -> NDArray[Any]:
    """Return some rows of blocks as float[n_rows, sum of D_b], less ``mean`` and times ``scale``."""
    out = np.empty((len(rows), len(mean)), dtype)
    for at in _chunks(len(rows)):
        out[at] = (np.hstack([block[rows[at]] for block in blocks]).astype(np.float64) - mean) * scale
    return out


def _standard(block: NDArray[np.float32], train: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the means of a block's columns, and what to multiply them by for a total variance of 1."""
    parts = [train[at] for at in _chunks(len(train))]
    mean = sum(block[part].astype(np.float64).sum(0) for part in parts) / len(train)
    sd = np.sqrt(sum(np.square(block[part] - mean).sum(0) for part in parts) / len(train))
    alive = sd > 1e-9 * np.maximum(np.abs(mean), 1e-30)
    return mean, np.where(alive, 1 / np.where(alive, sd, 1), 0) / np.sqrt(max(alive.sum(), 1))


def _chunks(n: int) -> list[slice]:
    return [slice(i, i + CHUNK) for i in range(0, n, CHUNK)]


def _rotate(a: NDArray[Any], b: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return samples whose inner products with the training samples are those of ``a`` and ``b``, by Cholesky."""
    inner = a @ a.T
    inner[np.diag_indices_from(inner)] += max(JITTER * np.trace(inner) / len(inner), 1e-300)
    lower = np.linalg.cholesky(inner)
    return lower, solve_triangular(lower, a @ b.T, lower=True, check_finite=False).T


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
