"""Content-addressed shards of arrays on a local folder: embeddings, image digests and scores alike.

``<folder>/<kind>/<key>/<checksum>.safetensors`` holds rows for some ids. A shard is written under a temporary name,
synced and renamed, and never changes; its name is the checksum of its bytes, so damage shows and there is no index to
corrupt: the folder is the index. What a killed writer leaves behind is a temporary file that nobody reads. Upkeep is
left to `reprcheck.embed.upkeep`.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock, Timeout
from numpy.typing import NDArray

from reprcheck.embed.joining import MANY, join, list_small
from reprcheck.embed.leases import Lease
from reprcheck.embed.remote import RemoteCache
from reprcheck.embed.rows import Rows
from reprcheck.embed.shards import (
    PART,
    SUFFIX,
    Shard,
    UnusableShard,
    open_rows,
    pack_rows,
    read_arrays,
    report,
    write_shard,
)
from reprcheck.errors import Option, UserError

TEXTS = "decoded"
"""The kind whose rows are texts, in bytes; those of others are vectors."""
LOCK = ".lock"
ABANDONED = 3600
"""Seconds after which a temporary file belongs to nobody, if its key isn't locked."""
LOOKS = 5
"""How often a key is listed while others remove shards of it."""


def default_folder() -> Path:
    """Return ``$REPRCHECK_CACHE``, else ``reprcheck`` in the user's cache folder."""
    chosen = os.environ.get("REPRCHECK_CACHE")
    return Path(chosen) if chosen else Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "reprcheck"


def open_cache(folder: str | Path | None, remote: str | None) -> Cache:
    """Return the cache that is meant, and behind it the shared one; what is None is as the environment says.

    Raises
    ------
    UserError
        As `Cache` does.
    """
    url = os.environ.get("REPRCHECK_CACHE_REMOTE", "") if remote is None else remote
    return Cache(Path(folder) if folder else default_folder(), remote=url)


