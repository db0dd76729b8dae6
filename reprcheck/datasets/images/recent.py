"""A cache of what was decoded last: a stack is read once for all its frames, a field once for all its tiles."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class RecentCache(Generic[T]):
    """Values by key, of which the least recently used goes first; safe between threads, pickled empty.

    Parameters
    ----------
    limit : int
        Bytes to hold. A larger value is not held at all.
    weigh : callable
        The bytes of a value; a function that can be pickled.
    """

    def __init__(self, limit: int, weigh: Callable[[T], int]) -> None:
        self.limit, self.weigh = limit, weigh
        self._values: OrderedDict[Hashable, T] = OrderedDict()
        self._lock = Lock()

    def get(self, key: Hashable) -> T | None:
        """Return the value held under ``key``, or None. It is shared: don't write into it."""
        with self._lock:
            if key in self._values:
                self._values.move_to_end(key)
            return self._values.get(key)

    def put(self, key: Hashable, value: T) -> T:
        """Hold ``value`` and return it."""
        with self._lock:
            if self.weigh(value) <= self.limit:
                self._values[key] = value
                self._values.move_to_end(key)
            while sum(map(self.weigh, self._values.values())) > self.limit:
                self._values.popitem(last=False)
        return value

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the limit without the values."""
        return type(self), (self.limit, self.weigh)
