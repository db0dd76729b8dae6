"""The sample table: held as text in order of sample id; its file is read by `table.file`.

Every cell is text until a task asks for a number, so ids such as ``001`` survive. Each row keeps its line in the file,
so that messages can name it. What a column means is for the card and `tasks`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from reprcheck.datasets.card.card import IGNORED, Card
from reprcheck.datasets.card.problems import report
from reprcheck.datasets.card.section import Value
from reprcheck.errors import Location, UserError, did_you_mean
from reprcheck.spelling import NUMBER, is_blank

EXACT = 2**53
"""Below this a float holds every whole number."""
FIRST_LINE = 2
"""Line of the first sample in a CSV file: the header is line 1."""


@dataclass(frozen=True)
class Samples:
    """The columns that the card names, as text, sorted by sample id.

    Attributes
    ----------
    ids : str[N]
        Sorted.
    columns : mapping of str to str[N]
        Stripped text; a missing value is "". A `JointColumn` of the card is one column here.
    position : int64[N]
        Position of each sample in the table as given.
    lines : int64[N]
        Line of each sample in the file as the user wrote it.
    where : str
        The table's file.
    """

    ids: NDArray[np.str_]
    columns: Mapping[str, NDArray[np.str_]]
    position: NDArray[np.int64]
    lines: NDArray[np.int64]
    where: str

    def at(self, row: int, column: str) -> Location:
        """Return the location of a cell, for messages."""
        return cell_name(self.where, int(self.lines[row]), column)


def cell_name(where: str, line: int, column: str) -> Location:
    """Return the location of a cell, for messages: file, line (of a Parquet file: row, from 1), column."""
    return Location(where, line_name(where, line), f"column {column}")


def line_name(where: str, line: int) -> str:
    """Return the name of a row of the table, for messages."""
    return f"row {line - 1}" if where.endswith(".parquet") else f"line {line}"


def lines_of(table: pd.DataFrame) -> NDArray[np.int64]:
    """Return each row's line in the file: the frame's index counts the rows of the file from 0."""
    if pd.api.types.is_integer_dtype(table.index.dtype):
        return table.index.to_numpy(dtype=np.int64) + FIRST_LINE
    return np.arange(len(table), dtype=np.int64) + FIRST_LINE


def texts(column: pd.Series[Any]) -> NDArray[np.str_]:
    """Return a column's cells as stripped text; a missing value, or one of invisible characters only, is "".

    A whole number has no point, since pandas makes integers floats where a value is missing; a time at midnight is
    written as its date, a truth value as ``true`` or ``false``.
    """
    values = column.tolist()
    if str(column.dtype).lower() in ("float16", "float32"):  # as float64 they would show digits that nobody wrote
        values = [float(str(value)) for value in column.to_numpy(str(column.dtype).lower(), na_value=np.nan)]
    return np.array([_to_text(value) for value in values], dtype=np.str_).reshape(len(column))


def _to_text(value: Any) -> str:
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, bytes):
        value = value.decode(errors="backslashreplace")
    if isinstance(value, str):
        return "" if is_blank(value) else value.strip()
    if value is None or value is pd.NA or value is pd.NaT or (isinstance(value, float) and value != value):
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < EXACT:
        return str(int(value))
    if isinstance(value, datetime) and value.time() == time() and value.tzinfo is None:
        return str(value.date())
    return str(value)


class Texts(Mapping[str, NDArray[np.str_]]):
    """The columns of a table as text, in another order of rows; each is converted when it is asked for.

    Parameters
    ----------
    table : pandas.DataFrame
    order : int64[N]
        Positions of rows in the table.
    """

    def __init__(self, table: pd.DataFrame, order: NDArray[np.int64]) -> None:
        self.table, self._order = table, order
        self._names = {str(column): place for place, column in enumerate(table.columns)}

    def __getitem__(self, name: str) -> NDArray[np.str_]:
        return texts(self.table.iloc[:, self._names[name]])[self._order]

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


def require(table: pd.DataFrame, named_columns: Iterable[tuple[str, str]], where: str) -> None:
    """Report each column of ``named_columns`` (card key, column) that the table lacks, as a UserError."""
    for key, column in named_columns:
        if column not in table.columns:
            remedy = did_you_mean(column, map(str, table.columns))
            report(UserError(Location(where), f"no column {column!r}, which {key} names", remedy))


def sort_samples(card: Card, table: pd.DataFrame, where: str) -> Samples:
    """Return the columns that the card names, sorted by sample id.

    Raises
    ------
    UserError
        For a table without rows, a column it lacks, or an id that is blank or given twice.
    """
    distinct = (("[columns] distinct", column) for column in card.columns.distinct)
    require(table, [*card.named_columns(), *distinct], where)
    if not len(table):
        raise UserError(where, "no samples", "add one row per sample")
    lines, key = lines_of(table), card.columns.sample
    ids = texts(table[key])
    order = np.argsort(ids, kind="stable")
    for blank in order[ids[order] == ""]:
        report(UserError(cell_name(where, int(lines[blank]), key), "blank sample id", "give each row an id"))
    for before, after in pairwise(order):
        if ids[after] and ids[before] == ids[after]:
            what = f"sample {str(ids[after])!r} is on {line_name(where, int(lines[before]))} too"
            report(UserError(cell_name(where, int(lines[after]), key), what, "give each row an id of its own"))
    names = {column for key, column in card.named_columns() if key != IGNORED}
    columns = {column: texts(table[column])[order] for column in sorted(names)}
    columns |= {column: _join([columns[part] for part in column.parts]) for column in card.joined_columns()}
    return Samples(ids[order], columns, order.astype(np.int64), lines[order], where)


def _join(columns: Sequence[NDArray[np.str_]]) -> NDArray[np.str_]:
    """Join the cells of several columns to one name, different for different cells; blank where one cell is."""
    escaped = ([cell.replace("\\", "\\\\").replace("/", "\\/") for cell in column.tolist()] for column in columns)
    joined = [" / ".join(cells) if all(cells) else "" for cells in zip(*escaped, strict=True)]
    return np.array(joined, dtype=np.str_).reshape(len(columns[0]))


def matches(cells: NDArray[np.str_], values: tuple[Value, ...]) -> NDArray[np.bool_]:
    """Return which cells equal one of ``wanted``: texts as text, numbers as numbers, truth values as true or false."""
    distinct, inverse = np.unique(cells, return_inverse=True)
    hit = np.array([any(_equals(str(cell), value) for value in values) for cell in distinct], dtype=bool)
    return hit[inverse]


def _equals(cell: str, value: Value) -> bool:
    if isinstance(value, str):
        return cell == value
    if isinstance(value, bool):
        return cell.lower() == str(value).lower()
    number = to_number(cell)
    return number is not None and number == value


def to_number(cell: str) -> float | None:
    """Return the finite number that a cell holds, written as `NUMBER` allows, or None.

    Examples
    --------
    >>> to_number("1.5e3"), to_number("1_0"), to_number("inf"), to_number("1,5")
    (1500.0, None, None, None)
    """
    number = float(cell) if NUMBER.fullmatch(cell) else np.inf
    return number if np.isfinite(number) else None
