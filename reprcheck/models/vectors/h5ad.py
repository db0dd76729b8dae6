"""Vectors in an AnnData, as a ``.h5ad`` (HDF5) or a Zarr store: ``X`` or one of ``obsm``, by the names in ``obs``.

The layout is anndata's, of version 0.7 and later (https://anndata.readthedocs.io/en/stable/fileformat-prose.html). It
is read with h5py alone: what is needed of it is little, and anndata itself doesn't work with every version of pandas.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from reprcheck.errors import did_you_mean
from reprcheck.models.vectors.bookkeeping import bookkeeping
from reprcheck.models.vectors.stored import IDS, FileOptions, Labels, VectorTable, bare, few, matrix, shown, wrong

OBS_NAMES = "obs_names"
"""What the index of ``obs`` is called where it has no name."""
UNNAMED = ("_index", "index", "")


def read_h5ad(path: Path, choice: FileOptions) -> VectorTable:
    """Read a ``.h5ad``."""
    try:
        import h5py
    except ImportError:
        raise wrong(path, "needs h5py, which isn't installed", "pip install 'reprcheck[anndata]'") from None
    with h5py.File(path, "r") as file:
        return of_group(path, file, choice)


def of_group(path: Path, root: Any, choice: FileOptions) -> VectorTable:
    """Return what an AnnData holds.

    Parameters
    ----------
    path : Path
    root : h5py.Group or zarr.Group
    choice : Choice
        ``key`` is ``X``, ``layers/NAME``, ``obsm/NAME`` or the NAME alone.

    Raises
    ------
    UserError
        Where it isn't said which of several arrays holds the vectors, or there is none.
    """
    if "obs" not in root or not hasattr(root["obs"], "keys"):
        raise wrong(path, "isn't an AnnData of anndata 0.7 or later", "read it and write it again with anndata")
    key = _key(path, root, choice.key)
    values, names = _matrix(path, key, root[key])
    if not names and not key.startswith("obsm/") and "var" in root:
        names = tuple(_frame(root["var"])[0].astype(str).tolist())
    index, obs = _frame(root["obs"])
    if len(index) != len(values):
        raise wrong(path, f"{key} has {len(values)} rows, and obs has {len(index)}", "write the file again")
    label, note = str(root["obs"].attrs["_index"]), ""
    if label in UNNAMED:
        label = OBS_NAMES
        if all(re.fullmatch(r"\d+", name) for name in index):
            note = f"its {OBS_NAMES} only count rows"
    obs.insert(0, label, pd.Series(index, dtype=str), allow_duplicates=True)
    obs = obs.loc[:, ~obs.columns.duplicated()]
    text = tuple(c for c in obs.columns if pd.api.types.is_string_dtype(obs[c].dtype) and not (c == OBS_NAMES and note))
    kept = [i for i, name in enumerate(names) if bookkeeping(name) is None or bare(name) in IDS]
    left_out: dict[str, list[str]] = {}
    for name in names:
        if (reason := bookkeeping(name)) is not None and bare(name) not in IDS:
            left_out.setdefault(reason, []).append(name)
    if names and not kept:
        raise wrong(path, f"{key} has no column of features: {few(names)}", "add the vectors")
    return VectorTable(
        values[:, kept] if names else values,
        tuple(names[i] for i in kept),
        Labels.of(obs),
        text,
        left_out={reason: tuple(columns) for reason, columns in left_out.items()},
        note=note,
    )


def _key(path: Path, root: Any, key: str | None) -> str:
    """Return which array holds the vectors."""
    groups = {name: root[name] for name in ("obsm", "layers") if name in root}
    held = [*(["X"] if "X" in root and _shape(root["X"]) else [])]
    held += [f"{group}/{name}" for group, node in groups.items() for name in node]
    if key is not None:
        found = [name for name in held if key in (name, name.removeprefix("obsm/"))]
        if not found:
            raise wrong(path, f"holds no {shown(key)}", did_you_mean(key, held))
        return found[0]
    likely = [name for name in held if not name.startswith("layers/")]
    if not likely:
        raise wrong(path, "holds neither X nor obsm", "add the vectors to obsm")
    if len(likely) > 1:
        told = ", ".join(f"{name} {list(_shape(root[name]))}" for name in likely[:8])
        example = likely[-1].removeprefix("obsm/")
        option = f"obsm={example}" if likely[-1].startswith("obsm/") else f"key={example}"
        raise wrong(path, f"holds {len(likely)} arrays that could be the vectors: {told}", f"name one, as in ?{option}")
    return likely[0]


def _shape(node: Any) -> tuple[int, ...]:
    """Return the shape of an array, a sparse matrix or a table of numbers; empty where there is nothing."""
    if hasattr(node, "shape"):
        return tuple(node.shape or ())
    if "shape" in node.attrs:
        return tuple(int(size) for size in node.attrs["shape"])
    return (0, len(node.attrs["column-order"])) if "column-order" in node.attrs else ()


def _matrix(path: Path, key: str, node: Any) -> tuple[NDArray[Any], tuple[str, ...]]:
    """Return the numbers of an array, a sparse matrix or a table, and the names of a table's columns."""
    encoding = str(node.attrs.get("encoding-type", ""))
    if encoding == "dataframe":
        _, frame = _frame(node)
        return frame.to_numpy(np.float64), tuple(map(str, frame.columns))
    if encoding in ("csr_matrix", "csc_matrix"):
        parts = tuple(np.asarray(node[name][...]) for name in ("data", "indices", "indptr"))
        made: Any = sparse.csr_matrix if encoding == "csr_matrix" else sparse.csc_matrix
        return np.asarray(made(parts, shape=_shape(node)).toarray()), ()
    if not hasattr(node, "dtype"):
        raise wrong(path, f"{key} is of a kind that isn't read ({encoding or 'unknown'})", "write it as a plain array")
    matrix(path, key, tuple(node.shape), np.dtype(node.dtype))
    return np.asarray(node[...]), ()


def _frame(group: Any) -> tuple[NDArray[np.str_], pd.DataFrame]:
    """Return the index and the columns of a table."""
    index = _texts(group[group.attrs["_index"]])
    order = [name if isinstance(name, str) else name.decode() for name in group.attrs.get("column-order", [])]
    return index, pd.DataFrame({name: _column(group, name) for name in order}, index=pd.RangeIndex(len(index)))


def _column(group: Any, name: str) -> pd.Series[Any]:
    """Return a column: plain, categorical (of both ways to write it), or with a mask of what is missing."""
    node = group[name]
    if hasattr(node, "keys"):
        if "categories" in node:
            return _categorical(node["codes"], node["categories"])
        values = pd.Series(_values(node["values"]), dtype=object)
        return values.mask(np.asarray(node["mask"][...], bool)).infer_objects()
    legacy: Mapping[str, Any] = group.get("__categories", {})
    return _categorical(node, legacy[name]) if name in legacy else pd.Series(_values(node))


def _categorical(codes: Any, categories: Any) -> pd.Series[Any]:
    known = np.array([*_texts(categories).tolist(), ""], dtype=str)
    return pd.Series(known[np.asarray(codes[...], np.int64)], dtype=str)


def _values(node: Any) -> NDArray[Any]:
    return np.asarray(node[...]) if np.dtype(node.dtype).kind in "biuf" else _texts(node).astype(object)


def _texts(node: Any) -> NDArray[np.str_]:
    found = np.asarray((node["values"] if hasattr(node, "keys") else node)[...], dtype=object).tolist()
    return np.array([value.decode() if isinstance(value, bytes) else str(value) for value in found], dtype=str)
