"""One line of the calibration table: a rate, its standard error, and the bounds it must keep."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import sqrt


@dataclass(frozen=True)
class Row:
    """A rate measured over trials.

    Attributes
    ----------
    study : str
        The study's name.
    case : str
        What was varied, in words.
    count, trials : int
        How often it happened, and out of how many.
    least, most : float
        Bounds that the true rate must keep.
    details : mapping
        Further numbers, plain values.
    """

    study: str
    case: str
    count: int
    trials: int
    least: float = 0.0
    most: float = 1.0
    details: Mapping[str, float | int | str] = field(default_factory=dict)

    @property
    def rate(self) -> float:
        """Share of the trials."""
        return self.count / self.trials

    @property
    def holds(self) -> bool:
        """Whether the rate lies within the bounds, give or take two standard errors of a rate on the bound."""
        return self.least - 2 * self._se(self.least) <= self.rate <= self.most + 2 * self._se(self.most)

    def _se(self, rate: float) -> float:
        return sqrt(rate * (1 - rate) / self.trials)


@dataclass(frozen=True)
class Scale:
    """How much is simulated: ``full`` for the table that is kept, else a quick look with fewer trials."""

    full: bool

    def trials(self, full: int, quick: int) -> int:
        """Return a number of trials."""
        return full if self.full else quick
