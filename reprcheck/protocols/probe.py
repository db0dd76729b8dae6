"""``probe/2``: out-of-fold predictions of an L2-regularised logistic regression (linear probe; Alain and Bengio 2016).

Classes weigh the same. The strength is chosen by inner group folds on log-loss, alike for every encoder: penalties are
weakened until predictions get worse. Predictions that the inner folds show to be overconfident are softened by one
temperature (Guo et al. 2017), so that a single sample can't spoil the bits of an encoder. A unit's score
is its share of the balanced accuracy; its bits are its share of the usable information (Xu et al. 2020): log2 of the
number of classes plus the log2 probability given to the truth. ``probe/1`` was the same regression, stopped before its
weaker penalties were solved, and never softened.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from reprcheck.cores import cores
from reprcheck.protocols.control import control
from reprcheck.protocols.features import per_unit, prepare
from reprcheck.protocols.folds import Fold, Split, folds, judged
from reprcheck.protocols.logistic import fit_paths
from reprcheck.protocols.protocol import Protocol
from reprcheck.protocols.samples import Rotated, Samples, Whole
from reprcheck.types import Scores, Task

Logits = NDArray[np.float64]
"""float64[n, K]; -inf for a class that wasn't trained."""
STRENGTHS = (0.3, 3.0, 30.0, 300.0, 3000.0)
"""Inverse penalties, for features of total variance 1."""
WORSE = 0.05
"""Bits by which a fold's inner predictions must fall before no weaker penalty is tried: more than chance moves them."""
TEMPERATURES = tuple(2 ** (quarter / 4) for quarter in range(17))
"""What logits may be divided by."""
TOGETHER = 2**18
"""Values of training sets that are solved side by side: what a core's cache holds."""
FEWEST = 2
"""Folds that are solved together however large they are."""
WIDE = 2**20
"""Values of a task's vectors up to which they are multiplied in float64."""
FLOOR = 1e-3
"""Share of the probability spread evenly over classes, so that one sample can't cost more than about 10 bits."""


class Probe(Protocol):
    """Classification by a linear probe."""

    id = "probe/2"
    kinds = ("classify",)
    usual = True
    quick = False

    def score(self, blocks: Sequence[NDArray[np.float32]], task: Task, repeat: int = 0) -> Scores:
        """Return scores that average to balanced accuracy; ``bits`` are usable information. See `Protocol.score`."""
        made = folds(task, repeat)
        solver = _Solver.of(blocks, task, made)
        with ThreadPoolExecutor(cores()) as pool:
            groups = [group for solved in pool.map(solver.solve, solver.group(made)) for group in solved]
        chance = np.zeros((len(task.y), len(task.classes)))
        for fold, predicted in zip(made, groups, strict=True):
            chance[fold.test] = predicted
        predictions = np.where(judged(task), chance.argmax(1), -1)
        units, values = per_unit((predictions == task.y).astype(float), task)
        return Scores(units, values, per_unit(_bits(chance, task.y), task)[1], predictions)

    def control(self, task: Task) -> Task | None:
        """Return the task with a random label for each unit: a probe may owe its score to recognising units."""
        return control(task)


