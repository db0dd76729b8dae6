"""A dataset folder at a URL, through fsspec: its files are mirrored into the cache when they are first asked for.

Mirrors lie in ``remote`` of ``$REPRCHECK_CACHE`` or the user's cache, one for each URL. Each file has a stamp with the
server's marks of its version (ETag, size, time). It is fetched again when they have changed, or where the server gives
none. Files and stamps are written under a temporary name and renamed.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from reprcheck.datasets.folder import CARD, open_folder
from reprcheck.digest import digest
from reprcheck.errors import Location, Option, UserError
from reprcheck.types import Dataset

_VERSION = (
    *("ETag", "etag", "Content-MD5", "Digest", "md5Hash"),
    *("Last-Modified", "LastModified", "last_modified", "updated", "mtime", "modified", "created"),
)
"""Names, in various file systems, of attributes that change with a file."""


def open_remote(url: str, limit: int | None = None) -> Dataset:
    """Open a dataset folder at a URL.

    Parameters
    ----------
    url : str
        Whatever fsspec opens, such as ``s3://bucket/folder``; the folder, or its `dataset.toml`.
    limit : int, optional
        Cut each task down to about this many samples.

    Raises
    ------
    UserError
        For a URL that can't be reached, an extra that isn't installed, or whatever `folder.open_folder` refuses.

    Examples
    --------
    >>> open_remote("s3://bucket/screen7").name  # doctest: +SKIP
    'screen7'
    """
    url = url.removesuffix(f"/{CARD}").rstrip("/")
    mirror = Mirror(url, mirrors() / digest(url))
    mirror.check()
    try:
        return open_folder(mirror.folder, limit, mirror.bring)
    except UserError as error:
        here, where = str(mirror.folder), error.where
        if isinstance(where, Location):
            where = Location(where.file.replace(here, url), where.row, where.column, where.within.replace(here, url))
        raise UserError(where.replace(here, url), error.what.replace(here, url), error.remedy) from None


def mirrors() -> Path:
    """Return the folder of all mirrors."""
    folder = os.environ.get("REPRCHECK_CACHE")
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "reprcheck"
    return (Path(folder) if folder else cache) / "remote"


@dataclass
class Mirror:
    """A folder that holds copies of remote files; each is looked up once while the mirror lives.

    Attributes
    ----------
    url : str
        The remote folder.
    folder : Path
        Where its files are mirrored.
    """

    url: str
    folder: Path
    _current: set[Path] = field(default_factory=set, repr=False)

    def check(self) -> None:
        """Raise UserError where the URL isn't one that fsspec opens here, or the mirror can't be written."""
        self._remote()
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            what = f"can't be written ({error.strerror})"
            raise UserError(str(self.folder), what, "set REPRCHECK_CACHE to another folder") from None

    def bring(self, paths: Iterable[Path]) -> None:
        """Update files of the folder from the remote one; those that no longer exist there are removed.

        Raises
        ------
        UserError
            For a file that can't be fetched, though it may be there.
        """
        for path in paths:
            if path not in self._current:
                self._fetch(path, path.relative_to(self.folder).as_posix())
                self._current.add(path)

    def _fetch(self, path: Path, name: str) -> None:
        files, root = self._remote()
        stamp = self.folder / ".stamps" / digest(name)
        try:
            version = _read_version(files, f"{root}/{name}")
            if version is None:
                path.unlink(missing_ok=True)
                return
            if version and path.is_file() and stamp.is_file() and stamp.read_text(encoding="utf-8") == version:
                return
            with _replace(path) as part:
                files.get_file(f"{root}/{name}", part)
            with _replace(stamp) as part:
                Path(part).write_text(version, encoding="utf-8")
        except Exception as error:  # each file system has kinds of its own
            reason = f"{type(error).__name__}: {error}".rstrip(": ")
            remedy = "check the address, the network and what you may read"
            raise UserError(f"{self.url}/{name}", f"can't be fetched ({reason})", remedy) from None

    def _remote(self) -> tuple[Any, str]:
        where = Option("dataset", self.url)
        try:
            from fsspec.core import url_to_fs
        except ImportError:
            what = "a URL needs fsspec, which isn't installed"
            raise UserError(where, what, "pip install 'reprcheck[remote]'") from None
        try:
            files, root = url_to_fs(self.url)
        except ImportError as error:  # fsspec names the package that this kind of URL needs
            raise UserError(where, f"a package isn't installed ({error})", "install it with pip") from None
        except ValueError as error:
            raise UserError(where, f"can't be opened ({error})", "name a folder, or a URL that fsspec knows") from None
        return files, str(root).rstrip("/")


def _read_version(files: Any, name: str) -> str | None:
    """Return the marks of a remote file's version, "" where the server gives none, or None where no file is there."""
    try:
        info = files.info(name)
    except FileNotFoundError as error:
        cause = error.__cause__  # over HTTP, whatever goes wrong is a file not found
        if cause is None or isinstance(cause, FileNotFoundError) or getattr(cause, "status", 0) in (404, 410):
            return None
        raise cause from None
    if info.get("type") == "directory":
        return None
    marks = [f"{key}={info[key]}" for key in _VERSION if info.get(key) is not None]
    return "\n".join([*marks, f"size={info.get('size')}"]) if marks else ""


@contextmanager
def _replace(path: Path) -> Iterator[str]:
    """Yield the name of a temporary file that becomes ``path`` once it is written."""
    path.parent.mkdir(parents=True, exist_ok=True)
    number, name = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".part")
    os.close(number)
    try:
        yield name
        os.replace(name, path)
    finally:
        Path(name).unlink(missing_ok=True)
