"""From an archive that somebody else wrote to files in one folder, and nowhere else.

Whatever would leave the folder, is no plain file, or grows beyond all proportion is refused by name, and nothing is
ever unpickled or run. Only formats that the standard library reads are read.
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
"""Bytes that an archive may unpack to however small it is."""
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
        Made where it isn't there; files of the same names are written over.

    Returns
    -------
    tuple of str
        What lies in ``folder`` because of it, sorted: its files, and the outermost of its folders.

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
    made, seen, written, read = set(), set[PurePosixPath](), 0, 0
    try:
        with archive.open("rb") as raw, bar(packed, f"unpacking {archive.name}", in_bytes=True) as advance:
            for name, member in {"zip": _zipped, "tar": _tarred, "gzip": _gzipped}[how](raw, archive):
                inner = _safe(name, archive)
                if inner in seen:
                    _refuse(archive, f"holds {name!r} twice")
                seen.add(inner)
                target = folder / inner
                made.add(target.relative_to(folder).parts[0])
                with on_disk(target):
                    target.parent.mkdir(parents=True, exist_ok=True)
                with member() as source, target.open("wb", buffering=0) as file:
                    while chunk := source.read(CHUNK):
                        written += len(chunk)
                        if written > allowed:
                            _refuse(archive, f"its {decimal(packed)} unpack to more than {decimal(allowed)}")
                        write(chunk, file, target)
                        done = max(raw.tell() - read, 0)
                        read += done
                        advance(done)
    except _DAMAGED as error:
        _refuse(archive, f"can't be unpacked ({error})")
    return tuple(sorted(made))


def _zipped(raw: IO[bytes], archive: Path) -> Iterator[_Member]:
    with zipfile.ZipFile(raw) as opened:
        if len(opened.infolist()) > MOST_MEMBERS:
            _refuse(archive, f"holds more than {MOST_MEMBERS:,} files and folders")
        members = [info for info in opened.infolist() if not info.filename.endswith("/")]
        room_for(sum(info.file_size for info in members), archive.parent)
        for info in members:
            if stat.S_IFMT(info.external_attr >> 16) not in (0, stat.S_IFREG):
                _refuse(archive, f"holds {info.filename!r}, a link or a device")
            yield info.filename, partial(opened.open, info)


def _tarred(raw: IO[bytes], archive: Path) -> Iterator[_Member]:
    with tarfile.open(fileobj=raw, mode="r:*", tarinfo=_Header) as opened:
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
"""Types of headers whose contents say something of the next one."""


class _Header(tarfile.TarInfo):
    """A header that is damaged in mid-archive is an error: `tarfile` would take it for the end.

    So is one that promises more text about the next member than any has: all of it would be read into memory.
    """

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        """Return a header from its block."""
        found = super().frombuf(buf, encoding, errors)
        if found.size > LONGEST_HEADER and found.type in _ABOUT_ANOTHER:
            raise tarfile.ReadError(f"a header of {found.size} bytes")
        return found

    @classmethod
    def fromtarfile(cls, tarfile_: tarfile.TarFile) -> Self:
        """Return the next header."""
        try:
            return super().fromtarfile(tarfile_)
        except tarfile.HeaderError as error:
            if type(error).__name__ in ("InvalidHeaderError", "TruncatedHeaderError"):
                raise tarfile.ReadError(str(error)) from None
            raise


def _gzipped(raw: IO[bytes], archive: Path) -> Iterator[_Member]:
    yield archive.name.removesuffix(".gz"), cast(Callable[[], IO[bytes]], partial(gzip.GzipFile, fileobj=raw))


def _safe(name: str, archive: Path) -> PurePosixPath:
    path = PurePosixPath(name)
    if not path.parts:
        _refuse(archive, "holds a file without a name")
    if not inside(name):
        _refuse(archive, f"holds {name!r}, which lies outside the folder")
    return path


def _refuse(archive: Path, what: str) -> NoReturn:
    raise UserError(str(archive), what, "nothing more of it is unpacked; look at it, and remove it to fetch it again")
