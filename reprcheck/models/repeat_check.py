"""What every encoder promises, checked once on one image: its vector depends on the image alone."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from reprcheck.errors import UserError

TOLERANCE = 1e-3
"""Of a vector's largest value: what another size of batch, or an accelerator's order of summation, may change."""


class RepeatCheck:
    """Refuses an encoder that gives an image another vector when it sees it again, alone; asks the first time only.

    Parameters
    ----------
    where : str
        What the error names.
    """

    def __init__(self, where: str) -> None:
        self.where, self.asked = where, False

    def check(self, vectors: NDArray[np.float32], again: Callable[[], NDArray[np.float32]]) -> None:
        """Compare the first of some vectors float32[N, D] with float32[1, D], the same image's once more.

        Raises
        ------
        UserError
        """
        if self.asked:
            return
        self.asked = True
        first = vectors[:1]
        with np.errstate(invalid="ignore"):  # what isn't finite is told elsewhere
            unlike = np.abs(first - again()) > TOLERANCE * np.abs(first).max()
        if unlike.any():
            what = "an image's vector isn't the same when it is seen again, alone"
            remedy = "call eval() on the network: no dropout, no random masking, no statistics of the batch"
            raise UserError(self.where, what, remedy)
