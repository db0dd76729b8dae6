"""Files that somebody else wrote: opened only if they are plain files, and read up to a bound.

A pipe would keep a reader waiting, a device never ends, and a link may show what its owner meant to keep. Whatever is
no plain file is a UserError in one line, and so is TOML that would take a parser too long.
"""

from __future__ import annotations

import os
import re
import stat
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from reprcheck.errors import UserError

MOST_TOML = 2**20
"""Bytes of TOML that are read: a card or a policy has some thousands."""
DEEPEST = 32
"""How deep tables and lists of TOML may be nested; a parser takes the square of it for each key."""
_DEEP_KEY = re.compile(
    rf"""(?<![\w.-])(?:(?:[\w-]++|"[^"\n]*+"|'[^'\n]*+')[ \t]*+\.[ \t]*+){{{DEEPEST}}}""",
)
_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


def is_file(path: Path) -> bool:
    """Return whether a plain file, or a link to one, is at a path; False for what can't be a path too."""
    return os.path.isfile(path)


def is_folder(path: Path) -> bool:
    """Return whether a folder, or a link to one, is at a path; False for what can't be a path too."""
    return os.path.isdir(path)


def obstacle(path: Path) -> str:
    """Return why a plain file can't be read at a path, for a sentence after its name; "" where it can be opened.

    Examples
    --------
    >>> obstacle(Path("/dev/null"))
    'is a device, not a file'
    """
    try:
        kind = stat.S_IFMT(path.stat().st_mode)
        if kind != stat.S_IFREG:
            return f"is {_KINDS.get(kind, 'something else')}, not a file"
        with path.open("rb"):
            return ""
    except OSError as error:
        return f"can't be read ({error.strerror})"
    except ValueError as error:  # a NUL byte in its name
        return f"can't be read ({error})"


def links_out(path: Path, folder: Path) -> bool:
    """Return whether links lead from a path in a folder to somewhere outside of it."""
    inside, root = os.path.realpath(path), os.path.realpath(folder)
    return inside != root and not inside.startswith(root.rstrip(os.sep) + os.sep)


def refuse_larger(path: Path, most: int) -> None:
    """Raise UserError for a file that can't be read, or holds more than ``most`` bytes."""
    if why := obstacle(path):
        raise UserError(str(path), why, "check the path")
    if (size := path.stat().st_size) > most:
        raise UserError(str(path), f"{size:,} bytes, and {most:,} are the most that is read", "check what it is")


def read_toml(path: Path) -> dict[str, Any]:
    """Return what a TOML file says.

    Raises
    ------
    FileNotFoundError
    UserError
        For what is no plain file, can't be read, is too large or no UTF-8 text; or as `parse_toml`.
    """
    where = str(path)
    if why := obstacle(path):
        if not os.path.lexists(path):
            raise FileNotFoundError(where)
        raise UserError(where, why, "check the path")
    with path.open("rb") as file:
        raw = file.read(MOST_TOML + 1)
    if len(raw) > MOST_TOML:
        raise UserError(where, f"larger than {MOST_TOML // 2**20} MiB, which no such file needs", "check what it is")
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        raise UserError(where, f"isn't UTF-8 text ({error.reason})", "save it as UTF-8") from None
    return parse_toml(text, where)


def parse_toml(text: str, where: str) -> dict[str, Any]:
    """Return what TOML says.

    Parameters
    ----------
    text : str
    where : str
        The file, which opens every message.

    Raises
    ------
    UserError
        For what isn't TOML, is nested deeper than `DEEPEST`, or holds a whole number of more than 64 bits.
    """
    if len(text) > MOST_TOML:
        raise UserError(where, f"larger than {MOST_TOML // 2**20} MiB, which no such file needs", "check what it is")
    try:
        if _DEEP_KEY.search(text):
            raise RecursionError
        table = tomllib.loads(text.replace("\r\n", "\n"))
        for value, depth in _walk(table):
            if depth > DEEPEST:
                raise RecursionError
            if isinstance(value, int) and value.bit_length() > 64:
                raise ValueError("a whole number of more than 64 bits")
    except RecursionError:
        raise UserError(where, f"nested deeper than {DEEPEST} levels", "write it flat") from None
    except ValueError as error:
        raise UserError(where, f"isn't valid TOML ({error})", "put the line right") from None
    return table


def _walk(tree: object) -> Iterator[tuple[object, int]]:
    """Yield every value within plain values, and how deep it lies; without recursion."""
    waiting = [(tree, 0)]
    while waiting:
        value, depth = waiting.pop()
        yield value, depth
        if isinstance(value, dict):
            waiting += [(inner, depth + 1) for inner in value.values()]
        elif isinstance(value, list):
            waiting += [(inner, depth + 1) for inner in value]
