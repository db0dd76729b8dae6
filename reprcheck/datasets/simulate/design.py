"""The plan of an experiment: which unit of which batch shows which class of each cause.

Causes are crossed inside every batch, so that none of them can be told from another one or from the batch. What a class
looks like is left to the simulators.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from reprcheck.seeding import rng

Factors = Mapping[str, tuple[str, ...]]
"""Cause → its class names."""


def plan(crossed: Factors, blended: Factors, dealt: Factors, batches: int, units: int, seed: Any) -> pd.DataFrame:
    """Return the class of every cause for every unit of every batch.

    Parameters
    ----------
    crossed : mapping of str to tuple of str
        Causes in full factorial: every combination occurs equally often in each batch.
    blended : mapping of str to tuple of str
        Two-class causes for which a factorial would be too large: within each batch balanced against every crossed
        cause, and not repeated from batch to batch, so that no combination of the crossed causes foretells them.
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
    combinations = np.array(list(product(*(range(len(classes)) for classes in crossed.values()))))
    binary = np.array([len(classes) == 2 for classes in crossed.values()])
    tables = []
    for batch in range(batches):
        draw = rng("simulate/plan", seed, batch)
        order = draw.permutation(units) % len(combinations)
        columns = dict(zip(crossed, combinations[order].T, strict=True))
        columns |= {name: blend(draw, combinations, binary)[order] for name in blended}
        columns |= {name: draw.permutation(units) % len(classes) for name, classes in dealt.items()}
        named = {name: np.array({**crossed, **blended, **dealt}[name])[codes] for name, codes in columns.items()}
        tables.append(pd.DataFrame({"batch": batch, "unit": np.arange(units), **named}))
    return pd.concat(tables, ignore_index=True)


def blend(draw: np.random.Generator, combinations: NDArray[np.int64], binary: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return a two-class code per combination, balanced against every column of a full factorial.

    For each combination of the other columns, it is the parity of two or more of the binary columns, drawn at random.

    Parameters
    ----------
    draw : numpy.random.Generator
    combinations : int64[n, causes]
        A full factorial.
    binary : bool[causes]
        Columns with two classes; at least two.
    """
    _, stratum = np.unique(combinations[:, ~binary], axis=0, return_inverse=True)
    codes = combinations[:, binary]
    subsets = [subset for subset in product((0, 1), repeat=codes.shape[1]) if sum(subset) >= 2]
    chosen = np.array(subsets)[draw.integers(len(subsets), size=stratum.max() + 1)]
    flips = draw.integers(2, size=stratum.max() + 1)
    return np.asarray(((codes * chosen[stratum]).sum(axis=1) + flips[stratum]) % 2)
