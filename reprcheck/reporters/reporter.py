"""Files beside ``scorecard.json``: each reporter is one file and one line of `reprcheck.registry.REPORTERS`.

What a run decided is in ``scorecard.json`` and ``run.json``, and no reporter has a say in it. One that can't be loaded,
or can't draw the undecided scorecard that every run begins with, is a mistake, told before anything is computed. One
that fails on the verdicts is told in one line and leaves no file, and the verdicts stand. Such a run doesn't end with
exit status 0 even where it releases: CI may rely on 0 to mean that all it asked for is there. ``reprcheck gate`` then
still answers what was decided.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

from reprcheck.errors import Option, UserError
from reprcheck.registry import REPORTERS
from reprcheck.scorecard.report_folder import STEM, is_report
from reprcheck.types import Scorecard


class Reporter(ABC):
    r"""Draws a scorecard as a text file.

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
    def render(self, scorecard: Scorecard) -> str:
        """Return the file's text; the same for the same scorecard.

        Parameters
        ----------
        scorecard : Scorecard
            Without cells and settings where nothing is decided. Names in it come from users.
        """


@dataclass(frozen=True)
class Report:
    """A reporter that a run was asked for by name."""

    name: str
    reporter: Reporter

    @property
    def file(self) -> str:
        """Its file's name in the report folder."""
        return f"{STEM}{self.reporter.suffix}"

    def render(self, scorecard: Scorecard) -> bytes:
        """Return the file's bytes. Raises UserError where the reporter of an extension fails."""
        with REPORTERS.running(self.name, Option("reports", self.name)):
            return self.reporter.render(scorecard).encode()


def choose_reports(text: str | None) -> tuple[Report, ...]:
    """Return the reports that are asked for.

    Parameters
    ----------
    text : str or None
        Names with commas between; empty for none. None: all of ours.

    Raises
    ------
    UserError
        For a name that isn't known, a reporter that can't be loaded, and two that would write one file.
    """
    wanted = REPORTERS.own if text is None else filter(None, map(str.strip, text.split(",")))
    reports: dict[str, Report] = {}
    for name in dict.fromkeys(wanted):
        where = Option("reports", name if text is None else text)
        report = Report(name, REPORTERS.get(name, where))
        if not is_report(report.file):
            raise UserError(where, f"{name} can't write {report.file}", "report it to its authors")
        other = reports.setdefault(report.file, report)
        if other is not report:
            raise UserError(where, f"{other.name} and {name} both write {report.file}", "ask for one of them")
    return tuple(reports.values())
