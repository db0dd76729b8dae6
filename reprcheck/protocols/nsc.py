"""``nsc/1`` and ``nscb/1``: is a sample's nearest other of the same label, outside its unit, and outside its batch?

Not-same-compound matching (Ljosa et al. 2013), and not-same-compound-or-batch (Ando et al. 2017): the unit is the
compound, a sample one treatment's profile. Nearest is by cosine similarity of vectors standardised over all samples;
nothing is fitted to a label. The score is the share of samples matched right, samples weighing the same.

A sample that no candidate shares the label of can't be matched right by any encoder, and isn't judged. Of candidates
equally near the next on a circle counts, on which samples lie at random, drawn from their units' names: the same circle
for every encoder, and a constant embedding is at chance.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from reprcheck.protocols.features import group_sum, scaled
from reprcheck.seeding import rng
from reprcheck.types import Scores, Task

ACROSS_BATCHES = "nscb/1"
EQUAL = 1e-12
"""Similarities that differ by less are equal: it is the rounding of their sums."""
_BLOCK = 512


def score(protocol_id: str, blocks: Sequence[NDArray[np.float32]], task: Task) -> Scores:
    """Score vectors on a classification.

    Parameters
    ----------
    protocol_id : {"nsc/1", "nscb/1"}
    blocks : sequence of float32[n, D_b]
    task : Task

    Returns
    -------
    Scores
        ``values`` average to the share matched right; ``matches`` are positions, ``predictions`` the matches' labels.
    """
    everything = np.arange(len(task.y))
    x, _ = scaled(blocks, everything, everything)
    matches = _nearest(x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-12), protocol_id, task)
    predicted = np.where(matches >= 0, task.y[matches], -1)
    units, values = per_unit(predicted == task.y, task, judged(protocol_id, task))
    return Scores(units, values, predictions=predicted, matches=matches)


def per_unit(
    right: NDArray[np.bool_], task: Task, asked: NDArray[np.bool_]
) -> tuple[NDArray[np.str_], NDArray[np.float64]]:
    """Return units and a score for each, such that the mean over units is the share of judged samples that are right.

    Parameters
    ----------
    right, asked : bool[n]
        Whether each sample is matched right, and whether it is judged.
    task : Task
    """
    units, index = np.unique(task.units[asked], return_inverse=True)
    return units, group_sum(right[asked], index) * (len(units) / len(index))


def judged(protocol_id: str, task: Task) -> NDArray[np.bool_]:
    """Return bool[n], which samples share their label with a candidate."""
    return _candidates(protocol_id, task, task.y) > 0


def chance(protocol_id: str, task: Task) -> float:
    """Return the expected share right where each judged sample is matched with a candidate at random."""
    asked = judged(protocol_id, task)
    right, all_of_them = (_candidates(protocol_id, task, label)[asked] for label in (task.y, np.zeros_like(task.y)))
    return float(np.mean(right / all_of_them))


def overlap(protocol_id: str, task: Task) -> float:
    """Return J n_test / n_train as `folds_overlap` does: each judged sample is a fold, which its candidates teach."""
    candidates = _candidates(protocol_id, task, np.zeros_like(task.y))
    return float(np.sum(1 / candidates[judged(protocol_id, task)]))


def notes(protocol_id: str, task: Task) -> tuple[str, ...]:
    """Return a sentence that counts the samples which can't be matched right, if there are any."""
    lost = task.y[~judged(protocol_id, task)]
    if not len(lost):
        return ()
    count = "1 sample isn't" if len(lost) == 1 else f"{len(lost)} samples aren't"
    names = ", ".join(task.classes[c] for c in np.unique(lost))
    elsewhere = "in another unit and batch" if protocol_id == ACROSS_BATCHES else "in another unit"
    return (f"{count} judged by {protocol_id}, since no other {elsewhere} has the label: of {names}.",)


def _nearest(x: NDArray[np.float64], protocol_id: str, task: Task) -> NDArray[np.int64]:
    """Return int64[n], each sample's match; -1 for one without a candidate."""
    n = len(x)
    apart = [np.unique(names, return_inverse=True)[1] for names in _apart(protocol_id, task)]
    circle = rng("nsc", task.units).permutation(n)
    matches = np.full(n, -1)
    for start in range(0, n, _BLOCK):
        rows = np.arange(start, min(start + _BLOCK, n))
        may = np.all([codes[rows, None] != codes for codes in apart], axis=0)
        similarity = np.where(may, x[rows] @ x.T, -np.inf)
        nearest = may & (similarity >= similarity.max(axis=1, keepdims=True) - EQUAL)
        steps = np.where(nearest, (circle - circle[rows, None]) % n, n)
        matches[rows] = np.where(may.any(axis=1), steps.argmin(axis=1), -1)
    return matches


def _apart(protocol_id: str, task: Task) -> tuple[NDArray[np.str_], ...]:
    """Return the names that a sample and its match may not share."""
    return (task.units, task.batches) if protocol_id == ACROSS_BATCHES else (task.units,)


def _candidates(protocol_id: str, task: Task, label: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return int64[n]: of each sample, how many candidates have its label."""
    alike = _alike(label)
    if protocol_id != ACROSS_BATCHES:
        return alike - _alike(label, task.units)
    both = _alike(label, task.units, task.batches)
    return alike - _alike(label, task.units) - _alike(label, task.batches) + both


def _alike(*names: NDArray[np.str_] | NDArray[np.int64]) -> NDArray[np.int64]:
    """Return int64[n]: how many samples share all of a sample's names, itself among them."""
    codes = np.stack([np.unique(one, return_inverse=True)[1] for one in names])
    _, index, counts = np.unique(codes, axis=1, return_inverse=True, return_counts=True)
    return counts[index.ravel()].astype(np.int64)
