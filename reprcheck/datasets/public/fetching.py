"""Fetch a public set: what is missing of its published files, checked, unpacked and recorded.

`download` brings a file and `unpacking` opens it; here is decided what is missing, whether it is what was published,
and in which order things become true on disk, so that a run that is stopped anywhere is gone on with by the next.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout
from rich.filesize import decimal

from reprcheck.datasets.public import record as records
from reprcheck.datasets.public.download import CHUNK, download, held, on_disk, part_of, room_for, tag_of
from reprcheck.datasets.public.entry import PublicSet, RemoteFile
from reprcheck.datasets.public.record import FetchedFile, Record
from reprcheck.datasets.public.unpacking import unpack
from reprcheck.errors import UserError, did_you_mean
from reprcheck.progress import bar

Say = Callable[[str], object]
Sums = dict[str, str]


def chosen(entry: PublicSet, names: Sequence[str] = ()) -> tuple[RemoteFile, ...]:
    """Return the files of a set that are to be fetched: those named, else the usual ones.

    Raises
    ------
    UserError
        For a name that isn't a file's, or a set that can't be fetched by itself.
    """
    if not entry.usual and not names:
        raise UserError(entry.name, "can't be fetched by itself", entry.how)
    known = {file.name: file for file in entry.files}
    for name in names:
        if name not in known:
            raise UserError(f"{entry.name} --file={name}", "no file of this set", did_you_mean(name, known))
    return tuple(known[name] for name in dict.fromkeys(names)) or entry.usual


def fetch(
    entry: PublicSet,
    folder: Path,
    names: Sequence[str] = (),
    *,
    agree: Callable[[PublicSet, Sequence[RemoteFile]], None] = lambda *_: None,
    say: Say = print,
) -> None:
    """Fetch what is missing of a set's files; nothing where all are here and intact.

    A file that somebody put in the folder under its name is checked and used like one that was fetched.

    Parameters
    ----------
    entry : Entry
    folder : Path
        Made where it isn't there; another process that fetches into it is waited for.
    names : sequence of str
        Files to fetch; none: the usual ones.
    agree : callable
        Called with the entry and the missing files before any is downloaded; raises UserError where the licence isn't
        agreed to.
    say : callable
        Called with each line for people.

    Raises
    ------
    UserError
        For whatever `download` or `unpack` raise it for, or a file that isn't the published one, which is set aside.
    """
    files = chosen(entry, names)
    with _alone(folder, say):
        record = records.read(folder)
        missing = [file for file in files if not _intact(file, record.files.get(file.name), folder)]
        if not missing:
            say(f"{entry.name}: all here and intact, in {folder}")
            return
        agree(entry, missing)
        room_for(sum(_still_to_come(file, folder) for file in missing), folder.parent)
        earlier, record = record, record.asking(file.name for file in files).lacking(file.name for file in missing)
        _keep(record, folder)
        for file in missing:
            record = record.having(file.name, _bring(file, earlier.files.get(file.name), folder, say))
            _keep(record, folder)
            if file.unpack != "none":
                (folder / file.name).unlink()
    say(f"{entry.name}: here, in {folder}")


@contextmanager
def _alone(folder: Path, say: Say) -> Iterator[None]:
    """Keep other processes out of a folder while the context lasts; its lock lies beside it."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder.with_name(f".{folder.name}.lock"))
        try:
            lock.acquire(timeout=0)
        except Timeout:
            say(f"waiting for another process that fetches into {folder}")
            lock.acquire()
    except OSError as error:
        raise UserError(
            str(folder), f"can't be written ({error.strerror})", "name another folder by $REPRCHECK_DATA"
        ) from None
    try:
        yield
    finally:
        lock.release()


def _keep(record: Record, folder: Path) -> None:
    with on_disk(folder / records.NAME):
        folder.mkdir(exist_ok=True)
        records.write(folder, record)


def _still_to_come(file: RemoteFile, folder: Path) -> int:
    """Return the bytes that are known to be missing of a file."""
    if file.bytes is None or (folder / file.name).is_file():
        return 0
    return max(file.bytes - held(part_of(folder / file.name)), 0)


