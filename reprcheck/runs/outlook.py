"""Says how long a run takes: a line before it is long, then one bar for all of it, or in a log a line a minute.

What the cache lacks is counted when the first image must be shown, or the first score computed: a run that finds all it
needs counts nothing. Only for the model that is asked about, so that no other model's code is run for an estimate.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Event, RLock, Thread

from reprcheck.models import Model
from reprcheck.progress import Screen
from reprcheck.runs.embed import Assignment
from reprcheck.runs.opponents import Pass
from reprcheck.runs.pace import Pace
from reprcheck.runs.questions import Question
from reprcheck.runs.session import Session
from reprcheck.runs.work import Rest, Stage, Verdict, Work, duration, tell_lacking
from reprcheck.types import Cell, Dataset, Setting

LONG = 20.0
"""Seconds; a run that takes less says nothing."""
PATIENCE = 5.0
"""Seconds after which a run that can't tell how long it takes says that."""
MINUTE = 60.0
"""Seconds from one line of a log to the next."""
TICK = 1.0
"""Seconds from one look at the clock to the next."""

LOG = logging.getLogger(__name__)


@dataclass
class _Asked:
    """The question that is being answered, and how long its passes took."""

    session: Session
    model: Model
    question: Question | Assignment
    begun: float
    embedding: float = 0.0
    has_scored: bool = False
    over: Event = field(default_factory=Event)


