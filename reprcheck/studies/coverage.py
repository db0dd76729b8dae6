"""``coverage``: how often the interval holds the true effect, for few and many units and differences of all shapes.

Scores are made, not measured: a unit's difference is ``sqrt(icc)`` times a draw of the shape, its samples add
``sqrt(1 - icc)`` times draws of their own, and units are of one size or of very different ones. The truth is 0.
"""

from __future__ import annotations

from itertools import product

import numpy as np
from numpy.typing import NDArray

from reprcheck.embed.engine import Progress
from reprcheck.seeding import rng
from reprcheck.stats.decision import compare
from reprcheck.studies.row import Row, Scale
from reprcheck.studies.side_by_side import side_by_side

ALPHA = 0.05
NOMINAL = 1 - 2 * ALPHA
UNITS = (10, 20, 50, 200)
CORRELATIONS = (0.0, 0.3, 0.7)
SHAPES = ("normal", "skewed right", "skewed left", "heavy-tailed", "right or wrong")
SIZES = ("alike", "unbalanced")


def study(scale: Scale, progress: Progress) -> list[Row]:
    """Return a row for each number of units, correlation within units, shape and balance."""
    cases = list(product(UNITS, CORRELATIONS, SHAPES, SIZES, [scale.trials(4000, 200)]))
    return side_by_side(_row, cases, scale, progress, "coverage")


def _row(n: int, icc: float, shape: str, sizes: str, trials: int) -> Row:
    draw = rng("coverage", n, icc, shape, sizes)
    missed_low = missed_high = 0
    for _ in range(trials):
        units = np.repeat(np.arange(n), _sizes(n, sizes, draw))
        within = _differences(shape, len(units), draw)
        scores = np.sqrt(icc) * _differences(shape, n, draw)[units] + np.sqrt(1 - icc) * within
        evidence = compare(scores, np.zeros((1, len(scores))), units.astype(str), margin=0, alpha=ALPHA)
        missed_low += evidence.low > 0
        missed_high += evidence.high < 0
    return Row(
        "coverage",
        f"{n} units, {sizes}; correlation {icc:g} within; {shape}",
        trials - missed_low - missed_high,
        trials,
        least=NOMINAL - 0.02 if n >= 20 else 0.9 * NOMINAL,
        most=NOMINAL + 0.02 if n >= 20 else 1.0,
        details={"truth below the interval": missed_low / trials, "truth above it": missed_high / trials},
    )


def _sizes(n: int, sizes: str, draw: np.random.Generator) -> NDArray[np.int64]:
    return np.full(n, 4) if sizes == "alike" else 1 + draw.geometric(0.2, n)


def _differences(shape: str, n: int, draw: np.random.Generator) -> NDArray[np.float64]:
    """Return draws of mean 0 and variance 1; of three correct or not, "right or wrong" is off by -1, 0 or 1."""
    if shape == "normal":
        return draw.standard_normal(n)
    if shape == "heavy-tailed":
        return np.asarray(draw.standard_t(3, n) / np.sqrt(3))
    if shape == "right or wrong":
        values, chances = np.array([-1.0, 0.0, 1.0]), np.array([0.1, 0.6, 0.3])
        mean = values @ chances
        off: NDArray[np.float64] = (draw.choice(values, n, p=chances) - mean) / np.sqrt(values**2 @ chances - mean**2)
        return off
    side = 1.0 if shape == "skewed right" else -1.0
    return side * (draw.exponential(size=n) - 1)
