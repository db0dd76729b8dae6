import multiprocessing
import os
import signal
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from reprcheck.embed.cache import Cache
from reprcheck.embed.shards import DamagedShardWarning
from reprcheck.errors import UserError

hexes = st.text("0123456789abcdef", min_size=40, max_size=40)


@pytest.fixture
def cache(tmp_path):
    return Cache(tmp_path / "cache")


def rows(n, width=3, first=0):
    return {f"{i:040x}": np.arange(width, dtype=np.float32) + i for i in range(first, first + n)}


@given(ids=st.lists(hexes, min_size=1, max_size=6, unique=True), data=st.data())
def test_rows_come_back_bit_for_bit(tmp_path_factory, ids, data):
    cache = Cache(tmp_path_factory.mktemp("cache"))
    shape = (data.draw(st.integers(1, 4)),)
    given_rows = {i: data.draw(arrays(np.float32, shape, elements=st.floats(width=32))) for i in ids}
    cache.add("vectors", "k", given_rows)
    found = cache.load("vectors", "k")
    assert set(found) == set(ids)
    assert all(found[i].tobytes() == given_rows[i].tobytes() for i in ids)


def test_shards_add_up_and_keys_keep_apart(cache):
    cache.add("vectors", "k", rows(3))
    cache.add("vectors", "k", rows(2, first=3))
    cache.add("vectors", "other", rows(1, first=9))
    assert set(cache.load("vectors", "k")) == set(rows(5))
    assert np.array_equal(cache.load("vectors", "k").stack(list(rows(2))), np.stack(list(rows(2).values())))
    assert cache.load("pixels", "k") == {}


def test_writing_nothing_leaves_nothing(cache):
    cache.add("vectors", "k", {})
    assert list(cache.folder.rglob("*.safetensors")) == []


def test_named_arrays_come_back(cache):
    assert cache.get("scores", "k") is None
    cache.put("scores", "k", {"values": np.arange(3.0), "bits": np.ones((2, 2))})
    found = cache.get("scores", "k")
    assert set(found) == {"values", "bits"}
    assert np.array_equal(found["values"], np.arange(3.0))


DAMAGES = {
    "cut short": lambda raw: raw[:-5],
    "header": lambda raw: raw[:40] + b"\0" + raw[41:],
    "a bit of a number": lambda raw: raw[:-1] + bytes([raw[-1] ^ 1]),
    "empty": lambda raw: b"",
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_shard_is_reported_set_aside_and_the_rest_still_read(cache, damage):
    cache.add("vectors", "k", rows(2))
    (shard,) = cache.folder.rglob("*.safetensors")
    cache.add("vectors", "k", rows(2, first=2))
    shard.write_bytes(damage(shard.read_bytes()))
    with pytest.warns(DamagedShardWarning, match=shard.name):
        found = cache.load("vectors", "k")
    assert set(found) == set(rows(2, first=2))
    assert shard.with_suffix(".damaged").exists()
    assert set(cache.load("vectors", "k")) == set(found)  # said once


def test_a_shard_never_changes_and_the_same_rows_make_the_same_file(cache):
    cache.add("vectors", "k", rows(2))
    (shard,) = cache.folder.rglob("*.safetensors")
    before = shard.stat().st_mtime_ns, shard.read_bytes()
    cache.add("vectors", "k", rows(2))
    assert [p.name for p in cache.folder.rglob("*.safetensors")] == [shard.name]
    assert shard.read_bytes() == before[1]


def write_for_ever(folder):
    cache = Cache(folder)
    for n in range(10_000):
        cache.add("vectors", "k", rows(50, width=2000, first=50 * n))


def test_a_killed_writer_leaves_only_whole_shards(tmp_path):
    process = multiprocessing.get_context("spawn").Process(target=write_for_ever, args=(tmp_path,))
    process.start()
    until = time.monotonic() + 60
    while len(list(tmp_path.rglob("*.safetensors"))) < 3 and time.monotonic() < until:
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    found = Cache(tmp_path).load("vectors", "k")  # a damaged shard would warn, and warnings are errors
    assert len(found) >= 150
    assert len(found) % 50 == 0


@pytest.mark.parametrize("name", ["file", "file/below"])
def test_an_unusable_folder_is_one_clear_line(tmp_path, name):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match=r"cache_dir=.*not a usable folder \(.*\); name another one") as e:
        Cache(tmp_path / name)
    assert "\n" not in str(e.value)


def test_a_folder_without_permission_is_one_clear_line(tmp_path, monkeypatch):
    def refuse(*args, **kwargs):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("reprcheck.embed.cache.tempfile.TemporaryFile", refuse)
    with pytest.raises(UserError, match="permission denied"):
        Cache(tmp_path)
