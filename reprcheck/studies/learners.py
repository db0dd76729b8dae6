"""Encoders that learned to read the label from hand-made features, on other groups than they are judged on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from reprcheck.baselines.reference import Baseline
from reprcheck.diagnostics.bench import Bench
from reprcheck.policy import Policy
from reprcheck.studies.benches import Halves, StudyBenches, StudySetting
from reprcheck.studies.functions import FITTED, fitted
from reprcheck.studies.row import Row
from reprcheck.studies.tally import Attempt, row
from reprcheck.types import Cell


@dataclass(frozen=True)
class Learner:
    """An encoder fitted to the label on one half of what folds hold out, batches or units.

    Attributes
    ----------
    at : StudySetting
    kind : str
        One of `FITTED`.
    number : int
        Of the draw.
    """

    at: StudySetting
    kind: str
    number: int

    def attempt(
        self, baseline: Baseline, ask: Callable[[Bench], Cell], benches: StudyBenches, policy: Policy
    ) -> Attempt:
        """Fit to a baseline's features, and ask a diagnostic on the half that wasn't learned from."""
        name = (f"fitted to {baseline.name}", self.kind, self.number, self.at.name)
        base = benches.baseline(self.at.dataset, self.at.task, baseline)
        halves = Halves.of(self.at, name)
        block = fitted(base, self.at.task.y, halves.learns, self.kind, name)
        return Attempt(self.at, self.kind, ask(StudyBenches(policy).of(halves.judged, block)))


def plan_learners(settings: Iterable[StudySetting], each: int) -> list[Learner]:
    """Return ``each`` learners of every kind in every setting."""
    return [Learner(at, kind, number) for at in settings for kind in FITTED for number in range(each)]


def learned_rows(study: str, attempts: Sequence[Attempt]) -> list[Row]:
    """Return a row for each protocol."""
    return [
        row(
            study,
            f"{protocol}, fitted to the label on other data",
            [attempt for attempt in attempts if attempt.at.protocol == protocol],
        )
        for protocol in dict.fromkeys(attempt.at.protocol for attempt in attempts)
    ]
