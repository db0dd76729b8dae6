"""Code that isn't ours: what it raises becomes a mistake of the user's, told in one line.

A model's code may try to end the process (``sys.exit(main())`` at the end of a training script), or raise what isn't an
`Exception` at all. Only the user's own Ctrl-C passes through.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from reprcheck.errors import UserError

LONGEST = 200
"""Characters kept of a message."""
LISTED = 6
"""Things of many that a message lists."""


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


def listed(things: Sequence[str], between: str = ", ") -> str:
    """Return the first `LISTED` of some things, and how many more there are.

    Examples
    --------
    >>> listed("abcdefgh")
    'a, b, c, d, e, f and 2 more'
    """
    more = f" and {len(things) - LISTED} more" if len(things) > LISTED else ""
    return between.join(things[:LISTED]) + more


@contextmanager
def users_code(where: str, what: str, remedy: str) -> Iterator[None]:
    """Run code of the user's; whatever it raises but a `UserError` or Ctrl-C becomes a `UserError`.

    Parameters
    ----------
    where : str
        The option or file that names the code.
    what : str
        Who raised it: ``the factory``.
    remedy : str

    Raises
    ------
    UserError

    Examples
    --------
    >>> with users_code("--model=py:train.py:make", "the factory", "call it by hand"):
    ...     raise SystemExit(0)
    Traceback (most recent call last):
    reprcheck.errors.UserError: --model=py:train.py:make: the factory raised SystemExit: 0; call it by hand
    """
    try:
        yield
    except (UserError, KeyboardInterrupt):
        raise
    except SystemExit as error:
        guard = 'keep what ends the program behind if __name__ == "__main__":'
        raise UserError(where, f"{what} raised {because(error)}", guard) from error
    except BaseException as error:
        raise UserError(where, f"{what} raised {because(error)}", remedy) from error
