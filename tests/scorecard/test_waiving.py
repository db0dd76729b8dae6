"""Waiving: which verdicts a waiver excuses, and that what was found is kept."""

from __future__ import annotations

from datetime import timedelta

import pytest

from reprcheck.policy import Policy
from reprcheck.scorecard.waiving import waive
from tests.scorecards import STATUSES, TODAY, a_cell, a_setting, a_waiver

POLICY = Policy(waivers=(a_waiver(link="https://example.org/7"),))


@pytest.mark.parametrize("status", STATUSES)
def test_only_what_blocks_is_waived(status: str) -> None:
    cell = a_cell(status=status)
    found = waive(cell, a_setting(), POLICY, TODAY)
    assert (found != cell) == (status in ("fail", "inconclusive", "error"))


def test_it_tells_who_why_until_when_and_what_was_found() -> None:
    cell = a_cell(status="fail", statement="0.1 below structure", details={"p": 0.9})
    found = waive(cell, a_setting(), POLICY, TODAY)
    assert found.status == "waived"
    terms = "until 2026-12-01 by Ada (https://example.org/7): plate 3 is being imaged again"
    assert found.statement == f"{terms}; found fail: 0.1 below structure"
    assert found.details == {"p": 0.9, "found": "fail"}
    assert (found.effect, found.low, found.high) == (cell.effect, cell.low, cell.high)


@pytest.mark.parametrize(
    ("changes", "start"),
    [({"owner": "Ada"}, "until 2026-12-01 by Ada: "), ({"owner": "", "link": "LINK"}, "until 2026-12-01 (LINK): ")],
)
def test_an_owner_or_a_link_is_enough(changes: dict[str, str], start: str) -> None:
    found = waive(a_cell(status="error"), a_setting(), Policy(waivers=(a_waiver(**changes),)), TODAY)
    assert found.statement.startswith(start)


def test_the_last_day_counts_and_the_next_does_not() -> None:
    policy, cell = Policy(waivers=(a_waiver(expires=TODAY),)), a_cell(status="fail")
    assert waive(cell, a_setting(), policy, TODAY).status == "waived"
    assert waive(cell, a_setting(), policy, TODAY + timedelta(days=1)) == cell


@pytest.mark.parametrize("qualification", ["saturated", "no_signal"])
def test_an_inconclusive_cell_is_waived_only_where_it_blocks(qualification: str) -> None:
    cell = a_cell(status="inconclusive")
    assert waive(cell, a_setting(qualification=qualification), POLICY, TODAY) == cell
    few = a_setting(qualification=qualification, n_units=3)
    assert waive(cell, few, POLICY, TODAY).status == "waived"


def test_other_cells_and_other_models_are_left_as_they_are() -> None:
    for cell in (a_cell(status="fail", diagnostic="beats_structure"), a_cell(status="fail", setting="a:b/knn/1")):
        assert waive(cell, a_setting(), POLICY, TODAY) == cell
    policy = Policy(waivers=(a_waiver(model="other"),))
    assert waive(a_cell(status="fail"), a_setting(), policy, TODAY).status == "fail"
    assert waive(a_cell(status="fail", model="other"), a_setting(), policy, TODAY).status == "waived"
