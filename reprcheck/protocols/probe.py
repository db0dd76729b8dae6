"""``probe/1``: out-of-fold predictions of an L2-regularised logistic regression (linear probe; Alain and Bengio 2016).

Classes weigh the same. The strength is chosen by inner group folds on log-loss, alike for every encoder. A unit's score
is its share of the balanced accuracy; its bits are its share of the usable information (Xu et al. 2020): log2 of the
number of classes plus the log2 probability given to the truth.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from reprcheck.protocols.control import control
from reprcheck.protocols.features import per_unit, prepare
from reprcheck.protocols.folds import folds, judged
from reprcheck.protocols.protocol import Protocol
from reprcheck.types import Scores, Task

STRENGTHS = (0.3, 3.0, 30.0, 300.0, 3000.0)
"""Inverse penalties, for features of total variance 1."""
FLOOR = 1e-3
"""Share of the probability spread evenly over classes, so that one sample can't cost more than about 10 bits."""


class Probe(Protocol):
    """Classification by a linear probe."""

    id = "probe/1"
    kinds = ("classify",)
    usual = True
    quick = False

    def score(self, blocks: Sequence[NDArray[np.float32]], task: Task, repeat: int = 0) -> Scores:
        """Return scores that average to balanced accuracy; ``bits`` are usable information. See `Protocol.score`."""
        chance = np.zeros((len(task.y), len(task.classes)))
        for fold in folds(task, repeat):
            strength = _choose(blocks, task, fold.inner)
            chance[fold.test] = _predict(blocks, task, fold.train, fold.test, (strength,))[0]
        predicted = np.where(judged(task), chance.argmax(1), -1)
        units, values = per_unit((predicted == task.y).astype(float), task)
        return Scores(units, values, per_unit(_bits(chance, task.y), task)[1], predicted)

    def control(self, task: Task) -> Task | None:
        """Return the task with a random label for each unit: a probe may owe its score to recognising units."""
        return control(task)


def _choose(
    blocks: Sequence[NDArray[np.float32]],
    task: Task,
    inner: Sequence[tuple[NDArray[np.int64], NDArray[np.int64]]],
) -> float:
    """Return the strength with the most bits on the inner folds; ties go to the stronger penalty."""
    information = np.zeros(len(STRENGTHS))
    for fit, validate in inner:
        weight = 1 / np.bincount(task.y[validate], minlength=len(task.classes))[task.y[validate]]
        for i, chance in enumerate(_predict(blocks, task, fit, validate, STRENGTHS)):
            information[i] += np.average(_bits(chance, task.y[validate]), weights=weight)
    return STRENGTHS[int(information.argmax())]


def _predict(
    blocks: Sequence[NDArray[np.float32]],
    task: Task,
    train: NDArray[np.int64],
    test: NDArray[np.int64],
    strengths: Sequence[float],
) -> list[NDArray[np.float64]]:
    """Return float64[n_test, n_classes] probabilities for each strength; a class unseen in training gets none."""
    from sklearn import config_context
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    a, b = prepare(blocks, train, test)
    model = LogisticRegression(class_weight="balanced", tol=1e-3, max_iter=300, warm_start=True)
    out = []
    with warnings.catch_warnings(), config_context(assume_finite=True, skip_parameter_validation=True):
        warnings.simplefilter("ignore", ConvergenceWarning)  # the weakest penalty may stop early, for all alike
        for strength in strengths:
            model.set_params(C=strength).fit(a, task.y[train])
            chance = np.zeros((len(test), len(task.classes)))
            chance[:, model.classes_] = model.predict_proba(b)
            out.append(chance)
    return out


def _bits(chance: NDArray[np.float64], y: NDArray[np.int64]) -> NDArray[np.float64]:
    classes = chance.shape[1]
    truth = (1 - FLOOR) * chance[np.arange(len(y)), y] + FLOOR / classes
    bits: NDArray[np.float64] = np.log2(classes) + np.log2(truth)
    return bits


PROBE = Probe()
