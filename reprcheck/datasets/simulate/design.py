"""A balanced design: which unit of which batch shows which class of each cause.

Causes are crossed inside every batch, so that none of them predicts another one, nor the batch any of them. How a class
looks is left to the simulators; what a user plants instead, to `planting`.
"""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from reprcheck.datasets.simulate.factors import Factors
from reprcheck.seeding import rng


def cross(crossed: Factors, blended: Factors, batches: int, units: int, seed: Any) -> pd.DataFrame:
    """Return the class of every cause for every unit of every batch.

    Parameters
    ----------
    crossed : mapping of str to tuple of str
        Causes in full factorial: every combination occurs equally often in each batch.
    blended : mapping of str to tuple of str
        Two-class causes for which a factorial would be too large: within each batch balanced against every crossed
        cause and each other, and not repeated from batch to batch, so that no combination of the crossed causes
        foretells them.
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
    combinations = np.array(list(product(*(range(len(classes)) for classes in crossed.values()))), dtype=np.int64)
    binary = np.array([len(classes) == 2 for classes in crossed.values()], dtype=bool)
    classes = {**crossed, **blended}
    tables = []
    for batch in range(batches):
        draw = rng("simulate/plan", seed, batch)
        order = draw.permutation(units) % len(combinations)
        codes = np.hstack([combinations, blend(draw, combinations, binary, len(blended))])[order]
        columns = {name: np.array(classes[name])[code] for name, code in zip(classes, codes.T, strict=True)}
        tables.append(pd.DataFrame({"batch": batch, "unit": np.arange(units), **columns}))
    return pd.concat(tables, ignore_index=True)


def blend(
    draw: np.random.Generator, combinations: NDArray[np.int64], binary: NDArray[np.bool_], count: int
) -> NDArray[np.int64]:
    """Return two-class codes per combination, balanced against every column of a full factorial and each other.

    For each combination of the other columns, a code is the parity of two or more of the binary columns, drawn at
    random, and no two codes are the parity of the same ones.

    Parameters
    ----------
    draw : numpy.random.Generator
    combinations : int64[n, causes]
        A full factorial.
    binary : bool[causes]
        Columns with two classes: three allow up to four codes.
    count : int
        Number of codes.

    Returns
    -------
    int64[n, count]
    """
    _, stratum = np.unique(combinations[:, ~binary], axis=0, return_inverse=True)
    masks = np.array(list(product((0, 1), repeat=int(binary.sum()))), dtype=np.int64)
    subsets = masks[masks.sum(axis=1) >= 2]
    codes = np.empty((len(combinations), count), dtype=np.int64)
    for s in range(stratum.max() + 1):
        picks = subsets[draw.permutation(len(subsets))[:count]]
        codes[stratum == s] = combinations[stratum == s][:, binary] @ picks.T + draw.integers(2, size=count)
    return codes % 2
