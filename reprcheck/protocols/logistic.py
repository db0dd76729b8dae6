"""L2-regularised multinomial logistic regression of balanced classes, for several training sets and strengths.

The minimiser is that of scikit-learn's ``LogisticRegression(C=strength, class_weight="balanced")``. It is found by
L-BFGS (Nocedal 1980) that starts from the curvature of a quadratic bound on the loss (Böhning 1992), and for each
strength from the solution for the one before.
Training sets are solved side by side: small ones cost little more than one, and large ones that are parts of the same
samples (`Parts`) share every product with these.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from copy import copy
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reprcheck.protocols.samples import Curvature, Samples

GAP = 1e-5
"""Distance from the least mean loss, in nats and as the curvature estimates it, at which a solution is good enough."""
PASSES = 200
"""Most passes over the samples for one strength."""
MEMORY = 20
"""Steps that L-BFGS remembers."""
LEAST = 1e-6
"""What is added to a curvature, as a share of its largest part, so that it has an inverse in float32."""
BLOCK = 2**20
"""Values of a training set taken at a time: what may stay in a cache between the two products of a pass."""


@dataclass(frozen=True)
class Linear:
    """A linear classifier: ``weights`` float64[R + 1, K], the last row the intercept, -inf for a class not trained."""

    weights: NDArray[np.float64]

    def logits(self, x: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return float64[n, K] for ``x``, float[n, r]; weights beyond its r columns belong to columns of zeros."""
        slopes = self.weights[: x.shape[1]].astype(x.dtype)
        logits: NDArray[np.float64] = (x @ slopes).astype(np.float64) + self.weights[-1]
        return logits


def fit_paths(
    samples: Samples, y: Sequence[NDArray[np.int64]], classes: int, strengths: Sequence[float]
) -> Iterator[list[Linear]]:
    """Yield for each strength a classifier for each training set.

    Parameters
    ----------
    samples : Samples
        Those of F training sets.
    y : sequence of int64[n]
        Codes of classes of each set's samples; -1 for one that it doesn't train on.
    classes : int
        K, how many codes there are.
    strengths : sequence of float
        Inverse penalties, ascending. A strength is solved when the classifiers for it are asked for.
    """
    batch = _Batch.of(samples, y, classes)
    weights = np.zeros((samples.sets, samples.columns + 1, classes))
    for strength in strengths:
        # with two classes scikit-learn penalises the difference of what are two weights here
        penalty = np.where(batch.present == 2, 2, 1) / (strength * np.array([np.sum(one >= 0) for one in y]))
        weights = _minimise(batch, weights, penalty)
        kept = samples.unscale(weights)
        kept[:, -1:] += batch.absent
        yield [Linear(one) for one in kept]


