"""``intensity``: how often does an encoder that sees nothing but brightness pass `beyond_intensity`?

Each encoder is a function of the histograms of an image's channels, drawn without a label: of the 31 intensity features
per channel (linear maps, networks, kernel features, products), or of the histogram itself, finer than the features are:
32 or 64 bins, quantiles, and means over the pixels of random functions of a pixel's value. They come as vectors, so
that no matched images can unmask them; a few come as encoders too, and meet the matched images. The hardest are fitted
to the label on half the units, or batches where folds hold them out, and judged on the other half.

The rate is at the policy's margin; at margin 0 it is among the details.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from threadpoolctl import threadpool_limits

from reprcheck.baselines.intensity import Intensity
from reprcheck.diagnostics import beyond_intensity
from reprcheck.embed.engine import Progress
from reprcheck.models import resolve_model
from reprcheck.policy import Policy
from reprcheck.protocols.knn import KNN
from reprcheck.protocols.probe import PROBE
from reprcheck.studies.benches import (
    QUICK_LIMIT,
    Halves,
    StudyBenches,
    StudySetting,
    Trial,
    by,
    open_sets,
    plan_trials,
    study_settings,
)
from reprcheck.studies.brightness import KINDS, Levels, Waves, drawn, fitted
from reprcheck.studies.functions import FITTED
from reprcheck.studies.learners import learned_rows
from reprcheck.studies.row import Row, Scale
from reprcheck.studies.tally import Attempt, row, rows
from reprcheck.types import Cell

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
}
LEARNED = {**SETS, "tcell": None, "jurkat": 800}
"""Whoever is fitted on half the units needs more of them."""
TASKS = (
    "sim-culture:localisation",
    "sim-culture-known:texture",
    "sim-culture:polarity",
    "sim-tissue:polarity",
    "sim-tissue-known:arrangement",
    "sim-tissue-known:localisation",
    "sim-culture-known:brightness",
    "sim-culture-known:count",
    "sim-tissue-known:brightness",
    "tcell:activation",
    "tcell:cell_type",
    "jurkat:phase",
    "bbbc013:localisation",
)
PROBED = (
    "sim-culture:localisation",
    "sim-culture-known:texture",
    "sim-tissue-known:arrangement",
    "sim-culture-known:brightness",
    "sim-tissue-known:brightness",
    "tcell:activation",
    "bbbc013:localisation",
)
"""Asked by the probe as well, which takes a hundred times as long."""
MATCHED = by(PROBE, "sim-culture:localisation", "sim-culture-known:brightness")
"""Where encoders come as such, and meet the matched images."""
QUICK = ("sim-culture-known:brightness", "sim-culture:localisation")
WIDTHS = (32, 128, 512)


def judge(trial: Trial, benches: StudyBenches) -> Cell:
    """Ask the diagnostic."""
    dataset, task = trial.at.dataset, trial.at.task
    features, levels = benches.blocks(dataset, task, [Intensity(), Levels()], "histograms")
    name = ("intensity", trial.kind, trial.width, trial.number, trial.at.name)
    return beyond_intensity.ask(benches.of(trial.at, drawn(features, levels, trial.kind, trial.width, name)))


@dataclass(frozen=True)
class FittedEncoder:
    """An encoder that learned to read the label from brightness, on other groups than it is judged on."""

    at: StudySetting
    kind: str
    fine: bool
    number: int

    def judge(self, benches: StudyBenches) -> Cell:
        """Ask the diagnostic on the half of what folds hold out, batches or units, that it hasn't learned from."""
        dataset, task = self.at.dataset, self.at.task
        features, levels = benches.blocks(dataset, task, [Intensity(), Levels()], "histograms")
        name = ("fitted to intensity", self.kind, self.fine, self.number, self.at.name)
        halves = Halves.of(self.at, name)
        block = fitted(features, levels, task.y, halves.learns, self.kind, self.fine, name)
        return beyond_intensity.ask(StudyBenches(POLICY).of(halves.judged, block))


def study(scale: Scale, progress: Progress) -> list[Row]:
    """Return rows for each kind of encoder, each setting and each protocol; and of the harder encoders."""
    sets = open_sets(SETS if scale.full else dict.fromkeys(SETS, QUICK_LIMIT), TASKS if scale.full else QUICK)
    voted = study_settings(sets, by(KNN, *(TASKS if scale.full else QUICK)))
    probed = study_settings(sets, by(PROBE, *(PROBED if scale.full else QUICK[:1])))
    trials = (
        plan_trials(voted, KINDS, WIDTHS, scale.trials(2, 1))
        + plan_trials(probed, KINDS, WIDTHS, 1)[:: scale.trials(1, 6)]
    )
    enough = open_sets(LEARNED, TASKS) if scale.full else sets
    learners = [
        FittedEncoder(at, *how)
        for at in study_settings(enough, [at.name for at in voted])
        for how in _ways(scale.trials(2, 1))
    ]
    if scale.full:
        learners += [
            FittedEncoder(at, *how) for at in study_settings(enough, [at.name for at in probed]) for how in _ways(1)
        ]
    benches, halves = StudyBenches(POLICY), StudyBenches(POLICY)
    with threadpool_limits(1), progress(len(trials) + len(learners), "functions of intensity") as advance:
        attempts, learner_attempts = [], []
        for trial in trials:
            attempts.append(Attempt(trial.at, trial.kind, judge(trial, benches)))
            advance(1)
        for learner in learners:
            learner_attempts.append(Attempt(learner.at, learner.kind, learner.judge(halves)))
            advance(1)
        matched = _on_matched_images(study_settings(sets, MATCHED), benches) if scale.full else []
    table = rows("intensity", attempts, **{"draws of the folds": POLICY.repeats_for(0)})
    return [*table, *learned_rows("intensity", learner_attempts), *matched]


def _ways(each: int) -> list[tuple[str, bool, int]]:
    return [(kind, fine, number) for kind in FITTED for fine in (False, True) for number in range(each)]


def _on_matched_images(settings: Iterable[StudySetting], benches: StudyBenches) -> list[Row]:
    """Return the row of encoders that are shown the matched images as well."""
    attempts = [
        Attempt(at, "on matched images", beyond_intensity.ask(benches.of_model(resolve_model(Waves(seed, width)), at)))
        for at in settings
        for seed, width in enumerate(WIDTHS)
    ]
    return [row("intensity", "encoders, on matched images too", attempts)] if attempts else []
