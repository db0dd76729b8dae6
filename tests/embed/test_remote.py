"""A cache that machines share: a second machine is a second empty folder before the same URL."""

import os
import pickle
import socket
import stat
import subprocess
import sys
import time
import warnings
from threading import Barrier, Thread
from uuid import uuid4

import fsspec
import numpy as np
import pytest

from reprcheck.digest import digest
from reprcheck.embed import remote
from reprcheck.embed.cache import Cache, open_cache
from reprcheck.embed.joining import MANY
from reprcheck.embed.remote import RemoteCacheWarning
from reprcheck.errors import UserError
from tests.embed.test_cache import rows
from tests.embed.test_engine import Means, Source, run

KEY = digest("k")


@pytest.fixture(params=["memory", "file"])
def url(request, tmp_path):
    if request.param == "memory":
        yield f"memory://{uuid4().hex}/team"
        fsspec.filesystem("memory").store.clear()
    else:
        (tmp_path / "share").mkdir()
        yield f"file://{tmp_path}/share"


@pytest.fixture
def share(tmp_path):
    (tmp_path / "share").mkdir()
    return tmp_path / "share"


@pytest.fixture
def machine(tmp_path):
    """Return the cache of another machine at each call; names stand for machines."""
    return lambda url, name="": Cache(tmp_path / (name or uuid4().hex), remote=str(url))


def objects(url):
    files, root = fsspec.core.url_to_fs(str(url))
    return {path.removeprefix(root): files.cat_file(path) for path in files.find(root)}


def test_a_second_machine_decodes_and_computes_nothing(machine, url):
    numbers = list(range(40))
    (first,) = run(Source(numbers), Means(), cache=machine(url))
    source, encoder = Source(numbers), Means()
    (second,) = run(source, encoder, cache=machine(url))
    assert (source.reads, encoder.shown) == ([], 0)
    assert second.digest == first.digest
    assert second.vectors.tobytes() == first.vectors.tobytes()


def test_a_second_machine_computes_what_is_new_and_the_first_gets_it(machine, url):
    run(Source([1, 2, 3]), Means(), cache=machine(url, "a"))
    encoder = Means()
    run(Source([1, 2, 3, 4]), encoder, cache=machine(url, "b"))
    assert encoder.shown == 1
    source, encoder = Source([4, 3]), Means()
    run(source, encoder, cache=machine(url, "a"))
    assert (source.reads, encoder.shown) == ([], 0)


def test_named_arrays_are_shared_too(machine, url):
    first = machine(url)
    assert first.get("scores", KEY) is None
    first.put("scores", KEY, {"values": np.arange(3.0)})
    first.share()
    assert machine(url).get("scores", KEY)["values"].tolist() == [0, 1, 2]


def test_what_a_folder_had_before_is_shared(machine, url):
    machine("", "a").add("vectors", KEY, rows(3))
    again = machine(url, "a")
    again.load("vectors", KEY)
    again.share()
    assert set(machine(url).load("vectors", KEY)) == set(rows(3))


def test_nothing_is_sent_or_fetched_twice(machine, url, monkeypatch):
    calls = []
    files = type(fsspec.core.url_to_fs(url)[0])
    for name in ("pipe_file", "cat_file"):
        real = getattr(files, name)
        monkeypatch.setattr(files, name, lambda *a, _r=real, _n=name, **k: (calls.append(_n), _r(*a, **k))[1])
    first, second = machine(url, "a"), machine(url, "b")
    run(Source([1, 2, 3]), Means(), cache=first)
    n_shards = len(objects(url))
    calls.clear()
    for cache in (first, machine(url, "a")):
        run(Source([1, 2, 3]), Means(), cache=cache)
    assert calls == []
    run(Source([1, 2, 3]), Means(), cache=second)
    assert calls == ["cat_file"] * n_shards
    run(Source([1, 2, 3]), Means(), cache=machine(url, "b"))
    assert calls == ["cat_file"] * n_shards


def test_many_small_shards_are_sent_as_one_and_stay_as_they_are_there(machine, url):
    first = machine(url, "a")
    first.load("vectors", KEY)
    for i in range(MANY + 1):
        first.add("vectors", KEY, rows(1, first=i))
    first.share()
    assert len(before := objects(url)) == 1
    for i in range(MANY + 1):
        cache = machine(url, "b")
        cache.load("vectors", KEY)
        cache.add("vectors", KEY, rows(1, first=100 + i))
        cache.share()
    assert len(cache.load("vectors", KEY)) == 2 * (MANY + 1)
    assert len(after := objects(url)) == MANY + 2
    assert before.items() <= after.items()


