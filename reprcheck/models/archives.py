"""Archives of networks that somebody else wrote: looked through before a library reads them.

A compiled network of torch is a zip archive. What it is made of is checked by name and by text, so that nothing in it
runs and nothing outside it is read until the check has passed. It is a check, not a sandbox.
"""

from __future__ import annotations

import zipfile
from pathlib import Path, PurePosixPath

from reprcheck.errors import UserError, clipped
from reprcheck.plain_files import obstacle

MOST_TEXT = 2**28
"""Bytes of code or JSON that are read of one archive."""


def members(path: Path, kind: str, remedy: str) -> dict[str, str]:
    """Return the files of an archive: by their name below its one folder, the name in full.

    Parameters
    ----------
    path : Path
    kind : str
        What the file should be, for messages: ``a TorchScript archive``.
    remedy : str

    Raises
    ------
    UserError
        For what is no archive, names that climb out of it or are there twice, links, and files that are encrypted or
        packed as torch never does.
    """
    where = str(path)
    if why := obstacle(path):
        raise UserError(where, why, "check the path")
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise UserError(where, f"isn't {kind} ({error})", remedy) from None
    found: dict[str, str] = {}
    for entry in entries:
        parts = PurePosixPath(entry.filename).parts
        inner = "/".join(parts[1:])
        odd = _oddity(entry, parts) or ("is there twice" if inner in found else "")
        if odd:
            raise UserError(where, f"isn't {kind}: {clipped(entry.filename)!r} {odd}", remedy)
        if not entry.is_dir():
            found[inner] = entry.filename
    if len({PurePosixPath(name).parts[0] for name in found.values()}) != 1:
        raise UserError(where, f"isn't {kind}: its files don't lie in one folder", remedy)
    return found


def read_text(path: Path, name: str) -> str:
    """Return a text within an archive. Raises UserError for one that is too large, or no UTF-8."""
    with zipfile.ZipFile(path) as archive:
        if archive.getinfo(name).file_size > MOST_TEXT:
            raise UserError(str(path), f"{name} is larger than {MOST_TEXT // 2**20} MiB", "check what it is")
        try:
            return archive.read(name).decode()
        except (UnicodeDecodeError, zipfile.BadZipFile) as error:
            raise UserError(str(path), f"{name} can't be read ({error})", "save it again") from None


def _oddity(entry: zipfile.ZipInfo, parts: tuple[str, ...]) -> str:
    if len(parts) < 2 or ".." in parts or entry.filename.startswith("/") or "\\" in entry.filename or ":" in parts[0]:
        return "lies outside of its folder"
    if (entry.external_attr >> 16) & 0o170000 == 0o120000:
        return "is a link"
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) or entry.flag_bits & 1:
        return "is encrypted, or packed in another way"
    return ""
