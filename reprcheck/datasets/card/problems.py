"""Raise the first mistake, or collect all of them: the same checks do either.

A check raises UserError; where it can go on after a mistake it uses `report` and `attempt`. Within `collecting` these
record each mistake; elsewhere the first one is raised. As with warnings, the caller decides, and the checks in between
need no parameter for it.
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


class _AlreadyReported(UserError):
    """The checks that follow make no sense, because of a mistake that is reported already."""


@dataclass
class _Collector:
    mistakes: list[UserError]
    start: int = 0


_collector: ContextVar[_Collector | None] = ContextVar("collector", default=None)


@contextmanager
def collecting() -> Iterator[list[UserError]]:
    """Collect mistakes while the context lasts; its value is the list of mistakes so far.

    Examples
    --------
    >>> with collecting() as mistakes:
    ...     report(UserError("samples.csv line 2", "no image file"))
    ...     report(UserError("samples.csv line 3", "no image file"))
    >>> [mistake.where for mistake in mistakes]
    ['samples.csv line 2', 'samples.csv line 3']
    """
    collector = _Collector([])
    token = _collector.set(collector)
    try:
        yield collector.mistakes
    finally:
        _collector.reset(token)


def report(mistake: UserError) -> None:
    """Raise a mistake; while collecting, record it and return."""
    collector = _collector.get()
    if collector is None:
        raise mistake
    if not isinstance(mistake, _AlreadyReported):
        collector.mistakes.append(mistake)


def report_each(mistakes: Sequence[UserError], more: Callable[[int], str]) -> None:
    """Raise the first mistake, its text followed by ``more(number of others)``; while collecting, record each."""
    if mistakes and _collector.get() is None and len(mistakes) > 1:
        first = mistakes[0]
        raise UserError(first.where, f"{first.what} {more(len(mistakes) - 1)}", first.remedy)
    for mistake in mistakes:
        report(mistake)


def attempt(default: Any, check: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Return what a check returns; while collecting, record what it raises and return ``default``."""
    collector = _collector.get()
    if collector is None:
        return check(*args, **kwargs)
    outer, collector.start = collector.start, len(collector.mistakes)
    try:
        return check(*args, **kwargs)
    except UserError as mistake:
        report(mistake)
        return cast(T, default)
    finally:
        collector.start = outer


def settle() -> None:
    """While collecting, leave the innermost `attempt` if it has recorded a mistake: what follows needs all parts."""
    collector = _collector.get()
    if collector is not None and len(collector.mistakes) > collector.start:
        raise _AlreadyReported("", "")