def test_two_machines_at_once_end_with_the_same_shards(machine, share):
    start, blocks = Barrier(2), []

    def work():
        cache = machine(share)
        start.wait()
        blocks.append(run(Source(list(range(20))), Means(), cache=cache)[0])

    threads = [Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert blocks[0].vectors.tobytes() == blocks[1].vectors.tobytes()
    assert [path for path in share.rglob("*") if path.suffix == ".part"] == []
    encoder = Means()
    run(Source(list(range(20))), encoder, cache=machine(share))
    assert encoder.shown == 0


@pytest.mark.parametrize("damage", [lambda raw: raw[:-3], lambda raw: b"", lambda raw: raw[:-1] + b"\xff"])
def test_a_damaged_object_is_told_computed_again_and_mended(machine, url, damage):
    (first,) = run(Source([1, 2, 3]), Means(), cache=machine(url))
    whole = objects(url)
    (name,) = [name for name in whole if "vectors" in name]
    files, root = fsspec.core.url_to_fs(url)
    files.pipe_file(root + name, damage(whole[name]))
    encoder = Means()
    with pytest.warns(RemoteCacheWarning, match=r"isn't what its name says; it is left there") as told:
        (second,) = run(Source([1, 2, 3]), encoder, cache=machine(url))
    assert len(told) == 1
    assert url in str(told[0].message)
    assert name.rpartition("/")[2] in str(told[0].message)
    assert encoder.shown == 3
    assert second.vectors.tobytes() == first.vectors.tobytes()
    assert objects(url) == whole


def test_a_damaged_shard_is_not_spread(machine, url, tmp_path):
    cache = machine("", "a")
    cache.put("scores", KEY, {"values": np.arange(3.0)})
    (shard,) = (tmp_path / "a").rglob("*.safetensors")
    shard.write_bytes(b"nothing")
    again = machine(url, "a")
    again._bring("scores", KEY)
    again.share()
    assert objects(url) == {}


def test_other_files_there_are_left_alone(machine, share):
    run(Source([1, 2]), Means(), cache=machine(share))
    for folder in {path.parent for path in share.rglob("*.safetensors")}:
        for name in ("notes.txt", ".x.part", "x.safetensors", "a" * 39 + ".safetensors"):
            (folder / name).write_text("x")
    cache = machine(share)
    run(Source([1, 2]), Means(), cache=cache)
    assert all(len(path.stem) == 40 for path in cache.folder.rglob("*.safetensors"))
    assert len(list(cache.folder.rglob("*.txt"))) == 0


def told_once(cache, n=3):
    """Run, and return the one warning; the run itself goes on."""
    source = Source(list(range(n)))
    begun = time.monotonic()
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        run(source, Means(), cache=cache)
        run(source, Means(2.0), cache=cache)
        cache.get("scores", KEY)
        cache.share()
    assert [warning.category for warning in told] == [RemoteCacheWarning]
    line = str(told[0].message)
    assert "\n" not in line
    assert time.monotonic() - begun < 10
    encoder = Means()
    run(source, encoder, cache=Cache(cache.folder))
    assert encoder.shown == 0
    return line


def test_a_server_that_refuses_is_one_line(machine):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/cache"
    line = told_once(machine(url))
    assert line.startswith(f"shared cache {url}: can't be read (")
    assert line.endswith("left out of this run; check the address, the network and what you may read")


def test_a_server_that_never_answers_is_one_line(machine, monkeypatch):
    monkeypatch.setattr(remote, "PATIENCE", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        line = told_once(machine(f"http://127.0.0.1:{deaf.getsockname()[1]}/cache"))
    assert "no answer for" in line


def test_a_disk_that_is_not_mounted_is_one_line_and_nothing_is_made_there(machine, tmp_path):
    line = told_once(machine(f"file://{tmp_path}/mnt/share"))
    assert "there is no such folder" in line
    assert not (tmp_path / "mnt").exists()


def refuse_writes(monkeypatch):
    def refuse(*args, **kwargs):
        raise PermissionError(13, "Access Denied")

    for name in ("pipe_file", "makedirs"):
        monkeypatch.setattr(f"fsspec.implementations.local.LocalFileSystem.{name}", refuse)


def test_a_remote_that_cannot_be_written_serves(machine, share, monkeypatch):
    run(Source([1, 2, 3]), Means(), cache=machine(share))
    before = objects(share)
    refuse_writes(monkeypatch)
    source, encoder = Source([1, 2, 3]), Means()
    run(source, encoder, cache=machine(share))  # nothing is new, so nothing is told
    assert (source.reads, encoder.shown) == ([], 0)
    line = told_once(machine(share), n=5)
    assert "can't be written (PermissionError" in line
    assert line.endswith("so what is new stays here; check the address and what you may write")
    assert objects(share) == before


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may write everywhere")
def test_a_folder_without_permission_serves(machine, share):
    run(Source([1, 2, 3]), Means(), cache=machine(share))
    for folder in [share, *(path for path in share.rglob("*") if path.is_dir())]:
        folder.chmod(stat.S_IRUSR | stat.S_IXUSR)
    encoder = Means()
    run(Source([1, 2, 3]), encoder, cache=machine(share))
    assert encoder.shown == 0
    for folder in [share, *(path for path in share.rglob("*") if path.is_dir())]:
        folder.chmod(stat.S_IRWXU)


def test_a_folder_here_that_cannot_be_written_asks_nobody(machine, share, tmp_path, monkeypatch):
    run(Source([1, 2]), Means(), cache=machine("", "a"))

    def refuse(*args, **kwargs):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("reprcheck.embed.cache.tempfile.TemporaryFile", refuse)
    run(Source([1, 2]), Means(), cache=machine(share, "a"))
    assert objects(share) == {}


def test_a_full_disk_here_stops_no_run_that_lacks_nothing(machine, share, monkeypatch):
    run(Source([1, 2]), Means(), cache=machine(share, "a"))
    run(Source([1, 2, 3]), Means(), cache=machine(share, "b"))

    def full(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(remote, "write_bytes", full)
    encoder = Means()
    run(Source([1, 2]), encoder, cache=machine(share, "a"))
    assert encoder.shown == 0


@pytest.mark.parametrize(
    ("url", "missing", "remedy"),
    [
        ("s3://bucket/team", "fsspec", "pip install 'reprcheck[s3]'"),
        ("gs://bucket/team", "fsspec", "pip install 'reprcheck[remote]'"),
        ("s3://bucket/team", "s3fs", "pip install 'reprcheck[s3]'"),
        ("gs://bucket/team", "gcsfs", "install it with pip"),
    ],
)
def test_a_package_that_is_not_installed_is_one_line(machine, monkeypatch, url, missing, remedy):
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(UserError, match="installed") as mistake:
        machine(url)
    assert str(mistake.value).startswith(f"cache_remote={url}: ")
    assert str(mistake.value).endswith(f"; {remedy}")
    assert "\n" not in str(mistake.value)


def test_an_unknown_kind_of_url_is_one_line(machine):
    with pytest.raises(UserError, match=r"cache_remote=nope://x: can't be opened \(.*\); name a URL that fsspec knows"):
        machine("nope://x")


def test_the_environment_names_it_unless_an_option_does(tmp_path, monkeypatch):
    monkeypatch.setenv("REPRCHECK_CACHE_REMOTE", "memory://team")
    assert open_cache(tmp_path, None).remote == "memory://team"
    assert open_cache(tmp_path, "memory://mine").remote == "memory://mine"
    assert open_cache(tmp_path, "").remote == ""
    monkeypatch.delenv("REPRCHECK_CACHE_REMOTE")
    assert open_cache(tmp_path, None).remote == ""


def test_a_cache_keeps_it_on_its_way_to_another_process(tmp_path):
    assert pickle.loads(pickle.dumps(Cache(tmp_path, remote="memory://team"))).remote == "memory://team"


def test_without_one_fsspec_is_not_imported(tmp_path):
    code = f"""
import sys
from pathlib import Path
from reprcheck.embed.cache import Cache
cache = Cache(Path({str(tmp_path)!r}))
cache.load("vectors", "k"), cache.get("scores", "k"), cache.share()
assert "fsspec" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_s3(machine, monkeypatch):
    """The real client against a server."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    for name, value in {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    try:
        fsspec.filesystem("s3").mkdir("bucket")
        run(Source([1, 2, 3]), Means(), cache=machine("s3://bucket/team"))
        source, encoder = Source([1, 2, 3]), Means()
        run(source, encoder, cache=machine("s3://bucket/team"))
        assert (source.reads, encoder.shown) == ([], 0)
        assert "can't be written" in told_once(machine("s3://no-such-bucket/team"))
    finally:
        server.stop()


def test_no_message_holds_a_password(tmp_path):
    with pytest.raises(UserError) as raised:
        Cache(tmp_path, remote="nosuch://me:secret@host/bucket")
    assert "nosuch://…@host/bucket" in str(raised.value)
    assert "secret" not in str(raised.value)
