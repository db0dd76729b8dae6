"""``emb:FILE``: vectors that the user computed, in the order of the dataset's table (.npy) or by sample id (.parquet).

There is no network behind them, so no untrained twins and no other images: only plain untrained networks to compare
with.
"""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from reprcheck.digest import digest, file_digest
from reprcheck.errors import UserError
from reprcheck.models import options
from reprcheck.models.failure import because
from reprcheck.models.model import Model, name_of
from reprcheck.models.spec import Spec
from reprcheck.types import Dataset, Encoder

if TYPE_CHECKING:
    import pandas as pd

SUFFIXES = (".npy", ".parquet")
ID_COLUMNS = ("sample", "sample_id", "id", "image_id")
"""Columns that hold the sample ids, the first one found; else the table's index does."""


class Precomputed(Model):
    """Vectors from a file.

    Parameters
    ----------
    spec : Spec

    Raises
    ------
    UserError
        For a file that isn't there, or of another format.
    """

    def __init__(self, spec: Spec) -> None:
        options.only(spec, ("name",))
        self.spec, self.name, self.where = str(spec), name_of(spec), spec.where
        self.path = Path(spec.target).expanduser()
        if self.path.suffix not in SUFFIXES:
            raise UserError(spec.where, f"can't read vectors from {self.path.name}", f"use {' or '.join(SUFFIXES)}")
        if not self.path.is_file():
            raise UserError(spec.where, f"no file {spec.target}", "check the path")

    @cached_property
    def digest(self) -> str:
        """Digest of the file's bytes."""
        return digest("emb/1", file_digest(self.path))

    def encoder(self, n_channels: int) -> Encoder:
        """Raise UserError: a file of vectors can't embed images."""
        raise UserError(self.where, "holds vectors, and no network to embed images with", "name a model instead")

    def untrained(self, n_channels: int, k: int) -> None:
        """Return None: there is no architecture to initialise."""
        return None

    def vectors(self, dataset: Dataset) -> NDArray[np.float32]:
        """Return the dataset's vectors.

        Parameters
        ----------
        dataset : Dataset
            N samples. A ``.npy`` has one row per row of its table, in the table's order. A ``.parquet`` has the sample
            ids in a column named as in `ID_COLUMNS` or in its index, and the vectors in one column of lists, or else
            in all its other numeric columns, in the file's order; other columns, and rows of other samples, are left
            out.

        Returns
        -------
        float32[N, D]
            Aligned with ``dataset.ids``. NaN and infinities are passed on.

        Raises
        ------
        UserError
            For a file that can't be read, of the wrong shape or number of rows, or without one of the samples.
        """
        if self.path.suffix == ".npy":
            return self._by_row(dataset)
        return self._by_id(dataset)

    def _by_row(self, dataset: Dataset) -> NDArray[np.float32]:
        try:
            found = np.load(self.path, allow_pickle=False)
        except Exception as error:
            raise self._wrong(f"can't be read: {because(error)}", "save a float array with numpy.save") from error
        if not isinstance(found, np.ndarray) or found.ndim != 2 or found.dtype.kind != "f" or not found.shape[1]:
            shape = f"{found.dtype}{list(found.shape)}" if isinstance(found, np.ndarray) else type(found).__name__
            raise self._wrong(f"holds {shape}, not float[N, D]", "save one vector of floats per row of the table")
        rows = int(dataset.table_row.max()) + 1
        if len(found) != rows:
            what = f"has {len(found)} rows; the table of {dataset.name} has {rows}"
            raise self._wrong(what, "save one vector per row of the table, in its order")
        return np.ascontiguousarray(found[dataset.table_row], np.float32)

    def _by_id(self, dataset: Dataset) -> NDArray[np.float32]:
        import pandas as pd

        try:
            table = pd.read_parquet(self.path)
        except Exception as error:
            raise self._wrong(
                f"can't be read: {because(error)}", "write it with pandas.DataFrame.to_parquet"
            ) from error
        named = next((column for column in ID_COLUMNS if column in table.columns), None)
        ids = pd.Index((table.index if named is None else table[named]).astype(str))
        if not ids.is_unique:
            raise self._wrong(f"has sample {ids[ids.duplicated()][0]!r} twice", "keep one row per sample")
        positions = ids.get_indexer(pd.Index(dataset.ids.tolist()))
        if (positions < 0).any():
            missing = dataset.ids[positions < 0]
            shown = ", ".join(missing[:3].tolist()) + (" …" if len(missing) > 3 else "")
            what = f"lacks {len(missing)} of {len(dataset.ids)} samples of {dataset.name}: {shown}"
            raise self._wrong(what, f"add a row for each, its id in one of {', '.join(ID_COLUMNS)} or the index")
        return self._values(table.drop(columns=[] if named is None else [named]))[positions]

    def _values(self, table: pd.DataFrame) -> NDArray[np.float32]:
        import pandas as pd

        lists = [c for c in table.columns if len(table) and isinstance(table[c].iloc[0], np.ndarray | list)]
        if len(lists) > 1:
            raise self._wrong(f"has {len(lists)} columns of lists: {', '.join(map(str, lists))}", "keep one")
        if lists:
            try:
                found = np.stack([np.asarray(value, np.float32) for value in table[lists[0]]])
            except (TypeError, ValueError) as error:
                raise self._wrong(
                    f"column {lists[0]} isn't one vector per row", "make all lists equally long"
                ) from error
            if found.ndim != 2 or not found.shape[1]:
                raise self._wrong(f"column {lists[0]} holds shape {list(found.shape[1:])}", "make each a flat list")
            return found
        numeric = [
            c
            for c in table.columns
            if pd.api.types.is_numeric_dtype(table[c].dtype) and not pd.api.types.is_bool_dtype(table[c].dtype)
        ]
        if not numeric:
            raise self._wrong("has no numeric column and no column of lists", "add the vectors")
        return table[numeric].to_numpy(np.float32, na_value=np.nan)

    def _wrong(self, what: str, remedy: str) -> UserError:
        return UserError(str(self.path), what, remedy)