@dataclass(frozen=True)
class _Batch:
    """Training sets side by side, the smaller ones filled up with samples that have no say.

    Attributes
    ----------
    samples : Samples
    y : int64[F, n]
    share : float[F, n]
        The weight of each sample in the mean loss.
    absent : float64[F, 1, K]
        0, and -inf for classes without a sample.
    present : int64[F]
        How many classes have one.
    moments : float32[F, R + 1, R + 1]
        Weighted second moments of the columns and the intercept.
    """

    samples: Samples
    y: NDArray[np.int64]
    share: NDArray[np.floating]
    absent: NDArray[np.float64]
    present: NDArray[np.int64]
    moments: NDArray[np.float32]

    @classmethod
    def of(cls, samples: Samples, labels: Sequence[NDArray[np.int64]], classes: int) -> _Batch:
        y, share = np.zeros((len(labels), samples.rows), np.int64), np.zeros((len(labels), samples.rows), samples.dtype)
        counts = np.stack([np.bincount(one[one >= 0], minlength=classes) for one in labels])
        present = (counts > 0).sum(1)
        for f, one in enumerate(labels):
            trained = np.flatnonzero(one >= 0)
            y[f] = one[trained[0]]
            y[f, trained] = one[trained]
            share[f, trained] = 1 / (present[f] * counts[f][one[trained]])
        absent = np.where(counts > 0, 0.0, -np.inf)[:, None]
        return cls(samples, y, share, absent, present, samples.moments(share))

    def take(self, at: NDArray[np.int64]) -> _Batch:
        """Return some of the sets."""
        samples = self.samples.take(at)
        return _Batch(samples, self.y[at], self.share[at], self.absent[at], self.present[at], self.moments[at])

    def loss(
        self, weights: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Return the mean loss float64[F], its gradient, and the mean variance of a class's indicator, float64[F]."""
        value, spread, gradient = np.zeros(len(weights)), np.zeros(len(weights)), np.zeros_like(weights)
        offsets = (weights[:, -1:] + self.absent).astype(self.share.dtype).swapaxes(1, 2)
        slopes = weights[:, :-1].swapaxes(1, 2).astype(self.share.dtype)
        step, sets = max(1, BLOCK // (slopes.shape[2] + 1)), np.arange(len(weights))[:, None]
        for start in range(0, self.samples.rows, step):
            rows = slice(start, start + step)
            share = self.share[:, None, rows]
            p = self.samples.multiply(slopes, rows)  # [F, K, n]: several times faster to sum over classes
            p += offsets
            at = sets, self.y[:, rows], np.arange(p.shape[2])  # of each sample's class
            p -= p.max(1, keepdims=True)
            true = p[at]
            np.exp(p, out=p)
            total = p.sum(1, keepdims=True)
            p /= total
            value += np.sum(share[:, 0] * (np.log(total[:, 0]) - true), axis=1, dtype=np.float64)
            spread += np.sum(share[:, 0] * (1 - np.square(p).sum(1)), axis=1, dtype=np.float64)
            p[at] -= 1
            p *= share
            gradient[:, :-1] += self.samples.add_up(p, rows).swapaxes(1, 2)
            gradient[:, -1] += p.sum(2, dtype=np.float64)
        return value, gradient, spread / np.maximum(self.present - 1, 1)


def _minimise(batch: _Batch, start: NDArray[np.float64], penalty: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the weights of least penalised loss, float64[F, R + 1, K], for penalties float64[F]."""
    out = start.copy()
    at = np.flatnonzero(batch.present > 1)  # which sets are still solved
    if not len(at):
        return out
    search = _Search(batch.take(at) if len(at) < len(out) else batch, start[at], penalty[at])
    for _ in range(PASSES):
        live = search.live
        if not live.any():
            break
        if not live.all():
            out[at] = search.weights
            search, at = search.take(np.flatnonzero(live)), at[live]
        search.advance()
    out[at] = search.weights
    return out


class _Search:
    """L-BFGS over sets side by side, each with a line search of its own.

    Attributes
    ----------
    weights, gradient, direction : float64[F, R + 1, K]
    value, slope, length : float64[F]
        Of the loss at the weights; of the loss along the direction; of the step to try next, in directions.
    """

    weights: NDArray[np.float64]
    gradient: NDArray[np.float64]
    direction: NDArray[np.float64]
    value: NDArray[np.float64]
    slope: NDArray[np.float64]
    length: NDArray[np.float64]

    def __init__(self, batch: _Batch, weights: NDArray[np.float64], penalty: NDArray[np.float64]) -> None:
        self.batch, self.weights, self.penalty = batch, weights, penalty
        self.value, self.gradient, spread = self._penalised(weights)
        matrices = np.maximum(spread, 1e-3 / batch.present).astype(np.float32)[:, None, None] * batch.moments
        diagonal = np.arange(weights.shape[1])
        matrices[:, diagonal, diagonal] += LEAST * matrices[:, diagonal, diagonal].max(1, keepdims=True)
        matrices[:, diagonal[:-1], diagonal[:-1]] += penalty[:, None]
        self.curvature = Curvature(matrices)
        self.steps: list[tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]] = []
        self._aim(np.ones(len(weights), bool))

    def take(self, at: NDArray[np.int64]) -> _Search:
        """Return the search for some of the sets, as far as it has come."""
        other = copy(self)
        other.batch, other.curvature = self.batch.take(at), self.curvature.take(at)
        for name in ("weights", "penalty", "value", "gradient", "direction", "slope", "length"):
            setattr(other, name, getattr(self, name)[at])
        other.steps = [(step[at], change[at], bend[at]) for step, change, bend in self.steps]
        return other

    @property
    def live(self) -> NDArray[np.bool_]:
        """Which sets are not yet solved, bool[F]."""
        return -self.slope / 2 >= GAP

    def advance(self) -> None:
        """Try one step for each set; those whose loss falls enough take it and aim again."""
        moved = self.weights + self.length[:, None, None] * self.direction
        value, gradient, _ = self._penalised(moved)
        rise, hoped = value - self.value, self.length * self.slope
        noise = 10 * float(np.finfo(self.batch.share.dtype).eps) * np.abs(self.value)
        better = rise <= 1e-4 * hoped + noise
        step = np.where(better[:, None, None], moved - self.weights, 0)
        change = np.where(better[:, None, None], gradient - self.gradient, 0)
        bend = _dot(step, change)
        bent = bend > 1e-12 * np.sqrt(_dot(step, step) * _dot(change, change))
        if bent.any():
            self.steps = [*self.steps[1 - MEMORY :], (step, change, np.where(bent, bend, np.inf))]
        self.weights = np.where(better[:, None, None], moved, self.weights)
        self.gradient = np.where(better[:, None, None], gradient, self.gradient)
        self.value = np.where(better, value, self.value)
        shorter = np.clip(-hoped / (2 * np.maximum(rise - hoped, 1e-300)), 0.1, 0.5)
        self.length = np.where(better, self.length, self.length * shorter)
        self._aim(better)

    def _aim(self, at: NDArray[np.bool_]) -> None:
        """Choose the next direction for some of the sets."""
        direction = -self._newton_step()
        slope = _dot(self.gradient, direction)
        if at.all():
            self.direction, self.slope, self.length = direction, slope, np.ones(len(at))
        else:
            self.direction = np.where(at[:, None, None], direction, self.direction)
            self.slope, self.length = np.where(at, slope, self.slope), np.where(at, 1.0, self.length)

    def _newton_step(self) -> NDArray[np.float64]:
        """Return the inverse of the curvature times the gradient: the two loops of L-BFGS."""
        out, shares = self.gradient, []
        for step, change, bend in reversed(self.steps):
            shares.append((_dot(step, out) / bend)[:, None, None])
            out = out - shares[-1] * change
        out = self.curvature.solve(out)
        for step, change, bend in self.steps:
            out = out + (shares.pop() - (_dot(change, out) / bend)[:, None, None]) * step
        return out

    def _penalised(
        self, weights: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        value, gradient, spread = self.batch.loss(weights)
        shrunk = self.penalty[:, None, None] * weights
        shrunk[:, -1] = 0
        return value + 0.5 * _dot(shrunk, weights), gradient + shrunk, spread


def _dot(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the inner product of each pair, float64[F]."""
    products: NDArray[np.float64] = np.einsum("frk,frk->f", a, b)
    return products
