"""Unpack an untrusted archive into one folder, and nowhere else.

Members that would leave the folder, aren't plain files, or grow out of proportion are refused by name; nothing is ever
unpickled or run. Only formats of the standard library are read.
"""

from __future__ import annotations

import gzip
import lzma
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO, NoReturn, Self, cast

from rich.filesize import decimal

from reprcheck.datasets.public.download import CHUNK, on_disk, room_for, write
from reprcheck.datasets.public.entry import Unpack, inside
from reprcheck.errors import UserError
from reprcheck.progress import bar

RATIO = 200
"""How many times its own size an archive may unpack to: label masks come near it, photographs not above 2."""
SMALL = 64 * 2**20
"""Bytes that even the smallest archive may unpack to."""
LARGEST = 4 * 2**40
"""Bytes that no archive may unpack to."""

MOST_MEMBERS = 2_000_000
"""Files and folders that an archive may hold: published sets have up to a million images."""
LONGEST_HEADER = 2**20
"""Bytes of a tar's header for one member, such as a long name."""

_DAMAGED = (
    *(zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, struct.error),
    *(EOFError, OSError, RuntimeError, ValueError),
)
_Member = tuple[str, Callable[[], IO[bytes]]]


def unpack(archive: Path, how: Unpack, folder: Path) -> tuple[str, ...]:
    """Unpack an archive.

    Parameters
    ----------
    archive : Path
    how : {"zip", "tar", "gzip"}
        A tar may itself be packed by gzip, bzip2 or xz; a gzip is one file, named like it without ``.gz``.
    folder : Path
        Created if it doesn't exist; files of the same names are overwritten.

    Returns
    -------
    tuple of str
        What it adds to ``folder``, sorted: files and outermost folders.

    Raises
    ------
    UserError
        For an archive that is damaged, holds a link, a device, a path out of the folder, a name twice or none, or
        unpacks to more than `RATIO` times its size or `MOST_MEMBERS` files; for a full disk.

    Examples
    --------
    >>> unpack(Path("cifar-10-binary.tar.gz"), "tar", Path("data"))  # doctest: +SKIP
    ('cifar-10-batches-bin',)
    """
    packed = archive.stat().st_size
    allowed = min(max(RATIO * packed, SMALL), LARGEST)
    names, paths, n_written, read = set(), set[PurePosixPath](), 0, 0
    try:
        with archive.open("rb") as raw, bar(packed, f"unpacking {archive.name}", in_bytes=True) as advance:
            for name, member in {"zip": _list_zip, "tar": _list_tar, "gzip": _list_gzip}[how](raw, archive):
                inner = _check_path(name, archive)
                if inner in paths:
                    _refuse(archive, f"holds {name!r} twice")
                paths.add(inner)
                target = folder / inner
                names.add(target.relative_to(folder).parts[0])
                with on_disk(target):
                    target.parent.mkdir(parents=True, exist_ok=True)
                with member() as source, target.open("wb", buffering=0) as file:
                    while chunk := source.read(CHUNK):
                        n_written += len(chunk)
                        if n_written > allowed:
                            _refuse(archive, f"its {decimal(packed)} unpack to more than {decimal(allowed)}")
                        write(chunk, file, target)
                        n_read = max(raw.tell() - read, 0)
                        read += n_read
                        advance(n_read)
    except _DAMAGED as error:
        _refuse(archive, f"can't be unpacked ({error})")
    return tuple(sorted(names))


def _list_zip(raw: IO[bytes], archive: Path) -> Iterator[_Member]:
    with zipfile.ZipFile(raw) as opened:
        if len(opened.infolist()) > MOST_MEMBERS:
            _refuse(archive, f"holds more than {MOST_MEMBERS:,} files and folders")
        members = [info for info in opened.infolist() if not info.filename.endswith("/")]
        room_for(sum(info.file_size for info in members), archive.parent)
        for info in members:
            if stat.S_IFMT(info.external_attr >> 16) not in (0, stat.S_IFREG):
                _refuse(archive, f"holds {info.filename!r}, a link or a device")
            yield info.filename, partial(opened.open, info)


def _list_tar(raw: IO[bytes], archive: Path) -> Iterator[_Member]:
    with tarfile.open(fileobj=raw, mode="r:*", tarinfo=Header) as opened:
        for number, info in enumerate(opened):
            opened.members = []  # type: ignore[attr-defined]  # else it would keep all of them
            if number >= MOST_MEMBERS:
                _refuse(archive, f"holds more than {MOST_MEMBERS:,} files and folders")
            if info.isdir():
                continue
            if not info.isreg():
                _refuse(archive, f"holds {info.name!r}, a link or a device")
            yield info.name, cast(Callable[[], IO[bytes]], partial(opened.extractfile, info))
        while opened.fileobj and opened.fileobj.read(CHUNK):
            pass  # to the end, where a packed tar has its checksum


_ABOUT_ANOTHER = (tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK, tarfile.XHDTYPE, tarfile.XGLTYPE, b"X")
"""Types of headers that describe the next one."""


class Header(tarfile.TarInfo):
    """A damaged header within an archive is an error; `tarfile` would take it for the end.

    So is a header with too much text about the next member, since `tarfile` would read all of it into memory.
    """

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        """Return a header from its block."""
        header = super().frombuf(buf, encoding, errors)
        if header.size > LONGEST_HEADER and header.type in _ABOUT_ANOTHER:
            raise tarfile.ReadError(f"a header of {header.size} bytes")
        return header

    @classmethod
    def fromtarfile(cls, tarfile_: tarfile.TarFile) -> Self:
        """Return the next header."""
        try:
            return super().fromtarfile(tarfile_)
        except tarfile.HeaderError as error:
            if type(error).__name__ in ("InvalidHeaderError", "TruncatedHeaderError"):
                raise tarfile.ReadError(str(error)) from None
            raise


def _list_gzip(raw: IO[bytes], archive: Path) -> Iterator[_Member]:
    yield archive.name.removesuffix(".gz"), cast(Callable[[], IO[bytes]], partial(gzip.GzipFile, fileobj=raw))


def _check_path(name: str, archive: Path) -> PurePosixPath:
    path = PurePosixPath(name)
    if not path.parts:
        _refuse(archive, "holds a file without a name")
    if not inside(name):
        _refuse(archive, f"holds {name!r}, which lies outside the folder")
    return path


def _refuse(archive: Path, what: str) -> NoReturn:
    raise UserError(str(archive), what, "nothing more of it is unpacked; look at it, and remove it to fetch it again")
