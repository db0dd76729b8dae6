"""One mistake at a time, or all of them: the same checks raise the first, or tell a collector each and go on.

A check raises UserError; where going on makes sense it says so with `tell` and `attempt`. Outside of `collecting` both
are as if they weren't there: the first mistake is raised. Like warnings, what becomes of a mistake is up to who called,
and the checks in between carry no parameter for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, ParamSpec, TypeVar, cast

from reprcheck.errors import UserError

P = ParamSpec("P")
T = TypeVar("T")


class _Reported(UserError):
    """What follows can't be checked, for a mistake that has been told already."""


@dataclass
class _Collector:
    found: list[UserError]
    begun: int = 0


_collector: ContextVar[_Collector | None] = ContextVar("collector", default=None)


@contextmanager
def collecting() -> Iterator[list[UserError]]:
    """Collect mistakes while the context lasts; its value is the list of those found so far.

    Examples
    --------
    >>> with collecting() as found:
    ...     tell(UserError("samples.csv line 2", "no image file"))
    ...     tell(UserError("samples.csv line 3", "no image file"))
    >>> [mistake.where for mistake in found]
    ['samples.csv line 2', 'samples.csv line 3']
    """
    collector = _Collector([])
    token = _collector.set(collector)
    try:
        yield collector.found
    finally:
        _collector.reset(token)


def tell(mistake: UserError) -> None:
    """Raise a mistake; while collecting, record it and return."""
    collector = _collector.get()
    if collector is None:
        raise mistake
    if not isinstance(mistake, _Reported):
        collector.found.append(mistake)


def tell_each(mistakes: Sequence[UserError], more: Callable[[int], str]) -> None:
    """Raise the first mistake, with ``more(how many others there are)`` after what is wrong; or record each."""
    if mistakes and _collector.get() is None and len(mistakes) > 1:
        first = mistakes[0]
        raise UserError(first.where, f"{first.what} {more(len(mistakes) - 1)}", first.remedy)
    for mistake in mistakes:
        tell(mistake)


def attempt(default: Any, check: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Return what a check returns; while collecting, record what it raises and return ``default``."""
    collector = _collector.get()
    if collector is None:
        return check(*args, **kwargs)
    outer, collector.begun = collector.begun, len(collector.found)
    try:
        return check(*args, **kwargs)
    except UserError as mistake:
        tell(mistake)
        return cast(T, default)
    finally:
        collector.begun = outer


def settle() -> None:
    """While collecting, leave the innermost `attempt` if it has found anything: without all of it there is nothing."""
    collector = _collector.get()
    if collector is not None and len(collector.found) > collector.begun:
        raise _Reported("", "")
