"""Archives come out as they went in, and whatever would do more than lie in its folder is refused."""

from __future__ import annotations

import errno
import gzip
import io
import re
import shutil
import stat
import tarfile
import tracemalloc
import zipfile
from collections import namedtuple
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reprcheck.datasets.public import unpacking
from reprcheck.datasets.public.unpacking import unpack
from reprcheck.errors import UserError

FILES = {"set/train/a.bin": b"a" * 100, "set/b.bin": b"b", "notes.txt": b"notes"}


def zipped(path, files, *infos):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
        for info in infos:
            archive.writestr(info, "target")
    return path


def tarred(path, files, *infos):
    with tarfile.open(path, "w:gz" if path.suffix == ".tgz" else "w") as archive:
        folder = tarfile.TarInfo("set")
        folder.type = tarfile.DIRTYPE
        archive.addfile(folder)
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
        for info in infos:
            archive.addfile(info)
    return path


def refused(archive, how, folder):
    with pytest.raises(UserError) as caught:
        unpack(archive, how, folder)
    assert caught.value.remedy == "nothing more of it is unpacked; look at it, and remove it to fetch it again"
    return caught.value.what


def contents(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    ("make", "name", "how"), [(zipped, "a.zip", "zip"), (tarred, "a.tar", "tar"), (tarred, "a.tgz", "tar")]
)
def test_an_archive_comes_out_as_it_went_in(tmp_path, make, name, how):
    out = tmp_path / "out"
    assert unpack(make(tmp_path / name, FILES), how, out) == ("notes.txt", "set")
    assert contents(out) == FILES
    assert unpack(tmp_path / name, how, out) == ("notes.txt", "set")  # over what a stopped run left


def test_a_gzip_is_one_file(tmp_path):
    (tmp_path / "a.h5.gz").write_bytes(gzip.compress(b"values"))
    assert unpack(tmp_path / "a.h5.gz", "gzip", tmp_path / "out") == ("a.h5",)
    assert contents(tmp_path / "out") == {"a.h5": b"values"}


@pytest.mark.parametrize("name", ["../x", "set/../../x", "/tmp/x", "C:x", "..\\x", "set\\x"])
@pytest.mark.parametrize(("make", "how"), [(zipped, "zip"), (tarred, "tar")])
def test_a_path_out_of_the_folder_is_refused(tmp_path, make, how, name):
    archive = make(tmp_path / f"a.{how}", {name: b"x"})
    assert refused(archive, how, tmp_path / "deep" / "out") == f"holds {name!r}, which lies outside the folder"
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == [archive.name]


@given(names=st.lists(st.text(st.sampled_from("ab./\\:~ "), min_size=1, max_size=12), min_size=1, max_size=3))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_the_names_nothing_leaves_the_folder(tmp_path, names):
    place = tmp_path / "place"
    archive = tarred(tmp_path / "a.tar", dict.fromkeys(names, b"x"))
    with suppress(UserError):
        unpack(archive, "tar", place / "deep" / "out")
    assert all(path.is_relative_to(place / "deep" / "out") for path in place.rglob("*") if path.is_file())
    shutil.rmtree(place, ignore_errors=True)


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE])
@pytest.mark.parametrize("target", ["../../secret", "set/b.bin"])
def test_a_link_or_device_in_a_tar_is_refused(tmp_path, kind, target):
    info = tarfile.TarInfo("set/link")
    info.type, info.linkname = kind, target
    assert (
        refused(tarred(tmp_path / "a.tar", FILES, info), "tar", tmp_path / "out")
        == "holds 'set/link', a link or a device"
    )


def test_a_link_in_a_zip_is_refused(tmp_path):
    info = zipfile.ZipInfo("set/link")
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    assert (
        refused(zipped(tmp_path / "a.zip", FILES, info), "zip", tmp_path / "out")
        == "holds 'set/link', a link or a device"
    )


@pytest.mark.parametrize(("make", "how"), [(zipped, "zip"), (tarred, "tar")])
def test_a_file_without_a_name_is_refused(tmp_path, monkeypatch, make, how):
    for name in ("", ".", "./."):
        with monkeypatch.context() as patch:
            patch.setattr(zipfile.ZipInfo, "is_dir", lambda _: False)  # which needs a name
            info = zipfile.ZipInfo("x") if how == "zip" else tarfile.TarInfo(name)
            setattr(info, "filename" if how == "zip" else "name", name)
            archive = make(tmp_path / f"a.{how}", {"first": b"x"}, info)
        assert refused(archive, how, tmp_path / "out") == "holds a file without a name"
    assert contents(tmp_path / "out") == {"first": b"x"}


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize(("make", "how"), [(zipped, "zip"), (tarred, "tar")])
def test_a_name_twice_is_refused(tmp_path, make, how):
    for second in ("a/b", "a//b", "./a/b"):
        archive = make(tmp_path / f"a.{how}", {"a/b": b"first", "c": b""})
        with tarfile.open(archive, "a") if how == "tar" else zipfile.ZipFile(archive, "a") as more:
            if how == "tar":
                more.addfile(tarfile.TarInfo(second))
            else:
                more.writestr(second, "second")
        assert refused(archive, how, tmp_path / "out") == f"holds {second!r} twice"
        assert contents(tmp_path / "out")["a/b"] == b"first"


