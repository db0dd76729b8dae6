"""``power``: does an effect a fifth above the minimum detectable one pass nine times in ten?

Once with made scores, where the effect is put in as a number; once with made vectors, where biology is planted as a
signal of the class and the effect is what the protocol makes of it.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import numpy as np

from reprcheck import protocols
from reprcheck.embed.engine import Progress
from reprcheck.protocols.knn import KNN
from reprcheck.protocols.probe import PROBE
from reprcheck.seeding import rng
from reprcheck.stats.decision import POWER, compare
from reprcheck.studies import synthetic
from reprcheck.studies.row import Row, Scale
from reprcheck.studies.side_by_side import side_by_side
from reprcheck.types import Evidence

FACTOR = 1.2
MARGIN = 0.02
NOISE = 0.3
"""Standard deviation of a unit's score."""
SCORES = tuple(product((12, 24, 96), ((1, 0.0), (5, 0.02), (5, 0.1))))
"""Units; twins and the spread between them."""
VECTORS = ((KNN.id, 96), (KNN.id, 192), (PROBE.id, 96))
"""Protocol and units."""
TWINS = 5


def study(scale: Scale, progress: Progress) -> list[Row]:
    """Return a row for each size of a data set and spread of twins, of scores and of vectors."""
    scores = [(n, *twins, scale.trials(2000, 200)) for n, twins in SCORES]
    trials = {KNN.id: scale.trials(300, 30), PROBE.id: scale.trials(60, 6)}
    vectors = [(protocol, n, trials[protocol]) for protocol, n in VECTORS]
    return [
        *side_by_side(_of_scores, scores, scale, progress, "power: scores"),
        *side_by_side(_of_vectors, vectors, scale, progress, "power: vectors"),
    ]


def _of_scores(n: int, twins: int, spread: float, trials: int) -> Row:
    draw, units = rng("power", n, twins, spread), np.array([f"u{i:03d}" for i in range(n)])

    def evidence(effect: float) -> Evidence:
        level = spread * draw.standard_normal((twins + 1, 1))
        scores = 0.4 + level + NOISE * draw.standard_normal((twins + 1, n))
        return compare(scores[0] + effect, scores[1:], units, margin=MARGIN)

    planted = FACTOR * float(np.median([evidence(0.0).mde for _ in range(200)]))
    case = f"scores of {n} units; {twins} twin{'s' * (twins > 1)}, spread {spread:g}"
    return _row(case, [evidence(planted) for _ in range(trials)], planted)


def _of_vectors(protocol: str, n: int, trials: int) -> Row:
    """Plant the least signal of a grid whose mean effect reaches `FACTOR` times the mean detectable one."""
    scorer, task = protocols.get(protocol), synthetic.task(protocol, n, batches=4)

    def evidence(signal: float, draw: np.random.Generator) -> Evidence:
        scores = [scorer.score([synthetic.vectors(task, s, draw)], task).values for s in (signal, *[0.0] * TWINS)]
        return compare(scores[0], np.stack(scores[1:]), task.units, margin=MARGIN)

    signal = _least(lambda s: _reaches([evidence(s, rng("power pilot", protocol, n, s, k)) for k in range(12)]))
    trial_evidence = [evidence(signal, rng("power vectors", protocol, n, k)) for k in range(trials)]
    return _row(
        f"vectors of {n} units, {protocol}; signal {signal:.2f}",
        trial_evidence,
        float(np.mean([e.effect for e in trial_evidence])),
    )


def _least(enough: Callable[[float], bool]) -> float:
    return next(float(s) for s in np.arange(0.2, 3, 0.05) if enough(float(s)))


def _reaches(pilot: list[Evidence]) -> bool:
    return float(np.mean([e.effect for e in pilot])) >= FACTOR * float(np.mean([e.mde for e in pilot]))


def _row(case: str, evidence: list[Evidence], planted: float) -> Row:
    passed = sum(e.status == "pass" for e in evidence)
    details = {"planted": planted, "mde": float(np.median([e.mde for e in evidence]))}
    return Row("power", case, passed, len(evidence), least=POWER, details=details)
