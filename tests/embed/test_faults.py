"""Whatever lies in a cache folder, a run ends with the right vectors or one clear line."""

import errno
import os
import threading
import time
import warnings

import numpy as np
import pytest
from safetensors.numpy import save

from reprcheck.embed import shards
from reprcheck.embed.cache import ABANDONED, Cache
from reprcheck.embed.engine import load_decoded
from reprcheck.embed.fill import ImageView
from reprcheck.embed.shards import DamagedShardWarning
from reprcheck.errors import UserError
from tests.embed.test_cache import rows
from tests.embed.test_engine import Means, Source, run


@pytest.fixture
def cache(tmp_path):
    return Cache(tmp_path / "cache")


def written(cache, kind="vectors"):
    return sorted((cache.folder / kind).rglob("*.safetensors"))


def place(path, raw):
    """Put bytes beside a shard under their own checksum."""
    path = path.with_name(f"{shards.checksum(raw)}.safetensors")
    path.write_bytes(raw)
    return path


def test_readers_that_meet_a_damaged_shard_together_all_go_on(cache):
    for n in range(20):
        cache.add("vectors", "k", rows(1, first=n))
    for path in written(cache):
        path.write_bytes(b"nothing")
    found, start = [], threading.Barrier(8)

    def read():
        start.wait()
        found.append(len(cache.load("vectors", "k")))

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        threads = [threading.Thread(target=read) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert found == [0] * 8
    assert len([w for w in caught if "set aside" in str(w.message)]) == 20


def folder(path):
    path.unlink()
    path.mkdir()


def dangling(path):
    path.unlink()
    path.symlink_to(path.parent / "nowhere")


def pipe(path):
    path.unlink()
    os.mkfifo(path)


@pytest.mark.parametrize("fault", [folder, dangling, pipe], ids=lambda fault: fault.__name__)
@pytest.mark.parametrize("kind", ["vectors", "decoded"])
def test_what_is_no_file_is_set_aside_and_computed_again(cache, fault, kind):
    (expected,) = run(Source([1, 2, 3]), Means(), cache=cache)
    (path,) = written(cache, kind)
    fault(path)
    with pytest.warns(DamagedShardWarning, match="set aside, and computed again"):
        (block,) = run(Source([1, 2, 3]), Means(), cache=cache)
    assert np.array_equal(block.vectors, expected.vectors)
    (block,) = run(Source([1, 2, 3]), Means(), cache=cache)


def test_a_shard_that_may_not_be_read_is_computed_again_and_stays(cache, monkeypatch):
    (expected,) = run(Source([1, 2, 3]), Means(), cache=cache)
    (path,) = written(cache)
    known, refused = shards.obstacle, path.stat().st_ino  # what is written in its place may be read
    denied = "can't be read (Permission denied)"
    monkeypatch.setattr(shards, "obstacle", lambda p: denied if p.stat().st_ino == refused else known(p))
    with pytest.warns(DamagedShardWarning, match="Permission denied.*ignored"):
        (block,) = run(Source([1, 2, 3]), Means(), cache=cache)
    assert np.array_equal(block.vectors, expected.vectors)
    assert path.exists()


IDS = "\n".join(f"{i:040x}" for i in range(2))
FOREIGN = {
    "other tensors": {"values": np.zeros(3)},
    "rows alone": {"rows": np.zeros((2, 2), np.float32)},
    "a third tensor": {"ids": IDS, "rows": np.zeros((2, 2), np.float32), "more": np.zeros(1)},
    "another dtype": {"ids": IDS, "rows": np.zeros((2, 2), np.float64)},
    "more ids than rows": {"ids": IDS, "rows": np.zeros((1, 2), np.float32)},
    "one row": {"ids": IDS, "rows": np.zeros(2, np.float32)},
    "ids twice": {"ids": f"{IDS}\n{IDS}", "rows": np.zeros((4, 2), np.float32)},
}


@pytest.mark.parametrize("tensors", FOREIGN.values(), ids=FOREIGN)
def test_an_intact_shard_of_something_else_is_ignored_and_left_to_whoever_wrote_it(cache, tensors):
    raw = save({n: np.frombuffer(a.encode(), np.uint8) if isinstance(a, str) else a for n, a in tensors.items()})
    cache.add("vectors", "k", rows(2, first=2))
    path = place(written(cache)[0], raw)
    with pytest.warns(DamagedShardWarning, match="ignored"):
        assert set(cache.load("vectors", "k")) == set(rows(2, first=2))
    assert path.exists()


@pytest.mark.parametrize("raw", [b"", b"\xff" * 64, (2**60).to_bytes(8, "little"), b"[" * 100_000])
def test_intact_bytes_that_are_no_shard_are_ignored(cache, raw):
    cache.add("vectors", "k", rows(1))
    place(written(cache)[0], raw)
    with pytest.warns(DamagedShardWarning):
        assert set(cache.load("vectors", "k")) == set(rows(1))


def test_vectors_of_another_width_are_ignored(cache):
    (expected,) = run(Source([1, 2, 3]), Means(), cache=cache)
    (path,) = written(cache)
    ids = np.array([expected.ids[0].encode()])
    for width in (1, 5):
        place(path, save(shards.pack_rows(ids, np.ones((1, width), np.float32))))
    with pytest.warns(DamagedShardWarning, match="numbers, where others have 2; ignored"):
        (block,) = run(Source([1, 2, 3]), Means(), cache=cache)
    assert np.array_equal(block.vectors, expected.vectors)


def test_an_encoder_of_two_widths_is_one_line(cache):
    encoder = Means()
    run(Source([1, 2, 3]), encoder, cache=cache)
    encoder.encode = lambda images: np.zeros((len(images), 3), np.float32)
    with pytest.raises(UserError, match=r"vectors of . and of . numbers from one encoder; make it return"):
        run(Source([1, 2, 3, 4]), encoder, cache=cache)


def test_decoded_images_told_in_other_words_are_decoded_again(cache):
    (expected,) = run(Source([1, 2, 3]), Means(), cache=cache)
    (path,) = written(cache, "decoded")
    ids = shards.open_rows(path, np.dtype("u1")).ids
    path.unlink()
    texts = np.array([list(b'["pixels", [], "00"]')] * 3, np.uint8)
    texts[0] = ord("{")
    place(path, save(shards.pack_rows(ids, texts)))
    source = Source([1, 2, 3])
    with pytest.warns(DamagedShardWarning, match="3 decoded images"):
        (block,) = run(source, Means(), cache=cache)
    assert np.array_equal(block.vectors, expected.vectors)
    assert len(source.reads) == 3


def test_what_was_removed_meanwhile_is_decoded_again(cache):
    source = Source([1, 2])
    run(source, Means(), cache=cache)
    expected = load_decoded(ImageView(source, np.arange(2), (0, 1)), cache)
    written(cache, "decoded")[0].unlink()
    assert load_decoded(ImageView(source, np.arange(2), (0, 1)), cache) == expected


def test_values_of_another_version_are_computed_again(cache):
    cache.put("scores", "k", {"marks": np.zeros(2)})
    with pytest.warns(DamagedShardWarning, match="holds marks, not values; ignored"):
        assert cache.get("scores", "k", ["values"]) is None
    cache.put("scores", "k", {"values": np.ones(2)})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert set(cache.get("scores", "k", ["values"])) == {"values"}


def test_two_versions_share_a_folder_and_neither_takes_the_others_rows(cache, monkeypatch):
    (first,) = run(Source([1, 2]), Means(), cache=cache)
    monkeypatch.setattr("reprcheck.embed.engine.code_digest", lambda module: "another version")
    source, encoder = Source([1, 2]), Means()
    (second,) = run(source, encoder, cache=cache)
    assert (sorted(source.reads), encoder.shown) == ([0, 1], 0)  # decoded by its own code; the vectors are the same
    assert second.digest == first.digest
    monkeypatch.undo()
    source = Source([1, 2])
    run(source, Means(), cache=cache)
    assert source.reads == []


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_write_that_fails_leaves_nothing_and_is_one_line(cache, monkeypatch, step):
    def fail(*args):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(f"reprcheck.embed.shards.os.{step}", fail)
    with pytest.raises(UserError, match=r"can't be written \(No space left on device\); free or move it"):
        cache.add("vectors", "k", rows(2))
    assert [path for path in cache.folder.rglob("*") if path.is_file()] == []


def test_a_shard_may_be_read_by_whoever_may_read_other_files(cache):
    cache.add("vectors", "k", rows(2))
    (cache.folder / "other").write_text("")
    assert written(cache)[0].stat().st_mode == (cache.folder / "other").stat().st_mode


def test_what_a_killed_writer_left_is_removed_once_it_is_old(cache):
    cache.add("vectors", "k", rows(2))
    old, new = (written(cache)[0].with_name(name) for name in (".old.part", ".new.part"))
    for path in (old, new):
        path.write_bytes(b"half")
    past = time.time() - ABANDONED - 1
    os.utime(old, (past, past))
    with cache.lock("vectors", "k"):
        assert not old.exists()
    assert new.exists()


@pytest.fixture
def read_only(monkeypatch):
    """A file system that takes no write: for the administrator, permissions don't count."""

    def refuse(*args, **kwargs):
        raise OSError(errno.EROFS, "Read-only file system")

    def begin():
        monkeypatch.setattr("reprcheck.embed.cache.tempfile.TemporaryFile", refuse)
        monkeypatch.setattr("reprcheck.embed.cache.FileLock", refuse)
        monkeypatch.setattr("reprcheck.embed.cache.write_shard", refuse)
        for name in ("replace", "utime"):
            monkeypatch.setattr(f"reprcheck.embed.shards.os.{name}", refuse)

    return begin


def test_a_complete_folder_that_cannot_be_written_is_used(cache, read_only):
    (expected,) = run(Source([1, 2]), Means(), cache=cache)
    read_only()
    cache, source, encoder = Cache(cache.folder), Source([1, 2]), Means()
    (block,) = run(source, encoder, cache=cache)
    assert (source.reads, encoder.shown) == ([], 0)
    assert np.array_equal(block.vectors, expected.vectors)
    line = r"lacks something that is needed, and can't be written \(read-only file system\); name a folder"
    with pytest.raises(UserError, match=line):
        run(Source([1, 2, 3]), encoder, cache=cache)
    with pytest.raises(UserError, match=line):
        cache.put("scores", "k", {"values": np.ones(2)})
    written(cache)[0].write_bytes(b"nothing")
    with pytest.raises(UserError, match=line), pytest.warns(DamagedShardWarning, match="ignored"):
        run(Source([1, 2]), encoder, cache=cache)
