"""Tasks and vectors made of numbers, whose truth is known."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from reprcheck.types import Task

WIDTH, INFORMED = 32, 8
"""Columns, and how many of them know of the class."""


def task(protocol: str, n_units: int, batches: int = 1) -> Task:
    """Return two classes over units of one sample; with several batches, these are held out in turn."""
    units = np.arange(n_units)
    return Task(
        name="made",
        kind="classify",
        rows=units,
        y=units % 2,
        classes=("a", "b"),
        units=np.array([f"u{u:04d}" for u in units]),
        batches=np.array([f"b{b}" for b in units // 2 % batches]),
        holdout="batch" if batches > 1 else "unit",
        protocols=(protocol,),
        channels=(0,),
    )


def vectors(made: Task, signal: float, draw: np.random.Generator) -> NDArray[np.float32]:
    """Return float32[n, 32]: noise of variance 1, and in eight columns the class, at plus or minus ``signal``."""
    x = draw.standard_normal((len(made.y), WIDTH))
    x[:, :INFORMED] += signal * (2 * made.y - 1)[:, None]
    return x.astype(np.float32)
