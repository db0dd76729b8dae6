"""The contract of a diagnostic: a question asked of a model in a setting."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass

from reprcheck.diagnostics.bench import Bench
from reprcheck.types import Cell


@dataclass(frozen=True)
class Diagnostic:
    """A question, declared at the end of the file whose docstring documents it.

    Attributes
    ----------
    name : str
        In policies, scorecards and reports.
    ask : callable
        Compares a model with its references on a bench, and returns the cell: see `Bench.cell`. What holds for all
        diagnostics is left to `reprcheck.diagnostics.judge`.
    advice : str
        What to try where the verdict isn't a pass.
    matched : bool
        Whether it asks for `Bench.matched`, whose vectors may then be computed ahead.
    """

    name: str
    ask: Callable[[Bench], Cell]
    advice: str
    matched: bool = False

    @property
    def documentation(self) -> str:
        """The docstring of its file: question, statistic, null, unit, margin, how it can fool you, source."""
        return sys.modules[self.ask.__module__].__doc__ or ""
