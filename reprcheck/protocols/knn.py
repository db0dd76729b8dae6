"""``knn/1``: out-of-fold vote of the nearest training samples by cosine similarity of standardised vectors.

Ten neighbours (fewer where a training class is smaller), each vote divided by its class's share of the training
samples, so that the vote is balanced. A tie goes to the class of the nearest neighbour among the tied.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from reprcheck.protocols.features import per_unit, scaled
from reprcheck.protocols.folds import folds
from reprcheck.protocols.nearest import nearest
from reprcheck.protocols.protocol import Protocol
from reprcheck.types import Scores, Task

NEIGHBOURS = 10


class NearestNeighbours(Protocol):
    """Classification by a vote of neighbours."""

    id = "knn/1"
    kinds = ("classify",)
    usual = True

    def score(self, blocks: Sequence[NDArray[np.float32]], task: Task, repeat: int = 0) -> Scores:
        """Return scores that average to balanced accuracy; ``predictions`` are class codes. See `Protocol.score`."""
        predicted = np.full(len(task.y), -1)
        for fold in folds(task, repeat):
            a, b = scaled(blocks, fold.train, fold.test)
            y = task.y[fold.train]
            counts = np.bincount(y, minlength=len(task.classes))
            k = min(NEIGHBOURS, int(counts[counts > 0].min()))
            predicted[fold.test] = _vote(y[nearest(_unit_length(b), _unit_length(a), k)], counts)
        units, values = per_unit((predicted == task.y).astype(float), task)
        return Scores(units, values, predictions=predicted)


def _vote(labels: NDArray[np.int64], counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the winners, int64[n], of neighbours' labels, int64[n, k], nearest first."""
    k = labels.shape[1]
    onehot = np.eye(len(counts))[labels]  # [n, k, classes]
    votes = onehot.sum(1) / np.maximum(counts, 1)
    rank_of_class = np.where(onehot.any(1), onehot.argmax(1), k)
    tied = votes >= votes.max(1, keepdims=True) - 1e-12
    winner: NDArray[np.int64] = np.where(tied, rank_of_class, k + 1).argmin(1)
    return winner


def _unit_length(x: NDArray[np.float64]) -> NDArray[np.float64]:
    length: NDArray[np.float64] = np.linalg.norm(x, axis=1, keepdims=True)
    return x / np.maximum(length, 1e-12)


KNN = NearestNeighbours()
