"""What stored values stand for: from the numbers in a file to the picture that a viewer shows.

Pure functions of values and of what a file's header says of them; which tag of which format says so is for who reads
the format. Where nothing tells what a viewer shows, a UserError says what to write instead.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reprcheck.errors import UserError

Change = Callable[[NDArray[Any]], NDArray[Any]]
"""Returns other values of the same shape."""

INVERTED = "stored with 0 as white (PhotometricInterpretation MinIsWhite): inverted, as viewers show it"


def invert(dtype: np.dtype[Any], bits: int, where: str) -> Change:
    """Return what makes 0 black of values stored with 0 as white; raises UserError where nothing tells what is black.

    Parameters
    ----------
    dtype : numpy.dtype
        Of the values; bool for one bit.
    bits : int
        That a value has in the file: the highest stands for black.
    where : str
    """
    if dtype.kind not in "bu":
        what = f"{dtype} stored with 0 as white (MinIsWhite), and nothing tells which value is black"
        raise UserError(where, what, "write it with 0 as black (MinIsBlack)")
    if dtype.kind == "b":
        return np.logical_not
    highest = dtype.type(2**bits - 1)
    return lambda values: np.asarray(highest - values)


def invert_labels(dtype: np.dtype[Any], bits: int, where: str) -> Change:
    """Return what `invert` does, for label images: it raises UserError where stored zeros may be the background."""
    inverted = invert(dtype, bits, where)

    def change(values: NDArray[Any]) -> NDArray[Any]:
        if not values.all():
            what = "labels stored with 0 as white (MinIsWhite): viewers show the background that 0 stands for as white"
            raise UserError(where, what, "write them with 0 as black (MinIsBlack), 0 for the background")
        return inverted(values)

    return change