@dataclass(frozen=True)
class _Solver:
    """Fits and predicts the folds of a task; ``whole`` where every training set has more samples than columns."""

    blocks: Sequence[NDArray[np.float32]]
    task: Task
    dtype: type[np.floating]
    whole: Whole | None

    @classmethod
    def of(cls, blocks: Sequence[NDArray[np.float32]], task: Task, made: Sequence[Fold]) -> _Solver:
        columns = sum(block.shape[1] for block in blocks)
        dtype = np.float32 if len(task.y) * columns > WIDE else np.float64
        fewest = min(len(train) for fold in made for train in (fold.train, *(fit for fit, _ in fold.inner)))
        return cls(blocks, task, dtype, Whole(blocks, dtype) if columns <= fewest else None)

    def group(self, made: Sequence[Fold]) -> list[Sequence[Fold]]:
        """Return the folds in groups to be solved together, which depend on nothing but their sizes."""
        columns = sum(block.shape[1] for block in self.blocks)
        size = max(len(fold.train) * min(len(fold.train), columns) for fold in made)
        together = max(FEWEST, TOGETHER // size)
        return [made[start : start + together] for start in range(0, len(made), together)]

    def solve(self, several: Sequence[Fold]) -> list[NDArray[np.float64]]:
        """Return float64[n_test, K] probabilities for each of several folds."""
        choices = self._choose(several)
        out: list[NDArray[np.float64]] = [np.zeros(0)] * len(several)
        strengths = STRENGTHS[: 1 + max(choice.strength for choice in choices)]
        for strength, logits in enumerate(self._predict([(f.train, f.test) for f in several], strengths)):
            for f, choice in enumerate(choices):
                if choice.strength == strength:
                    out[f] = _softmax(logits[f] / choice.temperature)
        return out

    def _choose(self, several: Sequence[Fold]) -> list[_Choice]:
        splits = [split for fold in several for split in fold.inner]
        of_fold = np.repeat(np.arange(len(several)), [len(fold.inner) for fold in several])
        choices = [
            _Choice([self.task.y[validate] for _, validate in fold.inner], len(np.unique(self.task.units[fold.train])))
            for fold in several
        ]
        for strength, logits in enumerate(self._predict(splits, STRENGTHS) if splits else ()):
            for f, choice in enumerate(choices):
                choice.offer(strength, [logits[i] for i in np.flatnonzero(of_fold == f)])
            if all(choice.is_made for choice in choices):
                break
        return choices

    def _predict(self, splits: Sequence[Split], strengths: Sequence[float]) -> Iterator[list[Logits]]:
        """Yield for each strength the logits of what each split judges."""
        samples: Samples
        if self.whole is not None:
            samples, tests = (
                self.whole.parts([train for train, _ in splits]),
                [self.whole.x[test] for _, test in splits],
            )
            labels = [np.full(len(self.task.y), -1) for _ in splits]
            for y, (train, _) in zip(labels, splits, strict=True):
                y[train] = self.task.y[train]
        else:
            ready = [prepare(self.blocks, train, test, self.dtype) for train, test in splits]
            samples, tests = Rotated.side_by_side([a for a, _ in ready]), [b for _, b in ready]
            labels = [self.task.y[train] for train, _ in splits]
        for path in fit_paths(samples, labels, len(self.task.classes), strengths):
            yield [linear.logits(test) for linear, test in zip(path, tests, strict=True)]


@dataclass
class _Choice:
    """The strength that predicts a fold's inner splits best, and how much its predictions must be softened.

    Attributes
    ----------
    truths : sequence of int64[n]
        The labels of what each inner split judges.
    n_units : int
        How many units these are.
    strength : int
        Which; ties go to the stronger penalty.
    is_made : bool
        Whether no weaker penalty can change it.
    """

    truths: Sequence[NDArray[np.int64]]
    n_units: int
    strength: int = 0
    is_made: bool = False
    _most: float = -np.inf
    _logits: Sequence[Logits] = field(default_factory=tuple)

    def offer(self, strength: int, logits: Sequence[Logits]) -> None:
        """Take the next strength into account, by its predictions on each inner split."""
        if self.is_made:
            return
        found = self._information(logits, self.truths)
        if found > self._most:
            self.strength, self._most, self._logits = strength, found, logits
        self.is_made = not logits or found < self._most - WORSE

    @property
    def temperature(self) -> float:
        """What to divide the logits by: what gives the inner splits most bits, were one unit more predicted wrongly.

        It stands for the wrong ones that n right ones can't rule out, as in Laplace's rule of succession.
        """
        wrong = [np.argsort(one, axis=1)[:, -2] for one in self._logits]

        def information(temperature: float) -> float:
            cooled = [one / temperature for one in self._logits]
            return self.n_units * self._information(cooled, self.truths) + self._information(cooled, wrong)

        return float(max(TEMPERATURES, key=information))

    def _information(self, logits: Sequence[Logits], said: Sequence[NDArray[np.int64]]) -> float:
        """Return the mean bits over splits, were the labels ``said`` true; classes weigh the same."""
        bits = []
        for one, y, truth in zip(logits, said, self.truths, strict=False):
            weight = 1 / np.bincount(truth, minlength=one.shape[1])[truth]
            bits.append(np.average(_bits(_softmax(one), y), weights=weight))
        return float(np.mean(bits)) if bits else 0.0


def _softmax(logits: Logits) -> NDArray[np.float64]:
    p = np.exp(logits - logits.max(1, keepdims=True))
    chance: NDArray[np.float64] = p / p.sum(1, keepdims=True)
    return chance


def _bits(chance: NDArray[np.float64], y: NDArray[np.int64]) -> NDArray[np.float64]:
    classes = chance.shape[1]
    truth = (1 - FLOOR) * chance[np.arange(len(y)), y] + FLOOR / classes
    bits: NDArray[np.float64] = np.log2(classes) + np.log2(truth)
    return bits


PROBE = Probe()
