"""``dose-response/1``: does an embedding move further from the controls as the dose rises?

A unit's displacement is the distance of its mean standardised vector from the mean of the control units (for a control
unit: of the others). Its score is Harrell's concordance of displacement with dose against all units of another dose:
the share ordered alike, ties counting half. Chance is 0.5. Nothing is fitted, so there are no folds.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from reprcheck.protocols.features import group_sum, scaled
from reprcheck.protocols.protocol import Protocol
from reprcheck.types import Scores, Task


class DoseResponse(Protocol):
    """Regression on a dose that nothing is fitted to."""

    id = "dose-response/1"
    kinds = ("regress",)
    needs = ("control",)
    trains = False
    predicts = False

    def score(self, blocks: Sequence[NDArray[np.float32]], task: Task, repeat: int = 0) -> Scores:
        """Return scores in [0, 1]; ``predictions`` is the displacement of each sample's unit. See `Protocol.score`.

        The task's ``y`` is the dose, the same within a unit, of which only the order counts; ``control`` marks
        controls.
        """
        everything = np.arange(len(task.y))
        x, _ = scaled(blocks, everything, everything)
        units, index = np.unique(task.units, return_inverse=True)
        size = np.bincount(index)
        centre = np.stack([group_sum(column, index) for column in x.T], axis=1) / size[:, None]
        dose = group_sum(task.y, index) / size
        assert task.control is not None
        control = group_sum(task.control, index) == size

        others = np.where(control, control.sum() - 1, control.sum())[:, None]
        origin = (centre[control].sum(0) - np.where(control[:, None], centre, 0)) / np.maximum(others, 1)
        displacement = np.linalg.norm(centre - origin, axis=1)
        return Scores(units, _concordance(displacement, dose), predictions=displacement[index])

    def chance(self, task: Task) -> float:
        """Return the concordance of displacement in no order."""
        return 0.5


def _concordance(displacement: NDArray[np.float64], dose: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return for each unit the share of units of another dose that lie in the order of doses, float64[n]."""
    doses, level, counts = np.unique(dose, return_inverse=True, return_counts=True)
    ordered = np.zeros(len(dose))  # twice over: a tie counts one
    for number in range(len(doses)):
        others = np.sort(displacement[level == number])
        less, upto = (np.searchsorted(others, displacement, side) for side in ("left", "right"))
        ordered += np.where(level > number, less + upto, np.where(level < number, 2 * len(others) - less - upto, 0))
    agreement: NDArray[np.float64] = ordered / (2 * np.maximum(len(dose) - counts[level], 1))
    return agreement


DOSE_RESPONSE = DoseResponse()
