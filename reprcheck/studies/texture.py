"""``texture``: how often does an encoder that sees nothing but texture pass `beats_texture`, and who sees more?

Each encoder is a function of the textural features: drawn without a label, as in `structure`, or fitted to it on half
the units, or batches where folds hold them out, and judged on the other half. The rate is at the policy's margin; at
margin 0 it is among the details.

So that a gate which lets nobody pass is found out, an encoder that sees on which side of the nuclei a protein lies is
asked about just that, in experiments drawn anew: it is to pass nine times in ten, and functions of texture aren't.
"""

from __future__ import annotations

from collections.abc import Sequence

from threadpoolctl import threadpool_limits

from reprcheck.baselines.texture.baseline import TEXTURE
from reprcheck.diagnostics import beats_texture
from reprcheck.embed.engine import Progress
from reprcheck.policy import Policy
from reprcheck.protocols.knn import KNN
from reprcheck.protocols.probe import PROBE
from reprcheck.stats.decision import POWER
from reprcheck.studies.benches import (
    QUICK_LIMIT,
    StudyBenches,
    StudySetting,
    Trial,
    by,
    open_sets,
    plan_trials,
    study_settings,
)
from reprcheck.studies.functions import FUNCTIONS, mapped
from reprcheck.studies.learners import learned_rows, plan_learners
from reprcheck.studies.polarity import Side, polarity
from reprcheck.studies.row import Row, Scale
from reprcheck.studies.tally import Attempt, row, rows
from reprcheck.types import Cell

NAME = "texture"
POLICY = Policy(repeats=1)
"""Folds are drawn once: a second draw would multiply the time, and these rates are about the control."""
SETS = {
    "sim-culture": None,
    "sim-tissue": None,
    "sim-culture-known": None,
    "sim-tissue-known": None,
    "tcell": 400,
    "jurkat": 300,
    "bbbc013": 300,
    "osteosarcoma": 300,
    "cifar10": 300,
}
TASKS = (
    "sim-culture:localisation",
    "sim-culture:polarity",
    "sim-tissue:polarity",
    "sim-tissue-known:arrangement",
    "sim-tissue-known:localisation",
    "sim-culture-known:brightness",
    "sim-culture-known:count",
    "sim-culture-known:nothing",
    "sim-tissue-known:shape",
    "tcell:activation",
    "tcell:cell_type",
    "jurkat:phase",
    "bbbc013:localisation",
    "osteosarcoma:tumour",
    "cifar10:object",
)
QUICK = ("sim-culture:localisation", "sim-culture-known:count")
WIDTHS = (16, 64, 256)
FIELDS = 128
"""Of an experiment on which side the protein lies."""


def judge(trial: Trial, benches: StudyBenches) -> Cell:
    """Ask the diagnostic about a random function of texture."""
    base = benches.baseline(trial.at.dataset, trial.at.task, TEXTURE)
    name = (NAME, trial.kind, trial.width, trial.number, trial.at.name)
    return beats_texture.ask(benches.of(trial.at, mapped(base, trial.kind, trial.width, name)))


def study(scale: Scale, progress: Progress) -> list[Row]:
    """Return rows for each kind of encoder, setting and protocol; for fitted ones; and for what should pass."""
    tasks = TASKS if scale.full else QUICK
    sets = open_sets(SETS if scale.full else dict.fromkeys(SETS, QUICK_LIMIT), tasks)
    voted, probed = (study_settings(sets, by(protocol, *tasks)) for protocol in (KNN, PROBE))
    probed = probed if scale.full else probed[:1]
    trials = plan_trials(voted, FUNCTIONS, WIDTHS, scale.trials(6, 2)) + plan_trials(probed, FUNCTIONS, WIDTHS, 1)
    learners = plan_learners([*voted, *(probed if scale.full else ())], scale.trials(3, 1))
    experiments = range(scale.trials(40, 4))
    benches = StudyBenches(POLICY)
    total = len(trials) + len(learners) + len(experiments)
    attempts, learned, seeing, blind = [], [], [], []
    with threadpool_limits(1), progress(total, "functions of texture") as advance:
        for trial in trials:
            attempts.append(Attempt(trial.at, trial.kind, judge(trial, benches)))
            advance(1)
        for learner in learners:
            learned.append(learner.attempt(TEXTURE, beats_texture.ask, benches, POLICY))
            advance(1)
        for draw in experiments:
            sees, sees_not = _ask_of_sides(draw)
            seeing.append(sees)
            blind.append(sees_not)
            advance(1)
    table = rows(NAME, attempts, **{"draws of the folds": POLICY.repeats_for(0)})
    table += learned_rows(NAME, learned)
    return [*table, _power(seeing), row(NAME, f"{KNN.id}, texture asked on which side a protein lies", blind)]


def _ask_of_sides(draw: int) -> tuple[Attempt, Attempt]:
    """Ask in an experiment about who sees on which side the protein lies, and about a function of texture."""
    dataset = polarity(draw, FIELDS)
    at, benches = StudySetting(dataset, dataset.tasks["side"], KNN.id), StudyBenches(POLICY)
    (seeing,) = benches.blocks(dataset, at.task, [Side()], "sides")
    kind = list(FUNCTIONS)[draw % len(FUNCTIONS)]
    blind = judge(Trial(at, kind, WIDTHS[0], draw), benches)
    return Attempt(at, "sees the side", beats_texture.ask(benches.of(at, seeing))), Attempt(at, kind, blind)


def _power(attempts: Sequence[Attempt]) -> Row:
    """Return the row that counts passes of who should pass."""
    effects = [attempt.cell.effect for attempt in attempts if attempt.cell.effect is not None]
    return Row(
        NAME,
        f"{KNN.id}, an encoder that sees on which side a protein lies",
        sum(attempt.passed for attempt in attempts),
        len(attempts),
        least=POWER,
        details={"smallest effect": min(effects), "largest effect": max(effects)},
    )
