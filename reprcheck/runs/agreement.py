"""How far two label images of one field agree on what the objects are: those found, and the true ones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

IOU = 0.5
"""Two objects are one where their intersection is more than this share of their union."""


@dataclass(frozen=True)
class Agreement:
    """How many objects were found, how many there are, and how many of them are the same."""

    found: int
    true: int
    matched: int

    @property
    def f1(self) -> float:
        """Twice the matched over all objects of either side; 1 where there are none and none were found."""
        objects = self.found + self.true
        return 2 * self.matched / objects if objects else 1.0

    @property
    def count_error(self) -> int:
        """By how many objects the count is off."""
        return abs(self.found - self.true)

    @property
    def relative_error(self) -> float | None:
        """The count error as a share of the objects there are; None where there are none."""
        return self.count_error / self.true if self.true else None


def measure_agreement(found: NDArray[np.int32], true: NDArray[np.int32]) -> Agreement:
    """Compare the objects of two label images.

    Parameters
    ----------
    found, true : int32[H, W]
        0 is background, what is above are names of objects: not the same in both, nor consecutive.

    Returns
    -------
    Agreement
        Objects are matched where their intersection over union exceeds 0.5. More than half of an object can't lie in
        two others that share no pixel, so that each is matched at most once, and no assignment has to be sought.

    Notes
    -----
    F1 at this threshold is how the 2018 Data Science Bowl was evaluated: Caicedo et al., *Nucleus segmentation across
    imaging experiments*, Nature Methods 16 (2019).

    Examples
    --------
    >>> measure_agreement(np.array([[1, 1, 0, 2]]), np.array([[7, 7, 7, 0]]))
    Agreement(found=2, true=1, matched=1)
    """
    (found_index, found_areas), (true_index, true_areas) = _objects(found), _objects(true)
    both = (found_index > 0) & (true_index > 0)
    pairs, shared = np.unique(found_index[both] * len(true_areas) + true_index[both], return_counts=True)
    union = found_areas[pairs // len(true_areas)] + true_areas[pairs % len(true_areas)] - shared
    return Agreement(len(found_areas) - 1, len(true_areas) - 1, int((shared > IOU * union).sum()))


def _objects(mask: NDArray[np.int32]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return int64[H * W], objects renumbered 1..n, and int64[n + 1], their areas, the background's first."""
    labels, index = np.unique(np.append(0, mask), return_inverse=True)  # 0 is the first, whether or not it is there
    return index[1:].astype(np.int64), np.bincount(index[1:], minlength=len(labels))
