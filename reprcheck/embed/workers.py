"""Decoding and encoding side by side on the cores of this process, in memory that doesn't grow with the images.

Threads decode ahead of the encoders: codecs free Python's lock, and so does torch. An encoder is given batches of
images in their order, one at a time; one that says ``thread_safe = True`` is given several at once, so that a network
alone uses all cores. What is raised is the same whatever the number of cores: what comes first in the order of batches,
and of encoders within one.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from threading import get_ident
from time import monotonic
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from reprcheck.cores import cores
from reprcheck.embed.threads import Threads
from reprcheck.errors import Option, UserError
from reprcheck.turns import begun, running
from reprcheck.types import Encoder, Image

T = TypeVar("T")
LOOK = 0.2
"""Seconds between two looks at what goes on, where nothing has ended."""
HELD_BYTES = 2**30
"""Images decoded and not yet seen by every encoder; two batches are held however large."""
BATCH_TIMEOUT = 3600.0
"""Seconds that a batch may take, unless a run says otherwise: at more than a minute an image no run would ever end."""

Vectors = NDArray[np.float32]
Lacking = Callable[[list[T]], Sequence[dict[str, Image]]]
Keep = Callable[[int, tuple[str, ...], Vectors], None]


class HangError(UserError):
    """An encoder hasn't returned from a batch. Its thread can't be stopped: the process had better end."""


@dataclass
class _Clock:
    """How long a thread has run since it last waited, counted from look to look.

    A process that is stopped and continued (Ctrl-Z, a suspended laptop) looks late, which isn't the model's fault.
    """

    thread: int = 0
    since: float | None = None
    seconds: float = 0.0

    def add(self, seconds: float) -> float:
        """Count what has passed since the last look, and return how long the thread has run."""
        since = begun(self.thread)
        self.seconds = self.seconds + min(seconds, 5 * LOOK) if since is not None and since == self.since else 0.0
        self.since = since
        return self.seconds


@dataclass(frozen=True, eq=False)
class _Batch:
    """Images for one encoder; ``order`` is the number of the batch among all images, and the encoder's."""

    order: tuple[int, int]
    images: dict[str, Image]
    clock: _Clock = field(default_factory=_Clock)


