"""Named arrays, in a ``.npz`` or a Zarr group: one holds the vectors, another may hold the sample ids."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from reprcheck.errors import did_you_mean
from reprcheck.models.vectors import h5ad
from reprcheck.models.vectors.stored import IDS, REAL, TEXT, FileOptions, VectorTable, matrix, shown, wrong

COLUMN_NAMES = ("columns", "feature_names", "features", "var_names", "names")
"""Names of arrays that hold the names of the vectors' columns."""
PICKLES = ("pickle", "numcodecs.pickle")
"""Codecs of Zarr that unpickle what they read."""


@dataclass(frozen=True)
class LazyArray:
    """An array that hasn't been read yet."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    load: Callable[[], NDArray[Any]]

    @property
    def is_text(self) -> bool:
        """Whether it holds one text per row; numpy's variable-width texts have kind T."""
        return len(self.shape) == 1 and self.dtype.kind in (*TEXT, "T")


def header(file: IO[bytes]) -> tuple[tuple[int, ...], np.dtype[Any]]:
    """Return the shape and type that the head of a ``.npy`` declares. Raises ValueError for another file."""
    version = npy.read_magic(file)
    if version not in ((1, 0), (2, 0), (3, 0)):
        raise ValueError(f".npy of version {version}")
    shape, _, dtype = (npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0)(file)
    return shape, dtype


def read_npz(path: Path, choice: FileOptions) -> VectorTable:
    """Read a ``.npz``: the one array of vectors, or the one that ``key`` names; others beside it may name its rows."""
    with zipfile.ZipFile(path) as archive, np.load(path, allow_pickle=False) as found:
        entries = {}
        for member in archive.infolist():
            if not member.filename.endswith(".npy"):
                continue
            name = member.filename.removesuffix(".npy")
            with archive.open(member) as file:
                shape, dtype = header(file)
            if dtype.kind != "O" and np.prod(shape, dtype=object) * dtype.itemsize > member.file_size:
                raise ValueError(f"{name} declares {dtype}{list(shape)}, more than there is")
            entries[name] = LazyArray(shape, dtype, lambda name=name: found[name])  # type: ignore[misc]
        return of_arrays(path, entries, choice)


def read_zarr(path: Path, choice: FileOptions) -> VectorTable:
    """Read a Zarr store: an array; a group of arrays, as a ``.npz``; or what anndata wrote, as a ``.h5ad``."""
    try:
        import zarr
    except ImportError:
        raise wrong(path, "needs zarr, which isn't installed", "pip install 'reprcheck[zarr]'") from None
    node = zarr.open(str(path), mode="r")
    if isinstance(node, zarr.Array):
        if choice.key:
            raise wrong(path, f"is one array, without a key {choice.key!r}", "leave key out")
        entry = _zarr_entry(path, node)
        matrix(path, "", entry.shape, entry.dtype)
        return VectorTable(entry.load(), in_order=True)
    for name, member in node.members(max_depth=None):
        if isinstance(member, zarr.Array) and _pickled(member):
            raise wrong(path, f"{name} holds pickled objects, which are never opened", "save plain arrays")
    if node.attrs.get("encoding-type") == "anndata":
        return h5ad.of_group(path, node, choice)
    members = dict(node.members(max_depth=None))
    arrays = {name: member for name, member in members.items() if isinstance(member, zarr.Array)}
    return of_arrays(path, {name: _zarr_entry(path, array) for name, array in arrays.items()}, choice)


def _zarr_entry(path: Path, array: Any) -> LazyArray:
    if _pickled(array):
        raise wrong(path, "holds pickled objects, which are never opened", "save a plain array of floats")
    return LazyArray(tuple(array.shape), np.dtype(array.dtype), lambda: np.asarray(array[...]))


def _pickled(array: Any) -> bool:
    """Return whether a codec of a Zarr array would unpickle."""
    stored = array.metadata.to_dict()
    codecs = [*(stored.get("filters") or ()), *(stored.get("codecs") or ()), stored.get("compressor") or {}]
    return any(_codec_name(codec) in PICKLES for codec in codecs)


def _codec_name(codec: Any) -> str:
    plain = codec if isinstance(codec, Mapping) else getattr(codec, "codec_id", getattr(codec, "codec_name", ""))
    return str(plain.get("id", plain.get("name", "")) if isinstance(plain, Mapping) else plain)


def of_arrays(path: Path, entries: Mapping[str, LazyArray], choice: FileOptions) -> VectorTable:
    """Return what named arrays hold.

    Parameters
    ----------
    path : Path
    entries : mapping of str to Entry
    choice : Choice

    Raises
    ------
    UserError
        Where no array, or more than one, could be the vectors, or ids are of another number.
    """
    key = _vectors(path, entries, choice.key)
    entry = entries[key]
    matrix(path, f"array {shown(key)}", entry.shape, entry.dtype)
    n, width = entry.shape
    others = {name: other for name, other in entries.items() if name != key}
    names: tuple[str, ...] = ()
    for name in COLUMN_NAMES:
        if not names and name in others and others[name].is_text and others[name].shape == (width,):
            names = tuple(words(others.pop(name).load()).tolist())
    for name in (*IDS, *([choice.ids] if choice.ids else [])):
        if name in others and len(others[name].shape) == 1 and others[name].shape[0] != n:
            what = f"array {shown(name)} names {others[name].shape[0]} rows, and {shown(key)} has {n}"
            raise wrong(path, what, "write one id per vector")
    rows = {name: other for name, other in others.items() if other.shape == (n,)}
    for name, other in rows.items():
        if other.dtype.kind == "O":
            what = f"array {shown(name)} holds pickled objects, which are never opened, though it may name the rows"
            raise wrong(path, what, f"save it as text: {name}.astype(str)")
    labels = {name: words(other.load()) for name, other in rows.items() if other.is_text or other.dtype.kind in REAL}
    text = tuple(name for name, other in rows.items() if other.is_text)
    return VectorTable(entry.load(), names, labels, text, in_order=True)


def _vectors(path: Path, entries: Mapping[str, LazyArray], key: str | None) -> str:
    if key is not None:
        if key not in entries:
            raise wrong(path, f"has no array {shown(key)}", did_you_mean(key, entries))
        return key
    wide = {name: entry for name, entry in entries.items() if len(entry.shape) == 2 and entry.dtype.kind in REAL}
    fit = [name for name, entry in wide.items() if entry.dtype.kind == "f"] or list(wide)
    if len(fit) == 1:
        return fit[0]
    held = ", ".join(f"{name} {entry.dtype}{list(entry.shape)}" for name, entry in sorted(entries.items())[:8])
    if not fit:
        raise wrong(path, f"holds no array of vectors float[N, D]: {held or 'it is empty'}", "save one, and the ids")
    raise wrong(path, f"holds {len(fit)} arrays that could be the vectors: {held}", f"name one, as in ?key={fit[0]}")


def words(values: NDArray[Any]) -> NDArray[np.str_]:
    """Return what a file holds as text: bytes decoded as UTF-8, numbers as Python writes them."""
    try:
        found = [value.decode() if isinstance(value, bytes) else str(value) for value in values.tolist()]
    except UnicodeDecodeError as error:
        raise ValueError(f"text that isn't UTF-8 ({error.reason})") from None
    return np.array([word.strip() for word in found], dtype=np.str_).reshape(len(found))
