"""Remarks on how an image was interpreted: made by the function that interprets, collected by the one that reads.

A remark follows "24 of 48 images (such as s001): " and says what the file holds and how it was read, always in the
same words, so that remarks can be counted. As with `problems`, the functions in between need no parameter for it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_remarks: ContextVar[dict[str, None] | None] = ContextVar("remarks", default=None)


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
    token = _remarks.set(remarks)
    try:
        yield remarks
    finally:
        _remarks.reset(token)


def remark(text: str) -> None:
    """Add a remark, if remarks are being collected."""
    remarks = _remarks.get()
    if remarks is not None:
        remarks[text] = None
