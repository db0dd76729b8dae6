"""Content-addressed shards of arrays on a local folder: embeddings, image digests and scores alike.

``<folder>/<kind>/<key>/<checksum>.safetensors`` holds rows for some ids. A shard is written under a temporary name,
synced and renamed, and never changes; its name is the checksum of its bytes, so damage shows and there is no index to
corrupt: the folder is the index. What a killed writer leaves behind is a temporary file that nobody reads.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load as load_tensors
from safetensors.numpy import save as save_tensors

from reprcheck.errors import Option, UserError


class DamagedShardWarning(UserWarning):
    """A shard's bytes don't match its name; it was set aside and its rows are computed again."""


def default_folder() -> Path:
    """Return ``$REPRCHECK_CACHE``, else ``reprcheck`` in the user's cache folder."""
    chosen = os.environ.get("REPRCHECK_CACHE")
    return Path(chosen) if chosen else Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "reprcheck"


class Cache:
    """A folder of shards.

    Parameters
    ----------
    folder : Path
        Made if it isn't there.

    Raises
    ------
    UserError
        If the folder can't be made, read or written.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=folder):
                pass
            next(folder.iterdir(), None)
        except OSError as e:
            reason = (e.strerror or str(e)).lower()
            raise UserError(
                Option("cache-dir", folder), f"not a usable folder ({reason})", "name another one"
            ) from None

    def lock(self, kind: str, key: str) -> FileLock:
        """Return the lock that whoever adds to ``key`` must hold, so that no two processes compute the same rows."""
        folder = self._folder(kind, key)
        folder.mkdir(parents=True, exist_ok=True)
        return FileLock(folder / ".lock")

    def load(self, kind: str, key: str) -> dict[str, NDArray[Any]]:
        """Return every intact row under ``key``: id to array. Damaged shards are reported and set aside."""
        rows: dict[str, NDArray[Any]] = {}
        for path in sorted(self._folder(kind, key).glob("*.safetensors")):
            tensors = _read(path)
            if tensors is not None:
                ids = bytes(tensors["ids"]).decode().split("\n")
                rows.update(zip(ids, tensors["rows"], strict=True))
        return rows

    def add(self, kind: str, key: str, rows: Mapping[str, NDArray[Any]]) -> None:
        """Write ``rows`` (id to array, all of one shape and dtype) as one new shard."""
        if rows:
            ids = np.frombuffer("\n".join(rows).encode(), np.uint8)
            self._write(kind, key, {"ids": ids, "rows": np.ascontiguousarray(np.stack(list(rows.values())))})

    def get(self, kind: str, key: str) -> dict[str, NDArray[Any]] | None:
        """Return the named arrays put under ``key``, or None."""
        intact = (_read(path) for path in sorted(self._folder(kind, key).glob("*.safetensors")))
        return next((tensors for tensors in intact if tensors is not None), None)

    def put(self, kind: str, key: str, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Write named arrays, the whole value of ``key``."""
        self._write(kind, key, {name: np.ascontiguousarray(array) for name, array in arrays.items()})

    def _folder(self, kind: str, key: str) -> Path:
        return self.folder / kind / key[:2] / key

    def _write(self, kind: str, key: str, tensors: dict[str, NDArray[Any]]) -> None:
        raw = save_tensors(tensors)
        folder = self._folder(kind, key)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=folder, prefix=".", suffix=".part", delete=False) as f:
                f.write(raw)
                f.flush()
                os.fsync(f.fileno())
            os.replace(f.name, folder / f"{_checksum(raw)}.safetensors")
        except OSError as e:
            where = Option("cache-dir", self.folder)
            raise UserError(where, f"can't be written ({e.strerror})", "free or move it") from None


def stack(rows: Mapping[str, NDArray[Any]], ids: Sequence[str]) -> NDArray[Any]:
    """Return the rows of ``rows`` in the order of ``ids``."""
    return np.stack([rows[i] for i in ids])


def _checksum(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()[:40]


def _read(path: Path) -> dict[str, NDArray[Any]] | None:
    raw = path.read_bytes()
    if _checksum(raw) == path.stem:
        try:
            return load_tensors(raw)
        except SafetensorError:  # intact bytes that another program wrote
            pass
    os.replace(path, path.with_suffix(".damaged"))
    warnings.warn(f"{path}: damaged shard set aside; its rows are computed again", DamagedShardWarning, stacklevel=4)
    return None
