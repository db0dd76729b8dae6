"""Listing, checking and shrinking a cache."""

import os
import subprocess
import sys
import time

import numpy as np
import pytest

from reprcheck.digest import digest
from reprcheck.embed.cache import Cache
from reprcheck.embed.upkeep import list_keys, remove, verify
from tests.embed.test_cache import rows

DAY = 86400


@pytest.fixture
def cache(tmp_path):
    """Four keys, used four, three, two and one days ago; by whom is forgotten."""
    cache = Cache(tmp_path / "cache")
    for n in range(4):
        cache.add("vectors", digest(n), rows(10))
        use(cache, n, time.time() - DAY * (4 - n))
    return Cache(cache.folder)


def use(cache, n, when):
    for path in cache.key_folder("vectors", digest(n)).glob("*.safetensors"):
        os.utime(path, (when, when))


def left(cache):
    return [n for n in range(4) if any(cache.key_folder("vectors", digest(n)).glob("*.safetensors"))]


def test_the_least_recently_used_goes_first(cache):
    one = list_keys(cache)[0].size
    assert remove(cache, max_size=2 * one).n_keys == 2
    assert left(cache) == [2, 3]
    assert not cache.key_folder("vectors", digest(0)).exists()
    assert remove(cache, older_than=1.5 * DAY).size == one
    assert left(cache) == [3]
    cache.add("vectors", digest(0), rows(1))
    assert left(cache) == [0, 3]


def test_what_was_read_counts_as_used(cache):
    cache.load("vectors", digest(0))
    cache._lease = None
    assert remove(cache, max_size=list_keys(cache)[0].size).n_keys == 3
    assert left(cache) == [0]


def test_what_a_run_uses_now_stays(cache):
    code = (
        "import sys; from pathlib import Path; from reprcheck.embed.cache import Cache\n"
        "cache = Cache(Path(sys.argv[1])); cache.load('vectors', sys.argv[2]); print('ready', flush=True); input()"
    )
    command = [sys.executable, "-c", code, str(cache.folder), digest(0)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout.readline() == "ready\n"
        removal = remove(cache, max_size=0)
        assert (removal.n_keys, removal.n_in_use, left(cache)) == (3, 1, [0])
        run.kill()
    assert remove(cache, max_size=0).n_keys == 1
    assert left(cache) == []
    assert list((cache.folder / ".runs").iterdir()) == []


def test_a_key_that_is_locked_stays(cache):
    with cache.lock("vectors", digest(1)):
        assert remove(cache, max_size=0).n_in_use == 1
    assert left(cache) == [1]


def test_damaged_and_half_written_files_go_and_nothing_else_does(cache, tmp_path):
    folder = cache.key_folder("vectors", digest(0))
    past = time.time() - DAY
    kept = [cache.folder / "remote" / "ab" / "c" / "x.safetensors", cache.folder / "notes" / "ab" / "c" / "x.damaged"]
    gone = [folder / "x.damaged", folder / ".x.part"]
    for path in kept + gone:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"123")
        os.utime(path, (past, past))
    assert remove(cache, max_size=2**40).size == 6
    assert [path for path in kept + gone if path.exists()] == kept
    assert left(cache) == [0, 1, 2, 3]


def test_verify_names_what_is_damaged(cache):
    cache.put("scores", digest("s"), {"values": np.ones(3)})
    assert list(verify(cache)) == []
    damaged = [key.shards[0] for key in list_keys(cache) if key.key in (digest(0), digest("s"))]
    for path in damaged:
        raw = path.read_bytes()
        path.write_bytes(raw[:-1] + bytes([raw[-1] ^ 1]))
    assert dict(verify(cache)) == dict.fromkeys(damaged, "damaged; set aside")
    assert list(verify(cache)) == []
