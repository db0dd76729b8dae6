"""What was decoded last, within a bound of bytes: a stack is read once for its frames, a field once for its tiles."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class RecentCache(Generic[T]):
    """Values by key, the least recently used given up first; safe between threads, pickled empty.

    Parameters
    ----------
    limit : int
        Bytes to hold. A larger value is not held at all.
    weigh : callable
        The bytes of a value; a function that can be pickled.
    """

    def __init__(self, limit: int, weigh: Callable[[T], int]) -> None:
        self.limit, self.weigh = limit, weigh
        self._held: OrderedDict[Hashable, T] = OrderedDict()
        self._lock = Lock()

    def get(self, key: Hashable) -> T | None:
        """Return the value held under ``key``, or None. It is shared: don't write into it."""
        with self._lock:
            if key in self._held:
                self._held.move_to_end(key)
            return self._held.get(key)

    def put(self, key: Hashable, value: T) -> T:
        """Hold ``value`` and return it."""
        with self._lock:
            if self.weigh(value) <= self.limit:
                self._held[key] = value
                self._held.move_to_end(key)
            while sum(map(self.weigh, self._held.values())) > self.limit:
                self._held.popitem(last=False)
        return value

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the bound, not what is held."""
        return type(self), (self.limit, self.weigh)
