"""Where numbers stand on a picture: axes with round ticks, and texts short enough to stand beside them."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeGuard

from rich.cells import cell_len, set_cell_size

from reprcheck.reporters.wording import one_line

_FARTHEST = 1.0
"""Of an effect from 0, to be drawn: scores end at 1, and an error of regression may be as large as it likes."""


@dataclass(frozen=True)
class Axis:
    """From ``low`` to ``high``, with a tick at every multiple of ``step``."""

    low: float
    high: float
    step: float

    def place(self, value: float) -> float:
        """Return where a value stands, from 0 to 100; what lies beyond an end stands at it."""
        share = (value - self.low) / (self.high - self.low)
        return round(100 * min(max(share, 0.0), 1.0), 2)

    def beyond(self, value: float) -> bool:
        """Tell whether a value lies beyond an end."""
        return not self.low <= value <= self.high

    @property
    def ticks(self) -> list[float]:
        """The values marked."""
        first, last = math.ceil(self.low / self.step - 1e-9), math.floor(self.high / self.step + 1e-9)
        return [round(k * self.step, 6) + 0.0 for k in range(first, last + 1)]


def axis(values: Iterable[float | None], around: float = 0.0) -> Axis:
    """Return the axis that holds a value and all others, as far as they are numbers and lie within 1 of it.

    Examples
    --------
    >>> axis([0.3, -0.12, None]).ticks
    [-0.2, -0.1, 0.0, 0.1, 0.2, 0.3, 0.4]
    """
    known = [around, *(value for value in values if is_number(value))]
    low, high = max(min(known), around - _FARTHEST), min(max(known), around + _FARTHEST)
    high = max(high, low + 0.02)
    step = next(s for s in (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5) if (high - low) / s <= 8)
    return Axis(math.floor(low / step - 0.2) * step, math.ceil(high / step + 0.2) * step, step)


def is_number(value: object) -> TypeGuard[float]:
    """Tell whether a value is a number, and finite."""
    return isinstance(value, int | float) and math.isfinite(value)


def shorten(text: str, width: int) -> str:
    """Return text on one line of at most so many columns of type; its end gives way to an ellipsis.

    Examples
    --------
    >>> shorten("sim-culture", 8), shorten("demo", 8)
    ('sim-cul…', 'demo')
    """
    line = one_line(text)
    return line if cell_len(line) <= width else set_cell_size(line, width - 1).rstrip() + "…"
