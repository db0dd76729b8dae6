"""Effect, interval and verdict: a model's score per unit against a reference's, on the same units.

The interval is the wider, on either side, of a t-interval and of the studentised bootstrap, both over units. Against a
family of K untrained draws the spread between draws counts as well, since the null is "this model is one more draw":

    variance = var(unit differences) / n  +  (1 + 1/K) * var(means of the K draws)

The interval covers new units of the same kind, from the batches seen and with these folds. What else it does and
doesn't cover, and how each choice was measured, is in `docs/statistics.md`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr, stdtrit

from reprcheck.seeding import rng as seeded
from reprcheck.stats.resampling import resamples, studentise
from reprcheck.types import Evidence, Status

POWER = 0.9
"""With which an effect of the minimum detectable size passes."""
SMALLEST_P = 1e-9
"""A t-distribution's tail says nothing beyond this with any number of units seen here."""
MANY = 100
"""Nobody can get this many times as many units."""
ALIKE = 1e-12
"""Standard deviation, relative to the mean, under which all units count as alike."""


@dataclass(frozen=True)
class Inference:
    """A mean over units, and how far it may lie from the truth.

    Attributes
    ----------
    mean, se, df : float
        Standard error and Satterthwaite's (1946) degrees of freedom, over units and draws.
    draws_se : float
        The part of the standard error that draws give, which no number of units makes smaller.
    above, below : float64[B]
        Resampled errors: by how much the mean may lie above, and below, the truth.
    """

    mean: float
    se: float
    df: float
    draws_se: float
    above: NDArray[np.float64]
    below: NDArray[np.float64]

    def low(self, alpha: float) -> float:
        """Return the lower one-sided bound."""
        return self.mean - max(self.se * float(stdtrit(self.df, 1 - alpha)), _quantile(self.above, 1 - alpha))

    def high(self, alpha: float) -> float:
        """Return the upper one-sided bound."""
        return self.mean + max(self.se * float(stdtrit(self.df, 1 - alpha)), _quantile(self.below, 1 - alpha))

    def p(self, margin: float) -> float:
        """Return the one-sided p of "the truth is at most the margin"; at most alpha where ``low`` exceeds it."""
        distance = self.mean - margin
        resampled = (1 + np.sum(self.above >= distance)) / (1 + len(self.above))
        tail = stdtr(self.df, -distance / self.se) if self.se > 0 else float(distance <= 0)
        return max(float(tail), float(resampled), SMALLEST_P)


def infer(
    values: NDArray[np.float64],
    draws: NDArray[np.float64] | None = None,
    rng: np.random.Generator | None = None,
    inflation: float = 1.0,
) -> Inference:
    """Infer the mean of ``values`` over units.

    Parameters
    ----------
    values : float64[n]
        One value per unit, n >= 2, in any order.
    draws : float64[K] or None
        Mean scores of K untrained draws, where the reference is a family; a single one has no spread to tell of.
    rng : numpy.random.Generator, optional
        Without it, one that depends on the number of units alone.
    inflation : float
        Factor on the variance over units.

    Returns
    -------
    Inference
        Where all units are alike there is no variance to go by. Then a share of units as large as n units may all have
        missed (with probability alpha: 1 - alpha**(1/n), 3/n at 0.05) is allowed to differ, by 1 from 0.
    """
    n = len(values)
    rng = rng if rng is not None else seeded("resample", n)
    ordered = np.sort(values)  # so that neither rows nor names of units have a say
    mean, sd = float(ordered.mean()), float(ordered.std(ddof=1))
    alike = sd <= ALIKE * max(1.0, abs(mean))
    se = sd * np.sqrt(inflation / n)
    parts = [] if alike else [(se**2, n - 1)]
    if alike:
        above = below = (1 + abs(mean)) * rng.beta(1, n, resamples(n))
    else:
        above = se * studentise(ordered, rng)
        below = -above
    if draws is not None and len(draws) > 1 and np.ptp(draws) > 0:
        k = len(draws)
        parts.append(((1 + 1 / k) * float(draws.var(ddof=1)), k - 1))
        spread = np.sqrt(parts[-1][0]) * rng.standard_t(k - 1, len(above))
        above, below = above + spread, below - spread
    variance = sum(v for v, _ in parts)
    df = variance**2 / sum(v**2 / d for v, d in parts) if variance > 0 else n - 1
    draws_variance = sum(v for v, _ in parts[0 if alike else 1 :])
    return Inference(mean, float(np.sqrt(variance)), float(df), float(np.sqrt(draws_variance)), above, below)


