"""How many cells an image shows, and nothing else: the commonest shortcut, named on its own.

It is the first thing that `Structure` measures. Among a hundred other columns a probe hears it faintly, and a reader of
the report doesn't see it at all.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from reprcheck.baselines.reference import Baseline
from reprcheck.baselines.structure.baseline import STRUCTURE
from reprcheck.baselines.structure.features import MEASURES
from reprcheck.types import Dataset, Encoder

BUMPS = 7
"""Overlapping bumps over the range of counts, by which a line and a vote of neighbours can follow any smooth curve."""


class CellCountBaseline(Baseline):
    """The number of objects, taken from what `structure` measured."""

    name, knows = "cell_count", "layout"
    heading, called, expanded, taken_from = "cell_\ncount", "cell count", False, STRUCTURE.name

    def encoder(self, dataset: Dataset, channels: tuple[str, ...]) -> Encoder | None:
        """Return None: no image is looked at for it."""
        return None

    def compared(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return functions of the count that stands among the structural features.

        Parameters
        ----------
        vectors : float32[n, D]
            Of `Structure`.

        Returns
        -------
        float32[n, 8]
            The logarithm of 1 + the count, standardised over all n; and Gaussian bumps of it at seven places within two
            standard deviations. All 0 where the counts are alike.
        """
        count = next(i for i, name in enumerate(name for m in MEASURES for name in m.columns) if name == "count")
        z = np.log1p(vectors[:, count].astype(np.float64))
        z = (z - z.mean()) / (z.std() or 1.0)
        places = np.linspace(-2.0, 2.0, BUMPS)
        return np.column_stack([z, np.exp(-(((z[:, None] - places) / (places[1] - places[0])) ** 2) / 2)]).astype(
            np.float32
        )


CELL_COUNT = CellCountBaseline()
