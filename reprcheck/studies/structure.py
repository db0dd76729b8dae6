"""``structure``: how often does an encoder that sees nothing but the layout of cells pass `beats_structure`?

Each encoder is a random function of the structural features, drawn without a label: linear maps, networks, kernel
features, products, subsets of them. Others were fitted to it on half the units, or batches where folds hold them out,
and are judged on the other half. The rate is at the policy's margin; at margin 0 it is among the details.
"""

from __future__ import annotations

from threadpoolctl import threadpool_limits

from reprcheck.baselines.structure.baseline import STRUCTURE
from reprcheck.diagnostics import beats_structure
from reprcheck.embed.engine import Progress
from reprcheck.policy import Policy
from reprcheck.protocols.knn import KNN
from reprcheck.protocols.nsc import NSC
from reprcheck.protocols.probe import PROBE
from reprcheck.studies.benches import (
    QUICK_LIMIT,
    StudyBenches,
    Trial,
    by,
    open_sets,
    plan_trials,
    study_settings,
)
from reprcheck.studies.functions import FUNCTIONS, mapped
from reprcheck.studies.learners import learned_rows, plan_learners
from reprcheck.studies.row import Row, Scale
from reprcheck.studies.tally import Attempt, rows
from reprcheck.types import Cell

POLICY = Policy(repeats=1)
"""Folds are drawn once: a second draw would multiply the time, and these rates are about the control."""
SETS = {
    "sim-culture": None,
    "sim-tissue": None,
    "sim-culture-known": None,
    "sim-tissue-known": None,
    "sim-culture-split": None,
    "sim-screen": None,
    "tcell": 400,
    "jurkat": 300,
    "bbbc013": 300,
}
TASKS = (
    "sim-culture:localisation",
    "sim-culture-known:texture",
    "sim-culture:polarity",
    "sim-tissue:polarity",
    "sim-tissue-known:arrangement",
    "sim-tissue-known:localisation",
    "sim-culture-known:count",
    "sim-culture-known:shape",
    "sim-culture-known:nothing",
    "sim-tissue-known:count",
    "sim-tissue-known:shape",
    "tcell:activation",
    "tcell:cell_type",
    "jurkat:phase",
    "bbbc013:localisation",
)
OTHERS = (*by(KNN, "sim-culture-split:localisation"), *by(NSC, "sim-screen:mechanism"))
"""By a fixed split, and by matching."""
QUICK = ("sim-culture-known:count", "sim-culture-known:nothing")
WIDTHS = (16, 64, 256)


def judge(trial: Trial, benches: StudyBenches) -> Cell:
    """Ask the diagnostic."""
    base = benches.baseline(trial.at.dataset, trial.at.task, STRUCTURE)
    name = (STRUCTURE.name, trial.kind, trial.width, trial.number, trial.at.name)
    return beats_structure.ask(benches.of(trial.at, mapped(base, trial.kind, trial.width, name)))


def study(scale: Scale, progress: Progress) -> list[Row]:
    """Return rows for each kind of encoder, each setting and each protocol."""
    tasks, others = (TASKS, OTHERS) if scale.full else (QUICK, ())
    limits = SETS if scale.full else dict.fromkeys(SETS, QUICK_LIMIT)
    sets, benches = open_sets(limits, [*tasks, *others]), StudyBenches(POLICY)
    trials = plan_trials(study_settings(sets, [*by(KNN, *tasks), *others]), FUNCTIONS, WIDTHS, scale.trials(6, 2))
    trials += plan_trials(study_settings(sets, by(PROBE, *(tasks if scale.full else tasks[:1]))), FUNCTIONS, WIDTHS, 1)
    learners = plan_learners(study_settings(sets, by(KNN, *tasks)), scale.trials(2, 1))
    attempts, learned = [], []
    with threadpool_limits(1), progress(len(trials) + len(learners), "functions of structure") as advance:
        for trial in trials:
            attempts.append(Attempt(trial.at, trial.kind, judge(trial, benches)))
            advance(1)
        for learner in learners:
            learned.append(learner.attempt(STRUCTURE, beats_structure.ask, benches, POLICY))
            advance(1)
    table = rows("structure", attempts, **{"draws of the folds": POLICY.repeats_for(0)})
    return [*table, *learned_rows("structure", learned)]
