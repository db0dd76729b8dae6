"""One pytest session of the gate: asks in a child of whichever process a test runs in, decides in the controller.

The report folder is this run's from the first moment: its scorecards say `undecided` until all verdicts are in, and the
exit status is 0 only where this run has written a release.
"""

from __future__ import annotations

from collections.abc import Collection, Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from reprcheck.errors import Option, UserError, printable
from reprcheck.exits import Exit
from reprcheck.pytest_plugin.options import REPORT_DIR, Spelling

if TYPE_CHECKING:
    from reprcheck.pytest_plugin.request import Request
    from reprcheck.runs.child import Answer, Child
    from reprcheck.runs.questions import Question
    from reprcheck.scorecard.gate import Key
    from reprcheck.scorecard.report_folder import Report, ReportFolder
    from reprcheck.types import Scorecard

UNANSWERED = "not answered: the ERROR below says what to put right"
"""What each question that a mistake spoils shows; the mistake itself is shown once."""
NO_MODEL = UserError(
    Option("model"),
    "no model given, so there is nothing to judge",
    ("add ", Option("model", "demo"), ", or ", Option("model", "SPEC"), " for your own"),
)
COLLECT_ONLY = ("--co", "--collect-only", "--collectonly")
NO_VERDICT = "reprcheck: this run has released nothing, so its exit status is not 0"


