"""An encoder that doesn't return from a batch ends the run in one line, and one that is slow or waits does not."""

import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field

import numpy as np
import pytest

from reprcheck.embed import workers
from reprcheck.embed.cache import Cache
from reprcheck.embed.engine import embed
from reprcheck.embed.fill import BATCH, ImageView
from reprcheck.errors import UserError, on_command_line
from reprcheck.turns import turn, waiting
from tests.embed.test_engine import Means, Source, quiet

LOOK = 0.005
"""Seconds, of the clock and on it: time is counted in looks here, so that a busy machine is slow and nothing else."""


@dataclass
class Looks:
    """A clock that is read once a look."""

    n: int = 0
    late: dict[int, float] = field(default_factory=dict)

    def __call__(self):
        self.n += 1
        return self.n * LOOK + self.late.get(self.n, 0.0)

    def wait(self, n, wake=None):
        """Wait for so many looks."""
        end = self.n + n
        while self.n < end and not (wake and wake.is_set()):
            time.sleep(LOOK)


@pytest.fixture(autouse=True)
def clock(monkeypatch):
    looks = Looks()
    monkeypatch.setattr(workers, "cores", lambda: 4)
    monkeypatch.setattr(workers, "LOOK", LOOK)
    monkeypatch.setattr(workers, "monotonic", looks)
    return looks


@pytest.fixture
def cache(tmp_path):
    return Cache(tmp_path)


@dataclass
class Sleeper(Means):
    """Waits for some looks before it answers."""

    clock: Looks | None = None
    looks: int = 0

    def encode(self, images):
        self.clock.wait(self.looks)
        return super().encode(images)


@dataclass
class Hangs(Means):
    """Never answers its third batch."""

    name: str = "hangs"
    wake: threading.Event = field(default_factory=threading.Event)

    def encode(self, images):
        if self.shown == 2 * BATCH:
            self.wake.wait()
        return super().encode(images)


@pytest.fixture
def hangs():
    encoder = Hangs()
    yield encoder
    encoder.wake.set()


def run(cache, *encoders, looks, batches=4):
    n = BATCH * batches
    view = ImageView(Source(list(range(n))), np.arange(n), (0, 1))
    return embed(view, encoders, cache, quiet, "mini: hangs and 2 untrained", looks * LOOK)


def test_one_that_hangs_is_named_and_what_was_encoded_is_kept(cache, hangs):
    fast = Means(weight=2.0)
    with pytest.raises(UserError) as caught:
        run(cache, hangs, fast, looks=100)
    assert caught.value.line(on_command_line) == (
        "hangs (mini: hangs and 2 untrained): a batch of 32 images has run for more than 0.5 s; if it hangs, run it on "
        "one image by hand; if it is slow, --batch-timeout=SECONDS gives it longer"
    )
    again, fast_again = Means(), Means(weight=2.0)
    run(cache, again, fast_again, looks=1000)
    assert (again.shown, fast_again.shown) == (2 * BATCH, 4 * BATCH - fast.shown)


def test_one_that_is_slow_is_not_cut(cache, clock):
    slow = Sleeper(clock=clock, looks=30)
    run(cache, slow, looks=130, batches=6)
    assert slow.shown == 6 * BATCH


@dataclass
class InTurn(Sleeper):
    """Runs where no other does."""

    lock: threading.Lock = field(default_factory=threading.Lock)

    def encode(self, images):
        with turn(self.lock):
            return super().encode(images)


def test_waiting_for_a_turn_does_not_count(cache, clock):
    lock = threading.Lock()
    encoders = [InTurn(weight=float(i), clock=clock, looks=60, lock=lock) for i in range(4)]
    run(cache, *encoders, looks=160, batches=1)
    assert [encoder.shown for encoder in encoders] == [BATCH] * 4


def test_one_that_waits_for_one_that_hangs_is_not_blamed(cache, clock, hangs):
    waits = InTurn(weight=2.0, clock=clock)

    class Holds(Means):
        def encode(self, images):
            with turn(waits.lock):
                return hangs.encode(images)

    with pytest.raises(UserError, match=r"^holds \("):
        run(cache, waits, Holds(name="holds"), looks=100)


def test_making_a_network_does_not_count(cache, clock):
    class Made(Means):
        def encode(self, images):
            with waiting():
                clock.wait(150)
            return super().encode(images)

    run(cache, Made(), looks=100, batches=1)


def test_a_process_that_was_stopped_and_continued_has_not_hung(cache, clock):
    clock.late = dict.fromkeys(range(10, 10_000), 1e6)
    run(cache, Sleeper(clock=clock, looks=20), looks=200, batches=1)
    assert clock.n > 10


def test_the_interpreter_does_not_wait_for_a_thread_that_hangs():
    code = (
        "import threading\nfrom reprcheck.embed.threads import Threads\n"
        "begun = threading.Event()\n"
        "Threads(2).submit(lambda: (begun.set(), threading.Event().wait()))\n"
        "begun.wait()\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=30)