def compare(
    model: NDArray[np.float64],
    references: NDArray[np.float64],
    units: NDArray[np.str_],
    *,
    margin: float = 0.02,
    alpha: float = 0.05,
    rng: np.random.Generator | None = None,
    reference: str = "reference",
    batches: NDArray[np.str_] | None = None,
    min_units: int = 10,
    inflation: float = 1.0,
) -> Evidence:
    """Compare a model with one reference, or with a family of K untrained draws.

    Parameters
    ----------
    model : float64[n]
        Scores; several of one unit are averaged, and count as one.
    references : float64[K, n]
        Scores of the K draws of one family, or of a single reference (K = 1, whose own spread is taken as 0).
    units : str[n]
        What is resampled: the unit of each score, of nested units the outermost.
    margin : float
        In units of the score.
    alpha : float
        One-sided error rate of either bound.
    rng : numpy.random.Generator, optional
        Without it the result depends on the arguments alone.
    reference : str
        What the evidence calls the reference.
    batches : str[n], optional
        The batch of each score. Where each unit lies in one of them, and they are several but fewer than
        ``min_units``, the evidence names them and gives the effect in each.
    min_units : int
        Fewest batches that stand for all batches there are.
    inflation : float
        Factor on the variance over units, for what they share: training samples, where scores are out-of-fold.

    Returns
    -------
    Evidence

    Raises
    ------
    ValueError
        If lengths disagree, a score isn't finite, or there are fewer than two units.

    Examples
    --------
    >>> model, reference = np.array([0.9, 0.8, 1.0]), np.array([[0.5, 0.5, 0.5]])
    >>> round(compare(model, reference, np.array(["a", "b", "c"])).effect, 3)
    0.4
    """
    references = np.atleast_2d(references)
    if model.shape != units.shape or references.shape[1:] != model.shape:
        raise ValueError(f"lengths disagree: model {model.shape}, references {references.shape}, units {units.shape}")
    if not (np.isfinite(model).all() and np.isfinite(references).all()):
        raise ValueError("a score is not finite")
    names, first, index = np.unique(units, return_index=True, return_inverse=True)
    if len(names) < 2:
        raise ValueError("an interval needs at least two units")
    scores = _unit_means(np.vstack([model, references]), index)
    difference = scores[0] - scores[1:].mean(0)
    inference = infer(difference, scores[1:].mean(1), rng, inflation)
    low = inference.low(alpha)
    reach = (inference.mean - low) + _reach(inference, POWER)
    few = _few_batches(batches, first, index, min_units)
    return Evidence(
        effect=inference.mean,
        low=low,
        high=inference.high(alpha),
        margin=margin,
        alpha=alpha,
        mde=margin + reach,
        n_units=len(names),
        reference=reference,
        p=inference.p(margin),
        covers=f"these {len(np.unique(few))} batches, not new ones" if few is not None else "",
        per_batch={} if few is None else {str(b): float(difference[few == b].mean()) for b in np.unique(few)},
        units_needed=_units_needed(inference, margin, reach, len(names)),
    )


def shared_training(difference: NDArray[np.float64], shared: float) -> float:
    """Return what training samples shared between folds make of the variance over units, as a factor.

    Nadeau and Bengio (2003) put the variance of a mean over R draws of J folds at (1 / (R J) + n_test / n_train) times
    that of a fold, which is J times that of a mean over the units of one draw.

    Parameters
    ----------
    difference : float64[R, n_units]
        Differences between two encoders in each draw of the folds; their mean over draws is what is compared.
    shared : float
        J n_test / n_train.
    """
    single, pooled = float(difference.var(axis=1, ddof=1).mean()), float(difference.mean(0).var(ddof=1))
    return (1 / len(difference) + shared) * single / pooled if pooled > 0 else 1.0


