"""Which runs use a cache now: each holds a lease, a locked file, for as long as its process lives.

A lease begins before the first shard is read, and whatever is read or written under it is marked as used since then;
so what was last used before the oldest lease is used by nobody. A process that is killed lets go of its lock.
"""

from __future__ import annotations

import os
import weakref
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

from filelock import FileLock, Timeout

FOLDER = ".runs"
_SUFFIX = ".lock"


class Lease:
    """A run's lease of a cache, until the object or the process ends.

    Attributes
    ----------
    since : float
        When it began, by the clock of the file system; 0 in a folder that can't be written, where there is none.
    """

    def __init__(self, cache: Path) -> None:
        self.since = 0.0
        name = uuid4().hex
        part, path = cache / FOLDER / f"{name}.part", cache / FOLDER / f"{name}{_SUFFIX}"
        with suppress(OSError):
            part.parent.mkdir(exist_ok=True)
            lock = FileLock(part, thread_local=False)
            lock.acquire()
            os.replace(part, path)  # locked before anybody can see it
            self.since = path.stat().st_mtime
            weakref.finalize(self, _end, lock, path, os.getpid())


def oldest_lease(cache: Path) -> float:
    """Return when the oldest lease began, infinity if there is none; those of processes that are gone are removed."""
    since = float("inf")
    for path in (cache / FOLDER).glob(f"*{_SUFFIX}"):
        with suppress(FileNotFoundError):
            began = path.stat().st_mtime
            lock = FileLock(path)
            try:
                lock.acquire(timeout=0)
            except Timeout:
                since = min(since, began)
            else:
                path.unlink()
                lock.release()
    return since


def _end(lock: FileLock, path: Path, process: int) -> None:
    if os.getpid() == process:  # not in a fork of it
        with suppress(OSError):
            path.unlink(missing_ok=True)
            lock.release()
