"""How far a cause is moved: the class that a row of the table names, and how much of its contrast is shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

Factors = Mapping[str, tuple[str, ...]]
"""Cause → its class names."""


class CauseLevel(NamedTuple):
    """A class of a cause, and its effect: at 0 all classes look alike, at 1 they differ as in the embedded sets.

    Examples
    --------
    >>> Level("many", 1.0).towards("many"), Level("few", 0.5).towards("many"), Level("few", 0.0).towards("many")
    (1.0, 0.25, 0.5)
    """

    name: str
    effect: float

    def towards(self, name: str) -> float:
        """Return where a cause of two classes lies between the other one, 0, and ``name``, 1; at no effect halfway."""
        return 0.5 + 0.5 * self.effect * (1 if self.name == name else -1)


def between(low: float, high: float, share: float) -> float:
    """Return the point between ``low`` (share 0) and ``high`` (share 1); the ends are met to the last bit."""
    return low * (1 - share) + high * share
