"""Names of places on a plate: wells such as ``B03``, rows such as ``B``, columns such as ``3``, and whatever else."""

from __future__ import annotations

import re
from dataclasses import dataclass

_WELL = re.compile(r"(A?[A-Z])[-_ ]?0*([1-9][0-9]?)")
_ROW = re.compile(r"A?[A-Z]")
_COLUMN = re.compile(r"0*([1-9][0-9]?)")


@dataclass(frozen=True)
class PlatePosition:
    """Where a sample lay: row and column from 1 if its name has them, else the name itself (blank: not known)."""

    row: int | None = None
    column: int | None = None
    other: str = ""

    @property
    def letters(self) -> str:
        """The row as a plate has it: A to Z, then AA to AZ."""
        if self.row is None:
            return ""
        return ("A" if self.row > 26 else "") + chr(ord("A") + (self.row - 1) % 26)


def place(name: str) -> PlatePosition:
    """Read a position on a plate from its name.

    Parameters
    ----------
    name : str
        A well (row A to AZ, column 1 to 99, in either case, with or without zeros and one of ``-``, ``_`` or a blank
        between), a row, a column, or any other text.

    Returns
    -------
    PlatePosition

    Examples
    --------
    >>> place("b03") == place("B-3") == PlatePosition(row=2, column=3)
    True
    >>> place("AA").row, place("12").column, place("site 4").other
    (27, 12, 'site 4')
    """
    text = name.strip().upper()
    if well := _WELL.fullmatch(text):
        return PlatePosition(row=_number(well[1]), column=int(well[2]))
    if _ROW.fullmatch(text):
        return PlatePosition(row=_number(text))
    if column := _COLUMN.fullmatch(text):
        return PlatePosition(column=int(column[1]))
    return PlatePosition(other=name.strip())


def _number(letters: str) -> int:
    return ord(letters[-1]) - ord("A") + 1 + 26 * (len(letters) - 1)
