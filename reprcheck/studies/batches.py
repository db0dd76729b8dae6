"""``batches``: where the label follows the batch and batches are held out, does chance still keep its rate?

Encoders that know the batch and nothing of the class predict one class for a whole held-out batch. Where classes are as
frequent in every batch that scores one half; where they aren't, units of a batch are right or wrong together, and an
interval over units takes them for independent. Two such encoders are compared, as units and as the gate does it: over
batches where the label follows them, and never in favour with fewer than ten.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import chain, product

import numpy as np
from numpy.typing import NDArray

from reprcheck import protocols
from reprcheck.confounds.batches import FEWEST, FOLLOWS, association
from reprcheck.embed.engine import Progress
from reprcheck.protocols.knn import KNN
from reprcheck.seeding import rng
from reprcheck.stats.decision import compare, shared_training
from reprcheck.studies import synthetic
from reprcheck.studies.row import Row, Scale
from reprcheck.studies.side_by_side import side_by_side

ALPHA = 0.05
BATCHES = (4, 6, 10, 20)
SHARES = (0.5, 0.65, 0.8, 0.95)
"""Of one class in every other batch, and of the other class in the rest."""
UNITS, WIDTH, STRENGTH = 96, 8, 2.0
"""Units, columns, and how much larger differences between batches are than those within."""


def study(scale: Scale, progress: Progress) -> list[Row]:
    """Return a row for each number of batches and share of a class, judged as the gate does and over units."""
    cases = [(*case, scale.trials(400, 20)) for case in product(BATCHES, SHARES)]
    return list(chain.from_iterable(side_by_side(_rows, cases, scale, progress, "batches")))


def _rows(batches: int, share: float, trials: int) -> list[Row]:
    draw, scorer = rng("batches", batches, share), protocols.get(KNN.id)
    made = synthetic.task(KNN.id, UNITS, batches)
    _, batch = np.unique(made.batches, return_inverse=True)
    by_units = by_gate = 0
    found = []
    for _ in range(trials):
        first = np.where(batch % 2, share, 1 - share)
        task = replace(made, y=(draw.random(UNITS) < first).astype(np.int64))
        model, reference = (scorer.score([_knows_batch(batch, draw)], task).values for _ in range(2))
        found.append(association(task.y, task.batches))
        follows = found[-1] >= FOLLOWS
        factor = shared_training((model - reference)[None], scorer.overlap(task))
        low = [
            compare(model, reference[None], over, margin=0, alpha=ALPHA, inflation=factor).low
            for over in (task.units, task.batches)
        ]
        by_units += low[0] > 0
        by_gate += low[1] > 0 and batches >= FEWEST if follows else low[0] > 0
    case = f"{batches} batches, classes {share:.0%} to {1 - share:.0%}"
    details = {"association": float(np.mean(found))}
    return [
        Row("batches", case, by_gate, trials, 0.0, ALPHA, details=details),
        Row("batches", f"{case}, over units whatever the label", by_units, trials, details=details),
    ]


def _knows_batch(batch: NDArray[np.int64], draw: np.random.Generator) -> NDArray[np.float32]:
    between, within = draw.normal(size=(batch.max() + 1, WIDTH)), draw.normal(size=(len(batch), WIDTH))
    return (STRENGTH * between[batch] + within).astype(np.float32)
