"""How long things took is remembered from run to run, and costs nothing where it can't be."""

from __future__ import annotations

import pytest

from reprcheck.runs.pace import Pace


def test_the_first_name_known_counts_in_the_next_run_too(tmp_path):
    pace = Pace(tmp_path)
    assert pace.of(["a", "b"]) is None
    pace.note(["b", "c"], 2.5)
    pace.note(["c"], 4.0)
    pace.write()
    assert [Pace(tmp_path).of(names) for names in (["a", "b"], ["c", "b"])] == [2.5, 4.0]


def test_runs_side_by_side_keep_what_both_noted(tmp_path):
    one, other = Pace(tmp_path), Pace(tmp_path)
    one.note(["a"], 1.0)
    other.note(["b"], 2.0)
    one.write()
    other.write()
    assert [Pace(tmp_path).of([name]) for name in "ab"] == [1.0, 2.0]


def test_machines_and_devices_that_share_a_folder_are_kept_apart(tmp_path, monkeypatch):
    pace = Pace(tmp_path)
    pace.note(["a"], 1.0)
    pace.write()
    monkeypatch.setenv("REPRCHECK_DEVICE", "cuda:1")
    assert Pace(tmp_path).of(["a"]) is None
    monkeypatch.undo()
    monkeypatch.setattr("platform.node", lambda: "another")
    assert Pace(tmp_path).of(["a"]) is None


@pytest.mark.parametrize("text", ["", "{", "[1]", '{"a": "soon"}', '{"a": [1]}', "\x00"])
def test_a_file_that_cannot_be_read_is_none(tmp_path, text):
    pace = Pace(tmp_path)
    pace.note(["a"], 1.0)
    pace.write()
    (path,) = tmp_path.iterdir()
    path.write_text(text)
    again = Pace(tmp_path)
    assert again.of(["a"]) is None
    again.note(["a"], 2.0)
    again.write()
    assert Pace(tmp_path).of(["a"]) == 2.0


def test_a_folder_that_cannot_be_written_is_no_mistake(tmp_path):
    pace = Pace(tmp_path / "file" / "below")
    (tmp_path / "file").write_text("")
    pace.note(["a"], 1.0)
    pace.write()
    assert pace.of(["a"]) == 1.0
