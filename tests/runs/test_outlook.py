"""What a run says of how long it takes, by a clock that the test sets."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import pairwise
from types import SimpleNamespace

import pytest

from reprcheck.policy import Policy
from reprcheck.runs.embed import Assignment
from reprcheck.runs.opponents import Pass
from reprcheck.runs.outlook import Outlook
from reprcheck.runs.pace import Pace
from reprcheck.runs.questions import Question
from reprcheck.runs.work import Rest
from tests.tasks import classify_task

TASK = classify_task()  # of 72 samples
PASSES = [
    Pass("mini", "baselines", "mini: baselines", (0, 0, 0)),
    Pass("mini", "toy and 5 untrained", "mini: toy and 5 untrained", (0, 400, 400)),
    Pass("mini", "toy and 5 untrained, matched", "mini: toy and 5 untrained, matched", (400,) * 3),
]
MISSING = "4 of 9 encoders cached; missing: mini 400 images × 5 encoders, 2 verdicts"
DATASET = SimpleNamespace(name="mini", digest="d", tasks={"made": TASK})
QUESTIONS = [Question("toy", "mini", "made", "knn/1", name) for name in ("beats_untrained", "beyond_intensity")]


@dataclass
class Screen:
    """Notes what it is told, and when."""

    is_terminal: bool = False
    now: float = 0.0
    lines: list[tuple[float, str]] = field(default_factory=list)
    bars: list[tuple[str, float | None, str, str]] = field(default_factory=list)

    def say(self, line):
        self.lines.append((self.now, line.removeprefix("reprcheck: ")))

    def show(self, *bar):
        self.bars.append(bar)

    def hide(self):
        pass


@dataclass
class Run:
    """A run of two questions that embed and score; ``passes`` is what lacks before it."""

    pace: Pace
    screen: Screen
    passes: list[Pass] = field(default_factory=lambda: PASSES)
    policy: Policy = field(default_factory=Policy)
    model: SimpleNamespace = field(default_factory=lambda: SimpleNamespace(name="toy", digest="m"))
    questions: list[Question] = field(default_factory=lambda: QUESTIONS)
    counted: int = 0

    def start(self, embedding=(), scoring=()):
        """Answer the first question: seconds for each tenth of the passes that lack something, and for each score."""
        plan = [(question, DATASET) for question in self.questions]
        self.outlook = Outlook(self.pace, plan, self.screen, lambda: self.screen.now)
        self.session = SimpleNamespace(ask=self._ask, passes=self._passes, policy=self.policy)
        self.steps = embedding, scoring
        return self.next(self.questions[0])

    def next(self, question, *steps):
        self.steps = steps or self.steps
        return self.outlook.ask(self.session, self.model, DATASET, question)

    def _passes(self, model, dataset, questions):
        self.counted += 1
        yield from self.passes

    def _ask(self, model, dataset, question):
        embedding, scoring = self.steps
        for one, seconds in zip([one for one in self.passes if any(one.lacking)], embedding, strict=False):
            self._follow(max(one.lacking), one.title, [seconds] * 10)
        if scoring:
            self._follow(len(scoring), "scoring mini:made/knn/1", scoring)
        return "cell", None

    def _follow(self, total, title, steps):
        with self.outlook(total, title) as advance:
            for seconds in steps:
                for _ in range(max(1, round(seconds))):  # as often as the clock is looked at
                    self.screen.now += seconds / max(1, round(seconds))
                    self.outlook.tick()
                advance(total // len(steps))
                self.outlook.tick()


@pytest.fixture
def run(tmp_path):
    return Run(Pace(tmp_path), Screen())


def know(pace, seconds=0.5):
    """Note what an earlier run took: for an image and an encoder, and for a verdict a sample."""
    pace.note([one.title for one in PASSES], seconds)
    pace.note([f"knn/1 {question.diagnostic}" for question in QUESTIONS], 1.0)


def test_a_long_run_says_so_before_it_begins(run):
    know(run.pace)
    run.start(embedding=[1], scoring=[1])
    assert run.screen.lines[0] == (0.0, f"about 20 min on this machine; {MISSING}")  # 2,000 × 0.5 s and 2 × 72 s


def test_a_run_that_finds_everything_counts_nothing(run):
    run.start()
    assert (run.screen.lines, run.counted) == ([], 0)


@pytest.mark.parametrize("is_known", [True, False])
def test_a_short_run_says_nothing(run, is_known):
    if is_known:
        run.pace.note([one.title for one in PASSES], 0.005)
        run.pace.note([f"knn/1 {question.diagnostic}" for question in QUESTIONS], 0.01)
    run.start(embedding=[0.4, 0.4], scoring=[1])
    run.next(QUESTIONS[1], [], [2])
    assert (run.screen.now, run.counted) == (pytest.approx(11), 1)
    assert run.screen.lines == []


def test_a_run_of_which_nothing_is_known_says_how_long_after_its_first_batches(run):
    run.start(embedding=[6, 6])
    assert run.screen.lines[:2] == [
        (5.0, f"the first batches will show how long it takes on this machine; {MISSING}"),
        (12.0, "at least 3 min to go; how long verdicts take isn't known yet"),
    ]


def test_no_time_is_made_up_for_verdicts_that_were_never_timed():
    assert Rest(0.0, False, True).tell("to go") == "how long verdicts take isn't known yet"
    assert Rest(30.0, False, True).tell("to go") == "at least 30 s to go; how long verdicts take isn't known yet"


def test_scores_that_were_never_timed_show_how_long_they_take(run):
    run.passes = [replace(one, lacking=(0,) * len(one.lacking)) for one in PASSES]
    run.start(scoring=[100] * 4)
    said = dict(run.screen.lines)
    assert said[20] == "how long verdicts take isn't known yet; 9 of 9 encoders cached; missing: 2 verdicts"
    assert said[260].endswith("2 of 4, 0.00769 a second; at least 4 min to go; how long verdicts take isn't known yet")


def test_what_was_measured_is_what_the_next_run_says(run, tmp_path):
    run.start(embedding=[10, 20], scoring=[16, 20])
    run.next(QUESTIONS[1], [], [36])
    later = Run(Pace(tmp_path), Screen(), policy=Policy(repeats=2))  # whose scores aren't there
    later.start(embedding=[1], scoring=[1])
    assert later.screen.lines[0] == (0.0, f"about 7 min on this machine; {MISSING}")  # 100 + 200 + 36 + 36 s


def test_verdicts_that_were_answered_before_are_not_to_come(run, tmp_path):
    know(run.pace)
    run.start(scoring=[1])
    later = Run(Pace(tmp_path), Screen())
    later.start(embedding=[1], scoring=[1])
    assert later.screen.lines[0][1].endswith("5 encoders, 1 verdicts")


def test_a_log_gets_a_line_a_minute(run):
    know(run.pace)
    run.start(embedding=[20, 20], scoring=[80])
    times, lines = zip(*run.screen.lines, strict=True)
    assert times == (0, 60, 120, 180, 240, 300, 360, 420, 480)
    doing = "embedding 1 of 2, mini: toy and 5 untrained, 200 of 400, 1.67 a second"
    assert lines[2] == f"{doing}; about 15 min to go"  # 100 s as its own batches took; 600 s as known, and 144 s
    assert lines[-1].startswith("scoring mini:made/knn/1, 0 of 1; about ")


def test_a_terminal_has_a_bar_of_the_whole_run(run):
    know(run.pace)
    run.screen.is_terminal = True
    run.start(embedding=[20, 20], scoring=[80])
    assert len(run.screen.lines) == 1
    doing, share, rate, to_go = run.screen.bars[119]
    assert (doing, rate, to_go) == ("embedding 1 of 2, mini: toy and 5 untrained", "1.74/s", "15 min to go")
    assert share == pytest.approx(120 / (120 + 80 + 600 + 144), rel=0.1)
    shares = [share for _, share, _, _ in run.screen.bars]
    assert all(later > sooner - 0.05 for sooner, later in pairwise(shares))


def test_the_model_is_named_where_there_are_several(run):
    know(run.pace)
    run.questions = [*QUESTIONS, replace(QUESTIONS[0], model="other")]
    run.start(embedding=[1])
    assert "; toy: 4 of 9 encoders cached" in run.screen.lines[0][1]


def test_what_fails_while_it_is_counted_changes_no_answer(run):
    def fail(model, dataset, questions):
        raise RuntimeError("no weights today")
        yield

    run._passes = fail
    assert run.start(embedding=[3], scoring=[2, 2]) == ("cell", None)


def test_what_a_question_raises_is_raised(run):
    def fail(model, dataset, question):
        raise KeyError("no such task")

    run._ask = fail
    with pytest.raises(KeyError, match="no such task"):
        run.start()


def test_what_is_embedded_ahead_is_measured_as_it_goes(run):
    run.outlook = Outlook(run.pace, [], run.screen, lambda: run.screen.now)
    title, session = "mini 1/2: toy and what it meets", SimpleNamespace(policy=Policy())
    with run.outlook.during(session, run.model, DATASET, Assignment("toy", "mini")):
        run._follow(400, title, [10] * 10)
    assert run.screen.lines == [
        (5.0, f"the first batches will show how long it takes on this machine; missing: {title}, 400 images"),
        (20.0, "about 80 s to go"),
        (80.0, f"{title}, 280 of 400, 3.5 a second; about 30 s to go"),
    ]
