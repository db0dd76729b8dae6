"""Checks of published files for the readers: that they exist where they should, and hold what they should.

Whatever isn't as published raises a UserError of one sentence; the meaning of files is for the readers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from reprcheck.datasets.table.file import read_table
from reprcheck.errors import UserError

REMEDY = "fetch the set again, or put its files here just as they were published"


def not_as_published(path: Path, what: str) -> UserError:
    """Return the error for a file or a folder that isn't as published."""
    return UserError(str(path), what, REMEDY)


def need(path: Path) -> Path:
    """Return ``path``, a file or a folder; raises UserError where it isn't there."""
    if not path.exists():
        raise not_as_published(path, "isn't here, and is part of the published set")
    return path


def inside(root: Path, name: str) -> Path:
    """Return the archive's top folder ``name``, or ``root`` itself for a copy without it."""
    return root / name if (root / name).is_dir() else root


def text_table(path: Path, *columns: str) -> pd.DataFrame:
    """Return a published table as text, blanks left blank; its index is the position of each row in the file.

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
    rows = _read_tabs(need(path)) if path.suffix in (".tsv", ".txt") else read_table(need(path)).rows
    for column in columns:
        if column not in rows.columns:
            raise not_as_published(path, f"no column {column!r}, which the published table has")
    return rows


def _read_tabs(path: Path) -> pd.DataFrame:
    try:
        return pd.read_csv(path, sep="\t", dtype=str, keep_default_na=False)
    except (ValueError, OSError) as error:  # pandas' own errors are ValueErrors
        raise not_as_published(path, f"can't be read as a table ({error})") from None


def in_two(labels: pd.Series[str], units: pd.Series[str]) -> pd.Series[str]:
    """Return labels, blank where a label occurs in one unit only: no fold could both train and test on it.

    Examples
    --------
    >>> in_two(pd.Series(["a", "a", "b"]), pd.Series(["u", "v", "w"])).tolist()
    ['a', 'a', '']
    """
    return labels.where(units.groupby(labels).transform("nunique") >= np.int64(2), "")


def read_columns(path: Path, columns: Iterable[str], separator: str = ",") -> pd.DataFrame:
    """Return columns of a published table.

    Parameters
    ----------
    path : Path
        A CSV file. Its other columns may have any name, or none.
    columns : iterable of str
        Names, without the blanks around them.
    separator : str

    Returns
    -------
    pandas.DataFrame
        All text; cells that pandas reads as missing (blank, ``NA``, ``NaN`` …) and Matlab's ``[]`` are missing.

    Raises
    ------
    UserError
        For a file that is missing, can't be read or has no rows, or a column that it lacks.
    """
    try:
        table = pd.read_csv(need(path), sep=separator, dtype=str, na_values=["[]"])
    except (ValueError, OSError) as error:
        raise not_as_published(path, f"can't be read as a table ({error})") from None
    if not isinstance(table.index, pd.RangeIndex):  # pandas takes surplus cells for names of the rows
        raise not_as_published(path, "rows longer than the header")
    table.columns = table.columns.astype(str).str.strip()
    for column in columns:
        if column not in table.columns:
            raise not_as_published(path, f"no column {column!r}, which the published table has")
    if table.empty:
        raise not_as_published(path, "no rows, and the published table has some")
    return table[list(columns)]


def read_array(path: Path, shape: tuple[int | None, ...]) -> NDArray[Any]:
    """Return a published array, mapped and not read.

    Parameters
    ----------
    path : Path
        A ``.npy`` file.
    shape : tuple of int or None
        As published; None where any length will do.

    Raises
    ------
    UserError
        For a file that is missing, can't be read or is cut short, or an array of another shape.
    """
    try:
        array: NDArray[Any] = np.load(need(path), mmap_mode="r", allow_pickle=False)
    except (ValueError, OSError) as error:
        raise not_as_published(path, f"can't be read, truncated or damaged ({error})") from None
    check_shape(path, array.shape, shape)
    return array


def check_shape(path: Path, shape: tuple[int, ...], published: tuple[int | None, ...]) -> None:
    """Raise UserError where an array's shape isn't the published one; None where any length will do."""
    if len(shape) != len(published) or any(p not in (None, f) for f, p in zip(shape, published, strict=True)):
        expected = " x ".join("any" if p is None else str(p) for p in published)
        what = f"an array of {' x '.join(map(str, shape)) or 'no axes'}, and the published one is {expected}"
        raise not_as_published(path, what)


def class_tiles(root: Path, folder: str, labels: Mapping[str, str]) -> pd.DataFrame:
    """Return the tiles of a set that has a folder of TIFF files for each class.

    Parameters
    ----------
    root : Path
        The set's folder.
    folder : str
        What holds the classes' folders, relative to ``root``.
    labels : mapping of str to str
        Class folder to label.

    Returns
    -------
    pandas.DataFrame
        ``tile`` (class folder and name, without the suffix), ``path`` (relative to ``root``) and ``label``, sorted.

    Raises
    ------
    UserError
        For a class folder that is missing or holds no TIFF file.
    """
    rows = []
    for name, label in sorted(labels.items()):
        files = sorted(file.name for file in need(root / folder / name).iterdir() if file.suffix == ".tif")
        if not files:
            raise not_as_published(root / folder / name, "no .tif file, and the published folder holds some")
        rows += [(f"{name}/{Path(file).stem}", f"{folder}/{name}/{file}", label) for file in files]
    return pd.DataFrame(rows, columns=["tile", "path", "label"])
