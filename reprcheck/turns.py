"""Since when a thread has run without waiting for others, so that a model that hangs is told from one that waits."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock, get_ident
from time import monotonic

_begun: dict[int, float] = {}
"""By thread; one that waits isn't in it."""


@contextmanager
def running() -> Iterator[None]:
    """Count this thread's time, inside."""
    _begun[get_ident()] = monotonic()
    try:
        yield
    finally:
        _begun.pop(get_ident(), None)


@contextmanager
def waiting() -> Iterator[None]:
    """Leave this thread's time uncounted, inside; afterwards it counts from 0 again, if it was counted."""
    was_counted = _begun.pop(get_ident(), None) is not None
    try:
        yield
    finally:
        if was_counted:
            _begun[get_ident()] = monotonic()


@contextmanager
def turn(lock: Lock) -> Iterator[None]:
    """Hold a lock; the time until it is free isn't counted."""
    with waiting():
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def begun(thread: int) -> float | None:
    """Return the monotonic time from which a thread's time counts; None for one that waits, or runs nothing."""
    return _begun.get(thread)
