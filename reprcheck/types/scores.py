"""What is measured: a score for each unit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Scores:
    """What a protocol returns: one score per unit, higher is better, and the predictions behind it.

    Attributes
    ----------
    units : str[n_units]
        Sorted names of the units judged: those of a task that have a judged sample.
    values : float64[n_units]
        Score per unit; the mean over units is the protocol's headline metric (balanced accuracy, R2, concordance).
    bits : float64[n_units] or None
        Usable information per unit in bits (Xu et al. 2020), where the protocol predicts probabilities.
    predictions : float64[n] or int64[n] or None
        Out-of-fold prediction of each sample, where the protocol makes one; -1 or NaN for a sample without.
    runs : tuple of Scores
        What this is the mean of, where folds were drawn several times; its predictions are those of the first.
    matches : int64[n] or None
        Where labels are told by a match: the position of each sample's, -1 for a sample without a candidate.
    """

    units: NDArray[np.str_]
    values: NDArray[np.float64]
    bits: NDArray[np.float64] | None = None
    predictions: NDArray[Any] | None = None
    runs: tuple[Scores, ...] = ()
    matches: NDArray[np.int64] | None = None
