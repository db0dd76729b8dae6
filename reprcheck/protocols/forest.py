"""What a few features say at best: out-of-fold predictions of extremely randomised trees (Geurts et al. 2006).

No protocol that a task asks by: it is the reader that a brightness-only encoder trained elsewhere is held against. What
such an encoder has learned to read from the features, a probe or a vote may miss, and a forest grown on them finds.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from reprcheck.protocols.features import per_unit
from reprcheck.protocols.folds import folds, judged
from reprcheck.seeding import seed
from reprcheck.types import Scores, Task

TREES, SMALLEST_LEAF = 200, 2


def score(vectors: NDArray[np.float32], task: Task, repeat: int = 0) -> Scores:
    """Score a forest on a task, in the units of the protocols that predict: balanced accuracy, or R2.

    Parameters
    ----------
    vectors : float32[n, D]
    task : Task
    repeat : int
        Which draw of the folds.
    """
    from sklearn.ensemble import ExtraTreesClassifier, ExtraTreesRegressor

    classes = task.kind == "classify"
    predicted = np.full(len(task.y), -1) if classes else np.full(len(task.y), np.nan)
    for k, fold in enumerate(folds(task, repeat)):
        state = seed("forest", k, repeat) % 2**32
        if classes:
            forest = ExtraTreesClassifier(
                TREES, min_samples_leaf=SMALLEST_LEAF, class_weight="balanced", random_state=state
            )
        else:
            forest = ExtraTreesRegressor(TREES, min_samples_leaf=SMALLEST_LEAF, random_state=state)
        predicted[fold.test] = forest.fit(vectors[fold.train], task.y[fold.train]).predict(vectors[fold.test])
    values = predicted == task.y if classes else 1 - np.square(predicted - task.y) / task.y[judged(task)].var()
    units, scores = per_unit(values.astype(float), task)
    return Scores(units, scores, predictions=predicted)
