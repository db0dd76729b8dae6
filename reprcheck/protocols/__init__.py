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


def score(protocol_id: str, blocks: Sequence[NDArray[np.float32]], task: Task, repeat: int = 0) -> Scores:
    """Score blocks of vectors on a task.

    Parameters
    ----------
    protocol_id : str
        One of `known`.
    blocks : sequence of float32[n, D_b]
    task : Task
        Of the kind that the protocol scores.
    repeat : int
        Which draw of the folds; a protocol without drawn folds has one.
    """
    module: Any = import_module(_WHERE[protocol_id])
    found: Scores = module.score(blocks, task, repeat)
    return found


def has_folds(protocol_id: str) -> bool:
    """Return whether a protocol trains on some samples and judges others."""
    return not protocol_id.startswith("dose-response/")


def drawn(protocol_id: str, task: Task) -> bool:
    """Return whether a task's folds are drawn at random under a protocol, and could be drawn again."""
    from reprcheck.protocols.folds import drawn as at_random

    return has_folds(protocol_id) and at_random(task)


def chance(protocol_id: str, task: Task) -> float:
    """Return the score of a guess: one class in k, the mean of the label, displacement in no order."""
    if task.kind == "classify":
        return 1 / len(task.classes)
    return 0.5 if protocol_id.startswith("dose-response/") else 0.0
