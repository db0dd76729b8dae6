"""How a task is scored: pure functions from vectors and a task to one score per unit, each with a version id.

A protocol takes *blocks* of vectors (a block is one encoder's float[n, D]); several blocks are judged side by side,
each scaled to the same total variance, so that a wide block can't drown a narrow one. Folds come from the task alone:
every encoder meets the same ones. A changed formula is a new version id.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from importlib import import_module
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from reprcheck.datasets.task_card import MATCHING, WITHOUT_FOLDS
from reprcheck.protocols import folds, forest, nsc
from reprcheck.types import Scores, Task

_WHERE = {
    "probe/1": "reprcheck.protocols.probe",
    "knn/1": "reprcheck.protocols.knn",
    "ridge/1": "reprcheck.protocols.ridge",
    "dose-response/1": "reprcheck.protocols.dose_response",
}


def known() -> tuple[str, ...]:
    """Return the ids of all protocols."""
    return (*_WHERE, *MATCHING)


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
    if protocol_id in MATCHING:
        return nsc.score(protocol_id, blocks, task)
    scoring: Any = import_module(module(protocol_id))
    found: Scores = scoring.score(blocks, task, repeat)
    return found


def module(protocol_id: str) -> str:
    """Return the name of the module whose code scores by a protocol."""
    return nsc.__name__ if protocol_id in MATCHING else _WHERE[protocol_id]


def has_folds(protocol_id: str) -> bool:
    """Return whether a protocol trains on some samples and judges others."""
    return protocol_id not in WITHOUT_FOLDS


def predicts(protocol_id: str) -> bool:
    """Return whether a protocol tells a sample's label from others', by folds or by a match: so that copies leak."""
    return has_folds(protocol_id) or protocol_id in MATCHING


def judged(protocol_id: str, task: Task) -> NDArray[np.bool_]:
    """Return bool[n], which of a task's samples a protocol judges: the units of the others have no score."""
    return nsc.judged(protocol_id, task) if protocol_id in MATCHING else folds.judged(task)


def overlap(protocol_id: str, task: Task) -> float:
    """Return by how much scores share what they were learned from, as Nadeau and Bengio count it."""
    if protocol_id in MATCHING:
        return nsc.overlap(protocol_id, task)
    return folds.folds_overlap(task) if has_folds(protocol_id) else 0.0


def sides(protocol_id: str, task: Task) -> tuple[NDArray[Any], str]:
    """Return names by which two samples differ where one may tell the other's label, and what such a pair is on."""
    if protocol_id in MATCHING:
        across_batches = holds_batches_out(protocol_id, task)
        return (task.batches, "in two batches") if across_batches else (task.units, "in two units")
    return folds.sides(task), "on both sides of a fold"


def notes(protocol_id: str, task: Task) -> tuple[str, ...]:
    """Return sentences on the samples that a protocol can't judge."""
    return nsc.notes(protocol_id, task) if protocol_id in MATCHING else ()


def holds_batches_out(protocol_id: str, task: Task) -> bool:
    """Return whether a sample's label is never told by samples of its own batch."""
    if protocol_id in MATCHING:
        return protocol_id == nsc.ACROSS_BATCHES
    return task.holdout == "batch"


def by_forest(protocol_id: str, vectors: NDArray[np.float32], task: Task, repeat: int = 0) -> Scores:
    """Score a forest on a few features, samples weighed as a protocol weighs them.

    Beside a matching protocol its folds hold out what a match must lie outside of: units, or batches.
    """
    if protocol_id not in MATCHING:
        return forest.score(vectors, task, repeat)
    held_out: Literal["batch", "unit"] = "batch" if holds_batches_out(protocol_id, task) else "unit"
    predicted = forest.score(vectors, replace(task, holdout=held_out), repeat).predictions
    assert predicted is not None
    units, values = nsc.per_unit(predicted == task.y, task, nsc.judged(protocol_id, task))
    return Scores(units, values, predictions=predicted)


def drawn(protocol_id: str, task: Task) -> bool:
    """Return whether a task's folds are drawn at random under a protocol, and could be drawn again."""
    return has_folds(protocol_id) and folds.drawn(task)


def chance(protocol_id: str, task: Task) -> float:
    """Return the score of a guess: one class in k, any match, the mean of the label, displacement in no order."""
    if protocol_id in MATCHING:
        return nsc.chance(protocol_id, task)
    if task.kind == "classify":
        return 1 / len(task.classes)
    return 0.5 if protocol_id.startswith("dose-response/") else 0.0
