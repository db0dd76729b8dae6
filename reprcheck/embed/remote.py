"""A second level behind the cache: shards at a URL that many machines share, through fsspec.

What a key lacks here is brought from there, once in a run, before anything is computed; what is new here is sent there.
Objects have the names that shards have in the cache, checksums of their bytes: so damage shows, an object that is sent
twice is the same one, and writers can't disturb each other. Nothing is removed there. Whatever goes wrong is told once,
and the run goes on with the cache alone.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, wait
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit
from uuid import uuid4

from reprcheck.embed.shards import PART, SHARD_FILE, SUFFIX, UnusableShard, check_shard, checksum, write_bytes
from reprcheck.embed.threads import Threads
from reprcheck.errors import Option, UserError, clipped, printable

PATIENCE = 15.0
"""Seconds without an answer after which a remote counts as out of reach."""
SLOWEST = 2**20
"""Bytes per second below which a transfer counts as no answer."""
SIDE_BY_SIDE = 4
"""Transfers at a time."""
WHOLE = {"s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "adl", "memory"}
"""Protocols that show an object to nobody before all of it is written."""

T = TypeVar("T")


class RemoteCacheWarning(UserWarning):
    """The shared cache at a URL can't be used as it should, and why; the run goes on."""


class RemoteCache:
    """Shards at a URL, of the keys that a run looks up.

    Parameters
    ----------
    url : str
        Whatever fsspec opens, such as ``s3://bucket/folder``. A folder of a disk must be there.
    folder : Path
        The cache in front of it.

    Raises
    ------
    UserError
        For a URL that fsspec doesn't know, or a package that isn't installed. The network isn't asked.
    """

    def __init__(self, url: str, folder: Path) -> None:
        self.url, self.folder = url, folder
        self._is_readable = self._is_writable = True
        self._sent = dict[str, set[str]]()  # by the place of each key looked up so far: shards known to be there
        self._damaged = set[str]()
        self._opened: tuple[Any, str] | None = None
        self._protocol = _check(url)

    def bring(self, place: str) -> bool:
        """Copy here what a key's folder has there and not here; of all calls for one key, the first does.

        Parameters
        ----------
        place : str
            The folder, relative to the cache.

        Returns
        -------
        bool
            Whether shards came.
        """
        if place in self._sent or not self._is_readable:
            return False
        self._sent[place] = set()
        try:
            _, sizes = next(_run([partial(self._list, place)], PATIENCE))
            lacking = {name: size for name, size in sizes.items() if not (self.folder / place / name).exists()}
            fetches = [partial(self._fetch, place, name) for name in lacking]
            outcomes = list(_run(fetches, _patience(lacking.values())))
        except Exception as error:  # each file system has kinds of its own
            self._is_readable = self._is_writable = False
            what = f"can't be read ({_reason(error)}), and is left out of this run"
            self._tell(what, "check the address, the network and what you may read")
            return False
        damaged = sorted(name for name, is_intact in outcomes if not is_intact)
        if damaged and not self._damaged:
            what = f"{place}/{damaged[0]} isn't what its name says; it is left there, and computed again"
            self._tell(what, "remove it, and find out who wrote it")
        self._damaged.update(damaged)
        self._sent[place] = set(sizes) - self._damaged
        return len(damaged) < len(lacking)

    def send(self) -> None:
        """Copy there what the folders of all keys looked up so far have here and not there."""
        new = [place for place in self._sent if self._is_writable and self.unsent(place)]
        try:
            for place, sizes in _run([partial(self._list, place) for place in new], PATIENCE):
                self._sent[place] |= set(sizes) - self._damaged  # by somebody else, since this run looked
            paths = {self.folder / place / name: place for place in new for name in self.unsent(place)}
            puts = [partial(self._put, path, place) for path, place in paths.items()]
            for place, name in _run(puts, _patience([path.stat().st_size for path in paths if path.exists()])):
                self._sent[place].add(name)
        except Exception as error:
            self._is_writable = False
            what = f"can't be written ({_reason(error)}), so what is new stays here"
            self._tell(what, "check the address and what you may write")

    def unsent(self, place: str) -> set[str]:
        """Return the names of a key's shards that are here, and weren't there when last seen."""
        return {path.name for path in (self.folder / place).glob(f"*{SUFFIX}")} - self._sent.get(place, set())

    def _list(self, place: str) -> tuple[str, dict[str, int]]:
        """Return a place with the names and sizes of the shards there."""
        files, root = self._open()
        folder = f"{root}/{place}"
        files.invalidate_cache(folder)
        try:
            entries = files.ls(folder, detail=True)
        except FileNotFoundError:
            if self._protocol == "file" and not files.isdir(root):
                raise NotADirectoryError("there is no such folder") from None  # a disk that isn't mounted
            return place, {}
        sizes = {entry["name"].rstrip("/").rpartition("/")[2]: entry.get("size") or 0 for entry in entries}
        return place, {name: size for name, size in sizes.items() if SHARD_FILE.fullmatch(name)}

    def _fetch(self, place: str, name: str) -> tuple[str, bool]:
        """Copy a shard here, and return its name and whether it is intact."""
        files, root = self._open()
        try:
            raw = files.cat_file(f"{root}/{place}/{name}")
        except FileNotFoundError:  # somebody has removed it
            return name, True
        if f"{checksum(raw)}{SUFFIX}" != name:
            return name, False
        with suppress(OSError):  # a full disk is told by whoever has to write to it
            write_bytes(self.folder / place, raw)
        return name, True

    def _put(self, path: Path, place: str) -> tuple[str, str]:
        """Copy a shard there, and return its place and name."""
        try:
            raw = check_shard(path).tobytes()
        except (FileNotFoundError, UnusableShard):  # removed since, or not to be spread
            return place, path.name
        files, root = self._open()
        folder = f"{root}/{place}"
        if self._protocol in WHOLE:
            files.pipe_file(f"{folder}/{path.name}", raw)
        else:
            part = f"{folder}/.{uuid4().hex}{PART}"
            files.makedirs(folder, exist_ok=True)
            files.pipe_file(part, raw)
            files.mv(part, f"{folder}/{path.name}")
        return place, path.name

    def _open(self) -> tuple[Any, str]:
        """Return the file system, and the path of the URL in it."""
        if self._opened is None:
            from fsspec.core import url_to_fs

            files, root = url_to_fs(self.url)
            self._opened = files, str(root).rstrip("/")
        return self._opened

    def _tell(self, what: str, remedy: str) -> None:
        line = printable(f"shared cache {_without_password(self.url)}: {what}; {remedy}")
        warnings.warn_explicit(line, RemoteCacheWarning, "<reprcheck>", 1)  # a place in the code would be a second line


