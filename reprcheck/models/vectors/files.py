"""Reads a file of vectors: which format a suffix stands for, and the plain array. Nothing is ever unpickled."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from reprcheck.errors import UserError
from reprcheck.models.failure import because
from reprcheck.models.vectors import arrays, h5ad, tables
from reprcheck.models.vectors.stored import Choice, Stored, matrix, wrong

Reader = Callable[[Path, Choice], Stored]

REMEDIES = {
    **dict.fromkeys((".pt", ".pth", ".pkl", ".pickle", ".joblib"), "pickles are never opened: use numpy.save"),
    **dict.fromkeys((".h5", ".hdf5", ".mat", ".safetensors"), "use numpy.save, or numpy.savez with the ids"),
    **dict.fromkeys((".feather", ".arrow", ".json", ".xls"), "write the table with pandas.DataFrame.to_parquet"),
}
"""What to do about the formats of others, by suffix."""


def read(path: Path, choice: Choice) -> Stored:
    """Return what a file holds.

    Parameters
    ----------
    path : Path
        With one of `SUFFIXES`.
    choice : Choice

    Raises
    ------
    UserError
        For a file that can't be read, holds no vectors, or holds several sets of them.
    """
    try:
        return READERS[suffix(path)](path, choice)
    except UserError:
        raise
    except Exception as error:  # each format's library raises kinds of its own
        raise wrong(path, f"can't be read: {because(error)}", "write the file again") from None


def suffix(path: Path) -> str:
    """Return what tells a file's format; ``.csv`` for ``.csv.gz``."""
    ends = [end.lower() for end in path.suffixes]
    return ends[-2] if ends[-1:] == [".gz"] and ends[-2:-1] and ends[-2] in (".csv", ".tsv") else "".join(ends[-1:])


def _npy(path: Path, choice: Choice) -> Stored:
    if choice.key:
        raise wrong(path, f"is one array, without a key {choice.key!r}", "leave key out")
    with path.open("rb") as file:
        shape, dtype = arrays.header(file)
    matrix(path, "", shape, dtype)
    return Stored(np.array(np.load(path, mmap_mode="r", allow_pickle=False)), in_order=True)


READERS: Mapping[str, Reader] = {
    ".npy": _npy,
    ".npz": arrays.read_npz,
    ".parquet": tables.read_parquet,
    ".csv": tables.read_text,
    ".tsv": tables.read_text,
    ".xlsx": tables.read_text,
    ".h5ad": h5ad.read_h5ad,
    ".zarr": arrays.read_zarr,
}
SUFFIXES = tuple(READERS)
