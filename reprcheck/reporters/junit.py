"""``scorecard.junit.xml``: a test case for each verdict, with its numbers as properties, for what reads JUnit's XML.

What blocks is a failure, or an error where the verdict is one; what neither passed nor blocks is skipped. What blocks
without being a verdict (a cell without one, a waiver that has expired) is a failed case of the suite ``gate``, so that
a report without failures is a release.
"""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree as xml

from reprcheck.reporters import wording
from reprcheck.reporters.reporter import Reporter
from reprcheck.reporters.wording import one_line
from reprcheck.types import Cell, Scorecard

_PROPERTIES = ("status", "effect", "low", "high", "margin", "alpha", "mde", "n_units", "reference")


class Junit(Reporter):
    """``scorecard.junit.xml``."""

    suffix = ".junit.xml"

    def render(self, scorecard: Scorecard) -> str:
        """Return the document: a suite for each dataset, then one for the gate."""
        root = xml.Element("testsuites", name=one_line(scorecard.model["name"]))
        against = wording.blocking(scorecard)
        for dataset, by_setting in wording.by_dataset(scorecard).items():
            cells = [cell for cells in by_setting.values() for cell in cells]
            suite = xml.SubElement(root, "testsuite", name=one_line(dataset))
            for cell in cells:
                _add_case(suite, cell, cell in against, scorecard.run.get("timings", {}))
            _count(suite)
        gate = xml.SubElement(root, "testsuite", name="gate")
        case = xml.SubElement(gate, "testcase", classname="gate", name=wording.spaced(scorecard.gate.outcome))
        others = [one_line(reason) for reason in wording.other_reasons(scorecard)]
        if others:
            xml.SubElement(case, "failure", message=others[0]).text = "\n".join(others)
        _count(gate)
        xml.indent(root)
        return f'<?xml version="1.0" encoding="utf-8"?>\n{xml.tostring(root, encoding="unicode")}\n'


JUNIT = Junit()


def _add_case(suite: xml.Element, cell: Cell, blocks: bool, timings: Any) -> None:
    case = xml.SubElement(suite, "testcase", classname=one_line(cell.setting), name=one_line(cell.diagnostic))
    seconds = timings.get(f"{cell.setting} {cell.diagnostic}") if isinstance(timings, dict) else None
    if isinstance(seconds, int | float):
        case.set("time", f"{seconds:.3f}")
    properties = xml.SubElement(case, "properties")
    for name in _PROPERTIES:
        value = getattr(cell, name)
        if value is not None:
            xml.SubElement(properties, "property", name=name, value=one_line(str(value)))
    if blocks:
        xml.SubElement(case, "error" if cell.status == "error" else "failure", message=one_line(wording.verdict(cell)))
    elif cell.status != "pass":
        xml.SubElement(case, "skipped", message=one_line(wording.verdict(cell)))


def _count(suite: xml.Element) -> None:
    """Say how many cases a suite has, and of which ends, as readers of it expect."""
    suite.set("tests", str(len(suite)))
    for kind, ends in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(kind, str(len(suite.findall(f"testcase/{ends}"))))