class Cache:
    """A folder of shards. One that can't be written serves as long as nothing is missing from it.

    Parameters
    ----------
    folder : Path
        Made if it isn't there.
    crowded : bool
        Whether others fill it at the same time, each with a part of its own: nobody waits for a lock then, and nothing
        is removed that another machine may be reading.
    remote : str
        URL of a cache that is shared with other machines: see `reprcheck.embed.remote`. It serves a folder that can be
        written.

    Raises
    ------
    UserError
        If the folder can't be made or read, or is empty and can't be written; for a URL that can't be opened.
    """

    def __init__(self, folder: Path, crowded: bool = False, remote: str = "") -> None:
        self.folder, self.crowded, self.remote = folder, crowded, remote
        self._where = Option("cache-dir", folder)
        reason = ""
        try:
            folder.mkdir(parents=True, exist_ok=True)
            try:
                with tempfile.TemporaryFile(dir=folder):
                    pass
            except OSError as e:
                reason = _reason(e)
            is_empty = next(folder.iterdir(), None) is None
        except OSError as e:
            reason, is_empty = _reason(e), True
        if reason and is_empty:
            raise UserError(self._where, f"not a usable folder ({reason})", "name another one")
        self._read_only = reason
        self._second = RemoteCache(remote, folder) if remote else None
        self._loaded = set[tuple[str, str]]()
        self._lease: Lease | None = None

    def __reduce__(self) -> tuple[type[Cache], tuple[Path, bool, str]]:
        """Pickle by the folder."""
        return type(self), (self.folder, self.crowded, self.remote)

    @contextmanager
    def lock(self, kind: str, key: str) -> Iterator[None]:
        """Hold the lock that whoever adds to ``key`` must hold, so that no two processes compute the same rows.

        In a crowd nobody does: what two have computed is the same.

        Raises
        ------
        UserError
            If the folder can't be written.
        """
        folder = self.key_folder(kind, key)
        if self.crowded:
            yield
            return
        with self.writing():
            folder.mkdir(parents=True, exist_ok=True)
            lock = FileLock(folder / LOCK)
            try:
                lock.acquire()
            except FileNotFoundError:  # the empty folder was removed after it was made
                folder.mkdir(parents=True, exist_ok=True)
                lock.acquire()
        try:
            sweep(folder)
            yield
        finally:
            lock.release()

    def load(self, kind: str, key: str) -> Rows:
        """Return every intact row under ``key``. Files that can't be used are reported, and set aside if damaged.

        Many small shards are joined first, unless somebody holds the key's lock.
        """
        self._bring(kind, key)
        self._loaded.add((kind, key))
        shards = self._open(kind, key)
        if self._list_joined(kind, key, shards) and not (self._read_only or self.crowded):
            with suppress(OSError, Timeout):  # a full disk, or a key that is being added to
                with FileLock(self.key_folder(kind, key) / LOCK, timeout=0):
                    join(self.key_folder(kind, key), self._list_joined(kind, key, self._open(kind, key)))
                shards = self._open(kind, key)
        return Rows(shards)

    def share(self) -> None:
        """Send whatever is new under the keys looked up so far to the shared cache, many small shards joined before.

        Where there is none, or it can't be written, nothing happens but a warning.
        """
        if self._second:
            for kind, key in sorted(self._loaded):
                if len(self._second.unsent(self._place(kind, key))) > MANY:
                    self.load(kind, key)
            self._second.send()

    def must_fit(self, width: int, other: int) -> None:
        """Raise UserError for vectors of an encoder whose width isn't that of others."""
        if width != other:
            what = f"vectors of {other} and of {width} numbers from one encoder"
            raise UserError(self._where, what, "make it return vectors of one length")

    def add(self, kind: str, key: str, rows: Mapping[str, NDArray[Any]]) -> None:
        """Write ``rows`` (id to array, all of one shape and dtype) as one new shard."""
        if rows:
            self._write(kind, key, pack_rows(np.array([i.encode() for i in rows]), np.stack(list(rows.values()))))

    def get(self, kind: str, key: str, names: Collection[str] = ()) -> dict[str, NDArray[Any]] | None:
        """Return the named arrays put under ``key``, or None where there are none, or one of ``names`` isn't theirs."""
        arrays = self._get(kind, key, names)
        return self._get(kind, key, names) if arrays is None and self._bring(kind, key) else arrays

    def _get(self, kind: str, key: str, names: Collection[str]) -> dict[str, NDArray[Any]] | None:
        for path in self._list(kind, key):
            try:
                arrays = read_arrays(path)
                if not arrays.keys() >= set(names):
                    raise UnusableShard(f"holds {', '.join(sorted(arrays))}, not {', '.join(sorted(names))}", True)
                return arrays
            except FileNotFoundError:
                pass
            except UnusableShard as problem:
                report(path, problem)
        return None

    def put(self, kind: str, key: str, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Write named arrays, the whole value of ``key``."""
        self._write(kind, key, arrays)

    def key_folder(self, kind: str, key: str) -> Path:
        """Return where the shards of a key are."""
        return self.folder / self._place(kind, key)

    def _place(self, kind: str, key: str) -> str:
        return f"{kind}/{key[:2]}/{key}"

    def _bring(self, kind: str, key: str) -> bool:
        """Look a key up in the shared cache, and return whether shards came from there."""
        return self._second is not None and not self._read_only and self._second.bring(self._place(kind, key))

    def _list_joined(self, kind: str, key: str, shards: Sequence[Shard]) -> list[Shard]:
        """Return the shards to be joined: not those that are shared, since they would be brought again."""
        if self._second:
            unsent = self._second.unsent(self._place(kind, key))
            shards = [shard for shard in shards if shard.path.name in unsent]
        return list_small(shards)

    def _open(self, kind: str, key: str) -> list[Shard]:
        """Return the shards of a key, but those that can't be used, which are reported."""
        dtype = np.dtype("u1" if kind == TEXTS else "<f4")
        shards: list[Shard] = []
        for _ in range(LOOKS):
            shards, is_whole = [], True
            for path in self._list(kind, key):
                try:
                    shards.append(open_rows(path, dtype))
                except FileNotFoundError:  # joined with others, or removed, since it was listed
                    is_whole = False
                except UnusableShard as problem:
                    report(path, problem)
            if is_whole:
                break
        return shards

    def _list(self, kind: str, key: str) -> list[Path]:
        """Return the shards of a key, which are marked as used now: their time of change is that of their last use."""
        if self._lease is None:
            self._lease = Lease(self.folder)
        paths = sorted(self.key_folder(kind, key).glob(f"*{SUFFIX}"))
        for path in paths:
            with suppress(OSError):
                if path.stat().st_mtime < self._lease.since:
                    os.utime(path)
        return paths

    def _write(self, kind: str, key: str, arrays: Mapping[str, NDArray[Any]]) -> None:
        with self.writing():
            try:
                write_shard(self.key_folder(kind, key), arrays)
            except FileNotFoundError:  # the empty folder was removed after it was made
                write_shard(self.key_folder(kind, key), arrays)

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Turn what goes wrong in writing into one UserError."""
        try:
            yield
        except OSError as e:
            what, remedy = f"can't be written ({e.strerror or e})", "free or move it"
            if self._read_only:
                what = f"lacks something that is needed, and can't be written ({self._read_only})"
                remedy = "name a folder that can be written, or complete it where it can"
            raise UserError(self._where, what, remedy) from None


def sweep(folder: Path) -> int:
    """Remove what killed writers left in the folder of a key, whose lock the caller holds; return its bytes."""
    size = 0
    for part in folder.glob(f".*{PART}"):
        with suppress(OSError):
            stat = part.stat()
            if stat.st_mtime < time.time() - ABANDONED:
                part.unlink()
                size += stat.st_size
    return size


def _reason(error: OSError) -> str:
    return (error.strerror or str(error)).lower()
