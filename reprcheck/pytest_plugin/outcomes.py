"""A verdict as a test outcome, and how it travels: one JSON string in the report's ``user_properties``.

Under xdist a report that can't be serialised is lost without a sound, so nothing but a string is ever attached.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from importlib import import_module
from typing import Any

import pytest
from _pytest.outcomes import Skipped

from reprcheck.types import Cell, Setting

PROPERTY = "reprcheck"


class Inconclusive(Skipped):
    """The data can't tell: counted apart, and blocks unless the policy says otherwise."""


class NotApplicable(Skipped):
    """The question has no meaning here."""


@dataclass(frozen=True)
class Received:
    """What one test reports of a model: a verdict in its setting, or a mistake of the user's."""

    model: str
    seconds: float = 0.0
    device: str = ""
    cell: Cell | None = None
    setting: Setting | None = None
    mistake: str = ""

    def dumps(self) -> str:
        """Return the JSON string that travels."""
        return json.dumps(asdict(self))

    @classmethod
    def loads(cls, text: str) -> Received:
        """Return what `dumps` wrote."""
        raw: dict[str, Any] = json.loads(text)
        cell, setting = raw.pop("cell"), raw.pop("setting")
        return cls(
            **raw,
            cell=Cell(**cell) if cell else None,
            setting=Setting(**{**setting, "notes": tuple(setting["notes"])}) if setting else None,
        )


def received(report: pytest.TestReport) -> list[Received]:
    """Return what a test's report carries: at most one."""
    return [Received.loads(str(value)) for name, value in report.user_properties if name == PROPERTY]


_WORDS = {
    "inconclusive": ("inconclusive", "i", ("INCONCLUSIVE", {"yellow": True})),
    "not_applicable": ("not applicable", "n", ("NOT APPLICABLE", {"cyan": True})),
}


def status_word(report: Any) -> tuple[str, str, tuple[str, dict[str, bool]]] | None:
    """Return the category, letter and word of a verdict that pytest has no name for."""
    if getattr(report, "when", "") != "call" or report.outcome != "skipped":
        return None
    return next((_WORDS.get(r.cell.status) for r in received(report) if r.cell), None)


def conclude(cell: Cell) -> None:
    """End the test as the verdict demands.

    Raises
    ------
    pytest.fail.Exception
        For ``fail`` and ``error``: what was asked, what was found, what to try.
    Inconclusive, NotApplicable
    pytest.xfail.Exception
        For ``waived``: who waived it, until when, why, and what was found.
    """
    if cell.status == "inconclusive":
        raise Inconclusive(cell.statement)
    if cell.status == "not_applicable":
        raise NotApplicable(cell.statement)
    if cell.status == "waived":
        pytest.xfail(cell.statement)
    if cell.status in ("fail", "error"):
        diagnostic = import_module(f"reprcheck.diagnostics.{cell.diagnostic}")
        asked = str(diagnostic.__doc__).splitlines()[0].partition(": ")[2]
        pytest.fail(f"asked: {asked}\nfound: {cell.statement}\ntry:   {diagnostic.TRY}", pytrace=False)
