"""Which samples train and which are judged: folds made from the task alone, the same for every encoder."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from reprcheck.seeding import seed
from reprcheck.types import Task

OUTER, INNER = 5, 3
"""Folds to score on, and within a training set to choose a regularisation strength on."""
LEAVE_ONE_OUT_UP_TO = 10
"""With at most this many batches held out in turn, each is a fold of its own."""
STRATA = 5
"""Quantile bins that stand in for classes when a regression is stratified."""


Split = tuple[NDArray[np.int64], NDArray[np.int64]]
"""Positions to train on, and to judge."""


@dataclass(frozen=True)
class Fold:
    """Positions in the task: ``train`` and ``test``, and the inner (fit, validate) splits of ``train``."""

    train: NDArray[np.int64]
    test: NDArray[np.int64]
    inner: tuple[Split, ...]


@lru_cache(maxsize=32)
def folds(task: Task, repeat: int = 0) -> tuple[Fold, ...]:
    """Return the outer folds of a task, each with its inner folds; other ones for another ``repeat``, where drawn.

    ``holdout="batch"``: a batch is never split; up to ten batches are left out one at a time, more are grouped in five
    folds. Otherwise five folds stratified over units, and a unit is never split. Inner folds split as the outer ones do
    while a training set has at least two groups to split, else they split units, else samples. A fixed split is one
    fold; its inner folds split batches, else units, else samples.
    """
    from sklearn.model_selection import LeaveOneGroupOut  # not before there is something to split: it takes a second

    strata = task.y if task.kind == "classify" else _bins(task.y)
    groups = task.batches if task.holdout == "batch" else task.units
    if task.test is not None:
        outer = [(np.flatnonzero(~task.test), np.flatnonzero(task.test))]
    elif drawn(task):
        outer = _split(strata, groups, OUTER, repeat)
    else:
        outer = list(LeaveOneGroupOut().split(strata, strata, groups))
    return tuple(Fold(train, test, _inner(strata, task, train, repeat)) for train, test in outer)


def drawn(task: Task) -> bool:
    """Return whether the outer folds are drawn at random: not in a fixed split, nor where batches take turns."""
    return task.test is None and not (task.holdout == "batch" and len(np.unique(task.batches)) <= LEAVE_ONE_OUT_UP_TO)


def folds_overlap(task: Task) -> float:
    """Return J n_test / n_train for J folds: by how much they share training samples, as Nadeau and Bengio count it.

    0 for a fixed split: its interval is over new test units for this one training set, which was never drawn.
    """
    if task.test is not None:
        return 0.0
    made = folds(task)
    return float(len(made) * np.mean([len(f.test) / len(f.train) for f in made]))


def judged(task: Task) -> NDArray[np.bool_]:
    """Return bool[n], which samples folds test: all, but where a fixed split has some that only train."""
    return np.ones(len(task.y), bool) if task.test is None else task.test


def sides(task: Task) -> NDArray[np.int64]:
    """Return int64[n]: samples with different numbers are at times on both sides of a fold."""
    if task.test is not None:
        return task.test.astype(np.int64)
    side = np.zeros(len(task.y), np.int64)
    for k, fold in enumerate(folds(task)):
        side[fold.test] = k
    return side


def _inner(strata: NDArray[np.int64], task: Task, train: NDArray[np.int64], repeat: int) -> tuple[Split, ...]:
    by_batch = task.holdout == "batch" or task.test is not None
    candidates = [task.batches, task.units] if by_batch else [task.units]
    for groups in (*candidates, np.arange(len(strata)).astype(str)):
        splits = _split(strata[train], groups[train], INNER, repeat)
        usable = [(train[a], train[b]) for a, b in splits if len(a) and len(b) and len(np.unique(strata[train[a]])) > 1]
        if usable:
            return tuple(usable)
    return ()


def _split(strata: NDArray[np.int64], groups: NDArray[np.str_], n: int, repeat: int) -> list[Split]:
    """Stratified group folds; fewer than ``n`` where groups are few, none where there is nothing to split."""
    names, group = np.unique(groups, return_inverse=True)
    classes, code, sizes = np.unique(strata, return_inverse=True, return_counts=True)
    n = min(n, len(names), int(sizes.min()))
    if n < 2:
        return []
    counts = np.zeros((len(names), len(classes)))
    np.add.at(counts, (group, code), 1)
    fold = _deal(counts, n, seed("folds", strata, groups, repeat) % 2**32)[group]
    return [(np.flatnonzero(fold != k), np.flatnonzero(fold == k)) for k in range(n)]


def _deal(counts: NDArray[np.float64], n: int, state: int) -> NDArray[np.int64]:
    """Return which of ``n`` folds each group goes to, int64[G], for its samples of each class, float64[G, K].

    As scikit-learn's ``StratifiedGroupKFold`` does it, to the sample, and some ten times as fast: shuffled groups,
    those of the most uneven counts first, each go to the fold that leaves classes spread most evenly; of folds that
    are close, to the one with the fewest samples.
    """
    sizes = counts.sum(0)
    order = np.arange(len(counts))
    np.random.RandomState(state).shuffle(order)
    order = order[np.argsort(-np.std(counts[order], axis=1), kind="stable")]
    dealt, samples, out = np.zeros((n, len(sizes))), [0.0] * n, np.empty(len(counts), np.int64)
    tried, own = np.empty((n, n, len(sizes))), np.arange(n)
    weights = counts.sum(1).tolist()
    for g in order.tolist():
        tried[:] = dealt
        tried[own, own] += counts[g]
        shares = tried / sizes
        shares -= np.add.reduce(shares, axis=1, keepdims=True) / n
        spread = np.sqrt(np.add.reduce(np.multiply(shares, shares, out=shares), axis=1) / n)
        uneven = (np.add.reduce(spread, axis=1) / len(sizes)).tolist()
        best = 0
        for k in range(1, n):
            close = abs(uneven[k] - uneven[best]) <= 1e-8 + 1e-5 * abs(uneven[best])
            if uneven[k] < uneven[best] or (close and samples[k] < samples[best]):
                best = k
        out[g] = best
        dealt[best] += counts[g]
        samples[best] += weights[g]
    return out


def _bins(y: NDArray[np.float64]) -> NDArray[np.int64]:
    edges = np.unique(np.quantile(y, np.linspace(0, 1, STRATA + 1)[1:-1]))
    return np.searchsorted(edges, y, side="right")