@pytest.mark.parametrize(("make", "name", "how"), [(zipped, "a.zip", "zip"), (tarred, "a.tgz", "tar")])
@pytest.mark.parametrize("suffix", ["", "/"])
def test_members_by_the_million_are_refused(tmp_path, monkeypatch, make, name, how, suffix):
    monkeypatch.setattr(unpacking, "MOST_MEMBERS", 100)
    archive = make(tmp_path / name, {f"{i}{suffix}": b"" for i in range(101)})
    assert refused(archive, how, tmp_path / "out") == "holds more than 100 files and folders"
    assert len(contents(tmp_path / "out")) <= 100


@pytest.mark.parametrize("kind", [tarfile.GNUTYPE_LONGNAME, tarfile.XHDTYPE, tarfile.XGLTYPE])
def test_a_header_that_would_fill_the_memory_is_refused(tmp_path, kind):
    info = tarfile.TarInfo("x")
    info.type, info.size = kind, 2**33
    (tmp_path / "a.tar").write_bytes(info.tobuf(tarfile.GNU_FORMAT) + bytes(10_240))
    tracemalloc.start()
    assert "a header of 8589934592 bytes" in refused(tmp_path / "a.tar", "tar", tmp_path / "out")
    assert tracemalloc.get_traced_memory()[1] < 2**22
    tracemalloc.stop()


def test_a_bomb_is_stopped(tmp_path, monkeypatch):
    monkeypatch.setattr(unpacking, "SMALL", 10_000)
    zeros = bytes(3_000_000)
    (tmp_path / "a.gz").write_bytes(gzip.compress(zeros))
    archives = zipped(tmp_path / "a.zip", {"x": zeros}), tarred(tmp_path / "a.tgz", {"x": zeros}), tmp_path / "a.gz"
    for archive, how in zip(archives, ("zip", "tar", "gzip"), strict=True):
        what = refused(archive, how, tmp_path / how)
        assert re.fullmatch(r"its [\d.]+ kB unpack to more than [\d.]+ kB", what)
        assert sum(map(len, contents(tmp_path / how).values())) <= unpacking.RATIO * archive.stat().st_size


@pytest.mark.parametrize(("make", "name", "how"), [(zipped, "a.zip", "zip"), (tarred, "a.tgz", "tar")])
def test_a_damaged_archive_is_told(tmp_path, make, name, how):
    archive = make(tmp_path / name, FILES)
    archive.write_bytes(archive.read_bytes()[:-40])
    assert refused(archive, how, tmp_path / "out").startswith("can't be unpacked (")
    archive.write_bytes(b"not an archive")
    assert refused(archive, how, tmp_path / "out").startswith("can't be unpacked (")


def test_a_tar_that_is_damaged_in_the_middle_does_not_end_there(tmp_path):
    archive = tarred(tmp_path / "a.tar", FILES)
    raw = bytearray(archive.read_bytes())
    raw[raw.index(b"notes.txt") + 148] ^= 1  # the checksum of its header
    archive.write_bytes(raw)
    assert refused(archive, "tar", tmp_path / "out").startswith("can't be unpacked (")
    packed = bytearray(tarred(tmp_path / "a.tgz", FILES).read_bytes())
    packed[-5] ^= 1  # the checksum of all
    (tmp_path / "a.tgz").write_bytes(packed)
    assert refused(tmp_path / "a.tgz", "tar", tmp_path / "out").startswith("can't be unpacked (")


def test_damage_within_is_told(tmp_path):
    archive = zipped(tmp_path / "a.zip", {"x": bytes(range(256)) * 9})
    raw = bytearray(archive.read_bytes())
    raw[60] ^= 255
    archive.write_bytes(raw)
    assert refused(archive, "zip", tmp_path / "out").startswith("can't be unpacked (")
    (tmp_path / "a.gz").write_bytes(gzip.compress(b"values" * 99)[:-5])
    assert refused(tmp_path / "a.gz", "gzip", tmp_path / "out").startswith("can't be unpacked (")


def test_a_disk_that_fills_up_is_told(tmp_path, monkeypatch):
    archive, opened = tarred(tmp_path / "a.tar", FILES), Path.open

    class Full(io.FileIO):
        def write(self, chunk):
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(
        Path, "open", lambda path, mode="r", **k: Full(path, "w") if "w" in mode else opened(path, mode, **k)
    )
    with pytest.raises(UserError, match=r"a\.bin: the disk is full; make room and run again: what is here is kept"):
        unpack(archive, "tar", tmp_path / "out")


def test_too_little_room_is_told_first(tmp_path, monkeypatch):
    archive = zipped(tmp_path / "a.zip", FILES)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: namedtuple("Usage", "free")(50))
    with pytest.raises(UserError, match="106 bytes are needed, and 50 bytes are free"):
        unpack(archive, "zip", tmp_path / "out")
    assert not (tmp_path / "out").exists()
