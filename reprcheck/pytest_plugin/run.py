"""One pytest session of the gate: asks in whichever process a test runs, collects and decides in the controller."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from reprcheck.errors import Option, UserError
from reprcheck.pytest_plugin.options import Spelling
from reprcheck.pytest_plugin.outcomes import PROPERTY, Received, conclude, received, status_word
from reprcheck.types import Scorecard

if TYPE_CHECKING:
    from reprcheck.pytest_plugin.request import Request
    from reprcheck.session import Question, Session

RELEASED, BLOCKED, USAGE = 0, 1, 4
"""Exit statuses of the gate."""

NO_MODEL = UserError(
    Option("model"),
    "no model given, so there is nothing to judge",
    ("add ", Option("model", "demo"), ", or ", Option("model", "SPEC"), " for your own"),
)


class Run:
    """State of a session, and the hooks that need it; ``request`` is None where no model was named."""

    def __init__(self, config: pytest.Config, request: Request | None, spelling: Spelling) -> None:
        self.config, self.request, self.spelling = config, request, spelling
        self.received: list[Received] = []
        self.scorecards: list[Scorecard] = []
        self.mistakes: set[str] = set()
        self.no_model = self.others_failed = False
        self.today = date.today()
        self._spoilt: dict[tuple[str, str], UserError] = {}

    @property
    def is_worker(self) -> bool:
        """Whether this process is one of xdist's workers."""
        return hasattr(self.config, "workerinput")

    @cached_property
    def session(self) -> Session:
        """What this process has computed."""
        from reprcheck.session import Session

        assert self.request is not None
        return Session(self.request.policy, self.request.cache, self._bar, self.today)

    def _bar(self, total: int, title: str) -> AbstractContextManager[Callable[[int], None]]:
        """Show progress below the line that pytest is writing, not over it."""
        from reprcheck.progress import bar

        reporter = self.config.pluginmanager.getplugin("terminalreporter")
        if reporter is not None and sys.stderr.isatty():
            reporter.ensure_newline()
        return bar(total, title)

    def questions_of(self, diagnostic: str) -> Sequence[Question]:
        """Return the required cells of a diagnostic; a gate without a model is noted, and refused after collection."""
        if self.request is None:
            self.no_model = True
            return []
        return [question for question in self.request.required if question.diagnostic == diagnostic]

    def answer(self, question: Question, node: pytest.Item) -> None:
        """Ask, attach the verdict to the test, and end the test as the verdict demands.

        A mistake of the user's spoils a model on a dataset: it isn't made again for the next question.
        """
        from reprcheck.models import device_name

        assert self.request is not None
        pair, start = (question.model, question.dataset), time.perf_counter()
        try:
            if pair in self._spoilt:
                raise self._spoilt[pair]
            with self._uncaptured():
                model, dataset = self.request.models[question.model], self.request.datasets[question.dataset]
                cell, setting = self.session.ask(model, dataset, question)
        except UserError as mistake:
            self._spoilt[pair], line = mistake, mistake.line(self.spelling)
            node.user_properties.append((PROPERTY, Received(question.model, mistake=line).dumps()))
            pytest.fail(line, pytrace=False)
        seconds = time.perf_counter() - start
        node.user_properties.append((PROPERTY, Received(question.model, seconds, device_name(), cell, setting).dumps()))
        conclude(cell)

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
            f"reprcheck: {', '.join(self.request.models)} on {', '.join(self.request.datasets)}{cut}",
            f"reprcheck: policy {self.request.policy_path}, cache {self.request.cache.folder}",
        ]

    def pytest_collection_modifyitems(self) -> None:
        """Refuse to run the gate on nothing; a worker leaves that to the controller."""
        if self.no_model and not self.config.option.collectonly:
            if not self.is_worker:
                raise pytest.UsageError(NO_MODEL.line(self.spelling))
            self.config.workeroutput["reprcheck_no_model"] = True  # type: ignore[attr-defined]

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
        found = received(report) if report.when == "call" else []
        self.received += found
        self.mistakes |= {r.mistake for r in found if r.mistake}
        self.others_failed |= report.failed and not any(r.cell or r.mistake for r in found)

    def pytest_report_teststatus(self, report: Any) -> Any:
        """Give inconclusive and not applicable verdicts their own word and count."""
        return status_word(report)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Decide, write the scorecards, set the exit status; in the controller, once all verdicts are in."""
        gate_ran = self.request is not None and not self.config.option.collectonly
        if self.is_worker or session.exitstatus not in (0, 1, 5) or not (gate_ran or self.mistakes):
            return
        if not self.mistakes:
            self.scorecards = self._scorecards()
            try:
                self._write()
            except UserError as mistake:
                self.mistakes.add(mistake.line(self.spelling))
        if self.mistakes:
            session.exitstatus = USAGE
        elif self.others_failed or not all(card.gate.released for card in self.scorecards):
            session.exitstatus = BLOCKED
        else:
            session.exitstatus = RELEASED

    def _scorecards(self) -> list[Scorecard]:
        from reprcheck.session import identity, provenance, scorecard

        assert self.request is not None
        cards = []
        for model in self.request.models.values():
            mine = [r for r in self.received if r.model == model.name and r.cell and r.setting]
            timings = {f"{r.cell.setting} {r.cell.diagnostic}": r.seconds for r in mine if r.cell}
            run = provenance(timings, mine[0].device if mine else None)
            verdicts = [(r.cell, r.setting) for r in mine if r.cell and r.setting]
            policy, required = self.request.policy, self.request.required
            cards.append(scorecard(identity(model), policy, verdicts, required, run, self.today))
        return cards

    def _write(self) -> None:
        from reprcheck.reporters.markdown import write_markdown
        from reprcheck.scorecard.document import write

        for card in self.scorecards:
            write(card, self.folder(card))
            write_markdown(card, self.folder(card))

    def folder(self, card: Scorecard) -> Path:
        """Return where a scorecard goes: the report folder, or where there are several models a folder each in it."""
        assert self.request is not None
        several = len(self.request.models) > 1
        return self.request.report_dir / card.model["name"] if several else self.request.report_dir

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Show the mistakes, each in one line, or else the scorecards and where they lie."""
        from reprcheck.reporters.terminal import TerminalReport

        for mistake in sorted(self.mistakes):
            terminalreporter.write_line(f"ERROR: {mistake}", red=True)
        width, color = terminalreporter._tw.fullwidth, terminalreporter.hasmarkup
        for card in self.scorecards:
            terminalreporter.section(f"scorecard of {card.model['name']}")
            for line in TerminalReport(card).lines(width, color):
                terminalreporter.write_line(line)
            terminalreporter.write_line(f"written to {self.folder(card)}: scorecard.json, scorecard.md")


class Asker:
    """What a benchmark holds: one required cell, waiting to be asked."""

    def __init__(self, run: Run, question: Question, node: pytest.Item) -> None:
        self._run, self._question, self._node = run, question, node

    def must_pass(self) -> None:
        """Ask; the test passes, fails, or ends inconclusive, not applicable or, where it is waived, xfailed."""
        self._run.answer(self._question, self._node)
