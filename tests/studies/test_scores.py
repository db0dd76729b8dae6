"""The studies on made numbers, at few trials; the full table is in reports/calibration."""

import contextlib
import dataclasses
import json

import pytest

from reprcheck.cli import main
from reprcheck.stats import resampling
from reprcheck.studies import coverage, power, training
from reprcheck.studies.row import Row
from reprcheck.studies.table import calibrate


@pytest.fixture(autouse=True)
def few_resamples(monkeypatch):
    """Resample each trial less often than a gate does: at few trials their number says less than theirs."""
    monkeypatch.setattr(resampling, "RESAMPLES", 1999)


@contextlib.contextmanager
def quiet(total, title):
    yield lambda _: None


@pytest.mark.parametrize("n", coverage.UNITS)
@pytest.mark.parametrize("shape", coverage.SHAPES)
def test_the_interval_covers(n, shape):
    assert coverage._row(n, 0.3, shape, "unbalanced", 300).holds


def test_an_interval_that_is_too_narrow_is_found_out(monkeypatch):
    def narrow(*args, **kwargs):
        found = compare(*args, **kwargs)
        low, high = (found.effect + 0.7 * (bound - found.effect) for bound in (found.low, found.high))
        return dataclasses.replace(found, low=low, high=high)

    compare = coverage.compare
    monkeypatch.setattr(coverage, "compare", narrow)
    assert not coverage._row(50, 0.3, "normal", "alike", 400).holds


@pytest.mark.parametrize(("n", "twins"), [(12, (1, 0.0)), (24, (5, 0.02)), (96, (5, 0.1))])
def test_a_fifth_more_than_the_detectable_effect_passes(n, twins):
    row = power._of_scores(n, *twins, 200)
    assert row.holds
    assert row.details["planted"] > row.details["mde"] > power.MARGIN


def test_planted_biology_passes():
    assert power._of_vectors("knn/1", 96, 40).holds


def test_the_correction_for_shared_training_samples_is_needed_and_enough():
    corrected, plain, family = training._rows("knn/1", training.DESIGNS[1], training.SIGNALS[0], 150)
    assert corrected.holds
    assert family.holds
    assert plain.rate < corrected.rate
    assert plain.details["width"] < corrected.details["width"]


@pytest.mark.parametrize("protocol", training.MATCHING)
def test_the_correction_for_shared_candidates_is_needed_and_enough(protocol):
    corrected, plain, family = training._rows(protocol, training.MATCHING[protocol], training.SIGNALS[0], 150)
    assert corrected.holds
    assert family.holds
    assert plain.rate < 0.87


@pytest.mark.parametrize(("count", "holds"), [(0, False), (75, False), (85, True), (95, True), (100, True)])
def test_a_row_holds_within_two_standard_errors_of_its_bounds(count, holds):
    assert Row("study", "case", count, 100, least=0.9, most=1.0).holds is holds


def test_the_table_keeps_what_other_studies_wrote(tmp_path, monkeypatch):
    monkeypatch.setattr(coverage, "UNITS", (10,))
    monkeypatch.setattr(coverage, "SHAPES", ("normal",))
    monkeypatch.setattr(power, "SCORES", power.SCORES[:1])
    monkeypatch.setattr(power, "VECTORS", ())
    first = calibrate(["power"], False, quiet, tmp_path)
    second = calibrate(["coverage"], False, quiet, tmp_path)
    kept = json.loads((tmp_path / "calibration.json").read_text())
    assert list(kept) == ["coverage", "power"]
    assert [row["count"] for row in kept["power"]["rows"]] == [row.count for row in first]
    page = (tmp_path / "calibration.md").read_text()
    assert all(f"| {row.case} | {row.rate:.3f} |" in page for row in [*first, *second])
    assert page.count("QUICK LOOK") == 2


def test_seeds_come_from_names():
    again = [coverage._row(10, 0.3, "normal", "alike", 50) for _ in range(2)]
    assert again[0] == again[1]


def test_the_command_writes_the_table_and_exits_by_it(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(power, "SCORES", power.SCORES[:1])
    monkeypatch.setattr(power, "VECTORS", ())
    command = ["calibrate", "power", "--quick", "--out", str(tmp_path)]
    assert main(command) == 0
    assert "power: 1 of 1 rates keep their bounds" in capsys.readouterr().out
    assert sorted(path.name for path in tmp_path.iterdir()) == ["calibration.json", "calibration.md"]
    monkeypatch.setattr(power, "FACTOR", 0.1)
    assert main(command) == 1
    assert "may be 0.9 to 1" in capsys.readouterr().out
    assert main(["calibrate", "powr"]) == 4
    assert capsys.readouterr().err == "ERROR: calibrate powr: no such study; did you mean power?\n"
