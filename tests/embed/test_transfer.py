"""A cache in one file, and files that somebody else made."""

import io
import tarfile

import numpy as np
import pytest

from reprcheck.digest import digest
from reprcheck.embed.cache import Cache
from reprcheck.embed.transfer import export_cache, import_cache
from reprcheck.errors import UserError
from tests.embed.test_cache import rows

KEY = digest("k")


@pytest.fixture
def cache(tmp_path):
    cache = Cache(tmp_path / "cache")
    cache.add("vectors", KEY, rows(3))
    cache.add("vectors", KEY, rows(3, first=3))
    cache.put("scores", digest("s"), {"values": np.ones(2)})
    return cache


@pytest.fixture
def other(tmp_path):
    return Cache(tmp_path / "other")


def shard(cache):
    path = sorted(cache.folder.rglob("vectors/*/*/*.safetensors"))[0]
    return path.relative_to(cache.folder).as_posix(), path.read_bytes()


def write(path, *entries, mode="w"):
    with tarfile.open(path, mode) as tar:
        for name, raw, *changes in entries:
            header = tarfile.TarInfo(name)
            header.size = len(raw)
            for change in changes:
                for attribute, value in change.items():
                    setattr(header, attribute, value)
            tar.addfile(header, io.BytesIO(raw))
    return path


def test_a_cache_comes_back_and_comes_once(cache, other, tmp_path):
    assert export_cache(cache, tmp_path / "cache.tar") == 3
    assert import_cache(other, tmp_path / "cache.tar") == 3
    assert import_cache(other, tmp_path / "cache.tar") == 0
    assert dict(other.load("vectors", KEY)).keys() == dict(cache.load("vectors", KEY)).keys()
    assert np.array_equal(other.get("scores", digest("s"))["values"], np.ones(2))
    names = [path.name for path in tmp_path.iterdir()]
    assert sorted(names) == ["cache", "cache.tar", "other"]


def test_damaged_shards_are_not_exported(cache, tmp_path):
    (cache.folder / shard(cache)[0]).write_bytes(b"nothing")
    assert export_cache(cache, tmp_path / "cache.tar") == 2


def test_a_file_that_cannot_be_written_is_one_line(cache, tmp_path):
    (tmp_path / "file").write_text("")
    for folder, reason in (("nowhere", "No such file or directory"), ("file", "Not a directory")):
        with pytest.raises(UserError, match=rf"can't be written \({reason}\); name another file"):
            export_cache(cache, tmp_path / folder / "cache.tar")


HOSTILE = {
    "out of the folder": lambda name, raw: [("../evil", raw)],
    "absolute": lambda name, raw: [(f"/tmp/{name}", raw)],
    "through the folder": lambda name, raw: [(f"vectors/../{name}", raw)],
    "not a shard": lambda name, raw: [("vectors/notes.txt", raw)],
    "the file of digests": lambda name, raw: [("digests.sqlite", raw)],
    "another key's place": lambda name, raw: [(f"vectors/zz/{name[11:]}", raw)],
    "a line end behind": lambda name, raw: [(f"{name}\n", raw)],
    "a link": lambda name, raw: [(name, b"", {"type": tarfile.SYMTYPE, "linkname": "/etc/passwd"})],
    "a hard link": lambda name, raw: [(name, b"", {"type": tarfile.LNKTYPE, "linkname": "/etc/passwd"})],
    "a device": lambda name, raw: [(name, b"", {"type": tarfile.CHRTYPE})],
    "a pipe": lambda name, raw: [(name, b"", {"type": tarfile.FIFOTYPE})],
    "a folder": lambda name, raw: [(name, b"", {"type": tarfile.DIRTYPE})],
    "holes": lambda name, raw: [(name, raw, {"pax_headers": {"GNU.sparse.size": "99", "GNU.sparse.map": "0,1"}})],
    "twice": lambda name, raw: [(name, raw), (name, raw)],
    "other bytes": lambda name, raw: [(name, raw[:-1] + b"x")],
}


@pytest.mark.parametrize("entries", HOSTILE.values(), ids=HOSTILE)
def test_what_is_no_shard_is_refused_in_one_line(cache, other, tmp_path, entries):
    path = write(tmp_path / "hostile.tar", *entries(*shard(cache)))
    with pytest.raises(UserError, match=r"hostile.tar: holds .*; nothing more of it is imported") as error:
        import_cache(other, path)
    assert "\n" not in str(error.value)
    assert [found for found in other.folder.rglob("*") if found.is_file()] == []
    assert not (tmp_path / "evil").exists()


def test_a_file_that_is_cut_short_packed_or_something_else_is_one_line(cache, other, tmp_path):
    whole = write(tmp_path / "whole.tar", shard(cache)).read_bytes()
    packed = write(tmp_path / "packed.tar", shard(cache), mode="w:gz").read_bytes()
    for raw in (whole[:600], whole[:100], packed, b"", b"text" * 1000):
        (tmp_path / "bad.tar").write_bytes(raw)
        with pytest.raises(UserError, match=r"bad.tar: (is no plain tar file|is cut short)"):
            import_cache(other, tmp_path / "bad.tar")
    for name in ("nowhere.tar", "cache"):
        with pytest.raises(UserError, match="check the path"):
            import_cache(other, tmp_path / name)
