"""L2-regularised multinomial logistic regression of balanced classes, for several training sets and strengths.

The minimiser is that of scikit-learn's ``LogisticRegression(C=strength, class_weight="balanced")``. It is found by
L-BFGS (Nocedal 1980) that starts from the curvature of a quadratic bound on the loss (Böhning 1992), and for each
strength from the solution for the one before: in ten to twenty passes over the samples, where scikit-learn's takes a
hundred.
Training sets are solved side by side, so that small ones cost little more than one.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg.lapack import dpotrf, dpotrs

GAP = 1e-6
"""Distance from the least mean loss, in nats and as the curvature estimates it, at which a solution is good enough."""
PASSES = 200
"""Most passes over the samples for one strength."""
MEMORY = 10
"""Steps that L-BFGS remembers."""
BLOCK = 2**20
"""Values of a training set taken at a time: what may stay in a cache between the two products of a pass."""
SAMPLED = 4
"""Samples per column, or a few more, that the curvature is estimated from."""


@dataclass(frozen=True)
class Training:
    """What one solution learns from.

    Attributes
    ----------
    x : float32[n, R] or float64[n, R]
        Products with it are made in its precision; sums, and all else, in float64.
    y : int64[n]
        Codes of classes.
    """

    x: NDArray[np.floating]
    y: NDArray[np.int64]


@dataclass(frozen=True)
class Linear:
    """A linear classifier: ``weights`` float64[R + 1, K], the last row the intercept, -inf for a class not trained."""

    weights: NDArray[np.float64]

    def chance(self, x: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return float64[n, K] probabilities for ``x``, float[n, R]; a class unseen in training gets none."""
        logits = (x @ self.weights[:-1].astype(x.dtype)).astype(np.float64) + self.weights[-1]
        logits -= logits.max(1, keepdims=True)
        np.exp(logits, out=logits)
        chance: NDArray[np.float64] = logits / logits.sum(1, keepdims=True)
        return chance


def fit_paths(sets: Sequence[Training], classes: int, strengths: Sequence[float]) -> list[list[Linear]]:
    """Return for each training set a classifier for each strength.

    Parameters
    ----------
    sets : sequence of Training
        Of one dtype; they may differ in size.
    classes : int
        K, how many codes there are.
    strengths : sequence of float
        Inverse penalties, ascending.
    """
    batch = _Batch.of(sets, classes)
    weights = np.zeros((len(sets), batch.x.shape[2] + 1, classes))
    paths: list[list[Linear]] = [[] for _ in sets]
    for strength in strengths:
        # with two classes scikit-learn penalises the difference of what are two weights here
        penalty = np.where(batch.present == 2, 2, 1) / (strength * np.array([len(one.y) for one in sets]))
        weights = _minimise(batch, weights, penalty)
        for path, solved, absent, one in zip(paths, weights, batch.absent, sets, strict=True):
            kept = np.concatenate([solved[: one.x.shape[1]], solved[-1:] + absent])
            path.append(Linear(kept))
    return paths


