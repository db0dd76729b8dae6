"""The catalogue's entries: what may stand in one, and that all of ours are sound."""

from __future__ import annotations

from copy import deepcopy
from importlib import import_module
from pathlib import Path

import pytest

from reprcheck.datasets.public import names, open_public, public_set
from reprcheck.datasets.public.entry import parse
from reprcheck.errors import UserError

ROOT = Path(__file__).resolve().parents[3]
RAW = {
    "title": "Toy",
    "homepage": "https://toy.example",
    "files": [{"name": "a.csv.gz", "url": "https://toy.example/a.csv.gz", "bytes": 9, "unpack": "gzip"}],
    "card": {
        "kind": "culture",
        "channels": ["DNA"],
        "license": "CC0-1.0",
        "columns": {"sample": "id"},
        "tasks": {"state": {"kind": "classify", "label": "state", "protocols": ["knn/1"]}},
    },
}


def test_the_least_that_an_entry_says():
    found = parse("toy", RAW)
    assert (found.name, found.card.name, found.bytes, found.noncommercial, found.verified) == (
        "toy",
        "toy",
        9,
        False,
        (),
    )
    assert [(f.name, f.into, f.optional) for f in found.usual] == [("a.csv.gz", ".", False)]


def test_optional_files_are_not_among_the_usual():
    raw = deepcopy(RAW)
    raw["files"].append({"name": "b.zip", "url": "https://toy.example/b.zip", "optional": True})
    assert [file.name for file in parse("toy", raw).usual] == ["a.csv.gz"]
    assert parse("toy", raw).bytes == 9
    del raw["files"][0]["bytes"]
    assert parse("toy", raw).bytes is None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": "../a.gz"}, "toy [[files]] 1 name: '../a.gz' lies outside the set's folder"),
        ({"name": "/a.gz"}, "name: '/a.gz' lies outside"),
        ({"name": "..\\a.gz"}, "lies outside"),
        ({"into": "x/../.."}, "into: 'x/../..' lies outside"),
        ({"into": "C:x"}, "into: 'C:x' lies outside"),
        ({"name": "a.csv"}, "name: 'a.csv' doesn't end in .gz"),
        ({"url": "http://toy.example/a"}, "url: 'http://toy.example/a' is not an https address"),
        ({"url": "https://"}, "is not an https address"),
        ({"url": "https://[x"}, "is not an https address"),
        ({"url": "https://me:secret@toy.example/a"}, "is not an https address"),
        ({"url": "https://toy.example/a b"}, "is not an https address"),
        ({"sha256": "ab" * 16}, "is not 64 hex digits in lower case"),
        ({"md5": "AB" * 16}, "is not 32 hex digits in lower case"),
        ({"md5": "zz" * 16}, "is not 32 hex digits in lower case"),
        ({"bytes": 0}, "bytes: 0 is not a whole number of at least 1"),
        ({"optional": 1}, "optional: 1 is not true or false"),
        ({"unpack": "rar"}, "unpack: 'rar' is unknown"),
        ({"sha1": ""}, "sha1: unknown key"),
    ],
)
def test_a_file_that_cannot_be(change, message):
    with pytest.raises(UserError) as caught:
        parse("toy", {**RAW, "files": [{**RAW["files"][0], **change}]})
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"files": []}, "toy how: missing, and there are no files to fetch"),
        ({"files": [{**RAW["files"][0], "optional": True}]}, "toy how: missing"),
        ({"files": {}}, "toy files: {} is not a list of tables"),
        ({"files": RAW["files"] * 2}, "toy [[files]] 2 name: 'a.csv.gz' is another file's too"),
        ({"card": {**RAW["card"], "license": ""}}, "toy [card] license: missing"),
        ({"card": []}, "toy [card]: missing"),
        ({"card": {**RAW["card"], "kind": "cell"}}, "toy [card] kind: 'cell' is unknown"),
        ({"noncommercial": "no"}, "toy noncommercial: 'no' is not true or false"),
        ({"licence": "x"}, "toy licence: unknown key"),
    ],
)
def test_an_entry_that_cannot_be(change, message):
    with pytest.raises(UserError) as caught:
        parse("toy", {**RAW, **change})
    assert message in str(caught.value)


def test_a_name_that_is_not_there():
    with pytest.raises(UserError, match=r"cifar: no public set of this name; did you mean cifar10\?"):
        public_set("cifar")


@pytest.mark.parametrize("name", names())
def test_every_set_tells_what_it_is_and_what_of_that_was_verified(name):
    found = public_set(name)
    assert found.homepage.startswith("https://")
    assert all([found.title, found.splits, found.verified, found.unverified, found.traps])
    assert all([found.card.license, found.card.citation, found.card.source])
    assert all(sentence.endswith(".") for sentence in (*found.verified, *found.unverified, *found.traps))
    assert len({file.url for file in found.files}) == len(found.files)


@pytest.mark.parametrize("name", names())
def test_every_set_has_a_reader_that_refuses_another_layout(name, tmp_path):
    reader = import_module(f"reprcheck.datasets.public.sets.{name.replace('-', '_')}")
    assert callable(reader.table)
    assert bool(public_set(name).card.columns.image) != hasattr(reader, "images")
    with pytest.raises(UserError, match="not here yet") as caught:
        open_public(name, folder=tmp_path / "none")
    how = " ".join(public_set(name).how.split())
    assert caught.value.remedy == (f"run: reprcheck data fetch {name}" if public_set(name).usual else how)
    (tmp_path / "unknown.txt").touch()
    with pytest.raises(UserError) as caught:
        open_public(name, folder=tmp_path)
    assert str(tmp_path) in caught.value.where
    assert caught.value.remedy


def test_the_page_is_the_catalogue(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "tools")
    from public_sets_page import PAGE, written

    assert PAGE.read_text(encoding="utf-8") == written(), "run: python tools/public_sets_page.py"
