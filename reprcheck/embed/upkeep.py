"""What a cache holds, whether it is intact, and what may go: for ``reprcheck cache``."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from reprcheck.embed.cache import LOCK, Cache, sweep
from reprcheck.embed.leases import oldest_lease
from reprcheck.embed.shards import DAMAGED, PART, SUFFIX, UnusableShard, check_shard, set_aside

KINDS = ("vectors", "decoded", "scores", "facts")
SHARD_NAME = re.compile(rf"({'|'.join(KINDS)})/([0-9a-f]{{2}})/(\2[0-9a-f]{{38}})/[0-9a-f]{{40}}\.safetensors")
"""A shard's path in the cache: nothing else is ever listed, removed, exported or imported."""


@dataclass(frozen=True)
class CachedKey:
    """What the cache holds under one key.

    Attributes
    ----------
    kind, key : str
    shards : tuple of Path
    size : int
        Bytes.
    used : float
        When a shard of it was last read or written, in seconds since 1970.
    """

    kind: str
    key: str
    shards: tuple[Path, ...]
    size: int
    used: float


@dataclass(frozen=True)
class Removal:
    """What was removed: keys, bytes of all files; and how many more keys were due, but are used by a run."""

    n_keys: int
    size: int
    n_in_use: int


def list_keys(cache: Cache) -> list[CachedKey]:
    """Return what is cached, the least recently used first."""
    by_key: dict[tuple[str, str], list[tuple[Path, os.stat_result]]] = {}
    for path in _list_files(cache.folder, SUFFIX):
        if match := SHARD_NAME.fullmatch(path.relative_to(cache.folder).as_posix()):
            with suppress(FileNotFoundError):
                by_key.setdefault((match[1], match[3]), []).append((path, path.stat()))
    keys = [
        CachedKey(
            *name,
            tuple(path for path, _ in files),
            sum(stat.st_size for _, stat in files),
            max(stat.st_mtime for _, stat in files),
        )
        for name, files in by_key.items()
    ]
    return sorted(keys, key=lambda key: (key.used, key.kind, key.key))


def verify(cache: Cache) -> Iterator[tuple[Path, str]]:
    """Check every shard's bytes against its name; yield those that don't match, and what became of them."""
    for key in list_keys(cache):
        for path in key.shards:
            try:
                check_shard(path)
            except FileNotFoundError:
                pass
            except UnusableShard as problem:
                if outcome := set_aside(path, problem):
                    yield path, f"{problem}; {outcome}"


def remove(cache: Cache, older_than: float | None = None, max_size: int | None = None) -> Removal:
    """Remove what wasn't used for long, the least recently used first, and what was damaged or left half written.

    What a run uses now stays: whatever was used since the oldest run that goes on began, and keys that are locked.

    Parameters
    ----------
    cache : Cache
    older_than : float, optional
        Remove keys that weren't used for so many seconds.
    max_size : int, optional
        Remove keys until all together have at most so many bytes.

    Raises
    ------
    UserError
        If the folder can't be written.
    """
    with cache.writing():
        leased = oldest_lease(cache.folder)
        size = sum(_remove_file(path) for path in _list_files(cache.folder, DAMAGED))
        size += sum(_sweep_if_free(folder) for kind in KINDS for folder in (cache.folder / kind).glob("??/*"))
        keys = list_keys(cache)
        total, now, n_keys, n_in_use = sum(key.size for key in keys), time.time(), 0, 0
        for key in keys:
            is_old = older_than is not None and key.used < now - older_than
            is_too_much = max_size is not None and total > max_size
            if is_old or is_too_much:
                removed = 0 if key.used >= leased else _remove_key(cache, key)
                n_keys, n_in_use = n_keys + bool(removed), n_in_use + (not removed)
                size, total = size + removed, total - removed
    return Removal(n_keys, size, n_in_use)


def _remove_key(cache: Cache, key: CachedKey) -> int:
    """Remove a key's shards and return their bytes; 0 if somebody has locked or used them since they were listed."""
    folder, removed = cache.key_folder(key.kind, key.key), 0
    with _lock_if_free(folder) as is_free:
        if is_free and all(not path.exists() or path.stat().st_mtime <= key.used for path in key.shards):
            removed = sum(map(_remove_file, key.shards))
            with suppress(OSError):  # a shard that came meanwhile
                (folder / LOCK).unlink()
                folder.rmdir()
    return removed


def _sweep_if_free(folder: Path) -> int:
    """Sweep a key's folder, if nobody has locked it, and return the bytes removed."""
    if not any(folder.glob(f".*{PART}")):
        return 0
    with _lock_if_free(folder) as is_free:
        return sweep(folder) if is_free else 0


@contextmanager
def _lock_if_free(folder: Path) -> Iterator[bool]:
    """Hold the lock of a key's folder, and say so, unless somebody else does."""
    lock = FileLock(folder / LOCK)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        yield False
        return
    try:
        yield True
    finally:
        lock.release()


def _list_files(folder: Path, suffix: str) -> Iterator[Path]:
    return (path for kind in KINDS for path in sorted((folder / kind).glob(f"??/*/*{suffix}")))


def _remove_file(path: Path) -> int:
    try:
        size = path.lstat().st_size
        path.unlink()
    except (FileNotFoundError, IsADirectoryError):
        return 0
    return size
