"""``reprcheck report``: files beside a scorecard or elsewhere, mistakes in one line, nothing left for the next run."""

from __future__ import annotations

import csv
import json

import pytest

from reprcheck.cli import main
from reprcheck.scorecard import document
from reprcheck.scorecard.report_folder import ReportFolder
from tests.scorecards import demo_scorecard, released_scorecard


@pytest.fixture
def folder(tmp_path):
    """A report folder of one model."""
    ReportFolder(tmp_path / "latest", "r1").replace([demo_scorecard()])
    return tmp_path / "latest"


def second(**changes):
    return released_scorecard(model={"spec": "other", "name": "other", "digest": "aa" * 20}, **changes)


def test_files_are_written_beside_the_scorecard_and_go_with_it(folder, capsys):
    before = (folder / "scorecard.json").read_bytes()
    assert main(["report", str(folder), "--format=csv,tex,svg"]) == 0
    written = [folder / name for name in ("scorecard.csv", "scorecard.tex", "scorecard.svg")]
    assert capsys.readouterr().out.split() == [str(path) for path in written]
    assert (folder / "scorecard.json").read_bytes() == before
    index = json.loads((folder / "run.json").read_text())
    assert (index["id"], index["outcome"]) == ("r1", "blocked")
    ReportFolder(folder, "r2").replace([released_scorecard()])
    assert sorted(path.name for path in folder.iterdir()) == ["run.json", "scorecard.json"]


def test_several_models_each_get_their_own(tmp_path, capsys):
    ReportFolder(tmp_path, "r1").replace([demo_scorecard(), second()])
    assert main(["report", str(tmp_path), "--format=badge"]) == 0
    assert [json.loads((tmp_path / name / "scorecard.badge.json").read_text())["message"] for name in ("demo", "other")]
    ReportFolder(tmp_path, "r2").replace([demo_scorecard(), second()])
    assert list(tmp_path.rglob("*.badge.json")) == []


def test_a_scorecard_of_no_run_needs_no_index(tmp_path, capsys):
    path = document.write(demo_scorecard(), tmp_path)
    assert main(["report", str(path), "--format=md"]) == 0
    assert {file.name for file in tmp_path.iterdir()} == {"scorecard.json", "scorecard.md"}


def test_several_scorecards_come_in_one_file(folder, tmp_path, capsys):
    other = document.write(second(), tmp_path / "other")
    assert main(["report", str(folder), str(other), "--format=csv", f"--out={tmp_path / 'both.csv'}"]) == 0
    rows = list(csv.DictReader((tmp_path / "both.csv").read_text().splitlines()))
    assert [row["model"] for row in rows] == ["demo"] * 15 + ["other"] * len(second().cells)


def test_standard_output_is_the_file_alone(folder, capsysbinary):
    assert main(["report", str(folder), "--format=markdown", "--out=-"]) == 0
    assert capsysbinary.readouterr().out.startswith(b"<!-- reprcheck scorecard -->")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--format=svgg"], "--format=svgg: no reporter named 'svgg'; did you mean svg?"),
        (["--format=,"], "--format=,: names no format; name one, such as --format=svg"),
        (["--format=svg,csv", "--out=x"], "--out=x: is one file, and 2 are asked for; name one format"),
        (
            ["--format=svg", "--out=/dev/null/x"],
            "/dev/null/x: cannot be written: File exists; choose another --out",
        ),
        (["nowhere", "--format=svg"], "nowhere: no such file; check the path"),
        (["latest", "--format=hf", "--out=-"], "--format=hf: a file of it holds one scorecard; name one scorecard"),
    ],
    ids=["unknown", "none", "two in one file", "unwritable", "missing", "one only"],
)
def test_a_mistake_is_one_line(folder, monkeypatch, capsys, arguments, message):
    monkeypatch.chdir(folder.parent)
    assert main(["report", str(folder), *arguments]) == 4
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"ERROR: {message}")
