"""``reprcheck data``: which public sets there are, fetch them, where they are."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import replace

import pytest

from reprcheck.cli import main
from reprcheck.datasets import public
from reprcheck.datasets.public import RemoteFile, download, names, public_set
from reprcheck.reporters.public_sets import Catalogue, SetDetails, SetStatus
from tests.website import site as site

CONTENT = b"id,label\n" * 600


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    monkeypatch.setenv("REPRCHECK_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


@pytest.fixture
def local(site, monkeypatch):
    """Every set's one file is on this machine."""

    def served(name, **changes):
        file = RemoteFile("table.csv", site.put("table.csv", CONTENT), len(CONTENT))
        changed = replace(public_set(name), files=(file,), **changes)
        monkeypatch.setattr(public, "public_set", lambda _: changed)

    return served


def ask(capsys, *args):
    status = main(["data", *args])
    return status, *capsys.readouterr()


@pytest.mark.parametrize("width", [80, 140])
def test_the_list_fits(capsys, monkeypatch, width):
    monkeypatch.setenv("COLUMNS", str(width))
    status, out, _ = ask(capsys, "list")
    assert status == 0
    assert max(map(len, out.splitlines())) <= width
    for name in names():
        assert re.search(rf"^{name} ", out, re.MULTILINE), name
    assert re.search(r"^cifar10 +natural +170\.1 MB +not stated +object,( published)? +(yes|no)$", out, re.MULTILINE)


def test_the_list_tells_what_is_here(capsys, place):
    (place / "imagenette").mkdir(parents=True)
    (place / "imagenette" / "a").write_bytes(b"")
    states = {one["name"]: one["state"] for one in json.loads(ask(capsys, "list", "--json")[1])}
    assert states == {name: "here" if name == "imagenette" else "absent" for name in names()}


def test_json_holds_all_that_an_entry_does(capsys):
    (one,) = json.loads(ask(capsys, "list", "cifar10", "--json")[1])
    assert (one["bytes"], one["files"][0]["md5"]) == (170052171, "c32a1d4ab5d03f1284b67883e8d87530")
    assert one["card"]["tasks"][0]["name"] == "object"
    assert one["verified"] == list(public_set("cifar10").verified)


@pytest.mark.parametrize("name", names())
@pytest.mark.parametrize("width", [80, 140])
def test_all_about_a_set_fits_and_is_all(tmp_path, name, width):
    found = public_set(name)
    lines = SetDetails(SetStatus(found, tmp_path / name, "absent")).lines(width, color=False)
    assert max(map(len, lines)) <= width
    text = re.sub(r"\s+", "", "".join(lines))
    for sentence in (*found.verified, *found.unverified, *found.traps, found.splits, found.card.license):
        assert re.sub(r"\s+", "", sentence) in text


def test_a_list_of_what_cannot_be_fetched_or_is_here_in_part(tmp_path):
    found = public_set("cifar10")
    sets = [
        SetStatus(replace(found, files=(), how="ask"), tmp_path, "absent"),
        SetStatus(replace(found, noncommercial=True), tmp_path, "partly"),
    ]
    by_hand, partly = Catalogue(sets).lines(100, color=False)[1:3]
    assert by_hand.split()[2:4] == ["by", "hand"]
    assert "(no commercial use)" in partly
    assert partly.endswith("partly")


def test_where_is_a_folder_for_scripts(capsys, place, local):
    local("cifar10")
    assert ask(capsys, "where", "cifar10") == (1, f"{place}/cifar10\n", "")
    assert ask(capsys, "fetch", "cifar10")[0] == 0
    assert ask(capsys, "where", "cifar10") == (0, f"{place}/cifar10\n", "")
    assert (place / "cifar10" / "table.csv").read_bytes() == CONTENT


def test_fetch_tells_the_licence_first(capsys, local, site):
    local("cifar10")
    status, out, err = ask(capsys, "fetch", "cifar10")
    assert (status, err) == (0, "")
    assert out.splitlines()[:3] == [
        "cifar10: CIFAR-10, binary version: 60,000 natural images of 32 x 32 pixels in 10 classes, "
        "https://www.cs.toronto.edu/~kriz/cifar.html",
        "to download: 1 file, 5.4 kB",
        "licence: not stated",
    ]
    site.asked.clear()
    status, out, _ = ask(capsys, "fetch", "cifar10")
    assert (status, out.count("\n"), site.asked) == (0, 1, [])


def test_a_noncommercial_licence_must_be_agreed_to(capsys, local, site, monkeypatch):
    local("cifar10", noncommercial=True)
    status, _, err = ask(capsys, "fetch", "cifar10")
    assert (status, site.asked) == (4, [])
    assert err == "ERROR: cifar10: its licence forbids commercial use; if you agree to it, add --accept-license\n"
    for stream in (sys.stdin, sys.stdout):
        monkeypatch.setattr(stream, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(sys.stdin, "readline", lambda: "n\n", raising=False)
    assert ask(capsys, "fetch", "cifar10")[0] == 4
    monkeypatch.setattr(sys.stdin, "readline", lambda: "y\n", raising=False)
    assert ask(capsys, "fetch", "cifar10")[0] == 0


def test_accepting_it_unasked(capsys, local):
    local("cifar10", noncommercial=True)
    assert ask(capsys, "fetch", "cifar10", "--accept-license")[0] == 0


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["fetch", "cifar"], "cifar: no public set of this name; did you mean cifar10?"),
        (["where", "cifar"], "cifar: no public set of this name; did you mean cifar10?"),
        (["list", "cifar"], "cifar: no public set of this name; did you mean cifar10?"),
        (["fetch", "cifar10", "--file=x"], "cifar10 --file=x: no file of this set; known: cifar-10-binary.tar.gz"),
        (["fetch", "cifar10", "imagenette", "--file=x"], "--file: names a file of one set, and several sets are named"),
    ],
)
def test_a_mistake_is_one_line(capsys, args, message):
    status, out, err = ask(capsys, *args)
    assert (status, out, err.count("\n")) == (4, "", 1)
    assert message in err


def test_ctrl_c_keeps_what_came(capsys, place, local, site, monkeypatch):
    @contextmanager
    def stopped(*_, **__):
        came = []

        def advance(n):
            came.append(n)
            if sum(came) >= 2000:
                raise KeyboardInterrupt

        yield advance

    local("cifar10")
    with monkeypatch.context() as patched:
        patched.setattr(download, "bar", stopped)
        status, _, err = ask(capsys, "fetch", "cifar10")
    assert (status, err) == (2, "stopped; what came is kept, and running again goes on from there\n")
    assert ask(capsys, "where", "cifar10")[0] == 1
    assert ask(capsys, "fetch", "cifar10")[0] == 0
    assert site.asked[-1] == ("/table.csv", "bytes=2000-")
    assert (place / "cifar10" / "table.csv").read_bytes() == CONTENT


@pytest.mark.parametrize("command", [[], ["list"], ["fetch"], ["where"]])
def test_help_fits_80_columns_and_is_quick(command):
    code = (
        "import sys\nfrom reprcheck.cli import main\n"
        f"try: main({['data', *command, '--help']})\n"
        "finally: assert not {'numpy', 'torch', 'rich', 'urllib.request'} & set(sys.modules)\n"
    )
    environment = os.environ | {"COLUMNS": "80"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert max(map(len, done.stdout.splitlines())) <= 80
    assert f"usage: reprcheck {' '.join(['data', *command])}" in done.stdout
