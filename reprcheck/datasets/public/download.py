"""Download one file over HTTP, into a part that a later try, or a later run, continues.

Only the standard library is used: clients for datasets don't continue after a broken connection, and do little else.
Whether the file is the published one is for `fetching`.
"""

from __future__ import annotations

import errno
import os
import re
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPException, HTTPMessage
from pathlib import Path
from typing import IO
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from rich.filesize import decimal

from reprcheck.errors import UserError
from reprcheck.progress import bar

CHUNK = 2**20
"""Bytes read at a time; a try that brings fewer counts as failed."""
TIMEOUT = 30.0
"""Seconds to wait for a connection, and for the next bytes."""
PAUSES = (1.0, 2.0, 4.0, 8.0)
"""Seconds before each further try; this many tries in a row may fail."""
_PASSING = (408, 425, 429, 500, 502, 503, 504)
_FULL = (errno.ENOSPC, errno.EDQUOT)


class _RedirectHandler(HTTPRedirectHandler):
    """Follows a file that moved, but not from https to anything less."""

    def redirect_request(
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> Request | None:
        """Return the request for where the file is now."""
        if urlsplit(newurl).scheme not in ("https", urlsplit(req.full_url).scheme):
            raise UserError(req.full_url, f"moved to {newurl}, which isn't https", "don't fetch it from there")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def part_of(target: Path) -> Path:
    """Return the path of a file that is being downloaded."""
    return target.with_name(f"{target.name}.part")


def tag_of(part: Path) -> Path:
    """Return the path of the server's version mark of a part."""
    return part.with_name(f"{part.name}.tag")


def held(part: Path) -> int:
    """Return the number of bytes of a file on disk; 0 if there is none."""
    return part.stat().st_size if part.exists() else 0


def room_for(needed: int, folder: Path) -> None:
    """Raise UserError where a folder's disk has fewer bytes free than needed."""
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise UserError(
            str(folder),
            f"{decimal(needed)} are needed, and {decimal(free)} are free",
            "make room, or name another disk's folder by $REPRCHECK_DATA",
        )


@contextmanager
def on_disk(path: Path) -> Iterator[None]:
    """Raise UserError for errors of the disk while the context lasts, such as a full one."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise UserError(str(path), "the disk is full", "make room and run again: what is here is kept") from None
        raise UserError(str(path), f"can't be written ({error.strerror})", "check the disk, and run again") from None


def write(chunk: bytes, file: IO[bytes], path: Path) -> None:
    """Write all of a chunk to a file that isn't buffered: a buffer would fail once more when it is closed."""
    with on_disk(path):
        rest = memoryview(chunk)
        while rest:
            rest = rest[file.write(rest) :]


def download(url: str, part: Path, size: int | None = None) -> None:
    """Download a file, continuing an earlier part.

    Parameters
    ----------
    url : str
    part : Path
        Where it is written; its folder exists. An earlier part is continued if the server's version mark, kept beside
        it (`tag_of`), is still the same; parts of different versions are never joined.
    size : int, optional
        Its published bytes.

    Raises
    ------
    UserError
        For a server that can't be reached or doesn't have the file, one that has a file of another size or sends a web
        page, a connection that breaks again and again, or a full disk. The part stays, to be continued.
    """
    tries = 0
    while not (size is not None and held(part) == size):
        before = held(part)
        try:
            if _bring(url, part, size):
                return
            problem = "the connection broke"
        except HTTPError as error:
            with error:
                if error.code not in _PASSING:
                    raise _explain_refusal(url, error) from None
                problem = f"the server answers {error.code} ({error.reason})"
        except (OSError, HTTPException) as error:
            if isinstance(error, URLError) and not tries:
                raise _explain_unreachable(url, part, error) from None
            problem = f"the connection broke ({_get_reason(error)})"
        tries = 1 if held(part) - before >= CHUNK else tries + 1
        if tries > len(PAUSES):
            remedy = f"{decimal(held(part))} of it are kept, and running again goes on from there"
            raise UserError(url, f"{problem}, {tries} times in a row", remedy)
        time.sleep(PAUSES[tries - 1])


def _bring(url: str, part: Path, size: int | None) -> bool:
    """Request the missing bytes and write them; return whether the file is complete."""
    tag = tag_of(part)
    mark = _read_mark(tag, url)
    have = held(part) if mark else 0
    request = Request(url, headers={"User-Agent": "reprcheck", "Accept-Encoding": "identity"})
    if have:
        request.add_header("Range", f"bytes={have}-")
        request.add_header("If-Range", mark)
    try:
        response = build_opener(_RedirectHandler).open(request, timeout=TIMEOUT)
    except HTTPError as error:
        if error.code == 416 and have:  # no bytes follow the part: it is complete, or of another file
            with error:
                whole = error.headers.get("Content-Range", "") == f"bytes */{have}"
            if not whole:
                part.unlink()
            return whole
        raise
    with response:
        start, total = _get_span(response.status, response.headers)
        if start not in (0, have):
            part.unlink()
            return False
        _check(url, part, response.headers, total, size)
        room_for((total or 0) - start, part.parent)
        if not start:
            with on_disk(tag):
                tag.write_text(f"{url}\n{_get_version(response.headers)}", encoding="utf-8")
        with part.open("ab" if start else "wb", buffering=0) as file, bar(total, part.stem, in_bytes=True) as advance:
            advance(start)
            while chunk := response.read(CHUNK):
                write(chunk, file, part)
                advance(len(chunk))
            with on_disk(part):
                os.fsync(file.fileno())
    return total is None or held(part) == total


def _read_mark(tag: Path, url: str) -> str:
    """Return the version mark of a part of this address, "" if there is none."""
    lines = tag.read_text(encoding="utf-8").split("\n") if tag.exists() else []
    return lines[1] if len(lines) == 2 and lines[0] == url else ""


def _get_version(headers: HTTPMessage) -> str:
    """Return a mark of a file's version: a strong ETag, else its date, else ""."""
    etag = headers.get("ETag", "")
    return etag if etag.startswith('"') else headers.get("Last-Modified", "")


def _get_span(status: int, headers: HTTPMessage) -> tuple[int, int | None]:
    """Return where the bytes of an answer begin, and how many the whole file has."""
    if status == 206:
        match = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", headers.get("Content-Range", ""))
        if not match:
            return -1, None
        return int(match[1]), None if match[2] == "*" else int(match[2])
    length = headers.get("Content-Length", "")
    return 0, int(length) if length.isdecimal() else None


def _check(url: str, part: Path, headers: HTTPMessage, total: int | None, size: int | None) -> None:
    if headers.get_content_type() == "text/html" and not part.stem.endswith((".html", ".htm")):
        raise UserError(url, "a web page came in place of the file", "open it in a browser: it may ask for a login")
    if total is not None and size is not None and total != size:
        raise UserError(
            url,
            f"the server has {total:,} bytes, and {size:,} are published",
            "the file was changed there: look at the set's page, and report it",
        )


def _explain_refusal(url: str, error: HTTPError) -> UserError:
    return UserError(
        url,
        f"the server answers {error.code} ({error.reason})",
        "look on the set's page for where the file is now, and report it",
    )


def _explain_unreachable(url: str, part: Path, error: URLError) -> UserError:
    return UserError(
        url,
        f"{urlsplit(url).hostname} can't be reached ({_get_reason(error)})",
        f"check the network, or fetch it elsewhere and copy it to {part.with_suffix('')} (`reprcheck data where` "
        "prints the folder); then run again",
    )


def _get_reason(error: Exception) -> str:
    reason = error.reason if isinstance(error, URLError) else error
    return str(getattr(reason, "strerror", None) or reason) or type(error).__name__
