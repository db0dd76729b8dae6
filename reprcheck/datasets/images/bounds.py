"""Limit the memory that one image may take, from its header, before anything is decoded.

A file of some kilobytes may claim to hold terabytes, or hold them compressed. The limit is on the number of values in
memory at once, whatever their type: as float32 they take four times as many bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from reprcheck.errors import UserError

MOST_VALUES = 2**29
"""Values decoded at once: a grey image of 23,000 x 23,000 pixels, or 100 channels of 2,300 x 2,300."""
SMALLER = "cut it into smaller images, or write it as OME-Zarr, of which crops and tiles read only what they need"


def refuse_huge(shape: Sequence[int], where: str, what: str = "holds", remedy: str = SMALLER) -> None:
    """Raise UserError for more values than may be in memory at once.

    Parameters
    ----------
    shape : sequence of int
        From a header.
    where, what, remedy : str
        Parts of the message; ``what`` is the verb before the shape.

    Examples
    --------
    >>> refuse_huge((3, 2000, 2000), "a.tif")
    """
    if prod(shape) > MOST_VALUES:
        raise UserError(where, f"{what} {_format_shape(shape)} values, and {MOST_VALUES:,} are the most", remedy)


def _format_shape(shape: Sequence[int]) -> str:
    return " x ".join(f"{size:,}" for size in shape)