def _check(url: str) -> str:
    """Return the protocol of a URL that can be opened here. Raises UserError."""
    where = Option("cache-remote", _without_password(url))
    try:
        from fsspec import get_filesystem_class
        from fsspec.utils import get_protocol
    except ImportError:
        what = "a shared cache needs fsspec, which isn't installed"
        extra = "s3" if url.startswith(("s3:", "s3a:")) else "remote"
        raise UserError(where, what, f"pip install 'reprcheck[{extra}]'") from None
    protocol: str = get_protocol(url)
    try:
        get_filesystem_class(protocol)
    except ImportError as error:  # fsspec names the package
        remedy = "pip install 'reprcheck[s3]'" if protocol in ("s3", "s3a") else "install it with pip"
        raise UserError(where, f"a package isn't installed ({error})", remedy) from None
    except ValueError as error:
        raise UserError(where, f"can't be opened ({error})", "name a URL that fsspec knows") from None
    return "file" if protocol == "local" else protocol


def _run(tasks: Sequence[Callable[[], T]], patience: float) -> Iterator[T]:
    """Yield what tasks return, as they are done, a few at a time.

    No file system can be trusted to give up in time, so the threads are left to themselves where one doesn't.

    Raises
    ------
    Exception
        What a task raises; TimeoutError where none is done for ``patience`` seconds.
    """
    threads = Threads(min(SIDE_BY_SIDE, len(tasks)))
    left = {threads.submit(task) for task in tasks}
    try:
        while left:
            done, left = wait(left, patience, FIRST_COMPLETED)
            if not done:
                raise TimeoutError(f"no answer for {patience:.0f} s")
            yield from (future.result() for future in done)
    finally:
        threads.close()


def _without_password(url: str) -> str:
    """Return a URL as it may be printed."""
    user = urlsplit(url).netloc.rpartition("@")[0]
    return url.replace(f"{user}@", "…@", 1) if user else url


def _patience(sizes: Sequence[int] | Any) -> float:
    """Return how long to wait for the next of some transfers to be done."""
    return PATIENCE + SIDE_BY_SIDE * max(sizes, default=0) / SLOWEST


def _reason(error: Exception) -> str:
    return clipped(" ".join(f"{type(error).__name__}: {error}".rstrip(": ").split()), 200)
