"""Files beside ``scorecard.json``: each reporter is one file and one line of `reprcheck.registry.REPORTERS`.

What a run decided is in ``scorecard.json`` and ``run.json``, and no reporter has a say in it. One that can't be loaded,
or can't draw the undecided scorecard that every run begins with, is a mistake, told before anything is computed. One
that fails on the verdicts is told in one line and leaves no file, and the verdicts stand. Such a run doesn't end with
exit status 0 even where it releases: CI may rely on 0 to mean that all it asked for is there. ``reprcheck gate`` then
still answers what was decided.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

from reprcheck.errors import Option, UserError
from reprcheck.registry import DEFAULT_REPORTS, REPORTERS
from reprcheck.scorecard.report_folder import STEM, is_report
from reprcheck.types import Scorecard


class Reporter(ABC):
    r"""Draws a scorecard as a file.

    Attributes
    ----------
    suffix : str
        What its file's name ends in: ``scorecard.md`` for ``.md``. No other reporter of a run may have the same.

    Examples
    --------
    A reporter ``count``, in the ``[project.entry-points."reprcheck.reporters"]`` of its package
    ``count = "count:COUNT"``::

        class Count(Reporter):
            suffix = ".count.txt"

            def render(self, scorecard):
                return f"{len(scorecard.cells)}\n"

        COUNT = Count()
    """

    suffix: str

    @abstractmethod
    def render(self, scorecard: Scorecard) -> str | bytes:
        """Return the file's text, or its bytes; the same for the same scorecard.

        Parameters
        ----------
        scorecard : Scorecard
            Without cells and settings where nothing is decided. Names in it come from users.
        """

    def render_together(self, scorecards: Sequence[Scorecard]) -> str | bytes | None:
        """Return one file of several scorecards; None where the format holds one only."""
        return None


@dataclass(frozen=True)
class Report:
    """A reporter that was asked for by name, and by which option."""

    name: str
    reporter: Reporter
    option: str = "reports"

    @property
    def file(self) -> str:
        """Its file's name in the report folder."""
        return f"{STEM}{self.reporter.suffix}"

    def render(self, scorecard: Scorecard) -> bytes:
        """Return the file's bytes. Raises UserError where the reporter of an extension fails."""
        with REPORTERS.running(self.name, Option(self.option, self.name)):
            return _encoded(self.reporter.render(scorecard))

    def render_together(self, scorecards: Sequence[Scorecard]) -> bytes:
        """Return the bytes of one file of all these scorecards.

        Raises
        ------
        UserError
            Where the format holds one scorecard only, or the reporter of an extension fails.
        """
        if len(scorecards) == 1:
            return self.render(scorecards[0])
        where = Option(self.option, self.name)
        with REPORTERS.running(self.name, where):
            content = self.reporter.render_together(scorecards)
            if content is None:
                raise UserError(where, "a file of it holds one scorecard", "name one scorecard, or another format")
            return _encoded(content)


def choose_reports(text: str | None, option: str = "reports") -> tuple[Report, ...]:
    """Return the reports that are asked for.

    Parameters
    ----------
    text : str or None
        Names with commas between, or the endings of their files (``md``); empty for none. None: `DEFAULT_REPORTS`.
    option : str
        What the option is called, for the message of an error.

    Raises
    ------
    UserError
        For a name that isn't known, a reporter that can't be loaded, and two that would write one file.
    """
    wanted = DEFAULT_REPORTS if text is None else filter(None, map(str.strip, text.split(",")))
    reports: dict[str, Report] = {}
    for name in dict.fromkeys(wanted):
        where = Option(option, name if text is None else text)
        name = name if name in REPORTERS.names() else _named_by_ending(name)
        report = Report(name, REPORTERS.get(name, where), option)
        if not is_report(report.file):
            raise UserError(where, f"{name} can't write {report.file}", "report it to its authors")
        other = reports.setdefault(report.file, report)
        if other is not report:
            raise UserError(where, f"{other.name} and {name} both write {report.file}", "ask for one of them")
    return tuple(reports.values())


def _encoded(content: str | bytes) -> bytes:
    return content if isinstance(content, bytes) else content.encode()


def _named_by_ending(ending: str) -> str:
    """Return the reporter of ours whose files end so, as ``md`` does in ``scorecard.md``; else the ending."""
    return next((name for name in REPORTERS.own if REPORTERS.get(name).suffix == f".{ending}"), ending)
