"""What was interpreted in reading an image, told by whoever interprets it and collected by whoever reads the image.

A remark is worded to follow "24 of 48 images (such as s001): ", says what the file holds and what was made of it, and
has the same words for the same thing, so that remarks can be counted. As with `problems`, the functions in between
carry no parameter for it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_collected: ContextVar[dict[str, None] | None] = ContextVar("remarks", default=None)


@contextmanager
def collecting_remarks() -> Iterator[dict[str, None]]:
    """Collect remarks while the context lasts, each once, as the keys of its value.

    Examples
    --------
    >>> with collecting_remarks() as remarks:
    ...     remark("upside down: turned")
    >>> list(remarks)
    ['upside down: turned']
    """
    remarks: dict[str, None] = {}
    token = _collected.set(remarks)
    try:
        yield remarks
    finally:
        _collected.reset(token)


def remark(text: str) -> None:
    """Tell what was interpreted, to whoever is collecting."""
    remarks = _collected.get()
    if remarks is not None:
        remarks[text] = None
