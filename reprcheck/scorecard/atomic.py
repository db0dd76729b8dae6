"""Writing a file whole or not at all: a reader, or a run that is killed, never meets half a report."""

from __future__ import annotations

import os
from pathlib import Path
from uuid import uuid4

from reprcheck.errors import Option, UserError, Words

ANOTHER_FOLDER = ("choose another ", Option("report-dir"))


def replace_text(path: Path, text: str, remedy: Words = ANOTHER_FOLDER) -> Path:
    """Write a text as UTF-8; see `replace_bytes`."""
    return replace_bytes(path, text.encode(), remedy)


def replace_bytes(path: Path, data: bytes, remedy: Words = ANOTHER_FOLDER) -> Path:
    """Write bytes under a temporary name beside ``path``, flush them to disk, and rename the file.

    Parameters
    ----------
    path : Path
        The file to make or replace; missing folders are made.
    data : bytes
    remedy : str or tuple of str
        What to do where it can't be written.

    Returns
    -------
    Path
        ``path``.

    Raises
    ------
    UserError
        Where the folder or file cannot be written.
    """
    unfinished = path.with_name(f".{path.name}.{uuid4().hex}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with unfinished.open("wb") as f:
                f.write(data)
                f.flush()
                os.fsync(f.fileno())
            unfinished.replace(path)
        finally:
            unfinished.unlink(missing_ok=True)
    except OSError as problem:
        raise UserError(str(path), f"cannot be written: {problem.strerror}", remedy) from None
    return path
