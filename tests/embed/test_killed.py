"""A process that is killed at any moment repeats a few batches at most, and leaves nothing that misleads."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import numpy as np
import pytest

from reprcheck.embed.cache import Cache
from reprcheck.embed.fill import BATCH
from tests.embed.test_engine import Means, Source, run

ROOT = Path(__file__).resolve().parents[2]
IMAGES = BATCH * 8
KILLED = """
import os, signal, sys
from pathlib import Path
from reprcheck.embed import fill, workers
from reprcheck.embed.cache import Cache
from tests.embed.test_engine import Means, Source, run

cache, event, number, images = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
fill.SHORTEST = fill.SHARE = 0.0
workers.cores = lambda: 1
counts = {}

def happens(what):
    counts[what] = counts.get(what, 0) + 1
    if (what, counts[what]) == (event, number):
        os.kill(os.getpid(), signal.SIGKILL)

class Counted(Means):
    def encode(self, images):
        happens("encode")
        with open(cache.with_name("shown"), "a") as file:
            file.write("x" * len(images))
        return super().encode(images)

def around(name, before, after):
    function = getattr(os, name)
    def call(*given):
        happens(before)
        function(*given)
        happens(after)
    setattr(os, name, call)

around("fsync", "written", "synced")
around("replace", "named", "renamed")
run(Source(list(range(images))), Counted(), cache=Cache(cache))
"""
MOMENTS = [
    *(("encode", n) for n in range(1, 9)),
    *((event, n) for event in ("written", "synced", "renamed") for n in range(1, 5)),
]


@pytest.mark.parametrize(("event", "number"), MOMENTS)
def test_a_killed_run_repeats_little_and_ends_the_same(tmp_path, forks, event, number):
    folder = tmp_path / "cache"
    arguments = [str(folder), event, str(number), str(IMAGES)]
    done = forks.run([sys.executable, "-c", KILLED, *arguments], ROOT, os.environ)
    assert done.returncode == -signal.SIGKILL, done.stderr
    shown = tmp_path / "shown"
    n_shown = len(shown.read_text()) if shown.exists() else 0
    healthy, source = Means(), Source(list(range(IMAGES)))
    (block,) = run(source, healthy, cache=Cache(folder))  # warnings of damage would be errors
    assert n_shown + healthy.shown - IMAGES <= 3 * BATCH
    expected = Means().encode([source.read(i) for i in range(IMAGES)])
    assert np.array_equal(block.vectors, expected)
