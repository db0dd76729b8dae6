"""Settings are qualified before models are judged in them: can any verdict here mean something?"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reprcheck.protocols.folds import judged
from reprcheck.seeding import rng
from reprcheck.types import Qualification, Scores, Task

PERMUTATIONS = 999
HALVES = 500
"""Random halves of the units that a noise floor is computed from."""


@dataclass(frozen=True)
class QualifiedSetting:
    """A setting's qualification, and the numbers it rests on (``Setting.landmarks``)."""

    qualification: Qualification
    landmarks: Mapping[str, float]


def qualify(
    task: Task,
    *,
    trivial: Sequence[Scores],
    model: Scores | None,
    chance: float,
    ceiling: float,
    margin: float,
    alpha: float,
    min_units: int,
    n_units: int | None = None,
) -> QualifiedSetting:
    """Qualify a setting.

    Parameters
    ----------
    task : Task
    trivial : sequence of Scores
        Of what nobody trained: baselines and untrained networks.
    model : Scores or None
        None where the model's embedding can't be scored.
    chance, ceiling : float
        The protocol's score of a guess, and the best there is.
    margin, alpha, min_units
        As in the policy.
    n_units : int, optional
        How many things are resampled, where it isn't the units judged.

    Returns
    -------
    QualifiedSetting
        The first that holds of: ``underpowered``, fewer units than the minimum, or groups of units that the card
        doesn't answer for, so that nobody knows how many are independent; ``saturated``, a trivial encoder within
        ``margin`` of the ceiling; ``no_signal``, no encoder's predictions related to the label beyond permuted labels;
        ``discriminating``, none of these.
    """
    best = max(float(scores.values.mean()) for scores in trivial)
    null = permuted(task, [*trivial, *([model] if model else [])], alpha)
    numbers = {"chance": chance, "ceiling": ceiling, "trivial": best, **null}
    resampled = len(np.unique(task.units[judged(task)])) if n_units is None else n_units
    if task.groups or resampled < min_units:
        return QualifiedSetting("underpowered", numbers)
    if best >= ceiling - margin:
        return QualifiedSetting("saturated", numbers)
    return QualifiedSetting("no_signal" if null["p"] > alpha else "discriminating", numbers)


def noise_floor(draws: Sequence[Scores], alpha: float) -> float:
    """Return the difference between two encoders of equal standing that the choice of units alone explains.

    Units are split into random halves. Half the difference between what two untrained draws differ by in one half and
    what they differ by in the other has the spread of their whole difference, without its mean; ``1 - 2 alpha`` of all
    splits of all pairs stay below the value returned. NaN with fewer than two draws, or fewer than four units.
    """
    if len(draws) < 2 or len(draws[0].units) < 4:
        return float("nan")
    difference = np.stack([a.values - b.values for a, b in combinations(draws, 2)])
    n = difference.shape[1]
    sides = np.repeat([1.0, -1.0], [n // 2, n - n // 2])
    signs = rng("halves", n).permuted(np.tile(sides, (HALVES, 1)), axis=1)
    signs = np.where(signs > 0, 1 / (n // 2), -1 / (n - n // 2))
    return float(np.quantile(np.abs(difference @ signs.T) / 2, 1 - 2 * alpha))


def permuted(task: Task, encoders: Sequence[Scores], alpha: float = 0.05) -> dict[str, float]:
    """Compare the largest relation between an encoder's predictions and the labels with that under permuted labels.

    Labels are permuted against the out-of-fold predictions, all encoders at once, so that the best of many encoders is
    compared with the best of many (Westfall and Young 1993). The relation is balanced accuracy or rank correlation; or
    the share matched right, where a protocol matches samples: matches stay, and bring the permuted labels along. Labels
    move between whole units where a unit has one label, and within batches where every batch holds several; among the
    samples with a prediction alone.

    Returns
    -------
    dict
        ``relation`` as observed, ``permuted`` (what a share alpha of permutations exceeds), and ``p``.
    """
    predictions = np.stack([s.predictions for s in encoders if s.predictions is not None])
    has_prediction = predictions[0] >= 0 if task.kind == "classify" else ~np.isnan(predictions[0])
    predictions, task = predictions[:, has_prediction], task.take(np.flatnonzero(has_prediction))
    draw = rng("permuted", task.y, task.units)
    matches = [
        np.searchsorted(np.flatnonzero(has_prediction), s.matches[has_prediction])
        for s in encoders
        if s.matches is not None
    ]
    y: NDArray[Any] = task.y
    relation: Callable[[NDArray[Any], NDArray[Any]], NDArray[np.float64]] = _balanced_accuracy
    if task.kind == "regress":
        predictions, y, relation = np.stack([_ranks(p) for p in predictions]), _ranks(y), _correlation

    def best(labels: NDArray[Any]) -> float:
        if matches:  # they bring their labels with them
            return float((labels[np.stack(matches)] == labels).mean(axis=1).max())
        return float(relation(predictions, labels).max())

    observed = best(y)
    null = np.array([best(permutation) for permutation in permute_labels(y, task, draw, PERMUTATIONS)])
    return {
        "relation": observed,
        "permuted": float(np.quantile(null, 1 - alpha)),
        "p": float((1 + np.sum(null >= observed - 1e-12)) / (PERMUTATIONS + 1)),
    }


def permute_labels(y: NDArray[Any], task: Task, draw: np.random.Generator, times: int) -> Iterator[NDArray[Any]]:
    """Yield labels moved between whole units where a unit has one, and within batches where each holds several."""
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


def _balanced_accuracy(predicted: NDArray[Any], y: NDArray[Any]) -> NDArray[np.float64]:
    """Return float64[m] for predictions int64[m, n] of labels int64[n]."""
    counts = np.bincount(y)
    share: NDArray[np.float64] = (predicted == y) @ (1 / (np.count_nonzero(counts) * counts[y]))
    return share


def _ranks(values: NDArray[Any]) -> NDArray[np.float64]:
    """Return ranks from 1, ties sharing their mean rank."""
    _, index, counts = np.unique(values, return_inverse=True, return_counts=True)
    ranks: NDArray[np.float64] = (np.cumsum(counts) - (counts - 1) / 2)[index]
    return ranks


def _correlation(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return float64[m], Pearson's correlation of each row of float64[m, n] with float64[n]; 0 without spread."""
    a, b = a - a.mean(1, keepdims=True), b - b.mean()
    spread = np.sqrt(np.square(a).sum(1) * np.square(b).sum())
    r: NDArray[np.float64] = np.divide(a @ b, spread, out=np.zeros(len(a)), where=spread > 0)
    return r
