"""Settings are qualified before models are judged in them: can this one tell anything at all?"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reprcheck.seeding import rng
from reprcheck.types import Qualification, Scores, Task

PERMUTATIONS = 999
CEILING = 1.0
"""The best score of every protocol so far: balanced accuracy, R2, concordance."""


def qualify(
    task: Task, *, trivial: Sequence[Scores], model: Scores | None, margin: float, alpha: float, min_units: int
) -> Qualification:
    """Qualify a setting.

    Parameters
    ----------
    task : Task
    trivial : sequence of Scores
        Of what nobody trained: baselines and untrained networks.
    model : Scores or None
        None where the model's embedding can't be scored.
    margin, alpha, min_units
        As in the policy.

    Returns
    -------
    {"underpowered", "saturated", "no_signal", "discriminating"}
        The first that holds of: fewer units than the minimum; a trivial encoder within ``margin`` of the ceiling;
        no encoder's predictions related to the label beyond permuted labels; none of these.
    """
    if len(np.unique(task.units)) < min_units:
        return "underpowered"
    if any(scores.values.mean() >= CEILING - margin for scores in trivial):
        return "saturated"
    if permuted_p(task, [*trivial, *([model] if model else [])]) > alpha:
        return "no_signal"
    return "discriminating"


def permuted_p(task: Task, encoders: Sequence[Scores]) -> float:
    """Return p of "no encoder's predictions are related to the label", by the largest relation over encoders.

    Labels are permuted against the out-of-fold predictions, all encoders at once, so that the best of many encoders is
    compared with the best of many (Westfall and Young 1993). The relation is balanced accuracy or rank correlation.
    Labels move between whole units where a unit has one label, and within batches where every batch holds several.
    """
    draw = rng("permuted", task.y, task.units)
    predictions = [s.predictions for s in encoders if s.predictions is not None]
    y: NDArray[Any] = task.y
    relation: Callable[[NDArray[Any], NDArray[Any]], float] = _balanced_accuracy
    if task.kind == "regress":
        predictions, y, relation = [_ranks(p) for p in predictions], _ranks(y), _correlation

    def best(labels: NDArray[Any]) -> float:
        return max(relation(p, labels) for p in predictions)

    observed = best(y)
    null = np.array([best(moved) for moved in _permuted(y, task, draw, PERMUTATIONS)])
    return float((1 + np.sum(null >= observed - 1e-12)) / (PERMUTATIONS + 1))


def _permuted(y: NDArray[Any], task: Task, draw: np.random.Generator, times: int) -> Iterator[NDArray[Any]]:
    _, first, index = np.unique(task.units, return_index=True, return_inverse=True)
    if (y[first][index] != y).any():  # a unit holds several labels: samples move
        first = index = np.arange(len(y))
    label, batch = y[first], task.batches[first]
    groups = [np.flatnonzero(batch == b) for b in np.unique(batch)]
    if any(len(np.unique(label[members])) < 2 for members in groups):
        groups = [np.arange(len(label))]
    for _ in range(times):
        shuffled = label.copy()
        for members in groups:
            shuffled[members] = label[draw.permutation(members)]
        yield shuffled[index]


def _balanced_accuracy(predicted: NDArray[Any], y: NDArray[Any]) -> float:
    counts = np.bincount(y)
    hits = np.bincount(y[predicted == y], minlength=len(counts))
    return float((hits[counts > 0] / counts[counts > 0]).mean())


def _ranks(values: NDArray[Any]) -> NDArray[np.float64]:
    """Return ranks from 1, ties sharing their mean rank."""
    _, index, counts = np.unique(values, return_inverse=True, return_counts=True)
    ranks: NDArray[np.float64] = (np.cumsum(counts) - (counts - 1) / 2)[index]
    return ranks


def _correlation(a: NDArray[Any], b: NDArray[Any]) -> float:
    spread = a.std() * b.std()
    return float(((a - a.mean()) * (b - b.mean())).mean() / spread) if spread > 0 else 0.0
