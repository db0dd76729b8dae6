"""A set is fetched once, checked against what is published, and never half there without saying so."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile

import pytest
from filelock import FileLock

from reprcheck.datasets import public
from reprcheck.datasets.public import PublicSet, RemoteFile, fetching, opening, public_set
from reprcheck.datasets.public.fetching import fetch
from reprcheck.datasets.public.record import Record, read, state
from reprcheck.errors import UserError

TABLE = b"id,state\n1,a\n" * 300
IMAGES = {"images/1.bin": bytes(5000), "images/2.bin": b"2"}
HOW = "ask its authors"


def zipped(files):
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name), content)
    return made.getvalue()


def file(site, name, content, **options):
    return RemoteFile(name, site.put(name, content), **{"bytes": len(content), **options})


def sums(content):
    return {"sha256": hashlib.sha256(content).hexdigest(), "md5": hashlib.md5(content).hexdigest()}


def toy(*files, **options) -> PublicSet:
    return PublicSet("toy", "Toy", "https://toy.example", public_set("cifar10").card, files, **options)


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "sets" / "toy"


@pytest.fixture
def said():
    return []


@pytest.fixture
def whole(site):
    """A set of a table with a checksum, and an archive without."""
    archive = file(site, "images.zip", zipped(IMAGES), unpack="zip", into="raw")
    return toy(file(site, "table.csv", TABLE, **sums(TABLE)), archive)


def refused(public_set, folder, *names, **options):
    with pytest.raises(UserError) as caught:
        fetch(public_set, folder, names, say=lambda _: None, **options)
    return str(caught.value).replace(str(folder), "FOLDER")


def test_a_set_comes_whole_and_is_recorded(whole, folder, said):
    fetch(whole, folder, say=said.append)
    here = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}
    assert here == {"table.csv", "raw/images/1.bin", "raw/images/2.bin", "fetched.json"}
    assert said == [
        "table.csv: 3.9 kB, sha256 as published",
        "images.zip: 5.2 kB; no checksum is published for it; its sha256 is recorded in fetched.json",
        f"toy: here, in {folder}",
    ]
    document = json.loads((folder / "fetched.json").read_text())
    assert (document["schema"], document["asked"]) == (1, ["images.zip", "table.csv"])
    archive = document["files"]["images.zip"]
    assert archive["url"] == whole.files[1].url
    assert (archive["bytes"], archive["published"], archive["unpacked"]) == (whole.files[1].bytes, None, ["images"])
    assert archive["sha256"] == hashlib.sha256(zipped(IMAGES)).hexdigest()
    assert archive["time"].endswith("+00:00")
    assert state(folder) == "here"


def test_what_is_here_and_intact_is_not_fetched_again(site, whole, folder, said):
    fetch(whole, folder, say=lambda _: None)
    site.asked.clear()
    fetch(whole, folder, say=said.append, agree=lambda *_: pytest.fail("asked"))
    assert (site.asked, said) == ([], [f"toy: all here and intact, in {folder}"])


@pytest.mark.parametrize("damage", [b"damaged", TABLE[::-1], None])
def test_what_is_damaged_or_gone_is_fetched_again(site, whole, folder, damage):
    fetch(whole, folder, say=lambda _: None)
    site.asked.clear()
    (folder / "table.csv").unlink()
    if damage:
        (folder / "table.csv").write_bytes(damage)
    fetch(whole, folder, say=lambda _: None)
    assert site.asked == [("/table.csv", None)]
    assert (folder / "table.csv").read_bytes() == TABLE
    assert (folder / "table.csv.wrong").exists() == bool(damage)


def test_an_archive_is_fetched_again_where_what_it_held_is_gone(site, whole, folder):
    fetch(whole, folder, say=lambda _: None)
    site.asked.clear()
    (folder / "raw" / "images").rename(folder / "elsewhere")
    fetch(whole, folder, say=lambda _: None)
    assert site.asked == [("/images.zip", None)]
    assert (folder / "raw" / "images" / "2.bin").read_bytes() == b"2"


@pytest.mark.parametrize("name", ["sha256", "md5"])
def test_a_wrong_checksum_sets_the_file_aside(site, folder, name):
    other = sums(TABLE[::-1])[name]
    public_set = toy(file(site, "table.csv", TABLE, **{name: other}))
    assert refused(public_set, folder) == (
        f"table.csv: its {name} is {sums(TABLE)[name]}, and {other} is published; set aside as FOLDER/table.csv.wrong; "
        "run again; if it comes out the same, the file was changed at its source: report it"
    )
    assert {p.name for p in folder.iterdir()} == {"table.csv.wrong", "fetched.json"}
    assert state(folder) == "partly"


def test_another_size_is_wrong_even_where_the_server_tells_none(site, folder):
    site.length = False
    public_set = toy(file(site, "table.csv", TABLE, bytes=9))
    assert "table.csv: 3,900 bytes, and 9 are published; set aside" in refused(public_set, folder)


def test_a_file_without_a_checksum_must_come_as_it_came_first(site, folder):
    public_set = toy(file(site, "table.csv", TABLE))
    fetch(public_set, folder, say=lambda _: None)
    (folder / "table.csv").unlink()
    site.put("table.csv", TABLE[::-1])
    assert f"its sha256 is {sums(TABLE[::-1])['sha256']}, and was {sums(TABLE)['sha256']} on " in refused(
        public_set, folder
    )


def test_a_file_copied_there_by_hand_is_checked_and_used(site, whole, folder, said):
    folder.mkdir(parents=True)
    (folder / "table.csv").write_bytes(TABLE)
    (folder / "images.zip").write_bytes(zipped(IMAGES))
    fetch(whole, folder, say=said.append)
    assert site.asked == []
    assert (folder / "raw/images/1.bin").exists()
    assert read(folder).files["table.csv"].published == "sha256"


def test_a_wrong_file_copied_there_by_hand_is_set_aside(site, whole, folder, said):
    folder.mkdir(parents=True)
    (folder / "table.csv").write_bytes(b"another")
    fetch(whole, folder, say=said.append)
    assert "7 bytes, and 3,900 are published; set aside as" in said[0]
    assert (folder / "table.csv").read_bytes() == TABLE


def test_a_stopped_fetch_is_not_taken_for_a_whole_set(site, whole, folder, monkeypatch):
    real = fetching.unpack
    monkeypatch.setattr(fetching, "unpack", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        fetch(whole, folder, say=lambda _: None)
    assert state(folder) == "partly"
    assert read(folder).missing == ("images.zip",)
    monkeypatch.setattr(opening, "public_set", lambda _: whole)
    with pytest.raises(UserError, match=r"dataset=toy: fetched in part \(.*\); run: reprcheck data fetch toy"):
        public.open_public("toy", folder)
    monkeypatch.setattr(fetching, "unpack", real)
    site.asked.clear()
    fetch(whole, folder, say=lambda _: None)
    assert site.asked == []  # the archive had come, and only had to be unpacked
    assert state(folder) == "here"


def test_a_broken_connection_is_gone_on_with_by_the_next_run(site, whole, folder):
    site.breaks = [3000, 0, 0, 0]
    assert "3.0 kB of it are kept, and running again goes on from there" in refused(whole, folder)
    fetch(whole, folder, say=lambda _: None)
    assert ("/table.csv", "bytes=3000-") in site.asked
    assert (folder / "table.csv").read_bytes() == TABLE
    assert not list(folder.glob("*.part*"))


def test_one_process_waits_for_another(whole, folder, said):
    folder.parent.mkdir(parents=True)
    other = FileLock(folder.parent / ".toy.lock")
    other.acquire()

    def say(line):
        said.append(line)
        other.release()

    fetch(whole, folder, say=say)
    assert said[0] == f"waiting for another process that fetches into {folder}"
    assert state(folder) == "here"


def test_the_licence_is_asked_about_before_anything_comes(site, whole, folder):
    def disagree(public_set, missing):
        assert missing == list(whole.files)
        raise UserError(public_set.name, "not agreed to")

    assert refused(whole, folder, agree=disagree) == "toy: not agreed to"
    assert (site.asked, folder.exists()) == ([], False)


def test_only_the_files_that_are_named(site, folder):
    public_set = toy(file(site, "small.csv", b"1"), file(site, "large.csv", b"22", optional=True))
    fetch(public_set, folder, say=lambda _: None)
    assert not (folder / "large.csv").exists()
    fetch(public_set, folder, ["large.csv"], say=lambda _: None)
    assert (folder / "large.csv").read_bytes() == b"22"
    assert read(folder).asked == ("large.csv", "small.csv")
    assert (
        refused(public_set, folder, "lerge.csv") == "toy --file=lerge.csv: no file of this set; did you mean large.csv?"
    )


def test_a_set_that_a_person_must_get(folder):
    assert refused(toy(how=HOW), folder) == f"toy: can't be fetched by itself; {HOW}"


def test_too_little_room_for_all_is_told_first(site, whole, folder, monkeypatch):
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 8000}))
    assert "9.1 kB are needed, and 8.0 kB are free" in refused(whole, folder)
    assert site.asked == []


def test_a_folder_that_cannot_be_written(whole, tmp_path):
    (tmp_path / "file").write_bytes(b"")
    assert "can't be written (File exists)" in refused(whole, tmp_path / "file" / "toy")


def test_a_damaged_record_is_told(folder):
    folder.mkdir(parents=True)
    for text in ("{", '{"schema": 2}', '{"schema": 1, "asked": [], "files": {"a": {}}}'):
        (folder / "fetched.json").write_text(text)
        with pytest.raises(UserError, match=r"fetched.json: can't be read .*; remove it, and fetch the set again"):
            read(folder)


def test_a_folder_filled_by_hand_is_taken_as_it_is(folder):
    assert (state(folder), read(folder)) == ("absent", Record())
    folder.mkdir(parents=True)
    assert state(folder) == "absent"
    (folder / "table.csv").write_bytes(TABLE)
    assert state(folder) == "here"


def test_a_reader_that_lacks_its_package(folder, monkeypatch):
    folder.mkdir(parents=True)
    (folder / "table.csv").write_bytes(TABLE)
    monkeypatch.setattr(opening, "public_set", lambda _: toy(how=HOW, extra="nosuchpackage"))
    with pytest.raises(UserError, match=r"its reader needs nosuchpackage, which isn't installed; pip install 'repr"):
        public.open_public("toy", folder)
