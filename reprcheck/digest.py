"""Identity: a digest of what a thing is made of, never of its name.

One function turns nested plain values and arrays into a hex digest. It is the key of the embedding cache and the seed
of every random draw (`reprcheck.seeding`), so its encoding is unambiguous: every part carries its type and its length.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

LENGTH = 40
"""Hex digits kept of a SHA-256: 160 bits."""


def digest(*parts: Any) -> str:
    """Return a hex digest of ``parts``.

    Parameters
    ----------
    *parts : None, bool, int, float, str, bytes, numpy.ndarray, or nested sequences and mappings of these
        What the thing is made of. Mappings are order-free, sequences are not.

    Returns
    -------
    str
        40 hex digits.

    Raises
    ------
    TypeError
        For a value whose bytes would not be the same in another process.

    Examples
    --------
    >>> digest("a", 1) == digest("a", 1), digest("a", 1) == digest("a1")
    (True, False)
    """
    h = hashlib.sha256()
    for part in parts:
        _feed(h, part)
    return h.hexdigest()[:LENGTH]


def _feed(h: Any, value: Any) -> None:
    if isinstance(value, np.ndarray) and value.dtype != object:
        if value.dtype.kind == "U":  # the width of a string array is an accident of its longest member
            _feed(h, value.tolist())
            return
        value = np.ascontiguousarray(value)
        h.update(f"a{value.dtype.str}{value.shape}:".encode())
        h.update(memoryview(value).cast("B") if value.size else b"")
    elif isinstance(value, Mapping):
        h.update(f"m{len(value)}:".encode())
        for key in sorted(value):
            _feed(h, key)
            _feed(h, value[key])
    elif isinstance(value, bytes | bytearray | memoryview):
        h.update(f"b{len(value)}:".encode())
        h.update(value)
    elif isinstance(value, str):
        raw = value.encode()
        h.update(f"s{len(raw)}:".encode())
        h.update(raw)
    elif isinstance(value, Sequence):
        h.update(f"l{len(value)}:".encode())
        for item in value:
            _feed(h, item)
    elif value is None or isinstance(value, bool | int | float | np.generic):
        plain = value.item() if isinstance(value, np.generic) else value
        h.update(f"{type(plain).__name__}{plain!r};".encode())
    else:
        raise TypeError(f"no stable bytes for {type(value).__name__}")


def file_digest(path: Path) -> str:
    """Return the digest of a file's bytes, read in blocks."""
    with path.open("rb") as f:
        return hashlib.file_digest(f, "sha256").hexdigest()[:LENGTH]


@cache
def installed(*distributions: str) -> str:
    """Return ``name==version`` of distributions, without importing them."""
    versions = []
    for name in distributions:
        try:
            versions.append(f"{name}=={version(name)}")
        except PackageNotFoundError:
            versions.append(f"{name}==none")
    return " ".join(versions)
