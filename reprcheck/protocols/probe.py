"""``probe/2``: out-of-fold predictions of an L2-regularised logistic regression (linear probe; Alain and Bengio 2016).

Classes weigh the same. The strength is chosen by inner group folds on log-loss, alike for every encoder. A unit's score
is its share of the balanced accuracy; its bits are its share of the usable information (Xu et al. 2020): log2 of the
number of classes plus the log2 probability given to the truth. ``probe/1`` was the same regression, stopped before its
weaker penalties were solved.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from reprcheck.cores import cores
from reprcheck.protocols.control import control
from reprcheck.protocols.features import per_unit, prepare
from reprcheck.protocols.folds import folds, judged
from reprcheck.protocols.logistic import Training, fit_paths
from reprcheck.protocols.protocol import Protocol
from reprcheck.types import Scores, Task

Split = tuple[NDArray[np.int64], NDArray[np.int64]]
"""Positions to train on, and to judge."""
STRENGTHS = (0.3, 3.0, 30.0, 300.0, 3000.0)
"""Inverse penalties, for features of total variance 1."""
TOGETHER = 2**18
"""Values of training sets that are solved side by side: what a core's cache holds."""
WIDE = 2**20
"""Values of a task's vectors up to which they are multiplied in float64."""
FLOOR = 1e-3
"""Share of the probability spread evenly over classes, so that one sample can't cost more than about 10 bits."""


class Probe(Protocol):
    """Classification by a linear probe."""

    id = "probe/2"
    kinds = ("classify",)
    usual = True
    quick = False

    def score(self, blocks: Sequence[NDArray[np.float32]], task: Task, repeat: int = 0) -> Scores:
        """Return scores that average to balanced accuracy; ``bits`` are usable information. See `Protocol.score`."""
        made = folds(task, repeat)
        chosen = _choose(blocks, task, [fold.inner for fold in made])
        paths = _predict(blocks, task, [(fold.train, fold.test) for fold in made], STRENGTHS[: max(chosen) + 1])
        chance = np.zeros((len(task.y), len(task.classes)))
        for fold, strength, path in zip(made, chosen, paths, strict=True):
            chance[fold.test] = path[strength]
        predicted = np.where(judged(task), chance.argmax(1), -1)
        units, values = per_unit((predicted == task.y).astype(float), task)
        return Scores(units, values, per_unit(_bits(chance, task.y), task)[1], predicted)

    def control(self, task: Task) -> Task | None:
        """Return the task with a random label for each unit: a probe may owe its score to recognising units."""
        return control(task)


def _choose(blocks: Sequence[NDArray[np.float32]], task: Task, inner: Sequence[Sequence[Split]]) -> list[int]:
    """Return for each fold which strength has the most bits on its inner folds; ties go to the stronger penalty."""
    splits = [split for several in inner for split in several]
    of_fold = np.repeat(np.arange(len(inner)), [len(several) for several in inner])
    information = np.zeros((len(inner), len(STRENGTHS)))
    for fold, (_, validate), path in zip(of_fold, splits, _predict(blocks, task, splits, STRENGTHS), strict=True):
        y = task.y[validate]
        weight = 1 / np.bincount(y, minlength=len(task.classes))[y]
        information[fold] += [np.average(_bits(chance, y), weights=weight) for chance in path]
    return [int(best) for best in information.argmax(1)]


def _predict(
    blocks: Sequence[NDArray[np.float32]], task: Task, splits: Sequence[Split], strengths: Sequence[float]
) -> list[list[NDArray[np.float64]]]:
    """Return float64[n_test, n_classes] probabilities for each split and strength; a class not trained gets none."""
    columns = sum(block.shape[1] for block in blocks)
    size = max([len(train) * min(len(train), columns) for train, _ in splits], default=1)
    at_once = max(1, TOGETHER // size)
    dtype = np.float32 if len(task.y) * columns > WIDE else np.float64

    def solve(start: int) -> list[list[NDArray[np.float64]]]:
        group = splits[start : start + at_once]
        ready = [prepare(blocks, train, test, dtype) for train, test in group]
        sets = [Training(a, task.y[train]) for (a, _), (train, _) in zip(ready, group, strict=True)]
        paths = fit_paths(sets, len(task.classes), strengths)
        return [[linear.chance(b) for linear in path] for (_, b), path in zip(ready, paths, strict=True)]

    with ThreadPoolExecutor(cores()) as pool:
        return [path for group in pool.map(solve, range(0, len(splits), at_once)) for path in group]


def _bits(chance: NDArray[np.float64], y: NDArray[np.int64]) -> NDArray[np.float64]:
    classes = chance.shape[1]
    truth = (1 - FLOOR) * chance[np.arange(len(y)), y] + FLOOR / classes
    bits: NDArray[np.float64] = np.log2(classes) + np.log2(truth)
    return bits


PROBE = Probe()
