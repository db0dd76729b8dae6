"""Many small shards of a key become few, and no row is missing at any moment."""

import os
import threading

import numpy as np
import pytest

from reprcheck.embed import joining
from reprcheck.embed.cache import Cache
from reprcheck.embed.joining import MANY
from tests.embed.test_cache import rows
from tests.embed.test_faults import written

N = MANY + 8


@pytest.fixture
def cache(tmp_path):
    cache = Cache(tmp_path / "cache")
    for n in range(N):
        cache.add("vectors", "k", rows(2, first=2 * n))
    return cache


def is_whole(found):
    return found.keys() == rows(2 * N).keys() and all(np.array_equal(found[i], row) for i, row in rows(2 * N).items())


def test_they_become_one_with_the_same_rows(cache):
    assert is_whole(cache.load("vectors", "k"))
    (path,) = written(cache)
    assert is_whole(cache.load("vectors", "k"))
    assert written(cache) == [path]


def test_few_stay_as_they_are(cache):
    for path in written(cache)[MANY:]:
        path.unlink()
    cache.load("vectors", "k")
    assert len(written(cache)) == MANY


def test_vectors_of_two_widths_are_kept_apart_and_texts_are_padded(cache):
    for n in range(N):
        cache.add("vectors", "k", rows(1, width=5, first=1000 + n))
        cache.add("decoded", "k", {f"{n:040x}": np.full(n + 1, ord("x"), np.uint8)})
    found = cache.load("vectors", "k")
    assert {found[i].size for i in rows(2 * N)} == {3}
    assert {found[i].size for i in rows(N, first=1000)} == {5}
    assert len(written(cache)) == 2
    texts = cache.load("decoded", "k")
    assert [bytes(texts[f"{n:040x}"]).decode() for n in range(N)] == [("x" * (n + 1)).ljust(N) for n in range(N)]


def test_they_become_no_larger_than_they_need_be(cache, monkeypatch):
    monkeypatch.setattr(joining, "SMALL", 4 * written(cache)[0].stat().st_size)
    assert is_whole(cache.load("vectors", "k"))
    assert len(written(cache)) == N // 4


@pytest.mark.parametrize("n_removed", [0, 5])
def test_a_process_that_is_killed_between_leaves_every_row(cache, monkeypatch, n_removed):
    class Killed(BaseException):
        pass

    known, removed = os.unlink, []

    def unlink(path, *args, **kwargs):
        if len(removed) == n_removed and str(path).endswith(".safetensors"):
            raise Killed
        removed.append(path)
        known(path, *args, **kwargs)

    monkeypatch.setattr(os, "unlink", unlink)
    with pytest.raises(Killed):
        cache.load("vectors", "k")
    monkeypatch.undo()
    assert is_whole(cache.load("vectors", "k"))
    assert is_whole(Cache(cache.folder).load("vectors", "k"))


def test_a_full_disk_leaves_them_as_they_are(cache, monkeypatch):
    def fail(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(joining, "write_shard", fail)
    assert is_whole(cache.load("vectors", "k"))
    assert len(written(cache)) == N


def test_a_key_that_is_locked_is_left_alone(cache):
    with cache.lock("vectors", "k"):
        assert is_whole(cache.load("vectors", "k"))
        assert len(written(cache)) == N
    assert is_whole(cache.load("vectors", "k"))
    assert len(written(cache)) == 1


def test_a_damaged_one_is_not_joined(cache):
    path = written(cache)[3]
    raw = path.read_bytes()
    path.write_bytes(raw[:-1] + bytes([raw[-1] ^ 1]))
    found = cache.load("vectors", "k")
    with pytest.warns(UserWarning, match="damaged"):
        assert len(found) == 2 * N - 2


def test_readers_miss_nothing_while_they_are_joined(cache):
    start, missed = threading.Barrier(5), []

    def read():
        start.wait()
        missed.append(not is_whole(Cache(cache.folder).load("vectors", "k")))

    threads = [threading.Thread(target=read) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert missed == [False] * 5
    assert len(written(cache)) == 1
