"""An exception from code that isn't ours, in one line."""

from __future__ import annotations

LONGEST = 200
"""Characters kept of a message."""


def because(error: BaseException) -> str:
    r"""Return the type and the message of an exception on one line.

    Examples
    --------
    >>> because(ValueError("two\n  lines"))
    'ValueError: two lines'
    """
    text = " ".join(str(error).split())
    text = text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
