"""``training``: does the interval also cover other training samples?

Folds share training samples, and matches candidates, so scores of different units aren't independent. Data sets are
drawn anew, two encoders are scored on each, and the truth is the mean effect over all data sets. Against a single
reference the interval is corrected (Nadeau and Bengio 2003); against a family of five it isn't, since the spread
between draws holds it already. What the interval would cover without the correction stands beside it.
"""

from __future__ import annotations

from itertools import chain, product

import numpy as np

from reprcheck import protocols
from reprcheck.embed.engine import Progress
from reprcheck.policy import Policy
from reprcheck.protocols.knn import KNN
from reprcheck.protocols.nsc import NSC
from reprcheck.protocols.nscb import NSCB
from reprcheck.protocols.probe import PROBE
from reprcheck.seeding import rng
from reprcheck.stats.decision import compare, shared_training
from reprcheck.studies import synthetic
from reprcheck.studies.row import Row, Scale
from reprcheck.studies.side_by_side import side_by_side
from reprcheck.types import Evidence

NOMINAL = 0.9
SIGNALS = ((0.2, 0.2), (0.4, 0.2))
"""Of the model and of its reference."""
DESIGNS = (("drawn folds", 1), ("held-out batches", 4))
MATCHING = {NSC.id: ("matching", 1), NSCB.id: ("matching across batches", 4)}
TWINS = 5


def study(scale: Scale, progress: Progress) -> list[Row]:
    """Return rows for every protocol, design and pair of signals: one reference (both ways), and a family."""
    trials = {PROBE.id: scale.trials(40, 4), KNN.id: scale.trials(400, 30)}
    cases = [(*case, trials[case[0]]) for case in product(trials, DESIGNS, SIGNALS)]
    cases += [(*case, signals, trials[KNN.id]) for case, signals in product(MATCHING.items(), SIGNALS)]
    return list(chain.from_iterable(side_by_side(_rows, cases, scale, progress, "training samples")))


def _rows(protocol: str, design: tuple[str, int], signals: tuple[float, float], trials: int, n: int = 48) -> list[Row]:
    name, batches = design
    scorer = protocols.get(protocol)
    task = synthetic.task(protocol, n, batches)
    repeats = Policy().repeats_for(len(np.unique(task.units))) if scorer.drawn(task) else 1
    draw = rng("training", protocol, name, signals)
    evidence_of: dict[str, list[Evidence]] = {
        "one reference": [],
        "one reference, uncorrected": [],
        "a family of 5": [],
    }
    for _ in range(trials):
        model, *twins = (
            np.stack([scorer.score([x], task, r).values for r in range(repeats)])
            for x in (synthetic.vectors(task, signal, draw) for signal in (signals[0], *[signals[1]] * TWINS))
        )
        factor = shared_training(model - twins[0], scorer.overlap(task))
        single, family = twins[0].mean(0)[None], np.stack([twin.mean(0) for twin in twins])
        for key, references, inflation in zip(evidence_of, (single, single, family), (factor, 1.0, 1.0), strict=True):
            evidence_of[key].append(compare(model.mean(0), references, task.units, margin=0, inflation=inflation))
    rows = []
    for key, evidence in evidence_of.items():
        truth = float(np.mean([e.effect for e in evidence]))
        covered = sum(e.low <= truth <= e.high for e in evidence)
        bounds = (0.0, 1.0) if "uncorrected" in key else (NOMINAL - 0.02, 1.0)
        case = f"{key}; {protocol}, {name}; true effect {truth:+.2f}"
        rows.append(Row("training", case, covered, trials, *bounds, details={"width": _width(evidence)}))
    return rows


def _width(evidence: list[Evidence]) -> float:
    return float(np.mean([e.high - e.low for e in evidence]))
