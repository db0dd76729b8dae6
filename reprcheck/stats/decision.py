"""Effect, interval and verdict: a model's score per unit against a reference's, on the same units.

The interval is a t-interval on unit differences, one-sided on either side. Against a family of K untrained draws the
spread between draws counts as well, since the null is "this model is one more draw":

    variance = var(unit differences) / n  +  (1 + 1/K) * var(means of the K draws)

with Satterthwaite's (1946) degrees of freedom. The interval covers new units of the same kind from the batches seen,
with these folds; it doesn't cover new batches, nor another choice of training samples.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr, stdtrit

from reprcheck.types import Evidence, Status

POWER = 0.9
"""With which an effect of the minimum detectable size passes."""
SMALLEST_P = 1e-9
"""A t-distribution's tail says nothing beyond this with any number of units seen here."""


@dataclass(frozen=True)
class Estimate:
    """A mean over units with its standard error and degrees of freedom."""

    mean: float
    se: float
    df: float

    def bound(self, alpha: float) -> float:
        """Return how far a one-sided bound at ``alpha`` lies from the mean."""
        return self.se * float(stdtrit(self.df, 1 - alpha))


def estimate(values: NDArray[np.float64], draws: NDArray[np.float64] | None = None) -> Estimate:
    """Estimate the mean of ``values`` over units.

    Parameters
    ----------
    values : float64[n]
        One value per unit, n >= 2.
    draws : float64[K] or None
        Mean scores of K untrained draws, K >= 2, where the reference is one family.

    Returns
    -------
    Estimate
    """
    parts = [(float(values.var(ddof=1)) / len(values), len(values) - 1)]
    if draws is not None and len(draws) > 1:
        parts.append(((1 + 1 / len(draws)) * float(draws.var(ddof=1)), len(draws) - 1))
    variance = sum(v for v, _ in parts)
    df = 1 / sum((v / variance) ** 2 / d for v, d in parts) if variance > 0 else len(values) - 1
    return Estimate(float(values.mean()), float(np.sqrt(variance)), float(df))


def compare(
    model: NDArray[np.float64],
    references: NDArray[np.float64],
    units: NDArray[np.str_],
    *,
    margin: float = 0.02,
    alpha: float = 0.05,
    reference: str = "reference",
) -> Evidence:
    """Compare a model with one reference, or with a family of K untrained draws.

    Parameters
    ----------
    model : float64[n]
        Scores; several of one unit are averaged.
    references : float64[K, n]
        Scores of the K draws of one family, or of a single reference (K = 1, whose own spread is taken as 0).
    units : str[n]
        The unit of each score.
    margin : float
        In units of the score.
    alpha : float
        One-sided error rate of either bound.
    reference : str
        What the evidence calls the reference.

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
    names, index = np.unique(units, return_inverse=True)
    if len(names) < 2:
        raise ValueError("an interval needs at least two units")
    difference = np.bincount(index, weights=model - references.mean(0)) / np.bincount(index)
    draws = np.array([(np.bincount(index, weights=r) / np.bincount(index)).mean() for r in references])
    found = estimate(difference, draws)
    reach = found.bound(alpha)
    return Evidence(
        effect=found.mean,
        low=found.mean - reach,
        high=found.mean + reach,
        margin=margin,
        alpha=alpha,
        mde=margin + reach + found.se * float(stdtrit(found.df, POWER)),
        n_units=len(names),
        reference=reference,
        p=_p(found, margin),
    )


def _p(found: Estimate, margin: float) -> float:
    """One-sided p of "the true effect is at most the margin"."""
    if found.se == 0:
        return SMALLEST_P if found.mean > margin else 1.0
    return max(float(stdtr(found.df, (margin - found.mean) / found.se)), SMALLEST_P)


def decide(against: Sequence[Evidence], min_units: int) -> tuple[Status, Evidence]:
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
    if worst.high < worst.margin:
        return "fail", worst
    return ("pass" if closest.low > closest.margin else "inconclusive"), closest


def interval(values: NDArray[np.float64], alpha: float) -> Mapping[str, float]:
    """Return ``mean``, ``low`` and ``high`` of a score over units; both bounds one-sided at ``alpha``."""
    found = estimate(values)
    reach = found.bound(alpha)
    return {"mean": found.mean, "low": found.mean - reach, "high": found.mean + reach}
