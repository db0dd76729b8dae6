"""What of a run is still to be done, and how long that takes by what was measured: of this run, and of earlier ones."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass

from reprcheck.code import code_digest
from reprcheck.diagnostics.bench import SCORING
from reprcheck.digest import digest
from reprcheck.models import Model
from reprcheck.policy import Policy
from reprcheck.protocols import get
from reprcheck.runs.opponents import Pass
from reprcheck.runs.pace import Pace
from reprcheck.runs.questions import Question
from reprcheck.scorecard.gate import Key
from reprcheck.types import Dataset

SETTLED = 5.0
"""Seconds of batches that say more of a pass than an earlier run does."""


@dataclass(frozen=True)
class Rest:
    """How long what is left takes: seconds, as far as they are known, and what of it isn't."""

    seconds: float
    embedding_unknown: bool
    scoring_unknown: bool

    def tell(self, where: str) -> str:
        """Return it in words, ``where`` being "on this machine" or "to go"."""
        if self.embedding_unknown:
            return f"the first batches will show how long it takes {where}"
        if not self.scoring_unknown:
            return f"about {duration(self.seconds)} {where}"
        least = f"at least {duration(self.seconds)} {where}; " if self.seconds else ""
        return f"{least}how long verdicts take isn't known yet"


@dataclass(frozen=True)
class Verdict:
    """One to come, on some samples.

    Attributes
    ----------
    names : tuple of str
        Under which its seconds a sample are noted.
    answered : str
        Under which it is noted that it was answered, so that its scores are in the cache.
    samples : int
    """

    names: tuple[str, ...]
    answered: str
    samples: int

    @classmethod
    def of(cls, question: Question, dataset: Dataset, model: Model, policy: Policy) -> Verdict:
        """Return what is to be known of a question before it is asked."""
        made_of = model.digest, dataset.digest, code_digest(type(get(question.protocol)).__module__)
        rules = policy.twins, policy.repeats, list(policy.baselines)
        name = f"{question.protocol} {question.diagnostic}"
        answered = digest("answered", list(question.key), *made_of, *rules)
        return cls((f"{name} {model.name}", name), answered, len(dataset.tasks[question.task].rows))


class Stage:
    """Something with a total, being done.

    Parameters
    ----------
    title : str
    total : int
    clock : callable
    """

    def __init__(self, title: str, total: int, clock: Callable[[], float]) -> None:
        self.title, self.total, self.clock = title, total, clock
        self.begun = self._last = clock()
        self.done = 0
        self._first: tuple[float, int] | None = None

    def advance(self, done: int) -> None:
        """Count what has been done since last time."""
        self.done, self._last = self.done + done, self.clock()
        if self._first is None:
            self._first = self._last, self.done  # before it networks were built

    @property
    def is_pass(self) -> bool:
        """Whether images are shown to encoders."""
        return not self.title.startswith(SCORING)

    @property
    def seconds(self) -> float:
        """How long it has taken so far."""
        return self.clock() - self.begun

    @property
    def rate(self) -> float:
        """How much is done in a second; 0 where that isn't known."""
        return self.done / self.seconds if self.seconds > 0 else 0.0

    def foresee(self) -> tuple[float, float] | None:
        """Return how many seconds the whole takes by its batches but the first, and of how many that is known."""
        if self._first is None or self.done == self._first[1]:
            return None
        measured = self._last - self._first[0]
        return measured * self.total / (self.done - self._first[1]), measured


