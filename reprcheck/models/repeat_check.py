"""What every encoder promises, checked once on one image: its vector depends on the image alone."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from reprcheck.errors import UserError
from reprcheck.models.preprocessing import Precision

TOLERANCE = {"fp32": 1e-3, "fp16": 1e-2, "bf16": 5e-2}
"""Of a vector's largest value: what another size of batch, or an accelerator's order of summation, may change."""


class RepeatCheck:
    """Refuses an encoder that gives an image another vector when it sees it again, alone; asks the first time only.

    Parameters
    ----------
    where : str
        What the error names.
    precision : {"fp32", "bf16", "fp16"}
        What the encoder computes in.
    """

    def __init__(self, where: str, precision: Precision = "fp32") -> None:
        self.where, self.tolerance, self.asked = where, TOLERANCE[precision], False

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
            unlike = np.abs(first - again()) > self.tolerance * np.abs(first).max()
        if unlike.any():
            what = "an image's vector isn't the same when it is seen again, alone"
            remedy = "call eval() on the network: no dropout, no random masking, no statistics of the batch"
            raise UserError(self.where, what, remedy)
