"""What a file of vectors holds, whatever its format: numbers, the names of their columns, and what names their rows."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from reprcheck.datasets.table.samples import Texts
from reprcheck.digest import LENGTH, digest
from reprcheck.errors import UserError

TEXT = "US"
"""Kinds of numpy's text types."""
REAL = "fiu"
"""Kinds of numpy's types of real numbers."""
IDS = ("sample", "sample_id", "id", "image_id", "samples", "sample_ids", "ids", "image_ids")
"""Names of columns and arrays that hold sample ids, whatever the dataset calls its own."""
INDEX = "index"
"""What a table's own index is called where it has no name."""
NO_IDS = "none"
"""What the option ``ids`` says of a file whose rows are in the order of the dataset's table."""
LONGEST = 40
"""Characters shown of a name that a file holds."""


@dataclass(frozen=True)
class FileOptions:
    """What the SPEC's options say of a file.

    Attributes
    ----------
    key : str or None
        Which part of the file holds the vectors.
    ids : str or None
        Which column or array holds the sample ids; `NO_IDS`: the rows are in the order of the table.
    """

    key: str | None = None
    ids: str | None = None


@dataclass(frozen=True)
class VectorTable:
    """The content of a file.

    Attributes
    ----------
    values : real[n, D]
        As stored; rows in the file's order.
    names : tuple of str
        Of the D columns; empty where the file names none.
    labels : mapping of str to str[n]
        What may name the rows.
    text : tuple of str
        Those of ``labels`` that are text rather than numbers.
    in_order : bool
        The format promises the order of the dataset's table where nothing names the rows.
    left_out : mapping of str to tuple of str
        Columns that can't be part of a vector whatever the dataset, by reason.
    note : str
        Why the file has no ids, where it seems to have some.
    notes : tuple of str
        A sentence for each thing that was interpreted.
    """

    values: NDArray[Any]
    names: tuple[str, ...] = ()
    labels: Mapping[str, NDArray[np.str_]] = field(default_factory=dict)
    text: tuple[str, ...] = ()
    in_order: bool = False
    left_out: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    note: str = ""
    notes: tuple[str, ...] = ()

    def digest(self, ids: str | None) -> str:
        """Return the digest of names, numbers and what may name the rows.

        Parameters
        ----------
        ids : str or None
            The label that the user says holds the ids; `NO_IDS`: order alone counts.
        """
        told = [] if ids == NO_IDS else sorted(name for name in self.labels if name not in self.names)
        columns = [self.labels[name].tolist() for name in told]
        rows = [
            hashlib.sha256(digest(list(words)).encode() + row.astype("<f8").tobytes()).hexdigest()[:LENGTH]
            for row, words in zip(
                self.values, zip(*columns, strict=True) if told else [()] * len(self.values), strict=True
            )
        ]
        by_id = ids != NO_IDS and (not self.in_order or any(name == ids or bare(name) in IDS for name in told))
        return digest("emb/2", self.names, told, sorted(rows) if by_id else rows)


def bare(name: str) -> str:
    """Return a column's name in lower case, without what marks it as metadata.

    Examples
    --------
    >>> bare("Metadata_Image_ID")
    'image_id'
    """
    return re.sub(r"^(image_)?meta(data)?[_\-. ]+", "", name.strip().casefold())


class Labels(Texts):
    """The columns of a table as text; numbers with a point keep it, since who wrote 1.0 for 1 may have lost 01 too."""

    def __getitem__(self, name: str) -> NDArray[np.str_]:
        column = self.table[name]
        if not pd.api.types.is_float_dtype(column.dtype):
            return super().__getitem__(name)
        return np.array(["" if pd.isna(value) else str(value) for value in column.tolist()], dtype=np.str_)

    @classmethod
    def of(cls, table: pd.DataFrame) -> Labels:
        """Return the columns in the table's own order."""
        return cls(table, np.arange(len(table)))


def wrong(path: Path, what: str, remedy: str) -> UserError:
    """Return the mistake that a file of vectors is."""
    return UserError(str(path), what, remedy)


def shown(name: str) -> str:
    r"""Return a name that a file holds, fit for a message.

    Examples
    --------
    >>> shown("a"), shown("a\n" + 60 * "b")[:8]
    ("'a'", "'a\\nbbbb")
    """
    return repr(str(name) if len(name) <= LONGEST else name[: LONGEST - 1] + "…")


def few(names: Iterable[str], most: int = 3) -> str:
    """Return the first few of some names that a file holds.

    Examples
    --------
    >>> few(["a", "b", "c", "d"])
    "'a', 'b', 'c' …"
    """
    names = list(names)
    return ", ".join(map(shown, names[:most])) + (" …" if len(names) > most else "")


def matrix(path: Path, what: str, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
    """Raise UserError unless an array of this shape and type holds one vector of real numbers per row.

    Parameters
    ----------
    path : Path
    what : str
        The array, as a subject; empty for a file that is one array.
    shape : tuple of int
    dtype : dtype
    """
    said = f"{what} holds {dtype}{list(shape)}, not float[N, D]".lstrip()
    if dtype.names:
        said, remedy = f"{what} holds records ({few(dtype.names)})".lstrip(), "write them as a Parquet table"
    elif dtype.kind == "O":
        said, remedy = f"{what} holds pickled objects, which are never opened".lstrip(), "save a plain array of floats"
    elif dtype.kind == "c":
        remedy = "save real and imaginary parts as columns of their own"
    elif dtype.kind == "b":
        remedy = "say that they are numbers: astype('uint8')"
    elif dtype.kind not in REAL:
        remedy = "save one vector of floats per row of the table"
    elif len(shape) == 3:
        remedy = "make one vector of each sample: take the mean, or one of its tokens"
    elif len(shape) != 2 or not shape[1]:
        remedy = "save one vector of floats per row of the table"
    else:
        return
    raise wrong(path, said, remedy)
