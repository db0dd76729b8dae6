"""``permuted``: how often is a good model released on labels that mean nothing?

The whole gate, all diagnostics, on every set that is here, with labels permuted as in `reprcheck.stats.qualify`: over
whole units, and within batches where each holds several labels. The model is the demo. It is never to be released; and
no cell is to pass more often than alpha, before a setting without signal overrules it.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from threadpoolctl import threadpool_limits

from reprcheck import protocols
from reprcheck.embed.engine import Progress
from reprcheck.policy import Policy
from reprcheck.protocols.dose_response import DOSE_RESPONSE
from reprcheck.protocols.knn import KNN
from reprcheck.protocols.probe import PROBE
from reprcheck.protocols.ridge import RIDGE
from reprcheck.runs.check import check
from reprcheck.seeding import rng
from reprcheck.stats.qualify import permute_labels
from reprcheck.studies.benches import QUICK_LIMIT, open_sets
from reprcheck.studies.row import Row, Scale
from reprcheck.types import Cell, Dataset

ALPHA = 0.05
POLICY = Policy(repeats=1, limited_release=True)
"""Folds are drawn once, to save time; sets cut down to a limit may release, so that the limit isn't what blocks."""
MODEL = "demo?size=64"


@dataclass(frozen=True)
class Case:
    """A set, its tasks and the protocols asked, and how often its labels are permuted."""

    dataset: str
    tasks: tuple[str, ...]
    protocols: tuple[str, ...]
    limit: int | None
    times: int


CASES = (
    Case("sim-culture", ("localisation", "polarity"), (KNN.id,), None, 20),
    Case("sim-culture", ("localisation", "polarity"), (PROBE.id,), 144, 5),
    Case("sim-tissue", ("polarity",), (KNN.id,), None, 20),
    Case("sim-tissue", ("polarity",), (PROBE.id,), 144, 5),
    Case("sim-culture-known", ("brightness", "count", "shape", "nothing"), (KNN.id,), None, 5),
    Case("sim-tissue-known", ("brightness", "count", "shape", "nothing"), (KNN.id,), None, 5),
    Case("tcell", ("activation", "cell_type"), (KNN.id,), 200, 10),
    Case("jurkat", ("phase",), (KNN.id,), 200, 10),
    Case("bbbc013", ("localisation",), (KNN.id,), None, 10),
    Case("bbbc016", ("dose", "active"), (DOSE_RESPONSE.id, KNN.id), None, 5),
    Case("osteosarcoma", ("tumour",), (KNN.id,), 200, 10),
    Case("cifar10", ("object",), (KNN.id,), 200, 10),
    Case("dsb2018", ("count",), (RIDGE.id,), 100, 5),
    Case("mibi_dcis", ("lesion", "immune_share"), (KNN.id, RIDGE.id), None, 5),
)
QUICK = (Case("sim-culture", ("localisation",), (KNN.id,), QUICK_LIMIT, 2),)


@dataclass(frozen=True)
class GateRun:
    """One run of the gate on permuted labels."""

    released: bool
    cells: int
    passed: int
    overruled: int


def study(scale: Scale, progress: Progress) -> list[Row]:
    """Return a row of releases for each case and for all, and one of the cells that passed."""
    runs_of: dict[str, list[GateRun]] = {}
    del progress  # the gate shows bars of its own
    with threadpool_limits(1):
        for case in CASES if scale.full else QUICK:
            runs_of.setdefault(f"{case.dataset} by {' and '.join(case.protocols)}", []).extend(_runs(case))
    everything = [run for runs in runs_of.values() for run in runs]
    passed, cells = sum(run.passed for run in everything), sum(run.cells for run in everything)
    details: dict[str, float | int | str] = {
        "overruled, since the setting holds no signal": sum(run.overruled for run in everything),
        "draws of the folds": POLICY.repeats_for(0),
    }
    runs_of = {name: runs for name, runs in runs_of.items() if runs}
    return [
        _release_row("all", everything),
        Row("permuted", "cells that pass", passed, cells, most=ALPHA, details=details),
        *(_release_row(name, runs) for name, runs in runs_of.items()),
    ]


def _release_row(case: str, runs: Sequence[GateRun]) -> Row:
    passed = {"cells": sum(run.cells for run in runs), "cells that pass": sum(run.passed for run in runs)}
    return Row("permuted", f"released: {case}", sum(run.released for run in runs), len(runs), most=0.0, details=passed)


def _runs(case: Case) -> Iterator[GateRun]:
    for whole in open_sets({case.dataset: case.limit}, [f"{case.dataset}:{task}/" for task in case.tasks]):
        for p in range(case.times):
            yield _gate(_permute(whole, case, p))


def _permute(dataset: Dataset, case: Case, p: int) -> Dataset:
    """Return the set with permuted labels, under a name of its own; its images, and so its digest, stay."""
    tasks = {}
    for name, task in dataset.tasks.items():
        (y,) = permute_labels(task.y, task, rng("permuted study", dataset.name, name, case.protocols, p), 1)
        control = None if task.control is None else np.isin(y, task.y[task.control])
        applicable = tuple(protocol for protocol in case.protocols if task.kind in protocols.get(protocol).kinds)
        tasks[name] = replace(task, y=y, control=control, protocols=applicable)
    return replace(dataset, name=f"{dataset.name}-permuted-{p}", tasks=tasks)


def _gate(dataset: Dataset) -> GateRun:
    """Ask all that the gate asks, and decide."""
    card = check(MODEL, dataset, POLICY)
    gc.collect()  # sessions and their benches hold each other, and images
    asked = [cell for cell in card.cells if cell.status != "not_applicable"]
    passed = sum(cell.status == "pass" for cell in asked)
    return GateRun(card.gate.released, len(asked), passed, sum(map(_beats, asked)) - passed)


def _beats(cell: Cell) -> bool:
    """Return whether a cell's comparisons are those of a pass, whatever its setting made of it."""
    comparisons = cell.details.get("comparisons", [])
    return bool(comparisons) and all(c["low"] > c["margin"] and c["n_units"] >= POLICY.min_units for c in comparisons)