def _intact(file: RemoteFile, fetched: FetchedFile | None, folder: Path) -> bool:
    """Tell whether a file is here as it was when it came; of an archive, whether what it held is still here."""
    if fetched is None:
        return False
    if fetched.unpacked is not None:
        return all((folder / file.into / name).exists() for name in fetched.unpacked)
    path = folder / file.name
    return path.is_file() and held(path) == fetched.bytes and _sums(path, file)["sha256"] == fetched.sha256


def _bring(file: RemoteFile, earlier: FetchedFile | None, folder: Path, say: Say) -> FetchedFile:
    """Return one file's record once it is here, whole, and unpacked where need be."""
    target = folder / file.name
    sums = _found(file, earlier, target, say) or _downloaded(file, earlier, target)
    size, (published, _) = held(target), _published(file)
    if published:
        say(f"{file.name}: {decimal(size)}, {published} as published")
    else:
        say(f"{file.name}: {decimal(size)}; no checksum is published for it; its sha256 is recorded in {records.NAME}")
    unpacked = None
    if file.unpack != "none":
        unpacked = unpack(target, file.unpack, folder / file.into)
        if hasattr(os, "sync"):
            os.sync()  # the archive is removed next: what came out of it must outlive a power cut
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return FetchedFile(file.url, size, sums["sha256"], now, published, unpacked)


def _found(file: RemoteFile, earlier: FetchedFile | None, target: Path, say: Say) -> Sums | None:
    """Return the checksums of a file that lies there already; None for none, or one that had to be set aside."""
    if not target.is_file():
        return None
    sums = _sums(target, file)
    if wrong := _wrong(file, earlier, target, sums):
        say(f"{file.name}: {wrong}; set aside as {_aside(target, target)}, and fetched again")
        return None
    return sums


def _downloaded(file: RemoteFile, earlier: FetchedFile | None, target: Path) -> Sums:
    """Bring a file under its name and return its checksums."""
    part = part_of(target)
    with on_disk(part):
        part.parent.mkdir(parents=True, exist_ok=True)
    download(file.url, part, file.bytes)
    sums = _sums(part, file)
    if wrong := _wrong(file, earlier, part, sums):
        raise UserError(
            file.name,
            f"{wrong}; set aside as {_aside(part, target)}",
            "run again; if it comes out the same, the file was changed at its source: report it",
        )
    os.replace(part, target)
    _sync(target.parent)
    tag_of(part).unlink(missing_ok=True)
    return sums


def _wrong(file: RemoteFile, earlier: FetchedFile | None, path: Path, sums: Sums) -> str:
    """Return how a file differs from the published one, or from what it was before; nothing where it doesn't."""
    if file.bytes is not None and held(path) != file.bytes:
        return f"{held(path):,} bytes, and {file.bytes:,} are published"
    name, published = _published(file)
    if name and sums[name] != published:
        return f"its {name} is {sums[name]}, and {published} is published"
    if not name and earlier and sums["sha256"] != earlier.sha256:
        return f"its sha256 is {sums['sha256']}, and was {earlier.sha256} on {earlier.time}"
    return ""


def _aside(path: Path, target: Path) -> Path:
    """Move a file that isn't the published one out of the way, and return where it is now."""
    wrong = target.with_name(f"{target.name}.wrong")
    os.replace(path, wrong)
    tag_of(path).unlink(missing_ok=True)
    return wrong


def _published(file: RemoteFile) -> tuple[str, str] | tuple[None, None]:
    """Return the name and value of the strongest checksum that is published for a file."""
    if file.sha256:
        return "sha256", file.sha256
    return ("md5", file.md5) if file.md5 else (None, None)


def _sums(path: Path, file: RemoteFile) -> Sums:
    """Return the SHA-256 of what lies at a path and, where a file's published checksum is another, that; read once."""
    names = {"sha256", _published(file)[0] or "sha256"}
    sums = {name: hashlib.new(name, usedforsecurity=False) for name in names}
    with path.open("rb") as opened, bar(held(path), f"checking {file.name}", in_bytes=True) as advance:
        while chunk := opened.read(CHUNK):
            for one in sums.values():
                one.update(chunk)
            advance(len(chunk))
    return {name: one.hexdigest() for name, one in sums.items()}


def _sync(folder: Path) -> None:
    """Let the names in a folder outlive a power cut, where the system can."""
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
