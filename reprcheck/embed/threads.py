"""Threads for code that may never return: nobody waits for them, the interpreter at its end no more than others do."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any

Job = tuple[Future[Any], Callable[..., Any], tuple[Any, ...]]


class Threads:
    """A pool of threads, all of which are daemons.

    Parameters
    ----------
    n : int
        How many.
    """

    def __init__(self, n: int) -> None:
        self._n, self._jobs = n, SimpleQueue[Job | None]()
        for _ in range(n):
            Thread(target=_work, args=(self._jobs,), daemon=True).start()

    def submit(self, function: Callable[..., Any], *arguments: Any) -> Future[Any]:
        """Run a function in one of the threads; what it returns or raises is the future's."""
        future: Future[Any] = Future()
        self._jobs.put((future, function, arguments))
        return future

    def close(self) -> None:
        """Cancel what hasn't begun, and end each thread after what it does now."""
        with suppress(Empty):
            while job := self._jobs.get_nowait():
                job[0].cancel()
        for _ in range(self._n):
            self._jobs.put(None)


def _work(jobs: SimpleQueue[Job | None]) -> None:
    while job := jobs.get():
        future, function, arguments = job
        if future.set_running_or_notify_cancel():
            try:
                future.set_result(function(*arguments))
            except BaseException as error:
                future.set_exception(error)
        del job, future, function, arguments  # images, while nothing else is to be done
