"""The gate: each row of its table, and the properties no table row may break."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reprcheck.policy import DIAGNOSTICS, Policy
from reprcheck.scorecard.gate import Key, decide
from reprcheck.types import Cell, Gate, Setting
from tests.scorecards import QUALIFICATIONS, STATUSES, a_cell, a_setting, runs

SETTING = "sim-culture:localisation/probe/1"
OTHER = "sim-culture:dose/probe/1"
POLICY = Policy()


def key(setting: str = SETTING, diagnostic: str = "beats_untrained") -> Key:
    return "demo", setting, diagnostic


def gate(cells: Sequence[Cell], settings: Sequence[Setting] = (a_setting(),), **policy: Any) -> Gate:
    """Decide with exactly the cells given required."""
    return decide(cells, settings, [(c.model, c.setting, c.diagnostic) for c in cells], Policy(**policy))


def test_all_required_cells_passed_is_released() -> None:
    assert gate([a_cell(diagnostic=diagnostic) for diagnostic in DIAGNOSTICS]) == Gate(True, ())


def test_nothing_required_blocks() -> None:
    blocked = decide([a_cell()], [a_setting()], [], POLICY)
    assert not blocked.released
    assert blocked.blocked_by[0].startswith("no cell is required")


def test_a_missing_verdict_blocks() -> None:
    blocked = decide([a_cell()], [a_setting()], [key(), key(diagnostic="beats_structure")], POLICY)
    assert blocked.blocked_by == (f"{SETTING} beats_structure: no verdict: deselected, skipped or killed",)


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("qualification", QUALIFICATIONS)
def test_each_verdict_in_each_setting(status: str, qualification: str) -> None:
    """Beside a cell that passes in a discriminating setting of the same dataset, only the cell itself can block."""
    settings = [a_setting(qualification=qualification), a_setting(id=OTHER)]
    cell = a_cell(status=status, statement="it\nis so")
    excused = status == "inconclusive" and qualification in ("saturated", "no_signal")
    expected = excused or status in ("pass", "waived", "not_applicable")
    found = gate([cell, a_cell(setting=OTHER)], settings)
    assert found == (Gate(True, ()) if expected else Gate(False, (f"{SETTING} beats_untrained: {status}: it is so",)))


@pytest.mark.parametrize("units", [{"n_units": 9}, {"n_units": 24}])
def test_too_few_units_cannot_show_a_setting_saturated(units: dict[str, int]) -> None:
    settings = [a_setting(qualification="saturated", **units), a_setting(id=OTHER)]
    found = gate([a_cell(status="inconclusive", **units), a_cell(setting=OTHER)], settings)
    assert found.released == (units["n_units"] >= POLICY.min_units)


def test_an_inconclusive_cell_of_a_setting_not_described_blocks() -> None:
    assert not gate([a_cell(status="inconclusive"), a_cell(setting=OTHER)], [a_setting(id=OTHER)]).released


def test_an_unknown_status_blocks() -> None:
    assert not gate([a_cell(status="skipped")]).released


@pytest.mark.parametrize("qualification", ["saturated", "no_signal"])
@pytest.mark.parametrize("status", ["inconclusive", "pass"])
def test_a_dataset_that_cannot_tell_blocks(qualification: str, status: str) -> None:
    tissue = "sim-tissue:region/probe/1"
    settings = [a_setting(), a_setting(id=tissue, qualification=qualification)]
    found = gate([a_cell(), a_cell(setting=tissue, status=status)], settings)
    assert found == Gate(False, (f"sim-tissue: nothing here can tell: {tissue} is {qualification}",))


def test_a_discriminating_setting_where_nothing_was_asked_cannot_tell() -> None:
    settings = [a_setting(), a_setting(id=OTHER, qualification="saturated")]
    found = gate([a_cell(status="not_applicable"), a_cell(setting=OTHER, status="inconclusive")], settings)
    assert found.blocked_by == (f"sim-culture: nothing here can tell: {OTHER} is saturated",)


def test_a_discriminating_setting_that_is_not_required_does_not_help() -> None:
    settings = [a_setting(qualification="saturated"), a_setting(id=OTHER)]
    cells = [a_cell(status="inconclusive"), a_cell(setting=OTHER)]
    assert not decide(cells, settings, [key()], POLICY).released


def test_a_dataset_asked_nothing_blocks() -> None:
    found = gate([a_cell(diagnostic=diagnostic, status="not_applicable") for diagnostic in DIAGNOSTICS])
    (reason,) = found.blocked_by
    assert reason == "sim-culture: nothing was asked: all 3 required verdicts are not_applicable"


def test_a_limited_run_releases_only_where_the_policy_says_so() -> None:
    settings = [a_setting(limit=200)]
    (reason,) = gate([a_cell()], settings).blocked_by
    assert reason.startswith(f"{SETTING}: cut down to 200 samples")
    assert gate([a_cell()], settings, limited_release=True).released
    assert gate([a_cell()], [a_setting(), a_setting(id=OTHER, limit=200)]).released  # not required


def test_each_of_two_verdicts_for_one_cell_counts() -> None:
    assert not gate([a_cell(), a_cell(status="fail")]).released
    assert not gate([a_cell(status="fail"), a_cell()]).released


def test_models_are_named_where_there_are_several() -> None:
    found = gate([a_cell(), a_cell(model="other", status="fail", statement="it is so")])
    assert found.blocked_by == (f"{SETTING} beats_untrained: other: fail: it is so",)


Run = tuple[list[Cell], list[Setting], list[Key]]


@given(runs(), st.randoms(use_true_random=False))
def test_order_never_shows(run: Run, random: Any) -> None:
    shuffled: list[Any] = [random.sample(part, len(part)) for part in run]
    assert decide(*shuffled, POLICY) == decide(*run, POLICY)


@given(runs())
def test_released_exactly_where_nothing_blocks_and_each_reason_is_one_line(run: Run) -> None:
    found = decide(*run, POLICY)
    assert found.released == (not found.blocked_by)
    assert all(reason == " ".join(reason.split()) for reason in found.blocked_by)


@given(runs(), st.sampled_from(["fail", "error"]))
def test_one_more_required_failure_never_releases(run: Run, status: str) -> None:
    cells, settings, required = run
    extra = a_cell(setting="culture:dose/probe/1", diagnostic="one_more", status=status)
    before = decide(*run, POLICY)
    after = decide([*cells, extra], settings, [*required, key(extra.setting, extra.diagnostic)], POLICY)
    assert not after.released
    assert len(after.blocked_by) > len(before.blocked_by) or not before.released


@given(runs(), st.data())
def test_a_verdict_taken_away_blocks(run: Run, data: st.DataObject) -> None:
    cells, settings, required = run
    gone = data.draw(st.sampled_from(required))
    kept = [cell for cell in cells if (cell.model, cell.setting, cell.diagnostic) != gone]
    found = decide(kept, settings, required, Policy(limited_release=True))
    assert any(reason.startswith(f"{gone[1]} {gone[2]}: no verdict") for reason in found.blocked_by)


@given(runs(), st.sampled_from(STATUSES))
def test_a_cell_not_required_changes_nothing(run: Run, status: str) -> None:
    cells, settings, required = run
    extra = a_cell(diagnostic="not_required", status=status)
    assert decide([*cells, extra], settings, required, POLICY) == decide(*run, POLICY)
