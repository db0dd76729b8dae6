"""What is told while guessing: lines for whoever asked, and comments for the card."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Cells = Mapping[str, NDArray[np.str_]]
"""Column to its cells, as stripped text."""


@dataclass
class Told:
    """Guesses told so far.

    Attributes
    ----------
    reasons : list of str
        A line for each guess.
    comments : dict of str to list of str
        By key of the card; those on a section stand below it.
    """

    reasons: list[str]
    comments: dict[str, list[str]] = field(default_factory=dict)

    def say(self, key: str, value: object, why: str) -> None:
        """Tell a guess."""
        self.reasons.append(f"{key}: {value} ({why})")

    def comment(self, key: str, text: str) -> None:
        """Write a comment on a key of the card."""
        self.comments.setdefault(key, []).append(text)


def distinct(cells: NDArray[np.str_]) -> int:
    """Return how many different values a column has."""
    return len(np.unique(cells))
