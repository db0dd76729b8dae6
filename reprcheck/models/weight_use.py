"""What a weight of a compiled graph is for: said by the operator it feeds, since a graph has no layers to ask."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Role = Literal["weight", "embedding", "shift", "scale", "mean", "variance"]
"""``weight``: of a convolution or a linear layer; ``embedding``: a table, positions or tokens; ``shift`` and ``scale``:
added to and multiplied with activations; ``mean`` and ``variance``: running statistics."""

FEWEST = 16
"""Values of a weight that is added or multiplied, at least: smaller ones are constants, such as a head's scale."""


@dataclass(frozen=True)
class Use:
    """What a weight is for.

    Attributes
    ----------
    role : Role
    fan_in : int
        Of a ``weight``: values that each of its outputs is a sum over.
    """

    role: Role
    fan_in: int = 1


def added(shape: tuple[int, ...]) -> Use | None:
    """Return the use of a tensor that is added: a bias, or what tells positions apart; None for a constant.

    Examples
    --------
    >>> added((64,)), added((1, 197, 384)), added((1,))
    (Use(role='shift', fan_in=1), Use(role='embedding', fan_in=1), None)
    """
    longest, n = max(shape, default=1), 1
    for side in shape:
        n *= side
    return None if n < FEWEST else Use("shift" if n == longest else "embedding")


def multiplied(shape: tuple[int, ...]) -> Use | None:
    """Return the use of a tensor that is multiplied with activations; None for a constant."""
    n = 1
    for side in shape:
        n *= side
    return None if n < FEWEST else Use("scale")