class Run:
    """State of a session, and the hooks that need it.

    Attributes
    ----------
    request : Request or None
        None where no model was named.
    answers : list of Answer
    troubles : dict of key to str
        Why a cell has no verdict, where its test ended without one.
    failed : set of str
        Models that a failed test speaks of.
    plan : list of Question
        Those of the tests that will be run.
    unreported : list of UserError
        Why reports beside the scorecards are missing. They change no verdict.
    may_be_green : bool
        Whether exit status 0 would tell the truth: a release was written, or tests were only listed, as asked by hand.
    """

    def __init__(self, config: pytest.Config, spelling: Spelling) -> None:
        self.config, self.spelling = config, spelling
        self.request: Request | None = None
        self.answers: list[Answer] = []
        self.troubles: dict[Key, str] = {}
        self.failed: set[str] = set()
        self.scorecards: list[Scorecard] = []
        self.mistakes: set[str] = set()
        self.unreported: list[UserError] = []
        self.no_model = False
        self.plan: list[Question] = []
        self.today = date.today()
        self.may_be_green = self.only_collects and any(a in COLLECT_ONLY for a in config.invocation_params.args)
        self._spoilt: dict[tuple[str, str], Answer] = {}

    @property
    def is_worker(self) -> bool:
        """Whether this process is one of xdist's workers."""
        return hasattr(self.config, "workerinput")

    @property
    def only_collects(self) -> bool:
        """Whether tests are listed, and not run."""
        return bool(self.config.option.collectonly)

    @cached_property
    def folder(self) -> ReportFolder:
        """Where this run reports to."""
        from reprcheck.scorecard.collect import new_run_id
        from reprcheck.scorecard.report_folder import ReportFolder

        path = Path(self.config.getoption("reprcheck_report_dir") or REPORT_DIR)
        return ReportFolder(path, self.config.getoption("reprcheck_run_id") or new_run_id())

    @cached_property
    def reports(self) -> Sequence[Report]:
        """What is written beside each scorecard; nothing where one can't be had, which `begin` tells."""
        from reprcheck.reporters.reporter import choose_reports

        try:
            return choose_reports(self.config.getoption("reprcheck_reports"))
        except UserError as mistake:
            self.unreported.append(mistake)
            return ()

    @cached_property
    def child(self) -> Child:
        """The process that answers what this one asks."""
        from reprcheck.runs.child import Child, Setup

        assert self.request is not None
        request = self.request
        setup = Setup(
            request.models,
            request.datasets,
            request.policy,
            request.cache,
            self.today,
            self.spelling,
            self.plan,
            quiet=self.is_worker,
            debug=bool(self.config.getoption("reprcheck_debug")),
            batch_timeout=request.batch_timeout,
            engine=request.engine,
        )
        return Child(setup, self._newline)

    def begin(self) -> None:
        """Take the report folder, and read what is asked for before anything is collected.

        Raises
        ------
        UserError
            For what can't be honoured; the folder then says that nothing is decided, and why.
        """
        from reprcheck.pytest_plugin.request import read_request

        specs = self.config.getoption("reprcheck_model")
        self._mark_undecided("the run hasn't ended", {" ".join(specs): ", ".join(specs)})
        try:
            if self.unreported:
                raise self.unreported[0]
            self.request = read_request(self.config)
        except UserError as mistake:
            self._mark_undecided(mistake.line(self.spelling), {" ".join(specs): ", ".join(specs)})
            raise
        self._mark_undecided("the run hasn't ended")

    def questions_of(self, diagnostics: Collection[str]) -> Sequence[Question]:
        """Return the required cells of diagnostics; a gate without a model is noted, and refused after collection."""
        if self.request is None:
            self.no_model = True
            return []
        return [question for question in self.request.required if question.diagnostic in diagnostics]

    def answer(self, question: Question, node: pytest.Item) -> None:
        """Ask, attach the answer to the test, and end the test as the verdict demands.

        What spoils a model on a dataset, a mistake of the user's or the end of the process, isn't tried again.
        """
        from reprcheck.pytest_plugin.outcomes import attach_answer, conclude

        assert self.request is not None
        pair = (question.model, question.dataset)
        if pair in self._spoilt:
            answer = self._spoilt[pair].of(question)
        else:
            with self._uncaptured():
                answer = self.child.ask(question)
            if answer.mistake or answer.died:
                self._spoilt[pair] = answer
        attach_answer(node, answer)
        if answer.cell is None:
            pytest.fail(UNANSWERED, pytrace=False)
        conclude(answer.cell, answer.setting, self.request.policy)

    def _newline(self) -> None:
        """Let progress be shown below the line that pytest is writing, not over it."""
        reporter = self.config.pluginmanager.getplugin("terminalreporter")
        if reporter is not None:
            reporter.ensure_newline()

    @contextmanager
    def _uncaptured(self) -> Iterator[None]:
        """Let progress bars reach the terminal while pytest captures."""
        capture = self.config.pluginmanager.getplugin("capturemanager")
        if capture is None or self.is_worker:
            yield
        else:
            with capture.global_and_fixture_disabled():
                yield

    def pytest_report_header(self) -> list[str]:
        """Say what is judged, on what, by which policy."""
        if self.request is None:
            return []
        limit = self.config.getoption("reprcheck_limit")
        cut = f", at most {limit} samples a task" if limit else ""
        return [
            printable(f"reprcheck: {', '.join(self.request.models)} on {', '.join(self.request.datasets)}{cut}"),
            printable(f"reprcheck: policy {self.request.policy_path}, cache {self.request.cache.folder}"),
        ]

    def pytest_itemcollected(self, item: pytest.Item) -> None:
        """Let every report of a test say which cell it is about, however the test ends."""
        question = self._question_of(item)
        if question is not None:
            from reprcheck.pytest_plugin.outcomes import attach_question

            attach_question(item, question)

    def _question_of(self, item: pytest.Item) -> Question | None:
        """Return which required cell a test asks for."""
        question: Any = getattr(getattr(item, "callspec", None), "params", {}).get("reprcheck_question")
        return question if self.request and question in self.request.required else None

    def pytest_collection_modifyitems(self) -> None:
        """Refuse to run the gate on nothing; a worker leaves that to the controller."""
        if self.no_model and not self.only_collects:
            if not self.is_worker:
                self._mark_undecided(NO_MODEL.line(self.spelling), {"": "no model"})
                raise pytest.UsageError(NO_MODEL.line(self.spelling))
            self.config.workeroutput["reprcheck_no_model"] = True  # type: ignore[attr-defined]

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Note what will be asked, which tells how long it takes."""
        questions = map(self._question_of, session.items)
        self.plan = [question for question in questions if question is not None]

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Take over what an xdist worker found at collection."""
        if getattr(node, "workeroutput", {}).get("reprcheck_no_model"):
            self.mistakes.add(NO_MODEL.line(self.spelling))

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_make_scheduler(self, config: pytest.Config, log: Any) -> Any:
        """Keep a model on one worker."""
        if self.request is None:
            return None
        from reprcheck.pytest_plugin.scheduling import ModelScheduling

        return ModelScheduling(config, log)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Collect what tests report, wherever they ran."""
        if not report.user_properties:
            return
        from reprcheck.pytest_plugin.outcomes import answers, questions, trouble

        answers_in = answers(report)
        if report.when == "call":
            self.answers += answers_in
            self.mistakes |= {answer.mistake for answer in answers_in if answer.mistake}
        problem = None if answers_in else trouble(report)
        self.troubles |= {key: problem for key in questions(report) if problem}
        self.failed |= {model for model, _, _ in questions(report) if report.failed}

    def pytest_report_teststatus(self, report: Any) -> Any:
        """Give inconclusive and not applicable verdicts their own word and count."""
        if not getattr(report, "user_properties", None):
            return None
        from reprcheck.pytest_plugin.outcomes import status_word

        return status_word(report)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> Generator[None, None, None]:
        """Decide and write the scorecards before other reports are written, set the exit status after all of them."""
        if "child" in vars(self):
            self.child.close()
        stopped = session.exitstatus in (pytest.ExitCode.INTERRUPTED, pytest.ExitCode.INTERNAL_ERROR)
        decides = not (self.is_worker or stopped or self.only_collects) and bool(self.request or self.mistakes)
        if decides:
            self._decide()
        yield
        if self.mistakes and decides:
            session.exitstatus = Exit.MISTAKE
        elif decides and session.exitstatus in (0, 1) and not self.may_be_green:
            outcomes = {card.gate.outcome for card in self.scorecards}
            short = outcomes <= {"released", "not_enough_evidence"}
            session.exitstatus = Exit.NOT_ENOUGH_EVIDENCE if short else Exit.BLOCKED
        elif decides and session.exitstatus == 0 and self.unreported:
            session.exitstatus = Exit.MISTAKE

    def _decide(self) -> None:
        """Write the scorecards; where a mistake of the user's stands in their place, say that nothing is decided."""
        try:
            if not self.mistakes:
                self.scorecards = self._collect()
                self.unreported += self.folder.replace(self.scorecards, self.reports)
        except UserError as mistake:
            self.mistakes.add(mistake.line(self.spelling))
        if self.mistakes:
            with suppress(UserError):  # told already, where the folder can't be written
                self._mark_undecided("; ".join(sorted(self.mistakes)), None if self.request else {"": "no model"})
            return
        self.may_be_green = all(card.gate.released for card in self.scorecards)
        for card in self.scorecards:
            if not card.gate.released and card.model["name"] not in self.failed:
                self._report_blocked(card)

    def _report_blocked(self, card: Scorecard) -> None:
        """Fail in the name of a gate that no failed test speaks for, so that JUnit and the short summary say so too."""
        name = f"gate[{card.model['name']}]"
        why = "\n".join(card.gate.blocked_by)
        report = pytest.TestReport(name, ("reprcheck", None, name), {}, "failed", why, "call")
        self.config.hook.pytest_runtest_logreport(report=report)

    def _collect(self) -> list[Scorecard]:
        """Return each model's scorecard of all verdicts that are in."""
        from reprcheck.scorecard.collect import UNKNOWN, provenance, scorecard
        from reprcheck.types import Cell

        assert self.request is not None
        received = [(answer.cell, answer.setting) for answer in self.answers if answer.cell]
        answered = {(cell.model, cell.setting, cell.diagnostic) for cell, _ in received}
        unanswered = {key: why for key, why in self.troubles.items() if key not in answered}
        verdicts = [*received, *((Cell.without_evidence(*key, "error", why), None) for key, why in unanswered.items())]
        required, cards = [question.key for question in self.request.required], []
        for model in self.request.models.values():
            mine = [answer for answer in self.answers if answer.model == model.name]
            digest = next((answer.digest for answer in mine if answer.digest != UNKNOWN), UNKNOWN)
            timings = {f"{a.cell.setting} {a.cell.diagnostic}": a.seconds for a in mine if a.cell}
            run = provenance(self.folder.run_id, timings, next((a.device for a in mine), "none"))
            identity = {"spec": model.spec, "name": model.name, "digest": digest}
            cards.append(scorecard(identity, self.request.policy, verdicts, required, run, self.today))
        return cards

    def _mark_undecided(self, why: str, specs_named: dict[str, str] | None = None) -> None:
        """Say in the report folder that nothing is decided; of models named so, where they aren't known yet."""
        if self.is_worker:
            return
        from reprcheck.models.model import safe
        from reprcheck.policy import Policy
        from reprcheck.scorecard.collect import UNKNOWN, provenance, undecided

        if specs_named is None:
            assert self.request is not None
            identities = [{"spec": m.spec, "name": m.name, "digest": UNKNOWN} for m in self.request.models.values()]
        else:
            identities = [{"spec": spec, "name": safe(name), "digest": UNKNOWN} for spec, name in specs_named.items()]
        policy = self.request.policy if self.request else Policy()
        run = provenance(self.folder.run_id, {}, "none")
        cards = [undecided(identity, policy, run, why) for identity in identities]
        self.unreported += self.folder.replace(cards, self.reports)

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Show the mistakes, each in one line, or else the scorecards and where they lie."""
        from reprcheck.reporters.terminal import TerminalReport
        from reprcheck.scorecard.document import NAME

        for mistake in sorted(self.mistakes):
            terminalreporter.write_line(f"ERROR: {mistake}", red=True)
        width, color = terminalreporter._tw.fullwidth, terminalreporter.hasmarkup
        for card in self.scorecards:
            terminalreporter.section(f"scorecard of {card.model['name']}")
            for line in TerminalReport(card).lines(width, color):
                terminalreporter.write_line(line)
            where = self.folder.of(card, self.scorecards)
            files = [NAME, *(report.file for report in self.reports if (where / report.file).is_file())]
            terminalreporter.write_line(printable(f"written to {where}: {', '.join(files)}"))
        for missing in sorted({one.line(self.spelling) for one in self.unreported}):
            terminalreporter.write_line(f"ERROR: {missing}", red=True)


class Asker:
    """What a benchmark holds: one required cell, waiting to be asked."""

    def __init__(self, run: Run, question: Question, node: pytest.Item) -> None:
        self._run, self._question, self._node = run, question, node

    def must_pass(self) -> None:
        """Ask; the test fails where the verdict blocks, and is skipped or xfailed where it is no pass either."""
        self._run.answer(self._question, self._node)
