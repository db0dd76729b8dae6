"""Is a sample's nearest other of the same label, outside its unit, or outside its unit and batch?

Nearest is by cosine similarity of vectors standardised over all samples; nothing is fitted to a label. The score is the
share of samples matched right, samples weighing the same.

A sample that no candidate shares the label of can't be matched right by any encoder, and isn't judged. Of candidates
equally near the next on a circle counts, on which samples lie at random, drawn from their units' names: the same circle
for every encoder, and a constant embedding is at chance.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reprcheck.protocols import forest
from reprcheck.protocols.features import group_sum, scaled
from reprcheck.protocols.protocol import Protocol
from reprcheck.seeding import rng
from reprcheck.types import Scores, Task

EQUAL = 1e-12
"""Similarities that differ by less are equal: it is the rounding of their sums."""
_BLOCK = 512


class Matching(Protocol):
    """Classification by a match; a version of it says what a match must lie ``outside`` of, innermost first."""

    kinds = ("classify",)
    trains = False

    def score(self, blocks: Sequence[NDArray[np.float32]], task: Task, repeat: int = 0) -> Scores:
        """Return scores that average to the share matched right.

        ``matches`` are positions, ``predictions`` the labels of the matches. See `Protocol.score`.
        """
        everything = np.arange(len(task.y))
        x, _ = scaled(blocks, everything, everything)
        matches = _nearest(x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-12), self._apart(task), task)
        predicted = np.where(matches >= 0, task.y[matches], -1)
        units, values = _per_unit(predicted == task.y, task, self.judged(task))
        return Scores(units, values, predictions=predicted, matches=matches)

    def chance(self, task: Task) -> float:
        """Return the expected share right where each judged sample is matched with a candidate at random."""
        is_judged = self.judged(task)
        right, all_of_them = (self._candidates(task, label)[is_judged] for label in (task.y, np.zeros_like(task.y)))
        return float(np.mean(right / all_of_them))

    def judged(self, task: Task) -> NDArray[np.bool_]:
        """Return bool[n], which samples share their label with a candidate."""
        return self._candidates(task, task.y) > 0

    def overlap(self, task: Task) -> float:
        """Return J n_test / n_train as `folds_overlap` does: a judged sample is a fold, trained on its candidates."""
        candidates = self._candidates(task, np.zeros_like(task.y))
        return float(np.sum(1 / candidates[self.judged(task)]))

    def sides(self, task: Task) -> tuple[NDArray[Any], str]:
        """Return the names that a match must differ in, the outermost, and what to say of such a pair."""
        return (task.batches, "in two batches") if self.holds_batches_out(task) else (task.units, "in two units")

    def notes(self, task: Task) -> tuple[str, ...]:
        """Return a sentence that counts the samples which can't be matched right, if there are any."""
        lost = task.y[~self.judged(task)]
        if not len(lost):
            return ()
        count = "1 sample isn't" if len(lost) == 1 else f"{len(lost)} samples aren't"
        names = ", ".join(task.classes[c] for c in np.unique(lost))
        elsewhere = f"in another {' and '.join(self.outside)}"
        return (f"{count} judged by {self.id}, since no other {elsewhere} has the label: of {names}.",)

    def holds_batches_out(self, task: Task) -> bool:
        """Return whether a match must lie in another batch."""
        return "batch" in self.outside

    def by_forest(self, vectors: NDArray[np.float32], task: Task, repeat: int = 0) -> Scores:
        """Score a forest whose folds hold out what a match must lie outside of, the outermost."""
        predicted = forest.score(vectors, replace(task, holdout=self.outside[-1]), repeat).predictions
        assert predicted is not None
        units, values = _per_unit(predicted == task.y, task, self.judged(task))
        return Scores(units, values, predictions=predicted)

    def _apart(self, task: Task) -> list[NDArray[np.str_]]:
        """Return the names that a sample and its match may not share."""
        return [task.units if what == "unit" else task.batches for what in self.outside]

    def _candidates(self, task: Task, label: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return int64[n]: of each sample, how many candidates have its label; by inclusion and exclusion."""
        apart, counts = self._apart(task), np.zeros(len(label), np.int64)
        for k in range(len(apart) + 1):
            for shared in combinations(apart, k):
                counts += (-1) ** k * _alike(label, *shared)
        return counts


def _per_unit(
    right: NDArray[np.bool_], task: Task, is_judged: NDArray[np.bool_]
) -> tuple[NDArray[np.str_], NDArray[np.float64]]:
    """Return units and a score for each, such that the mean over units is the share of judged samples that are right.

    Parameters
    ----------
    right, asked : bool[n]
        Whether each sample is matched right, and whether it is judged.
    task : Task
    """
    units, index = np.unique(task.units[is_judged], return_inverse=True)
    return units, group_sum(right[is_judged], index) * (len(units) / len(index))


def _nearest(x: NDArray[np.float64], names: Sequence[NDArray[np.str_]], task: Task) -> NDArray[np.int64]:
    """Return int64[n], each sample's match, which differs from it in all names; -1 for one without a candidate."""
    n = len(x)
    apart = [np.unique(values, return_inverse=True)[1] for values in names]
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


def _alike(*names: NDArray[np.str_] | NDArray[np.int64]) -> NDArray[np.int64]:
    """Return int64[n]: how many samples share all of a sample's names, itself among them."""
    codes = np.stack([np.unique(values, return_inverse=True)[1] for values in names])
    _, index, counts = np.unique(codes, axis=1, return_inverse=True, return_counts=True)
    return counts[index.ravel()].astype(np.int64)
