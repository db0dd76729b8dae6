"""Writing a text file whole or not at all: a reader, or a run that is killed, never meets half a report."""

from __future__ import annotations

import os
from pathlib import Path
from uuid import uuid4

from reprcheck.errors import UserError


def replace_text(path: Path, text: str) -> Path:
    """Write UTF-8 text under a temporary name beside ``path``, flush it to disk, and rename it.

    Parameters
    ----------
    path : Path
        The file to make or replace; missing folders are made.
    text : str

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
            with unfinished.open("w", encoding="utf-8", newline="\n") as f:
                f.write(text)
                f.flush()
                os.fsync(f.fileno())
            unfinished.replace(path)
        finally:
            unfinished.unlink(missing_ok=True)
    except OSError as problem:
        raise UserError(str(path), f"cannot be written: {problem.strerror}", "choose another --report-dir") from None
    return path
