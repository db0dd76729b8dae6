"""What a hand-made baseline says of its columns: the idea behind them, and where it comes from.

The names, the vectors and the table in ``docs/`` are made from the same list of measures, so that they can't differ.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

Subject = TypeVar("Subject")
"""What is measured: a field of objects, a channel."""


@dataclass(frozen=True)
class Measure(Generic[Subject]):
    """One idea, and the columns that it has.

    Attributes
    ----------
    columns : tuple of str
        Names of the columns.
    unit : str
        "px" is pixels, "" a number without unit.
    definition : str
    source : str
        The paper or program that defines it; "" where the definition is all there is.
    zero_for : str
        The subjects for which it isn't defined, where the columns are 0.
    values : function of the subject
        Returns a number for each column; not called for a subject of which nothing is defined.
    """

    columns: tuple[str, ...]
    unit: str
    definition: str
    source: str
    zero_for: str
    values: Callable[[Subject], Sequence[float]]
