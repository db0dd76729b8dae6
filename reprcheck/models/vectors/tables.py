"""Tables of vectors, Parquet or text: one row per sample, its id in a column or in the index.

The vectors are one column of lists, or else all columns of numbers that aren't bookkeeping by their names; which of
these a dataset's own table holds too is for `columns`.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from reprcheck.datasets.table.file import read_table
from reprcheck.errors import did_you_mean
from reprcheck.models.vectors.bookkeeping import bookkeeping
from reprcheck.models.vectors.stored import IDS, INDEX, FileOptions, Labels, VectorTable, bare, few, shown, wrong

BLANK = ("", "na", "nan", "n/a", "none", "null", "<na>")
"""Cells of a text file that hold no number, in lower case."""
NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?|[-+]?inf(inity)?", re.IGNORECASE)


def read_parquet(path: Path, choice: FileOptions) -> VectorTable:
    """Read a Parquet file; the index that pandas put in it is one more column, unless it only counts the rows."""
    return of_table(path, pd.read_parquet(path), choice)


def read_text(path: Path, choice: FileOptions) -> VectorTable:
    """Read a ``.csv``, ``.tsv`` or ``.xlsx`` as a table of samples is read; then columns of numbers as numbers."""
    table = read_table(path)
    stored = of_table(path, table.rows.reset_index(drop=True).apply(_numbers), choice)
    return replace(stored, notes=table.notes)


def _numbers(cells: pd.Series[Any]) -> pd.Series[Any]:
    """Return a column of texts as numbers, where all are; ids such as 007 stay text."""
    plain = [str(cell).strip() for cell in cells]
    filled = [cell for cell in plain if cell.lower() not in BLANK]
    if not all(NUMBER.fullmatch(cell) for cell in filled) or any(re.match(r"[-+]?0\d", cell) for cell in filled):
        return pd.Series(plain, cells.index, dtype=str)
    if filled and all(cell.isdecimal() for cell in plain) and max(map(len, plain)) < 18:
        return pd.Series([int(cell) for cell in plain], cells.index, dtype=np.int64)
    return pd.Series([np.nan if c.lower() in BLANK else float(c) for c in plain], cells.index, dtype=np.float64)


def of_table(path: Path, table: pd.DataFrame, choice: FileOptions) -> VectorTable:
    """Return what a table holds.

    Parameters
    ----------
    path : Path
    table : pandas.DataFrame
    choice : Choice
        ``key`` names a column of lists.

    Raises
    ------
    UserError
        For a table without numbers, with two columns of one name, or lists of several lengths.
    """
    table, note = _with_index(table)
    table.columns = pd.Index([str(column) for column in table.columns])
    for twice in table.columns[table.columns.duplicated()]:
        raise wrong(path, f"has two columns named {shown(twice)}", "rename one")
    lists = [column for column in table.columns if _is_lists(table[column])]
    kept = [column for column in lists if bookkeeping(column) is None]
    if choice.key is not None and choice.key not in lists:
        what = f"has no column of lists named {shown(choice.key)}"
        raise wrong(path, what, did_you_mean(choice.key, lists) if lists else "leave key out")
    if choice.key is None and len(kept) > 1:
        what = f"has {len(kept)} columns of lists: {few(kept, 8)}"
        raise wrong(path, what, f"name the vectors, as in ?key={kept[0]}")
    others = table.drop(columns=lists)
    labels = Labels.of(others)
    text = tuple(column for column in others.columns if _is_text(others[column]))
    if vector := choice.key or next(iter(kept), None):
        values = _lists(path, vector, table[vector])
        return VectorTable(values, tuple(f"{vector}[{i}]" for i in range(values.shape[1])), labels, text, note=note)
    left_out: dict[str, list[str]] = {}
    numeric = []
    for column in others.columns:
        reason = "not of numbers" if not _is_numeric(others[column]) else bookkeeping(column)
        if reason is None or (bare(column) in IDS and reason != "not of numbers"):
            numeric.append(column)
        else:
            left_out.setdefault(reason, []).append(column)
    told = {reason: tuple(columns) for reason, columns in left_out.items()}
    if not numeric:
        why = "; ".join(f"{few(columns)}: {reason}" for reason, columns in told.items())
        raise wrong(path, f"has no column of features ({why or 'it is empty'})", "add the vectors, as numbers")
    values = others[numeric].to_numpy(np.float64, na_value=np.nan)
    return VectorTable(values, tuple(numeric), labels, text, left_out=told, note=note)


def _with_index(table: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    """Return the table with its index as columns, and why it names no rows, if so.

    An index without a name that holds whole numbers, or 0, 1, … as text, is pandas' own: it counts the rows of some
    table, in some order.
    """
    index = table.index
    named = [name for name in index.names if name is not None]
    table = table.copy(deep=False)
    if len(named) == index.nlevels:
        for level, name in enumerate(index.names):
            if str(name) not in map(str, table.columns):
                table[str(name)] = index.get_level_values(level)
        return table.reset_index(drop=True), ""
    counting = {str(i) for i in range(len(index))}  # as text it counts rows all the same
    if index.nlevels > 1 or pd.api.types.is_numeric_dtype(index.dtype) or set(index.astype(str)) == counting:
        return table.reset_index(drop=True), "pandas' own index counts rows, and names no samples"
    if INDEX not in map(str, table.columns):
        table[INDEX] = index
    return table.reset_index(drop=True), ""


def _is_lists(column: pd.Series[Any]) -> bool:
    if column.dtype != object:
        return False
    first = next((value for value in column if value is not None), None)
    return isinstance(first, np.ndarray | list | tuple)


def _is_text(column: pd.Series[Any]) -> bool:
    dtype = column.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        dtype = dtype.categories.dtype
    return pd.api.types.is_string_dtype(dtype) and not _is_lists(column)


def _is_numeric(column: pd.Series[Any]) -> bool:
    types, dtype = pd.api.types, column.dtype
    return types.is_numeric_dtype(dtype) and not (types.is_bool_dtype(dtype) or types.is_complex_dtype(dtype))


def _lists(path: Path, name: str, column: pd.Series[Any]) -> NDArray[np.float64]:
    try:
        found = np.stack([np.asarray(value, np.float64) for value in column])
    except (TypeError, ValueError):
        raise wrong(path, f"column {name} isn't one vector per row", "make all lists equally long") from None
    if found.ndim != 2 or not found.shape[1]:
        raise wrong(path, f"column {name} holds shape {list(found.shape[1:])}", "make each a flat list")
    return found
