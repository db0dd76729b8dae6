"""Random numbers whose seeds come from digests and names, never from order, worker or clock."""

from __future__ import annotations

from typing import Any

import numpy as np

from reprcheck.digest import digest


def seed(*parts: Any) -> int:
    """Return a seed in [0, 2**63) made from the digest of ``parts``."""
    return int(digest("seed", *parts), 16) % 2**63


def rng(*parts: Any) -> np.random.Generator:
    """Return a generator seeded by the digest of ``parts``."""
    return np.random.default_rng(seed(*parts))