class Outlook:
    """Asks a session's questions, and says how long they take; to the session it is what makes progress bars.

    Parameters
    ----------
    pace : Pace
    plan : sequence of (Question, Dataset)
        All that will be asked.
    screen : Screen
    clock : callable
    """

    def __init__(
        self,
        pace: Pace,
        plan: Sequence[tuple[Question, Dataset]],
        screen: Screen,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.pace, self.screen, self.clock, self.work = pace, screen, clock, Work(pace)
        self._plan = {question.key: (question, dataset) for question, dataset in plan}
        self._lacking: dict[str, str] = {}
        self._asked: _Asked | None = None
        self._stage: Stage | None = None
        self._begun = self._spoken = 0.0
        self._has_announced = self._has_timed = False
        self._lock = RLock()

    def ask(self, session: Session, model: Model, dataset: Dataset, question: Question) -> tuple[Cell, Setting | None]:
        """Return what the session answers, and raise what it raises."""
        with self.during(session, model, dataset, question):
            return session.ask(model, dataset, question)

    @contextmanager
    def during(
        self, session: Session, model: Model, dataset: Dataset, question: Question | Assignment
    ) -> Iterator[None]:
        """Say how long it takes while a session answers a question, or embeds what was assigned to it."""
        asked = _Asked(session, model, question, self.clock())
        with self._lock:
            if isinstance(question, Question):
                self._plan.setdefault(question.key, (question, dataset))
            self._asked = asked
        Thread(target=self._keep_ticking, args=(asked.over,), daemon=True).start()
        try:
            yield
            if isinstance(question, Question):
                self._note(asked, Verdict.of(question, dataset, model, session.policy))
        finally:
            asked.over.set()
            with self._lock:
                self._asked = None
                self._plan.pop(question.key, None)
                self.work.close(question.key, {other.dataset for other, _ in self._plan.values()})
                self.screen.hide()
            self.pace.write()

    @contextmanager
    def __call__(self, total: int, title: str) -> Iterator[Callable[[int], None]]:
        """Follow something with a total; the title says whether it is a pass over the images."""
        with self._lock:
            stage = self._stage = Stage(title, total, self.clock)
            self._count(stage)
            self.tick()

        def advance(done: int) -> None:
            with self._lock:
                stage.advance(done)
                self.work.watch(stage)

        try:
            yield advance
        finally:
            with self._lock:
                self._stage = None
                self.work.end(stage)
                if self._asked and stage.is_pass:
                    self._asked.embedding += stage.seconds
                elif self._asked:
                    self._asked.has_scored = True

    def tick(self) -> None:
        """Say what is due now."""
        with self._lock:
            if self._asked is None or not self._lacking.get(self._asked.model.name):
                return
            now, rest = self.clock(), self.work.rest(self._stage, self._asked.question.key, self._scoring())
            self._announce(now, rest)
            if self.screen.is_terminal and now - self._asked.begun >= TICK:
                spent = now - self._begun
                share = None if rest.embedding_unknown else spent / max(spent + rest.seconds, TICK)
                to_go = "" if rest.embedding_unknown else f"{duration(rest.seconds)} to go"
                self.screen.show(self._doing(), share, self._rate("/s"), to_go)
            elif self._has_announced and not self.screen.is_terminal and now - self._spoken >= MINUTE:
                done = (
                    [f"{self._stage.done:,} of {self._stage.total:,}", self._rate(" a second")] if self._stage else []
                )
                self._say(f"{', '.join(filter(None, [self._doing(), *done]))}; {rest.tell('to go')}", now)

    def _announce(self, now: float, rest: Rest) -> None:
        """Say what the cache lacks, and how long that takes as soon as it is known; nothing before a run is long."""
        assert self._asked is not None
        elapsed, is_timed = now - self._begun, not rest.embedding_unknown
        if self._has_timed or (is_timed and elapsed + rest.seconds < LONG):
            return
        if not self._has_announced and (elapsed >= PATIENCE or (is_timed and not rest.scoring_unknown)):
            self._has_announced, self._has_timed = True, is_timed
            self._say(f"{rest.tell('on this machine')}; {self._lacking[self._asked.model.name]}", now)
        elif self._has_announced and is_timed:
            self._has_timed = True
            if not self.screen.is_terminal:
                self._say(rest.tell("to go"), now)

    def _say(self, text: str, now: float) -> None:
        self._spoken = now
        self.screen.say(f"reprcheck: {text}")

    def _count(self, stage: Stage) -> None:
        """Count what lacks for the model that is asked about, the first time that something does."""
        asked = self._asked
        if asked is None or asked.model.name in self._lacking:
            return
        model, policy = asked.model, asked.session.policy
        mine = [(question, dataset) for question, dataset in self._plan.values() if question.model == model.name]
        passes: list[Pass] = []
        for dataset in {dataset.name: dataset for _, dataset in mine}.values():
            try:
                on_it = [question for question, _ in mine if question.dataset == dataset.name]
                passes += asked.session.passes(model, dataset, on_it)
            except Exception as error:  # which comes again where it matters, and is told there
                LOG.debug("what lacks on %s isn't counted", dataset.name, exc_info=error)
        verdicts = [(question.key, Verdict.of(question, dataset, model, policy)) for question, dataset in mine]
        to_come = self.work.add(passes, verdicts)
        alone = len({question.model for question, _ in self._plan.values()}) <= 1
        lacking = tell_lacking(passes, to_come) if mine else f"missing: {stage.title}, {stage.total:,} images"
        self._lacking[model.name] = f"{'' if alone else f'{model.name}: '}{lacking}"
        self._begun, self._has_announced, self._has_timed = self.clock(), False, False

    def _note(self, asked: _Asked, verdict: Verdict) -> None:
        """Note how long a verdict took, passes aside."""
        with self._lock:
            self.pace.note([verdict.answered], self._scoring())
            if asked.has_scored or self.pace.of(verdict.names) is None:
                self.pace.note(verdict.names, self._scoring() / verdict.samples)

    def _scoring(self) -> float:
        """Return how long the question has taken, passes aside."""
        assert self._asked is not None
        under_way = self._stage.seconds if self._stage and self._stage.is_pass else 0.0
        return self.clock() - self._asked.begun - self._asked.embedding - under_way

    def _doing(self) -> str:
        if self._stage is not None:
            return self.work.tell(self._stage)
        assert self._asked is not None
        _, what, name = self._asked.question.key
        return f"judging {what}, {name}"

    def _rate(self, unit: str) -> str:
        return f"{self._stage.rate:.3g}{unit}" if self._stage and self._stage.rate else ""

    def _keep_ticking(self, over: Event) -> None:
        while not over.wait(TICK):
            self.tick()
