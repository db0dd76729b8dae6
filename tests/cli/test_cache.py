"""``reprcheck cache``."""

import os
import time

import pytest

from reprcheck.cli import main
from reprcheck.digest import digest
from reprcheck.embed.cache import Cache
from tests.embed.test_cache import rows


@pytest.fixture
def ask(tmp_path, capsys):
    """Run a command on a cache of two keys, of which one wasn't used for long."""
    cache = Cache(tmp_path / "cache")
    for name, days in (("old", 40), ("new", 0)):
        cache.add("vectors", digest(name), rows(5))
        then = time.time() - 86400 * days
        for path in cache.key_folder("vectors", digest(name)).iterdir():
            os.utime(path, (then, then))

    def run(*args, folder=cache.folder):
        try:
            status = main(["cache", *map(str, args), f"--cache-dir={folder}"])
        except SystemExit as stop:
            status = stop.code
        return status, *capsys.readouterr()

    return run


def test_ls_and_du_tell_what_there_is(ask):
    status, out, _ = ask("ls")
    assert status == 0
    assert [line.split()[:2] for line in out.splitlines()] == [["vectors", digest("old")], ["vectors", digest("new")]]
    status, out, _ = ask("du")
    assert (status, [line.split()[0] for line in out.splitlines()][-2:]) == (0, ["all", "in"])
    assert out.splitlines()[-2].endswith("2 keys")


def test_gc_takes_ages_and_sizes(ask):
    status, out, _ = ask("gc", "--older-than=30d", "--max-size=1.5 GB")
    assert (status, out.partition(",")[0]) == (0, "removed 1 key")
    assert digest("new") in ask("ls")[1]
    assert ask("gc", "--max-size=0")[1].startswith("removed 1 key")


@pytest.mark.parametrize(
    ("args", "line"),
    [
        ([], "no limit given; add --older-than=30d, or --max-size=20GB"),
        (["--max-size=lots"], "'lots' is not a size such as 20GB"),
        (["--max-size=-1"], "'-1' is not a size"),
        (["--older-than=30"], "'30' is not an age such as 12h, 30d or 8w"),
        (["--max-age=3d"], "no option --max-age; did you mean --max-size?"),
    ],
)
def test_mistakes_are_one_line(ask, args, line):
    status, out, err = ask("gc", *args)
    assert (status, out, err.count("\n")) == (4, "", 1)
    assert line in err


def test_verify_says_what_is_damaged(ask, tmp_path):
    assert ask("verify")[:2] == (0, "every shard is intact\n")
    path = next((tmp_path / "cache").rglob("*.safetensors"))
    path.write_bytes(b"nothing")
    status, out, err = ask("verify")
    assert (status, err) == (1, "")
    assert out == f"{path}: damaged; set aside\n1 damaged shard\n"


def test_a_cache_goes_to_a_file_and_into_another(ask, tmp_path):
    assert ask("export", tmp_path / "cache.tar")[:2] == (0, f"{tmp_path}/cache.tar: 2 shards\n")
    assert ask("import", tmp_path / "cache.tar", folder=tmp_path / "other")[:2] == (0, "2 new shards\n")
    assert digest("old") in ask("ls", folder=tmp_path / "other")[1]
