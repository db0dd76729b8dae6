"""A cache as one plain tar file of its shards, to be carried to another machine; and what is taken from such a file."""

from __future__ import annotations

import hashlib
import os
import tarfile
from contextlib import suppress
from pathlib import Path
from typing import NoReturn
from uuid import uuid4

from reprcheck.datasets.public.unpacking import MOST_MEMBERS, Header
from reprcheck.digest import LENGTH
from reprcheck.embed.cache import Cache
from reprcheck.embed.shards import PART
from reprcheck.embed.upkeep import SHARD_NAME, list_keys
from reprcheck.errors import UserError
from reprcheck.plain_files import obstacle

_BLOCK = 2**20


def export_cache(cache: Cache, target: Path) -> int:
    """Write every intact shard of a cache to a tar file, and return how many.

    Raises
    ------
    UserError
        For a file that can't be written.
    """
    part, n_shards = target.with_name(f".{target.name}.{uuid4().hex}{PART}"), 0
    try:
        with tarfile.open(part, "x", format=tarfile.USTAR_FORMAT) as tar:
            for path in (path for key in list_keys(cache) for path in key.shards):
                n_shards += _export_shard(tar, path, path.relative_to(cache.folder).as_posix())
        os.replace(part, target)
    except OSError as error:
        raise UserError(str(target), f"can't be written ({error.strerror})", "name another file") from None
    finally:
        with suppress(OSError):  # renamed, or never there
            part.unlink()
    return n_shards


def _export_shard(tar: tarfile.TarFile, path: Path, name: str) -> bool:
    """Add a shard to a tar, if it can be read and is intact."""
    if obstacle(path):
        return False
    with suppress(FileNotFoundError), path.open("rb") as file:
        if hashlib.file_digest(file, "sha256").hexdigest()[:LENGTH] != path.stem:
            return False
        header = tarfile.TarInfo(name)
        header.size = file.tell()
        file.seek(0)
        tar.addfile(header, file)
        return True
    return False


def import_cache(cache: Cache, source: Path) -> int:
    """Add the shards of a tar file to a cache, and return how many weren't there.

    All names are checked before the first shard is written, and each shard's bytes before it gets its name.

    Raises
    ------
    UserError
        For a file that can't be read or is no plain tar; an entry that isn't a shard (another path, a link, a device),
        comes twice, or whose bytes don't match its name; a folder that can't be written.
    """
    if why := obstacle(source):
        raise UserError(str(source), why, "check the path")
    n_added = 0
    for name, start, size in _list_shards(source):
        path = cache.folder / name
        if not path.exists():
            with cache.writing():
                path.parent.mkdir(parents=True, exist_ok=True)
            _copy(source, start, size, path, cache)
            n_added += 1
    return n_added


def _list_shards(source: Path) -> list[tuple[str, int, int]]:
    """Return the name of each shard in a tar, where its bytes begin, and how many they are."""
    shards: dict[str, tuple[str, int, int]] = {}
    most = source.stat().st_size
    try:
        with tarfile.open(source, "r:", tarinfo=Header) as tar:
            for entry in tar:
                tar.members = []  # type: ignore[attr-defined]  # else it would keep all of them
                if not SHARD_NAME.fullmatch(entry.name):
                    _refuse(source, f"holds {entry.name!r}, which is no shard of a cache")
                if entry.type not in (tarfile.REGTYPE, tarfile.AREGTYPE) or entry.issparse():
                    _refuse(source, f"holds {entry.name!r}, a link or a device, or a file with holes")
                if entry.name in shards:
                    _refuse(source, f"holds {entry.name!r} twice")
                if len(shards) >= MOST_MEMBERS:
                    _refuse(source, f"holds more than {MOST_MEMBERS:,} shards")
                if not 0 <= entry.size <= most - entry.offset_data:
                    _refuse(source, "is cut short")
                shards[entry.name] = entry.name, entry.offset_data, entry.size
    except (tarfile.TarError, OSError, ValueError, EOFError) as error:
        _refuse(source, f"is no plain tar file ({error})")
    return list(shards.values())


def _copy(source: Path, start: int, size: int, path: Path, cache: Cache) -> None:
    """Copy a shard's bytes out of a tar to its place, if they match its name."""
    part, checksum = path.with_name(f".{uuid4().hex}{PART}"), hashlib.sha256()
    try:
        with cache.writing(), source.open("rb") as tar, part.open("xb") as file:
            tar.seek(start)
            while size and (block := tar.read(min(size, _BLOCK))):
                checksum.update(block)
                file.write(block)
                size -= len(block)
            file.flush()
            os.fsync(file.fileno())
        if checksum.hexdigest()[:LENGTH] != path.stem:
            _refuse(source, f"holds {path.name!r}, whose bytes don't match its name")
        with cache.writing():
            os.replace(part, path)
    finally:
        with suppress(OSError):  # renamed, or never there
            part.unlink()


def _refuse(source: Path, what: str) -> NoReturn:
    raise UserError(str(source), what, "nothing more of it is imported; export it again")
