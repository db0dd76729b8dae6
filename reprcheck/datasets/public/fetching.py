"""Fetch a public set: the missing ones of its published files, checked, unpacked and recorded.

`download` brings a file and `unpacking` opens it. This module decides what is missing, checks files against what was
published, and orders changes on disk so that the next run continues one that was stopped at any point.
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


def choose(entry: PublicSet, names: Sequence[str] = ()) -> tuple[RemoteFile, ...]:
    """Choose the files of a set to fetch: the named ones, else the usual ones.

    Raises
    ------
    UserError
        For a name that isn't a file's, or a set that can't be fetched by itself.
    """
    if not entry.usual and not names:
        raise UserError(entry.name, "can't be fetched by itself", entry.how)
    by_name = {file.name: file for file in entry.files}
    for name in names:
        if name not in by_name:
            raise UserError(f"{entry.name} --file={name}", "no file of this set", did_you_mean(name, by_name))
    return tuple(by_name[name] for name in dict.fromkeys(names)) or entry.usual


def fetch(
    entry: PublicSet,
    folder: Path,
    names: Sequence[str] = (),
    *,
    agree: Callable[[PublicSet, Sequence[RemoteFile]], None] = lambda *_: None,
    say: Say = print,
) -> None:
    """Fetch the files of a set that are missing or damaged.

    A file that somebody put in the folder under its name is checked and used like a fetched one.

    Parameters
    ----------
    entry : PublicSet
    folder : Path
        Created if it doesn't exist. Waits for another process that fetches into it.
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
        As `download` and `unpack` do, and for a file that isn't the published one, which is set aside.
    """
    files = choose(entry, names)
    with _lock(folder, say):
        record = records.read(folder)
        missing = [file for file in files if not _is_intact(file, record.files.get(file.name), folder)]
        if not missing:
            say(f"{entry.name}: all here and intact, in {folder}")
            return
        agree(entry, missing)
        room_for(sum(_count_missing(file, folder) for file in missing), folder.parent)
        earlier, record = record, record.asking(file.name for file in files).lacking(file.name for file in missing)
        _keep(record, folder)
        for file in missing:
            record = record.having(file.name, _bring(file, earlier.files.get(file.name), folder, say))
            _keep(record, folder)
            if file.unpack != "none":
                (folder / file.name).unlink()
    say(f"{entry.name}: here, in {folder}")


@contextmanager
def _lock(folder: Path, say: Say) -> Iterator[None]:
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


def _count_missing(file: RemoteFile, folder: Path) -> int:
    """Return how many bytes of a file are missing; 0 if its size is unknown."""
    if file.bytes is None or (folder / file.name).is_file():
        return 0
    return max(file.bytes - held(part_of(folder / file.name)), 0)


def _is_intact(file: RemoteFile, fetched: FetchedFile | None, folder: Path) -> bool:
    """Return whether a file is unchanged since it was fetched; for an archive, whether its contents still exist."""
    if fetched is None:
        return False
    if fetched.unpacked is not None:
        return all((folder / file.into / name).exists() for name in fetched.unpacked)
    path = folder / file.name
    return path.is_file() and held(path) == fetched.bytes and _compute_sums(path, file)["sha256"] == fetched.sha256


def _bring(file: RemoteFile, earlier: FetchedFile | None, folder: Path, say: Say) -> FetchedFile:
    """Bring one file, check it and unpack it if it is an archive; return its record."""
    target = folder / file.name
    sums = _check_present(file, earlier, target, say) or _download_checked(file, earlier, target)
    size, (published, _) = held(target), _get_published(file)
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


def _check_present(file: RemoteFile, earlier: FetchedFile | None, target: Path, say: Say) -> Sums | None:
    """Return the checksums of a file that exists already; None if there is none, or a wrong one, now set aside."""
    if not target.is_file():
        return None
    sums = _compute_sums(target, file)
    if wrong := _find_fault(file, earlier, target, sums):
        say(f"{file.name}: {wrong}; set aside as {_set_aside(target, target)}, and fetched again")
        return None
    return sums


def _download_checked(file: RemoteFile, earlier: FetchedFile | None, target: Path) -> Sums:
    """Download a file under its name and return its checksums."""
    part = part_of(target)
    with on_disk(part):
        part.parent.mkdir(parents=True, exist_ok=True)
    download(file.url, part, file.bytes)
    sums = _compute_sums(part, file)
    if wrong := _find_fault(file, earlier, part, sums):
        raise UserError(
            file.name,
            f"{wrong}; set aside as {_set_aside(part, target)}",
            "run again; if it comes out the same, the file was changed at its source: report it",
        )
    os.replace(part, target)
    _sync(target.parent)
    tag_of(part).unlink(missing_ok=True)
    return sums


def _find_fault(file: RemoteFile, earlier: FetchedFile | None, path: Path, sums: Sums) -> str:
    """Return how a file differs from the published one, or from its earlier state; "" if it doesn't."""
    if file.bytes is not None and held(path) != file.bytes:
        return f"{held(path):,} bytes, and {file.bytes:,} are published"
    name, published = _get_published(file)
    if name and sums[name] != published:
        return f"its {name} is {sums[name]}, and {published} is published"
    if not name and earlier and sums["sha256"] != earlier.sha256:
        return f"its sha256 is {sums['sha256']}, and was {earlier.sha256} on {earlier.time}"
    return ""


def _set_aside(path: Path, target: Path) -> Path:
    """Move a file that isn't the published one out of the way, and return where it is now."""
    wrong = target.with_name(f"{target.name}.wrong")
    os.replace(path, wrong)
    tag_of(path).unlink(missing_ok=True)
    return wrong


def _get_published(file: RemoteFile) -> tuple[str, str] | tuple[None, None]:
    """Return the name and value of the strongest checksum that is published for a file."""
    if file.sha256:
        return "sha256", file.sha256
    return ("md5", file.md5) if file.md5 else (None, None)


def _compute_sums(path: Path, file: RemoteFile) -> Sums:
    """Return the SHA-256 of a file, and its checksum of the published kind; the file is read once."""
    names = {"sha256", _get_published(file)[0] or "sha256"}
    sums = {name: hashlib.new(name, usedforsecurity=False) for name in names}
    with path.open("rb") as opened, bar(held(path), f"checking {file.name}", in_bytes=True) as advance:
        while chunk := opened.read(CHUNK):
            for hasher in sums.values():
                hasher.update(chunk)
            advance(len(chunk))
    return {name: hasher.hexdigest() for name, hasher in sums.items()}


def _sync(folder: Path) -> None:
    """Make the names in a folder survive a power cut, if the system can."""
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
