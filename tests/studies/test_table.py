"""The committed table: whole, at full scale, every rate within its bounds, and not out of date."""

import json
from pathlib import Path

import pytest

from reprcheck.studies import coverage, power
from reprcheck.studies.table import STUDIES

REPORTS = Path(__file__).resolve().parents[2] / "reports"
KEPT = json.loads((REPORTS / "calibration/calibration.json").read_text())
CONTROLS = json.loads((REPORTS / "positive/controls.json").read_text())["runs"]


def test_every_study_is_in_it_at_full_scale_and_holds():
    assert list(KEPT) == list(STUDIES)
    for name, study in KEPT.items():
        assert study["run"]["full"], name
        assert study["rows"], name
        assert [row["case"] for row in study["rows"] if not row["holds"]] == [], name


def test_one_more_untrained_draw_was_tried_often_enough():
    everything = KEPT["untrained"]["rows"][0]
    assert everything["trials"] >= everything["details"]["different draws"] >= 400


@pytest.mark.parametrize(
    ("study", "again"),
    [
        ("coverage", lambda: coverage._row(10, 0.3, "skewed left", "unbalanced", 4000)),
        ("coverage", lambda: coverage._row(20, 0.0, "heavy-tailed", "alike", 4000)),
        ("power", lambda: power._of_scores(12, 5, 0.1, 2000)),
    ],
)
def test_its_rows_are_what_this_code_gives(study, again):
    made = again()
    (row,) = (row for row in KEPT[study]["rows"] if row["case"] == made.case)
    assert row["trials"] == made.trials
    assert abs(row["count"] - made.count) <= 1  # another processor's last bits


def test_who_learned_from_cells_gets_through_and_who_saw_photographs_does_not():
    most = max(run["units"] for run in CONTROLS)
    judged = [run for run in CONTROLS if run["control"] == "jurkat" and run["units"] == most]
    cells = [cell for run in judged if run["model"] == "trained on cells" for cell in run["cells"]]
    others = [cell for cell in cells if cell["diagnostic"] != "beats_texture"]
    assert sum(cell["status"] == "pass" for cell in others) >= 0.9 * len(others) > 0
    assert not any(cell["status"] == "fail" for cell in cells)
    photographs = [run for run in judged if run["model"] == "trained on photographs"]
    assert photographs
    assert all(run["outcome"] == "blocked" for run in photographs)
