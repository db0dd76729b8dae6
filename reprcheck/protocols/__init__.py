"""How a task is scored: pure functions from vectors and a task to one score per unit, each with a version id.

A protocol takes *blocks* of vectors (a block is one encoder's float[n, D]); several blocks are judged side by side,
each scaled to the same total variance, so that a wide block can't drown a narrow one. Folds come from the task alone:
every encoder meets the same ones. A changed formula is a new version id.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reprcheck.types import Scores, Task

_WHERE = {
    "probe/1": "reprcheck.protocols.probe",
    "knn/1": "reprcheck.protocols.knn",
    "ridge/1": "reprcheck.protocols.ridge",
    "dose-response/1": "reprcheck.protocols.dose_response",
}


def known() -> tuple[str, ...]:
    """Return the ids of all protocols."""
    return tuple(_WHERE)


def score(protocol_id: str, blocks: Sequence[NDArray[np.float32]], task: Task) -> Scores:
    """Score blocks of vectors on a task.

    Parameters
    ----------
    protocol_id : str
        One of `known`.
    blocks : sequence of float32[n, D_b]
    task : Task
        Of the kind that the protocol scores.
    """
    module: Any = import_module(_WHERE[protocol_id])
    found: Scores = module.score(blocks, task)
    return found
