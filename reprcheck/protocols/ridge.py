"""``ridge/1``: out-of-fold ridge regression (Hoerl and Kennard 1970); a sample scores 1 - squared error / variance.

The mean over units is R2. The penalty is chosen by inner group folds on squared error, alike for every encoder, and
predictions are kept within the range of the training labels, so that one wild value can't make a verdict.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from reprcheck.protocols.features import per_unit, prepare
from reprcheck.protocols.folds import folds, judged
from reprcheck.protocols.protocol import Protocol
from reprcheck.types import Scores, Task

PENALTIES = tuple(float(a) for a in np.logspace(2, -4, 7))
"""On the mean squared error per sample, for features of total variance 1; strongest first."""
TALL = 2**20
"""Values of a training set up to which it is decomposed itself."""


class Ridge(Protocol):
    """Regression by a linear model."""

    id = "ridge/1"
    kinds = ("regress",)
    usual = True

    def score(self, blocks: Sequence[NDArray[np.float32]], task: Task, repeat: int = 0) -> Scores:
        """Return scores that average to R2; ``predictions`` are in the label's units. See `Protocol.score`."""
        predicted = np.full(len(task.y), np.nan)
        for fold in folds(task, repeat):
            loss = np.zeros(len(PENALTIES))
            for fit, validate in fold.inner:
                loss += np.square(_predict(blocks, task.y, fit, validate, PENALTIES) - task.y[validate]).mean(1)
            penalty = PENALTIES[int(loss.argmin())]
            predicted[fold.test] = _predict(blocks, task.y, fold.train, fold.test, (penalty,))[0]
        units, values = per_unit(1 - np.square(predicted - task.y) / task.y[judged(task)].var(), task)
        return Scores(units, values, predictions=predicted)


def _predict(
    blocks: Sequence[NDArray[np.float32]],
    y: NDArray[np.float64],
    train: NDArray[np.int64],
    test: NDArray[np.int64],
    penalties: Sequence[float],
) -> NDArray[np.float64]:
    """Return float64[len(penalties), n_test], by one decomposition for all penalties."""
    a, b = prepare(blocks, train, test)
    mean = y[train].mean()
    axes, squares, along = _decompose(a, y[train] - mean)
    weights = along / (squares + len(train) * np.asarray(penalties)[:, None])
    predicted = mean + weights @ (b @ axes).T
    clipped: NDArray[np.float64] = np.clip(predicted, y[train].min(), y[train].max())
    return clipped


def _decompose(a: NDArray[np.float64], y: NDArray[np.float64]) -> tuple[NDArray[np.float64], ...]:
    """Return the right singular vectors of ``a`` as columns, the squared singular values, and a'y along the vectors.

    Those of a tall matrix come from its second moments, which are small. What is lost of singular values below 1e-7 of
    the largest has no say under the weakest penalty.
    """
    if a.size <= TALL or len(a) <= a.shape[1]:
        u, s, vt = np.linalg.svd(a, full_matrices=False)
        return vt.T, s**2, s * (u.T @ y)
    squares, axes = np.linalg.eigh(a.T @ a)
    return axes, np.maximum(squares, 0), axes.T @ (a.T @ y)


RIDGE = Ridge()