@dataclass
class Workers(Generic[T]):
    """Threads that show images to encoders.

    Parameters
    ----------
    encoders : sequence of Encoder
    read : callable
        Decodes the image at a position; called by several threads at once.
    lacking : callable
        Takes what was read of a batch, and returns per encoder the images it lacks, by id.
    encode : callable
        Returns float32[N, D] for an encoder and N images.
    keep : callable
        Takes the encoder's place, ids and their vectors, as soon as there are any.
    advance : callable
        Takes the number of images that every encoder has seen since last time.
    title : str
        What the encoders are embedded for, for a message.
    timeout : float
        Seconds after which a batch that hasn't been encoded ends the run; without what its thread has waited for.

    Notes
    -----
    ``read`` and ``encode`` run in threads, the others in the caller's.
    """

    encoders: Sequence[Encoder]
    read: Callable[[int], T]
    lacking: Lacking[T]
    encode: Callable[[Encoder, list[Image]], Vectors]
    keep: Keep
    advance: Callable[[int], None]
    title: str = ""
    timeout: float = BATCH_TIMEOUT
    _decoding: deque[tuple[int, list[Future[T]]]] = field(default_factory=deque)
    _queue: list[_Batch] = field(default_factory=list)
    _running: dict[Future[Vectors], _Batch] = field(default_factory=dict)
    _open: dict[int, tuple[int, int]] = field(default_factory=dict)
    _failures: dict[tuple[int, int], BaseException] = field(default_factory=dict)
    _most: int = 1

    def run(self, batches: Iterable[Sequence[int]]) -> None:
        """Read all positions and show each encoder what it lacks.

        Whatever ends this, a failure or an interrupt, what has been encoded is kept. After an interrupt, or where an
        encoder hangs, nobody waits for what still runs.
        """
        self._cores = cores()
        self._numbered = enumerate(batches)
        self._decoders, self._pool = ThreadPoolExecutor(self._cores), Threads(self._cores)
        self._looked = monotonic()
        try:
            while True:
                self._decode_ahead()
                self._start()
                if not self._running and not self._decoding:
                    break
                self._wait()
            if self._failures:
                raise self._failures[min(self._failures)]
        finally:
            self._decoders.shutdown(wait=False, cancel_futures=True)
            self._pool.close()
            for future in [future for future in self._running if future.done() and not future.cancelled()]:
                self._finish(future)
            self._failures.clear()  # whose tracebacks hold images

    def _decode_ahead(self) -> None:
        while not self._failures and len(self._decoding) + len(self._open) < self._most:
            number, positions = next(self._numbered, (0, None))
            if positions is None:
                return
            self._decoding.append((number, [self._decoders.submit(self.read, position) for position in positions]))

    def _start(self) -> None:
        """Queue what has been decoded; start what may be started, in order."""
        while self._decoding and all(future.done() for future in self._decoding[0][1]):
            number, futures = self._decoding.popleft()
            try:
                self._enqueue(number, self.lacking([future.result() for future in futures]), len(futures))
            except BaseException as error:
                self._fail((number, -1), error)
            self._decode_ahead()
        for batch in list(self._queue):
            if len(self._running) == self._cores:
                return
            place = batch.order[1]
            encoder = self.encoders[place]
            if is_thread_safe(encoder) or all(place != other.order[1] for other in self._running.values()):
                self._queue.remove(batch)
                self._running[self._pool.submit(self._encode, encoder, batch)] = batch

    def _encode(self, encoder: Encoder, batch: _Batch) -> Vectors:
        batch.clock.thread = get_ident()
        with running():
            return self.encode(encoder, list(batch.images.values()))

    def _enqueue(self, number: int, lacking: Sequence[dict[str, Image]], n: int) -> None:
        new = [_Batch((number, place), images) for place, images in enumerate(lacking) if images]
        self._queue += new
        if not new:
            self.advance(n)
            return
        self._open[number] = len(new), n
        held = {id(image): image for batch in new for image in batch.images.values()}
        size = sum(image.pixels.nbytes for image in held.values())
        self._most = max(2, min(2 + -(-self._cores // len(self.encoders)), HELD_BYTES // max(1, size)))

    def _wait(self) -> None:
        decoding = [future for future in (self._decoding[0][1] if self._decoding else []) if not future.done()]
        futures: list[Future[Any]] = [*self._running, *decoding]
        wait(futures, LOOK, FIRST_COMPLETED)
        for future in [future for future in self._running if future.done()]:
            self._finish(future)
        self._look()

    def _look(self) -> None:
        """Raise where a batch hangs: whatever else runs may be waiting for it, so that nobody waits for that."""
        before, self._looked = self._looked, monotonic()
        late = [batch for batch in self._running.values() if batch.clock.add(self._looked - before) > self.timeout]
        for batch in late:
            name = self.encoders[batch.order[1]].name
            what = f"a batch of {len(batch.images)} images has run for more than {self.timeout:g} s"
            longer = ("if it hangs, run it on one image by hand; if it is slow, ", Option("batch-timeout", "SECONDS"))
            self._failures[batch.order] = HangError(f"{name} ({self.title})", what, (*longer, " gives it longer"))
        if late:
            raise self._failures[min(self._failures)]

    def _finish(self, future: Future[Vectors]) -> None:
        batch = self._running.pop(future)
        number, place = batch.order
        error = future.exception()
        if error is not None:
            self._fail(batch.order, error)
        else:
            self.keep(place, tuple(batch.images), future.result())
        left, n = self._open.pop(number)
        if left > 1:
            self._open[number] = left - 1, n
        elif not error:
            self.advance(n)

    def _fail(self, order: tuple[int, int], error: BaseException) -> None:
        """Note a failure; what comes before it is still encoded, nothing after."""
        self._failures[order] = error
        first = min(self._failures)
        self._queue = [batch for batch in self._queue if batch.order < first]
        for number, futures in self._decoding:
            if number > first[0]:
                for future in futures:
                    future.cancel()
        self._decoding = deque(one for one in self._decoding if one[0] < first[0])


def is_thread_safe(encoder: Encoder) -> bool:
    """Say whether an encoder may encode in several threads at once; one that doesn't say so may not."""
    return bool(getattr(encoder, "thread_safe", False))
