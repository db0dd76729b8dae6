"""How a task is scored: pure functions from vectors and a task to one score per unit, each with a version id.

A protocol takes *blocks* of vectors (a block is one encoder's float[n, D]); several blocks are judged side by side,
each scaled to the same total variance, so that a wide block can't drown a narrow one. Folds come from the task alone:
every encoder meets the same ones. A changed formula is a new version id. Each is an object, in `reprcheck.registry`.
"""

from __future__ import annotations

from typing import cast

from reprcheck.protocols.protocol import Protocol
from reprcheck.registry import PROTOCOLS

__all__ = ["Protocol", "get"]


def get(protocol_id: str) -> Protocol:
    """Return a protocol. Raises UserError where there is none of that id, or its extension can't be loaded."""
    return cast(Protocol, PROTOCOLS.get(protocol_id))
