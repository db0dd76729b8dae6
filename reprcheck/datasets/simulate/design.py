"""The plan of an experiment: which unit of which batch shows which class of each cause.

Causes are crossed inside every batch, so that none of them can be told from another one or from the batch. What a class
looks like is left to the simulators.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from typing import Any

import pandas as pd

from reprcheck.seeding import rng

Factors = Mapping[str, tuple[str, ...]]
"""Cause → its class names."""


def plan(crossed: Factors, parity: Factors, dealt: Factors, batches: int, units: int, seed: Any) -> pd.DataFrame:
    """Return the class of every cause for every unit of every batch.

    Parameters
    ----------
    crossed : mapping of str to tuple of str
        Causes in full factorial: every combination occurs equally often in each batch.
    parity : mapping of str to tuple of str
        Two-class causes set by the parity of the crossed two-class ones, flipped from batch to batch: balanced against
        each crossed cause, and against any two of them.
    dealt : mapping of str to tuple of str
        Causes dealt out at random, as evenly as the number of units allows.
    batches, units : int
        Number of batches, and of units in each. A multiple of the number of combinations is exactly balanced.
    seed : int, str or nested sequence of these
        Seeds the order of the units.

    Returns
    -------
    pandas.DataFrame
        One row per unit, batch by batch: integer columns ``batch`` and ``unit`` (within the batch, from 0), and one
        column of class names per cause.
    """
    combinations = list(product(*(range(len(classes)) for classes in crossed.values())))
    rows = []
    for batch in range(batches):
        draw = rng("simulate/plan", seed, batch)
        order = draw.permutation(units)
        deals = {name: draw.permutation(units) for name in dealt}
        for unit in range(units):
            codes = dict(zip(crossed, combinations[order[unit] % len(combinations)], strict=True))
            odd = (sum(codes[name] for name in crossed if len(crossed[name]) == 2) + batch) % 2
            row: dict[str, int | str] = {"batch": batch, "unit": unit}
            row |= {name: classes[codes[name]] for name, classes in crossed.items()}
            row |= {name: classes[odd] for name, classes in parity.items()}
            row |= {name: classes[deals[name][unit] % len(classes)] for name, classes in dealt.items()}
            rows.append(row)
    return pd.DataFrame(rows)
