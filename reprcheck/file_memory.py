"""Digests of files, remembered by path, size and time of change, so that a second run needn't read every image again.

They are kept in one SQLite file in the cache. A file that was changed within `RACY` seconds of being read isn't
remembered, since another change may leave the same size and time. Nothing depends on what is remembered: where it can't
be read or written, files are read.
"""

from __future__ import annotations

import os
import re
import sqlite3
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from pathlib import Path

from reprcheck.digest import LENGTH, file_digest

NAME = "digests-1.sqlite"
RACY = 2.0
"""Seconds: the coarsest clock of a file system in use."""
_AT_ONCE = 1000
"""Digests held before they are written."""
_DIGEST = re.compile(rf"[0-9a-f]{{{LENGTH}}}")
_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_TABLE = "CREATE TABLE IF NOT EXISTS files (path TEXT PRIMARY KEY, size INTEGER, mtime INTEGER, digest TEXT)"


class DamagedMemoryWarning(UserWarning):
    """What was remembered of files is damaged; it was set aside and files are read."""


class FileMemory:
    """What is remembered of files.

    Parameters
    ----------
    folder : Path
        The cache.
    rehash : bool
        Read every file, and remember it anew.
    """

    def __init__(self, folder: Path, rehash: bool = False) -> None:
        self.path, self.rehash = folder / NAME, rehash
        self._new: dict[str, tuple[int, int, str]] = {}
        self._file: sqlite3.Connection | None = None
        self._is_new = True

    def digest(self, path: Path) -> str:
        """Return the digest of a file's bytes. Raises OSError."""
        if self._is_new:
            self._is_new = False
            self._open()
        name, before = os.path.abspath(path), path.stat()
        mark = before.st_size, before.st_mtime_ns
        if not self.rehash and (known := self._look_up(name, *mark)):
            return known
        digest, after = file_digest(path), path.stat()
        if (after.st_size, after.st_mtime_ns) == mark and time.time() - after.st_mtime > RACY:
            self._new[name] = (*mark, digest)
            if len(self._new) >= _AT_ONCE:
                self.write()
        return digest

    def write(self) -> None:
        """Write what is new, if that can be done."""
        rows, self._new = [(name, *row) for name, row in self._new.items()], {}
        if rows and self._file is not None:
            with self._guarded(), self._file:
                self._file.executemany("INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?)", rows)

    def close(self) -> None:
        """Write what is new, and let go of the file."""
        self.write()
        self._close()

    def _look_up(self, name: str, size: int, mtime: int) -> str | None:
        if self._file is None:
            return None
        found = None
        with self._guarded():
            question = "SELECT digest FROM files WHERE path = ? AND size = ? AND mtime = ?"
            found = self._file.execute(question, (name, size, mtime)).fetchone()
        return found[0] if found and isinstance(found[0], str) and _DIGEST.fullmatch(found[0]) else None

    def _open(self) -> None:
        with self._guarded():
            self._file = sqlite3.connect(self.path, timeout=10)
            self._file.execute("SELECT count(*) FROM sqlite_master").fetchone()
            with suppress(sqlite3.OperationalError):  # a folder that can't be written may still be read
                self._file.execute(_TABLE)

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        """Go on without the file if it can't be used; set it aside and begin another if it is damaged."""
        try:
            yield
        except (sqlite3.Error, ValueError, OverflowError) as error:
            self._close()
            if getattr(error, "sqlite_errorcode", None) in _DAMAGED:
                with suppress(OSError):
                    os.replace(self.path, self.path.with_suffix(".damaged"))
                    warnings.warn(f"{self.path}: damaged; set aside, and files are read", DamagedMemoryWarning, 4)
                    self._open()

    def _close(self) -> None:
        if self._file is not None:
            with suppress(sqlite3.Error):
                self._file.close()
        self._file = None


_MEMORY: ContextVar[FileMemory | None] = ContextVar("memory", default=None)


@contextmanager
def remembering(memory: FileMemory) -> Iterator[None]:
    """Let `remembered_digest` use a memory, within."""
    token = _MEMORY.set(memory)
    try:
        yield
    finally:
        _MEMORY.reset(token)
        memory.close()


def remembered_digest(path: Path) -> str:
    """Return the digest of a file's bytes, from memory where there is one. Raises OSError."""
    memory = _MEMORY.get()
    return file_digest(path) if memory is None else memory.digest(path)
