"""What a protocol is. As written here it trains on some samples and judges others; one that matches overrides more."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from reprcheck.protocols import folds, forest
from reprcheck.protocols.ceiling import ceiling
from reprcheck.types import Scores, Task


class Protocol(ABC):
    """A way to score vectors on a task. It has no state: the same blocks and task give the same scores.

    Attributes
    ----------
    id : str
        What cards call it and settings end in: a name, a slash and a version. A changed formula is a new version.
    kinds : tuple of {"classify", "regress"}
        Of the tasks that it scores.
    needs : tuple of {"batch", "control"}
        What a card must say for it: a batch column, or which samples are controls.
    trains : bool
        Whether it trains on some samples and judges others, by folds or by a fixed split.
    predicts : bool
        Whether a sample's label is predicted from others', by folds or by a match: so that copies leak.
    outside : tuple of {"unit", "batch"}
        What a sample's match must lie outside of; empty for a protocol that doesn't match.
    usual : bool
        Whether a drafted card lists it.
    quick : bool
        Whether it takes seconds on the largest tasks, so that every nuisance may be scored by it before any model.
    """

    id: str
    kinds: tuple[Literal["classify", "regress"], ...]
    needs: tuple[Literal["batch", "control"], ...] = ()
    trains: bool = True
    predicts: bool = True
    outside: tuple[Literal["unit", "batch"], ...] = ()
    usual: bool = False
    quick: bool = True

    @abstractmethod
    def score(self, blocks: Sequence[NDArray[np.float32]], task: Task, repeat: int = 0) -> Scores:
        """Score blocks of vectors on a task.

        Parameters
        ----------
        blocks : sequence of float32[n, D_b]
            One or several, judged side by side.
        task : Task
            Of one of ``kinds``.
        repeat : int
            Which draw of the folds; a protocol without drawn folds has one.

        Returns
        -------
        Scores
            A value for each unit with a judged sample, units sorted by name. ``predictions`` are for all samples, in
            the units of the label or, for a regression, in the same order; -1 and NaN are for samples not judged.
            ``bits`` are for protocols that predict probabilities.
        """

    def chance(self, task: Task) -> float:
        """Return the score of a guess: one class in k, or the mean of the label."""
        return 1 / len(task.classes) if task.kind == "classify" else 0.0

    def ceiling(self, task: Task) -> float:
        """Return the best score there is."""
        return ceiling(task)

    def judged(self, task: Task) -> NDArray[np.bool_]:
        """Return bool[n], which of a task's samples are judged: the units of the others have no score."""
        return folds.judged(task)

    def overlap(self, task: Task) -> float:
        """Return by how much scores share what they were learned from, as Nadeau and Bengio count it."""
        return folds.folds_overlap(task) if self.trains else 0.0

    def sides(self, task: Task) -> tuple[NDArray[Any], str]:
        """Return names in which two samples differ where one may predict the other, and what to say of such a pair."""
        return folds.sides(task), "on both sides of a fold"

    def notes(self, task: Task) -> tuple[str, ...]:
        """Return sentences on the samples that can't be judged."""
        return ()

    def holds_batches_out(self, task: Task) -> bool:
        """Return whether a sample's label is never predicted from samples of its own batch."""
        return task.holdout == "batch"

    def drawn(self, task: Task) -> bool:
        """Return whether a task's folds are drawn at random, and could be drawn again."""
        return self.trains and folds.drawn(task)

    def control(self, task: Task) -> Task | None:
        """Return the control task for selectivity, with meaningless labels; None where selectivity isn't reported."""
        return None

    def by_forest(self, vectors: NDArray[np.float32], task: Task, repeat: int = 0) -> Scores:
        """Score a forest on a few features, float32[n, D], samples weighed as this protocol weighs them."""
        return forest.score(vectors, task, repeat)