class Work:
    """Passes over images and verdicts that a run has before it.

    Parameters
    ----------
    pace : Pace
        How long such things took.
    """

    def __init__(self, pace: Pace) -> None:
        self.pace = pace
        self.passes: dict[str, Pass] = {}
        self.verdicts: dict[Key, Verdict] = {}
        self.made: set[str] = set()
        self._known: set[str] = set()

    def add(self, passes: Iterable[Pass], verdicts: Iterable[tuple[Key, Verdict]]) -> int:
        """Add what a model needs, but what is there already; return how many verdicts that leaves to come."""
        self.passes |= {one.title: one for one in passes if any(one.lacking) and one.title not in self.made}
        self._known = {title for title, one in self.passes.items() if self.pace.of(_names(one)) is not None}
        new = {key: one for key, one in verdicts if self.pace.of([one.answered]) is None}
        self.verdicts |= new
        return len(new)

    def watch(self, stage: Stage) -> None:
        """Learn from a pass under way how long it takes."""
        one, foreseen = self.passes.get(stage.title), stage.foresee()
        if one is not None and foreseen is not None:
            seconds, measured = foreseen
            if measured >= SETTLED or stage.title not in self._known:
                self.pace.note(_names(one)[:2], seconds / sum(one.lacking))

    def end(self, stage: Stage) -> None:
        """Note how long a pass took."""
        one = self.passes.get(stage.title)
        if one is not None and stage.done == stage.total:
            self.made.add(stage.title)
            self.pace.note(_names(one)[:2], stage.seconds / sum(one.lacking))

    def close(self, key: Key, datasets: Collection[str]) -> None:
        """Forget a verdict, and all passes but those over datasets that are still asked about."""
        self.verdicts.pop(key, None)
        self.passes = {title: one for title, one in self.passes.items() if one.dataset in datasets}

    def rest(self, stage: Stage | None, asked: tuple[str, str, str], spent: float) -> Rest:
        """Return how long what is left takes.

        Parameters
        ----------
        stage : Stage or None
            What is being done.
        asked : (str, str, str)
            Key of the verdict that is being worked at, into which ``spent`` seconds have gone, passes aside.
        """
        seconds, embedding_unknown, scoring_unknown = 0.0, False, False
        for title, one in self.passes.items():
            if title not in self.made:
                pace = self.pace.of(_names(one))
                embedding_unknown |= pace is None
                left = 1 - stage.done / stage.total if stage and stage.title == title else 1.0
                seconds += sum(one.lacking) * left * (pace or 0.0)
        if stage and stage.is_pass and stage.title not in self.passes:  # such as those of a part of the samples
            foreseen = stage.foresee()
            embedding_unknown |= foreseen is None
            seconds += foreseen[0] * (1 - stage.done / stage.total) if foreseen else 0.0
        for key, verdict in self.verdicts.items():
            pace = self.pace.of(verdict.names)
            scoring_unknown |= pace is None
            if pace is None and key == asked and stage and not stage.is_pass and (foreseen := stage.foresee()):
                seconds += foreseen[0] * (1 - stage.done / stage.total)
            seconds += max(0.0, verdict.samples * (pace or 0.0) - (spent if key == asked else 0.0))
        return Rest(seconds, embedding_unknown, scoring_unknown)

    def tell(self, stage: Stage) -> str:
        """Return what is being done, in words."""
        if stage.title not in self.passes:
            return stage.title
        return f"embedding {len(self.made) + 1} of {len(self.made | self.passes.keys())}, {stage.title}"


def tell_lacking(passes: Iterable[Pass], verdicts: int) -> str:
    """Return in words what the cache lacks of passes, and how many verdicts are to come."""
    lacking: dict[str, list[int]] = {}
    for one in passes:
        lacking.setdefault(one.dataset, []).extend(one.lacking)
    counts = [n for of_dataset in lacking.values() for n in of_dataset]
    missing = [f"{name} {max(ns):,} images × {sum(map(bool, ns))} encoders" for name, ns in lacking.items() if any(ns)]
    missing += [f"{verdicts} verdicts"] if verdicts else []
    return f"{counts.count(0)} of {len(counts)} encoders cached; missing: {', '.join(missing)}"


def duration(seconds: float) -> str:
    """Return a time in words, as exact as an estimate is.

    Examples
    --------
    >>> [duration(seconds) for seconds in (3, 47, 130, 2400, 6000, 40000)]
    ['10 s', '50 s', '3 min', '40 min', '2 h', '12 h']
    """
    seconds = round(seconds)
    if seconds < 100:
        return f"{max(1, math.ceil(seconds / 10)) * 10} s"
    if seconds < 5400:
        return f"{math.ceil(seconds / 60)} min"
    hours = math.ceil(seconds / 1800) / 2
    return f"{hours:g} h" if hours < 10 else f"{math.ceil(hours)} h"


def _names(one: Pass) -> tuple[str, ...]:
    """Return under which names the seconds of a pass are looked for: its own, elsewhere, on images as they are."""
    plain = one.what.removesuffix(", matched")
    return one.title, one.what, one.title.removesuffix(", matched"), plain
