"""What the readers of cell culture sets expect of published files; whatever is otherwise is one line that says so.

A reader asks for a table with its columns, or for a folder, and goes on as if both were there.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from reprcheck.datasets.table import read_table
from reprcheck.errors import UserError, did_you_mean

AS_PUBLISHED = "put the published files there, unchanged"


def inside(root: Path, name: str) -> Path:
    """Return the folder ``name`` that an archive opens with, or ``root`` itself for a copy that lies without it."""
    return root / name if (root / name).is_dir() else root


def table(path: Path, *columns: str) -> pd.DataFrame:
    """Return a published table as text, its index the position of each row in the file.

    Parameters
    ----------
    path : Path
        Separated by commas (``.csv``) or by tabs (``.tsv``, ``.txt``).
    *columns : str
        Those it must have.

    Raises
    ------
    UserError
        For a file that isn't there or can't be read, or a column that it lacks.
    """
    if not path.is_file():
        raise UserError(str(path), "no such file", AS_PUBLISHED)
    found = _tabbed(path) if path.suffix in (".tsv", ".txt") else read_table(path)
    for column in columns:
        if column not in found.columns:
            raise UserError(str(path), f"no column {column!r}", did_you_mean(column, map(str, found.columns)))
    return found


def _tabbed(path: Path) -> pd.DataFrame:
    try:
        return pd.read_csv(path, sep="\t", dtype=str, keep_default_na=False)
    except (ValueError, OSError) as error:  # pandas' own errors are ValueErrors
        raise UserError(str(path), f"can't be read as a table ({error})", AS_PUBLISHED) from error


def folder(path: Path) -> Path:
    """Return a published folder; raises UserError for one that isn't there."""
    if not path.is_dir():
        raise UserError(str(path), "no such folder", AS_PUBLISHED)
    return path


def in_two(labels: pd.Series[str], units: pd.Series[str]) -> pd.Series[str]:
    """Return labels, blank where a label is found in one unit only: no fold could both learn and test it.

    Examples
    --------
    >>> in_two(pd.Series(["a", "a", "b"]), pd.Series(["u", "v", "w"])).tolist()
    ['a', 'a', '']
    """
    return labels.where(units.groupby(labels).transform("nunique") >= np.int64(2), "")
