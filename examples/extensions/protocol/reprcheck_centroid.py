"""``protocols = ["centroid/1"]`` on a card: is a sample nearest to its own class's mean vector, out of fold?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

from reprcheck.protocols import Protocol
from reprcheck.protocols.features import per_unit, scaled
from reprcheck.protocols.folds import folds
from reprcheck.types import Scores, Task


class Centroid(Protocol):
    """Classification by the nearest class mean of standardised vectors; classes count alike, whatever their size."""

    id = "centroid/1"
    kinds = ("classify",)

    def score(self, blocks: Sequence[NDArray[np.float32]], task: Task, repeat: int = 0) -> Scores:
        """Return scores whose mean over units is the balanced accuracy."""
        predicted = np.full(len(task.y), -1)
        for fold in folds(task, repeat):
            train, test = scaled(blocks, fold.train, fold.test)
            known = np.unique(task.y[fold.train])
            means = np.stack([train[task.y[fold.train] == label].mean(axis=0) for label in known])
            predicted[fold.test] = known[cdist(test, means).argmin(axis=1)]
        return Scores(*per_unit((predicted == task.y).astype(float), task), predictions=predicted)


CENTROID = Centroid()