@dataclass(frozen=True)
class _Batch:
    """Training sets side by side, the smaller ones filled up with samples and columns that have no say.

    Attributes
    ----------
    x : float[F, n, R]
    y : int64[F, n]
    share : float[F, n]
        The weight of each sample in the mean loss.
    absent : float64[F, 1, K]
        0, and -inf for classes without a sample.
    present : int64[F]
        How many classes have one.
    gram : float64[F, R + 1, R + 1]
        Weighted second moments of the columns and the intercept.
    """

    x: NDArray[np.floating]
    y: NDArray[np.int64]
    share: NDArray[np.floating]
    absent: NDArray[np.float64]
    present: NDArray[np.int64]
    gram: NDArray[np.float64]

    @classmethod
    def of(cls, sets: Sequence[Training], classes: int) -> _Batch:
        rows, columns = max(len(one.y) for one in sets), max(one.x.shape[1] for one in sets)
        dtype = sets[0].x.dtype
        x = np.zeros((len(sets), rows, columns), dtype) if len(sets) > 1 else sets[0].x[None]
        y, share = np.zeros((len(sets), rows), np.int64), np.zeros((len(sets), rows), dtype)
        counts = np.stack([np.bincount(one.y, minlength=classes) for one in sets])
        present = (counts > 0).sum(1)
        gram = np.zeros((len(sets), columns + 1, columns + 1))
        for f, one in enumerate(sets):
            n, r = one.x.shape
            if len(sets) > 1:
                x[f, :n, :r] = one.x
            y[f], y[f, :n] = one.y[0], one.y
            share[f, :n] = 1 / (present[f] * counts[f][one.y])
            kept = [*range(r), columns]
            gram[f][np.ix_(kept, kept)] = _second_moments(one.x, share[f, :n])
        return cls(x, y, share, np.where(counts > 0, 0.0, -np.inf)[:, None], present, gram)

    def take(self, at: NDArray[np.int64]) -> _Batch:
        """Return some of the sets."""
        return _Batch(self.x[at], self.y[at], self.share[at], self.absent[at], self.present[at], self.gram[at])

    def loss(
        self, weights: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Return the mean loss float64[F], its gradient, and the mean variance of a class's indicator, float64[F]."""
        value, spread, gradient = np.zeros(len(weights)), np.zeros(len(weights)), np.zeros_like(weights)
        slopes = weights[:, :-1].astype(self.x.dtype)
        offsets = (weights[:, -1:] + self.absent).astype(self.x.dtype)
        step, sets = max(1, BLOCK // (self.x.shape[2] + 1)), np.arange(len(weights))[:, None]
        for start in range(0, self.x.shape[1], step):
            rows = slice(start, start + step)
            x, share = self.x[:, rows], self.share[:, None, rows]
            at = sets, self.y[:, rows], np.arange(x.shape[1])  # of each sample's class
            p = (x @ slopes + offsets).swapaxes(1, 2).copy()  # [F, K, n]: several times faster to sum over classes
            p -= p.max(1, keepdims=True)
            true = p[at]
            np.exp(p, out=p)
            total = p.sum(1, keepdims=True)
            p /= total
            value += np.sum(share[:, 0] * (np.log(total[:, 0]) - true), axis=1, dtype=np.float64)
            spread += np.sum(share[:, 0] * (1 - np.square(p).sum(1)), axis=1, dtype=np.float64)
            p[at] -= 1
            p *= share
            gradient[:, :-1] += (p @ x).swapaxes(1, 2)
            gradient[:, -1] += p.sum(2, dtype=np.float64)
        return value, gradient, spread / np.maximum(self.present - 1, 1)


def _second_moments(x: NDArray[np.floating], share: NDArray[np.floating]) -> NDArray[np.float64]:
    every = max(1, len(x) // (SAMPLED * (x.shape[1] + 1)))
    root = np.sqrt(share[::every, None] * every)
    weighed = np.hstack([x[::every] * root, root])
    moments: NDArray[np.float64] = (weighed.T @ weighed).astype(np.float64)
    return moments


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
        if live.sum() <= len(live) // 2:
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
        self.batch, self.weights = batch, weights
        self.ridge = np.repeat(penalty[:, None, None], weights.shape[1], 1)
        self.ridge[:, -1] = 0
        self.value, self.gradient, spread = self._penalised(weights)
        curvature = np.maximum(spread, 1e-3 / batch.present)[:, None, None] * batch.gram
        diagonal = np.arange(weights.shape[1])
        curvature[:, diagonal, diagonal] += self.ridge[:, :, 0] + 1e-12
        self.factors = [dpotrf(one, lower=1)[0] for one in curvature]
        self.steps: list[tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]] = []
        self._aim(np.ones(len(weights), bool))

    def take(self, at: NDArray[np.int64]) -> _Search:
        """Return the search for some of the sets, as far as it has come."""
        other = copy(self)
        other.batch = self.batch.take(at)
        for name in ("weights", "ridge", "value", "gradient", "direction", "slope", "length"):
            setattr(other, name, getattr(self, name)[at])
        other.factors = [self.factors[i] for i in at]
        other.steps = [(step[at], change[at], bend[at]) for step, change, bend in self.steps]
        return other

    @property
    def live(self) -> NDArray[np.bool_]:
        """Which sets are not yet solved, bool[F]."""
        return -self.slope / 2 >= GAP

    def advance(self) -> None:
        """Try one step for each set; those whose loss falls enough take it and aim again."""
        live = self.live
        moved = self.weights + np.where(live, self.length, 0)[:, None, None] * self.direction
        value, gradient, _ = self._penalised(moved)
        rise, hoped = value - self.value, self.length * self.slope
        noise = 10 * float(np.finfo(self.batch.x.dtype).eps) * np.abs(self.value)
        better = live & (rise <= 1e-4 * hoped + noise)
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
        self.length = np.where(live & ~better, self.length * shorter, self.length)
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
        out = np.stack([dpotrs(factor, one, lower=1)[0] for factor, one in zip(self.factors, out, strict=True)])
        for step, change, bend in self.steps:
            out = out + (shares.pop() - (_dot(change, out) / bend)[:, None, None]) * step
        return out

    def _penalised(
        self, weights: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        value, gradient, spread = self.batch.loss(weights)
        shrunk = self.ridge * weights
        return value + 0.5 * _dot(shrunk, weights), gradient + shrunk, spread


def _dot(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the inner product of each pair, float64[F]."""
    products: NDArray[np.float64] = np.einsum("frk,frk->f", a, b)
    return products
