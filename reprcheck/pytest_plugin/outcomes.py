"""A verdict as a test outcome, and how it travels: JSON strings in the report's ``user_properties``.

Under xdist a report that can't be serialised is lost without a sound, so nothing but strings is ever attached.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from _pytest.outcomes import Failed, Skipped

from reprcheck.diagnostics.diagnostic import Diagnostic
from reprcheck.errors import printable
from reprcheck.policy import Policy
from reprcheck.registry import DIAGNOSTICS
from reprcheck.runs.child import Answer
from reprcheck.runs.questions import Question
from reprcheck.scorecard.gate import Key, blocks
from reprcheck.types import Cell, Setting

ANSWER, QUESTION = "reprcheck-answer", "reprcheck-question"


class Inconclusive(Failed):
    """The data can't tell, and that blocks."""


class LeftOpen(Skipped):
    """The data can't tell, and that blocks nothing."""


class NotApplicable(Skipped):
    """The question has no meaning here."""


def attach_question(node: pytest.Item, question: Question) -> None:
    """Say in every report of a test which cell it is about."""
    node.user_properties.append((QUESTION, json.dumps(question.key)))


def attach_answer(node: pytest.Item, answer: Answer) -> None:
    """Let a test's answer travel with its reports."""
    node.user_properties.append((ANSWER, answer.dumps()))


def answers(report: pytest.TestReport) -> list[Answer]:
    """Return what a test's report carries."""
    return [Answer.loads(text) for text in _properties(report, ANSWER)]


def questions(report: pytest.TestReport) -> list[Key]:
    """Return the cells that a test's report is about."""
    return [
        (model, setting, diagnostic) for model, setting, diagnostic in map(json.loads, _properties(report, QUESTION))
    ]


def trouble(report: pytest.TestReport) -> str | None:
    """Return in one line why a test that asked a question has no answer; None where it was skipped, or goes on."""
    if report.failed:
        crash = getattr(report.longrepr, "reprcrash", None)
        text = str(crash.message if crash else report.longrepr)
        return f"its test ended without a verdict: {' '.join(text.split())[:300]}"
    if report.when == "call" and report.passed:
        return "its test passed without asking: it never called must_pass()"
    return None


def status_word(report: Any) -> tuple[str, str, tuple[str, dict[str, bool]]] | None:
    """Return the category, letter and word of a verdict that pytest has no name for."""
    if getattr(report, "when", "") != "call":
        return None
    statuses = {answer.cell.status for answer in answers(report) if answer.cell}
    if report.failed and "inconclusive" in statuses:
        return "failed", "I", ("INCONCLUSIVE", {"yellow": True})
    if report.skipped and "inconclusive" in statuses:
        return "left open", "i", ("LEFT OPEN", {"yellow": True})
    if report.skipped and "not_applicable" in statuses:
        return "not applicable", "n", ("NOT APPLICABLE", {"cyan": True})
    return None


def conclude(cell: Cell, setting: Setting | None, policy: Policy) -> None:
    """End the test as the verdict demands.

    Raises
    ------
    pytest.fail.Exception
        For a verdict that blocks: what was asked, what was found, what to try. Of an inconclusive one, `Inconclusive`.
    LeftOpen, NotApplicable
        For an inconclusive verdict that blocks nothing, and for ``not_applicable``.
    pytest.xfail.Exception
        For ``waived``: who waived it, until when, why, and what was found.
    """
    statement = printable(cell.statement)
    if cell.status == "not_applicable":
        raise NotApplicable(statement)
    if cell.status == "waived":
        pytest.xfail(statement)
    if not blocks(cell, setting, policy):
        if cell.status == "inconclusive":
            raise LeftOpen(statement)
        return
    diagnostic: Diagnostic = DIAGNOSTICS.get(cell.diagnostic)
    question_text = diagnostic.documentation.splitlines()[0].partition(": ")[2]
    kind = Inconclusive if cell.status == "inconclusive" else Failed
    raise kind(f"asked: {question_text}\nfound: {statement}\ntry:   {_remedy(cell, diagnostic.advice)}", pytrace=False)


def _remedy(cell: Cell, of_diagnostic: str) -> str:
    if cell.status == "error":
        return "run it again with --reprcheck-debug, which prints the traceback"
    if cell.status == "fail":
        return of_diagnostic
    needed = cell.details.get("units_needed")
    if needed and cell.n_units and needed > cell.n_units:
        return f"judge more units, about {needed} instead of {cell.n_units}; or waive this cell, with a reason"
    return "judge more units; ask a task that can tell (`reprcheck audit`); or waive this cell, with a reason"


def _properties(report: pytest.TestReport, name: str) -> Iterator[str]:
    return (str(value) for key, value in report.user_properties if key == name)
