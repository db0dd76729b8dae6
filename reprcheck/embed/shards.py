"""One shard of the cache: a file that is written once, under the checksum of its bytes, and never changes.

Here too: what becomes of a file that isn't what its name says. Which rows are wanted, and under which key, is left to
`reprcheck.embed.cache`.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import warnings
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load as load_tensors
from safetensors.numpy import save as save_tensors

from reprcheck.digest import LENGTH
from reprcheck.plain_files import obstacle

SUFFIX, PART, DAMAGED = ".safetensors", ".part", ".damaged"
SHARD_FILE = re.compile(rf"[0-9a-f]{{{LENGTH}}}{re.escape(SUFFIX)}")
"""What a shard is named."""
_BLOCK = 2**24
"""Bytes that are hashed at a time."""
_DTYPES: dict[str, np.dtype[Any]] = {"U8": np.dtype("u1"), "F32": np.dtype("<f4")}
"""Types of rows: texts, and vectors."""


class DamagedShardWarning(UserWarning):
    """A file among the shards can't be used, and why; what it held is computed again."""


class UnusableShard(Exception):
    """Why a file among the shards can't be used.

    Attributes
    ----------
    intact : bool
        Its bytes match its name: another version of reprcheck may read it, so it stays.
    """

    def __init__(self, why: str, intact: bool = False) -> None:
        super().__init__(why)
        self.intact = intact


@dataclass(frozen=True, eq=False)
class Shard:
    """Rows that stay in their file until they are copied from it; the file may be removed meanwhile.

    Attributes
    ----------
    path : Path
    raw : uint8[bytes]
        The whole file, mapped.
    ids : bytes[n]
    rows : float32 or uint8, [n, D]
        Mapped.
    """

    path: Path
    raw: NDArray[np.uint8]
    ids: NDArray[np.bytes_]
    rows: NDArray[Any]

    @cached_property
    def is_intact(self) -> bool:
        """Whether its bytes match its name: to be asked before a row of it is used, since it takes reading them all."""
        return checksum(self.raw) == self.path.stem


def open_rows(path: Path, dtype: np.dtype[Any]) -> Shard:
    """Return a shard of rows, of which little more than the ids has been read.

    Parameters
    ----------
    path : Path
    dtype : numpy.dtype
        Of its rows.

    Raises
    ------
    FileNotFoundError
        If it has been removed.
    UnusableShard
    """
    raw = _map(path)
    try:
        return _parse_rows(path, raw, dtype)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        intact = checksum(raw) == path.stem
        raise UnusableShard(f"holds no rows as this version writes them ({error})", intact) from None


def read_arrays(path: Path) -> dict[str, NDArray[Any]]:
    """Return the named arrays of a shard.

    Raises
    ------
    FileNotFoundError
        If it has been removed.
    UnusableShard
    """
    raw = check_shard(path)
    try:
        return load_tensors(bytes(raw))
    except SafetensorError as error:
        raise UnusableShard(f"holds no arrays ({error})", intact=True) from None


def check_shard(path: Path) -> NDArray[np.uint8]:
    """Return the bytes of a shard, mapped.

    Raises
    ------
    FileNotFoundError
        If it has been removed.
    UnusableShard
        For bytes that don't match the name.
    """
    raw = _map(path)
    if checksum(raw) != path.stem:
        raise UnusableShard("damaged")
    return raw


def pack_rows(ids: NDArray[np.bytes_], rows: NDArray[Any]) -> dict[str, NDArray[Any]]:
    """Return the arrays of a shard of rows, which `open_rows` takes back."""
    return {"ids": np.frombuffer(b"\n".join(ids.tolist()), np.uint8), "rows": np.ascontiguousarray(rows)}


def write_shard(folder: Path, arrays: Mapping[str, NDArray[Any]]) -> Path:
    """Write a shard under a temporary name, sync and rename it; a write that fails leaves nothing.

    Raises
    ------
    OSError
    """
    return write_bytes(folder, save_tensors({name: np.ascontiguousarray(array) for name, array in arrays.items()}))


def write_bytes(folder: Path, raw: bytes) -> Path:
    """Write the bytes of a shard as `write_shard` does. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    path, part = folder / f"{checksum(raw)}{SUFFIX}", folder / f".{uuid4().hex}{PART}"
    try:
        with part.open("xb") as file:
            file.write(raw)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    except BaseException:
        with suppress(OSError):
            part.unlink()
        raise
    return path


def report(path: Path, problem: UnusableShard) -> None:
    """Set aside a file that can't be used, and warn; of several readers the first does."""
    if outcome := set_aside(path, problem):
        warnings.warn(f"{path}: {problem}; {outcome}, and computed again", DamagedShardWarning, stacklevel=2)


def set_aside(path: Path, problem: UnusableShard) -> str:
    """Rename a file that can't be used, so that nobody meets it again, and return what became of it.

    One that is intact, or in a folder that can't be written, stays. "" for one that somebody else has renamed.
    """
    if problem.intact:
        return "ignored"
    try:
        os.replace(path, path.with_suffix(DAMAGED))
    except FileNotFoundError:
        return ""
    except OSError:
        return "ignored"
    return "set aside"


def _map(path: Path) -> NDArray[np.uint8]:
    """Return the bytes of a file, mapped."""
    if why := obstacle(path):
        if not os.path.lexists(path):
            raise FileNotFoundError(path)
        raise UnusableShard(why, intact=path.is_file())  # a plain file may be for another user to read
    try:
        return np.memmap(path, np.uint8, "r")
    except ValueError:  # of no bytes
        raise UnusableShard("damaged") from None
    except FileNotFoundError:
        raise
    except OSError as error:
        raise UnusableShard(f"can't be read ({error.strerror})", intact=True) from None


def _parse_rows(path: Path, raw: NDArray[np.uint8], dtype: np.dtype[Any]) -> Shard:
    size = int.from_bytes(raw[:8].tobytes(), "little")
    header = json.loads(raw[8 : 8 + size].tobytes())
    header.pop("__metadata__", None)
    if set(header) != {"ids", "rows"}:
        raise ValueError(f"arrays {', '.join(sorted(header))}")
    arrays: dict[str, NDArray[Any]] = {}
    for name, entry in header.items():
        start, end = (8 + size + offset for offset in entry["data_offsets"])
        arrays[name] = raw[start:end].view(_DTYPES[entry["dtype"]]).reshape(entry["shape"])
    ids = np.array(arrays["ids"].tobytes().split(b"\n"))
    rows = arrays["rows"]
    if rows.ndim != 2 or rows.dtype != dtype:
        raise ValueError(f"rows of {rows.dtype}{list(rows.shape)}")
    if len(ids) != len(rows) or len(np.unique(ids)) != len(ids):
        raise ValueError(f"{len(ids)} ids, {len(np.unique(ids))} of them different, for {len(rows)} rows")
    return Shard(path, raw, ids, rows)


def checksum(raw: bytes | NDArray[np.uint8]) -> str:
    """Return what a shard of these bytes is named."""
    state, view = hashlib.sha256(), memoryview(raw)  # type: ignore[arg-type]
    for start in range(0, len(view), _BLOCK):
        state.update(view[start : start + _BLOCK])
    return state.hexdigest()[:LENGTH]
