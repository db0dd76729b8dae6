"""Images decoded and encoded by several threads: the same vectors, the same failure, and little held at a time."""

import _thread
import threading
from dataclasses import dataclass, field

import numpy as np
import pytest

from reprcheck.embed import workers
from reprcheck.embed.cache import Cache
from reprcheck.embed.engine import embed
from reprcheck.embed.fill import BATCH, ImageView
from reprcheck.errors import UserError
from reprcheck.types import Image
from tests.embed.test_engine import Means, Source, quiet, run


@pytest.fixture(params=[1, 2, 5])
def cores(request, monkeypatch):
    monkeypatch.setattr(workers, "cores", lambda: request.param)
    return request.param


@pytest.fixture
def cache(tmp_path):
    return Cache(tmp_path)


@dataclass
class Counted(Means):
    """Notes how many threads are inside at once, and waits inside until as many have come as are expected."""

    thread_safe: bool = True
    expected: int = 1
    inside: int = 0
    most: int = 0
    turn: threading.Condition = field(default_factory=threading.Condition)

    def encode(self, images):
        with self.turn:
            self.inside += 1
            self.most = max(self.most, self.inside)
            self.turn.notify_all()
            self.turn.wait_for(lambda: self.most >= self.expected, timeout=60)
        vectors = super().encode(images)
        with self.turn:
            self.inside -= 1
        return vectors


def test_an_encoder_alone_has_all_cores(cache, cores):
    encoder = Counted(expected=cores)
    run(Source(list(range(BATCH * 8))), encoder, cache=cache)
    assert encoder.most == cores


def test_an_encoder_that_does_not_say_it_may_is_never_in_two_threads(cache, cores):
    encoders = [Counted(weight=float(i), thread_safe=False) for i in range(3)]
    run(Source(list(range(BATCH * 8))), *encoders, cache=cache)
    assert [encoder.most for encoder in encoders] == [1, 1, 1]


def test_vectors_and_what_is_encoded_do_not_depend_on_cores(cache, cores):
    numbers = [i % 70 for i in range(BATCH * 4 + 5)]
    encoder, plain = Counted(), Means()
    (block,) = run(Source(numbers), encoder, cache=cache)
    assert np.array_equal(block.vectors, plain.encode([Source(numbers).read(i) for i in range(len(numbers))]))
    assert encoder.shown == 70


@dataclass
class Breaks(Means):
    """Raises on some images, by a value of their own."""

    on: frozenset = frozenset()
    thread_safe: bool = True

    def encode(self, images):
        for image in images:
            if int(image.pixels[0, 0, 0]) in self.on:
                raise UserError(f"image {int(image.pixels[0, 0, 0])}", f"breaks {self.weight}")
        return super().encode(images)


class Numbered(Source):
    def read(self, index):
        if index in self.names:
            raise UserError(f"image {index}", "can't be read")
        return Image(np.full((2, 4, 4), index, np.float32))

    def content(self, index):
        return str(index)


FAILURES = {
    "of two images the first": ([{40, 200}], [], "image 40: breaks"),
    "of two encoders the first": ([{41}, {40}], [], r"image 41: breaks 0\.0"),
    "of two batches the first": ([{200}, {40}], [], r"image 40: breaks 1\.0"),
    "of decoding before encoding": ([{40}], [35], "image 35: can't be read"),
    "of encoding before what is decoded later": ([{40}], [70], "image 40: breaks"),
}


@pytest.mark.parametrize(("breaks", "unread", "expected"), FAILURES.values(), ids=FAILURES)
def test_the_first_failure_is_told_whatever_the_number_of_cores(cache, cores, breaks, unread, expected):
    encoders = [Breaks(weight=float(i), on=frozenset(on)) for i, on in enumerate(breaks)]
    with pytest.raises(UserError, match=expected):
        run(Numbered(list(range(BATCH * 8)), unread), *encoders, cache=cache)


def test_little_is_held_at_a_time(cache, cores, monkeypatch):
    monkeypatch.setattr(workers, "HELD_BYTES", 1)
    source, lead = Source(list(range(BATCH * 20))), []

    class Watches(Means):
        def encode(self, images):
            vectors = super().encode(images)
            lead.append(len(source.reads) - self.shown)
            return vectors

    run(source, Watches(), cache=cache)
    assert max(lead) <= BATCH * 2


def test_an_interrupt_drops_what_waits_and_keeps_what_is_done(cache, monkeypatch):
    monkeypatch.setattr(workers, "cores", lambda: 2)
    leave = threading.Event()

    class Hangs(Means):
        name = "hangs"

        def encode(self, images):
            if self.weight and self.shown:
                _thread.interrupt_main()
                leave.wait(60)
            return super().encode(images)

    hangs, fast = Hangs(), Hangs(weight=0.0)
    source = Source(list(range(BATCH * 30)))
    try:
        with pytest.raises(KeyboardInterrupt):
            run(source, hangs, fast, cache=cache)
    finally:
        leave.set()
    assert len(cache.load("vectors", hangs.digest())) == BATCH
    assert len(cache.load("vectors", fast.digest())) >= BATCH
    assert len(source.reads) < BATCH * 10


def test_rows_are_written_when_they_are_old(cache, monkeypatch):
    monkeypatch.setattr("reprcheck.embed.fill.SHORTEST", 0.0)
    monkeypatch.setattr("reprcheck.embed.fill.SHARE", 0.0)
    kept = []

    class Watches(Means):
        def encode(self, images):
            kept.append(len(cache.load("vectors", self.digest())))
            return super().encode(images)

    encoder = Watches()
    embed(ImageView(Source(list(range(BATCH * 3))), np.arange(BATCH * 3), (0, 1)), [encoder], cache, quiet)
    assert kept == [0, BATCH, BATCH * 2]
