"""What is remembered of files is never what a file isn't."""

import os
import sqlite3
import threading
import time

import pytest

from reprcheck import file_memory
from reprcheck.digest import file_digest
from reprcheck.file_memory import NAME, DamagedMemoryWarning, FileMemory, remembered_digest, remembering

PAST = time.time() - 100


@pytest.fixture
def reads(monkeypatch):
    """Names of files that were read."""
    names = []
    monkeypatch.setattr(file_memory, "file_digest", lambda path: names.append(path.name) or file_digest(path))
    return names


def write(path, raw, when=PAST):
    path.write_bytes(raw)
    os.utime(path, (when, when))
    return path


def ask(folder, *paths, rehash=False):
    with remembering(FileMemory(folder, rehash)):
        return [remembered_digest(path) for path in paths]


def test_a_file_is_read_once(tmp_path, reads):
    paths = [write(tmp_path / name, name.encode()) for name in "ab"]
    first = ask(tmp_path, *paths)
    assert first == [file_digest(path) for path in paths]
    assert ask(tmp_path, *paths) == first
    assert reads == ["a", "b"]
    assert ask(tmp_path, *paths, rehash=True) == first
    assert reads == ["a", "b"] * 2


@pytest.mark.parametrize(("raw", "later"), [(b"two", 0), (b"changed", -1), (b"other", 1e-6)])
def test_another_size_or_time_is_another_file(tmp_path, raw, later):
    path = write(tmp_path / "a", b"first")
    ask(tmp_path, path)
    write(path, raw, PAST + later)
    assert ask(tmp_path, path) == [file_digest(path)]


@pytest.mark.parametrize("ahead", [0, 50])
def test_a_file_that_was_just_changed_is_not_remembered(tmp_path, ahead):
    when = time.time() + ahead
    path = write(tmp_path / "a", b"one", when)
    ask(tmp_path, path)
    write(path, b"two", when)
    assert ask(tmp_path, path) == [file_digest(path)]


def test_a_file_that_changes_while_it_is_read_is_not_remembered(tmp_path, monkeypatch):
    path = write(tmp_path / "a", b"one")

    def read(path):
        found = file_digest(path)
        write(path, b"two", PAST + 1)
        return found

    monkeypatch.setattr(file_memory, "file_digest", read)
    ask(tmp_path, path)
    monkeypatch.undo()
    assert ask(tmp_path, path) == [file_digest(path)]


def test_rehashing_corrects_what_was_remembered(tmp_path):
    path = write(tmp_path / "a", b"one")
    ask(tmp_path, path)
    write(path, b"two")  # of the same size and time
    assert ask(tmp_path, path, rehash=True) == ask(tmp_path, path) == [file_digest(path)]


def cut(path):
    path.write_bytes(path.read_bytes()[:700])


@pytest.mark.parametrize("damage", [lambda path: path.write_bytes(b"nothing" * 1000), cut])
def test_a_damaged_memory_is_set_aside(tmp_path, damage):
    path = write(tmp_path / "a", b"one")
    ask(tmp_path, path)
    damage(tmp_path / NAME)
    with pytest.warns(DamagedMemoryWarning, match="set aside"):
        assert ask(tmp_path, path) == [file_digest(path)]
    assert (tmp_path / NAME).with_suffix(".damaged").exists()
    assert ask(tmp_path, path) == [file_digest(path)]


def test_a_digest_that_is_none_is_not_believed(tmp_path):
    path = write(tmp_path / "a", b"one")
    ask(tmp_path, path)
    with sqlite3.connect(tmp_path / NAME) as file:
        file.execute("UPDATE files SET digest = 'evil'")
    file.close()
    assert ask(tmp_path, path) == [file_digest(path)]


def test_where_nothing_can_be_remembered_files_are_read(tmp_path):
    path = write(tmp_path / "a", b"one")
    assert ask(tmp_path / "nowhere", path) == [file_digest(path)]
    (tmp_path / NAME).mkdir()
    assert ask(tmp_path, path) == [file_digest(path)]
    with sqlite3.connect(tmp_path / "other.sqlite") as file:
        file.execute("CREATE TABLE files (name TEXT)")
    file.close()
    (tmp_path / NAME).rmdir()
    (tmp_path / "other.sqlite").rename(tmp_path / NAME)
    assert ask(tmp_path, path) == [file_digest(path)]


def test_runs_side_by_side_remember_together(tmp_path, reads):
    paths = [write(tmp_path / f"{n}", bytes([n])) for n in range(20)]
    threads = [threading.Thread(target=ask, args=(tmp_path, *paths[n::4])) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    reads.clear()
    assert ask(tmp_path, *paths) == [file_digest(path) for path in paths]
    assert reads == []
