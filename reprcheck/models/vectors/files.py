"""Reads a file of vectors, each format by its reader. Nothing is ever unpickled."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from reprcheck.errors import UserError
from reprcheck.models.failure import because
from reprcheck.models.vectors import arrays, h5ad, tables
from reprcheck.models.vectors.stored import FileOptions, VectorTable, matrix, wrong
from reprcheck.models.vectors.suffixes import SUFFIXES, suffix

Reader = Callable[[Path, FileOptions], VectorTable]


def read(path: Path, choice: FileOptions) -> VectorTable:
    """Return what a file holds.

    Parameters
    ----------
    path : Path
        With one of `suffixes.SUFFIXES`.
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


def _npy(path: Path, choice: FileOptions) -> VectorTable:
    if choice.key:
        raise wrong(path, f"is one array, without a key {choice.key!r}", "leave key out")
    with path.open("rb") as file:
        shape, dtype = arrays.header(file)
    matrix(path, "", shape, dtype)
    return VectorTable(np.array(np.load(path, mmap_mode="r", allow_pickle=False)), in_order=True)


READERS: Mapping[str, Reader] = dict(
    zip(
        SUFFIXES,
        (
            _npy,
            arrays.read_npz,
            tables.read_parquet,
            *[tables.read_text] * 3,
            h5ad.read_h5ad,
            arrays.read_zarr,
        ),
        strict=True,
    )
)
