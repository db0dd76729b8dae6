"""A log of guesses: lines for the user, and comments for the card."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Cells = Mapping[str, NDArray[np.str_]]
"""Column to its cells, as stripped text."""

MOST = 3
"""Runners-up that a line names, at most."""


@dataclass
class GuessLog:
    """The guesses so far.

    Attributes
    ----------
    reasons : list of str
        A line for each guess.
    comments : dict of str to list of str
        By key of the card; comments on a section stand below it.
    guessed : list of str
        Keys of the card that its maker should check.
    """

    reasons: list[str]
    comments: dict[str, list[str]] = field(default_factory=dict)
    guessed: list[str] = field(default_factory=list)

    def record(self, key: str, value: object, why: str, others: Sequence[str] = ()) -> None:
        """Add a line on a guess, and on its runners-up."""
        after = f"; runner-up: {', '.join(others[:MOST])}" if others else ""
        self.reasons.append(f"{key}: {value} ({why}{after})")

    def guess(self, key: str) -> None:
        """Mark a key of the card as one to check."""
        if key not in self.guessed:
            self.guessed.append(key)

    def comment(self, key: str, text: str) -> None:
        """Add a comment on a key of the card."""
        self.comments.setdefault(key, []).append(text)


def distinct(cells: NDArray[np.str_]) -> int:
    """Return how many different values a column has."""
    return len(np.unique(cells))