def weigh(against: Sequence[Evidence], min_units: int) -> tuple[Status, Evidence]:
    """Return the verdict on several references at once, and the evidence that binds it.

    A model must beat every reference (an intersection-union test, Berger 1982: each at the full alpha). The binding
    evidence of a pass or an inconclusive is the one with the lowest ``low - margin``; of a fail, the lowest
    ``high - margin``.

    Parameters
    ----------
    against : sequence of Evidence
        Not empty.
    min_units : int
        With fewer units in any of them the verdict is ``inconclusive``.
    """
    closest = min(against, key=lambda e: e.low - e.margin)
    worst = min(against, key=lambda e: e.high - e.margin)
    if min(e.n_units for e in against) < min_units:
        return "inconclusive", closest
    return ("fail", worst) if worst.status == "fail" else (closest.status, closest)


def holm(p: Sequence[float]) -> list[float]:
    """Return p-values adjusted for their number, in the same order (Holm 1979).

    Examples
    --------
    >>> holm([0.01, 0.04, 0.5])
    [0.03, 0.08, 0.5]
    """
    values = np.asarray(p, dtype=float)
    order = np.argsort(values, kind="stable")
    stepped = np.maximum.accumulate(values[order] * np.arange(len(values), 0, -1))
    adjusted = np.empty_like(values)
    adjusted[order] = np.minimum(stepped, 1)
    return [float(value) for value in adjusted]


def interval(values: NDArray[np.float64], alpha: float) -> Mapping[str, float]:
    """Return ``mean``, ``low`` and ``high`` of a score over units; both bounds one-sided at ``alpha``."""
    inference = infer(values)
    return {"mean": inference.mean, "low": inference.low(alpha), "high": inference.high(alpha)}


def _unit_means(scores: NDArray[np.float64], index: NDArray[np.int64]) -> NDArray[np.float64]:
    counts = np.bincount(index)
    return np.stack([np.bincount(index, weights=row) for row in scores]) / counts


def _few_batches(
    batches: NDArray[np.str_] | None, first: NDArray[np.int64], index: NDArray[np.int64], min_units: int
) -> NDArray[np.str_] | None:
    """Return each unit's batch, where units lie within batches and these are several but few."""
    if batches is None:
        return None
    of_unit = batches[first]
    nested = bool((of_unit[index] == batches).all())
    return of_unit if nested and 1 < len(np.unique(of_unit)) < min_units else None


def _reach(inference: Inference, quantile: float) -> float:
    return max(inference.se * float(stdtrit(inference.df, quantile)), _quantile(inference.above, quantile))


def _units_needed(inference: Inference, margin: float, reach: float, n: int) -> int | None:
    """Return how many units would let an effect of this size pass with probability `POWER`; None where none do.

    The reach, which is a multiple of the standard error, must become as small as the distance to the margin; the part
    of the standard error that units give falls with the root of their number, the draws' part stays.
    """
    distance = inference.mean - margin
    if distance <= 0 or reach <= 0 or inference.se <= 0:
        return None
    units, fixed = inference.se**2 - inference.draws_se**2, inference.draws_se**2
    room = (inference.se * distance / reach) ** 2 - fixed
    needed = n * units / room if room > 0 else np.inf
    return int(np.ceil(needed)) if needed < MANY * n else None


def _quantile(errors: NDArray[np.float64], level: float) -> float:
    """Return the order statistic that makes a bound at alpha and a p of alpha the same thing."""
    k = int(np.ceil(level * (len(errors) + 1) - 1e-9))
    return float(np.partition(errors, min(k, len(errors)) - 1)[min(k, len(errors)) - 1])
