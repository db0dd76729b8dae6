"""The gate: each row of its table, and the properties no table row may break."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reprcheck.policy import Policy
from reprcheck.scorecard.gate import Key, blocks, decide
from reprcheck.scorecard.waiving import waive
from reprcheck.types import Cell, Gate, Setting
from reprcheck.waivers import Waiver
from tests.scorecards import QUALIFICATIONS, STATUSES, TODAY, a_cell, a_setting, a_waiver, excusing, runs

SETTING = "sim-culture:localisation/probe/2"
OTHER = "sim-culture:dose/probe/2"
POLICY = Policy()


def key(setting: str = SETTING, diagnostic: str = "beats_untrained") -> Key:
    return "demo", setting, diagnostic


def gate(cells: Sequence[Cell], settings: Sequence[Setting] = (a_setting(),), **policy: Any) -> Gate:
    """Decide with exactly the cells given required, and those waived that say so."""
    return decide(cells, settings, keys(cells), excusing(cells, **policy), TODAY)


def keys(cells: Sequence[Cell]) -> list[Key]:
    return [(cell.model, cell.setting, cell.diagnostic) for cell in cells]


def test_all_required_cells_passed_is_released() -> None:
    assert gate([a_cell(diagnostic=diagnostic) for diagnostic in Policy().diagnostics]) == Gate("released", ())


def test_nothing_required_blocks() -> None:
    blocked = decide([a_cell()], [a_setting()], [], POLICY, TODAY)
    assert not blocked.released
    assert blocked.blocked_by[0].startswith("no cell is required")


def test_a_missing_verdict_blocks() -> None:
    blocked = decide([a_cell()], [a_setting()], [key(), key(diagnostic="beats_structure")], POLICY, TODAY)
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
    outcome = "not_enough_evidence" if status == "inconclusive" else "blocked"
    blocked = Gate(outcome, (f"{SETTING} beats_untrained: {status}: it is so",))
    assert found == (Gate("released", ()) if expected else blocked)


@pytest.mark.parametrize("beside", ["fail", "error", None])
def test_evidence_is_what_is_missing_only_where_nothing_else_blocks(beside: str | None) -> None:
    cells = [a_cell(status="inconclusive")]
    assert gate(cells).outcome == "not_enough_evidence"
    others = [a_cell(setting=OTHER, status=beside)] if beside else []
    required = [key(), key(OTHER)]
    settings = [a_setting(), a_setting(id=OTHER)]
    assert decide(cells + others, settings, required, POLICY, TODAY).outcome == "blocked"


def test_where_every_verdict_is_an_error_nothing_is_said_of_the_dataset() -> None:
    found = gate([a_cell(status="error", statement="it broke")], [])
    assert found == Gate("blocked", (f"{SETTING} beats_untrained: error: it broke",))


@pytest.mark.parametrize("units", [{"n_units": 9}, {"n_units": 10}, {"n_units": 24}])
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
    tissue = "sim-tissue:region/probe/2"
    settings = [a_setting(), a_setting(id=tissue, qualification=qualification)]
    found = gate([a_cell(), a_cell(setting=tissue, status=status)], settings)
    assert found == Gate("not_enough_evidence", (f"sim-tissue: nothing here can tell: {tissue} is {qualification}",))


def test_a_discriminating_setting_where_nothing_was_asked_cannot_tell() -> None:
    settings = [a_setting(), a_setting(id=OTHER, qualification="saturated")]
    found = gate([a_cell(status="not_applicable"), a_cell(setting=OTHER, status="inconclusive")], settings)
    assert found.blocked_by == (f"sim-culture: nothing here can tell: {OTHER} is saturated",)


def test_a_discriminating_setting_that_is_not_required_does_not_help() -> None:
    settings = [a_setting(qualification="saturated"), a_setting(id=OTHER)]
    cells = [a_cell(status="inconclusive"), a_cell(setting=OTHER)]
    assert not decide(cells, settings, [key()], POLICY, TODAY).released


def test_a_dataset_asked_nothing_blocks() -> None:
    found = gate([a_cell(diagnostic=diagnostic, status="not_applicable") for diagnostic in Policy().diagnostics])
    (reason,) = found.blocked_by
    assert reason == "sim-culture: nothing was asked: every required verdict is not_applicable"


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
    policy = excusing(run[0])
    turned = replace(policy, waivers=policy.waivers[::-1])
    assert decide(*shuffled, turned, TODAY) == decide(*run, policy, TODAY)


@given(runs())
def test_released_exactly_where_nothing_blocks_and_each_reason_is_one_line(run: Run) -> None:
    found = decide(*run, excusing(run[0]), TODAY)
    assert found.released == (not found.blocked_by)
    assert all(reason == " ".join(reason.split()) for reason in found.blocked_by)


@given(runs(), st.sampled_from(["fail", "error"]))
def test_one_more_required_failure_never_releases(run: Run, status: str) -> None:
    cells, settings, required = run
    extra = a_cell(setting="culture:dose/probe/2", diagnostic="one_more", status=status)
    policy = excusing(cells)
    before = decide(*run, policy, TODAY)
    after = decide([*cells, extra], settings, [*required, key(extra.setting, extra.diagnostic)], policy, TODAY)
    assert not after.released
    assert len(after.blocked_by) > len(before.blocked_by) or not before.released


@given(runs(), st.data())
def test_a_verdict_taken_away_blocks(run: Run, data: st.DataObject) -> None:
    cells, settings, required = run
    gone = data.draw(st.sampled_from(required))
    kept = [cell for cell in cells if (cell.model, cell.setting, cell.diagnostic) != gone]
    found = decide(kept, settings, required, Policy(limited_release=True), TODAY)
    assert any(reason.startswith(f"{gone[1]} {gone[2]}: no verdict") for reason in found.blocked_by)


@given(runs(), st.sampled_from(STATUSES))
def test_a_cell_not_required_changes_nothing(run: Run, status: str) -> None:
    cells, settings, required = run
    extra = a_cell(diagnostic="not_required", status=status)
    policy = excusing(cells)
    assert decide([*cells, extra], settings, required, policy, TODAY) == decide(*run, policy, TODAY)


NAME = f"{SETTING} beats_untrained"
BESIDE = a_cell(setting=OTHER)
"""Passes in a discriminating setting of the same dataset."""


def waived_gate(cells: Sequence[Cell], *waivers: Waiver, settings: Sequence[Setting] = (), today: date = TODAY) -> Gate:
    """Decide under these waivers, with exactly the cells given required; both settings discriminate unless given."""
    settings = settings or (a_setting(), a_setting(id=OTHER))
    return decide(cells, settings, keys(cells), Policy(waivers=waivers), today)


def test_a_waived_cell_does_not_block() -> None:
    assert waived_gate([a_cell(status="waived"), BESIDE], a_waiver()) == Gate("released", ())


def test_a_waiver_holds_through_the_day_it_expires() -> None:
    cells, waiver = [a_cell(status="waived"), BESIDE], a_waiver(expires=TODAY)
    assert waived_gate(cells, waiver).released
    late = waived_gate(cells, waiver, today=TODAY + timedelta(days=1))
    mend = "mend what it excuses, or extend it with a reason"
    assert late.blocked_by == (f"waiver of {NAME}: expired on 2026-03-14; {mend}",)


@pytest.mark.parametrize("status", STATUSES)
def test_an_expired_waiver_blocks_whatever_its_cell(status: str) -> None:
    found = waived_gate([a_cell(status=status, statement="it is so"), BESIDE], a_waiver(expires=date(2026, 3, 13)))
    (reason,) = (reason for reason in found.blocked_by if reason.startswith("waiver of "))
    assert reason.startswith(f"waiver of {NAME}: expired on 2026-03-13; ")
    assert reason.endswith("remove it") == (status in ("pass", "not_applicable"))
    blocks = status in ("fail", "error", "inconclusive")
    assert (f"{NAME}: {status}: it is so" in found.blocked_by) == blocks


@pytest.mark.parametrize(
    ("status", "qualification", "why"),
    [
        ("pass", "discriminating", "its cell passed"),
        ("not_applicable", "discriminating", "its cell is not applicable"),
        ("inconclusive", "saturated", "its cell is inconclusive, which doesn't block in a saturated setting"),
        ("inconclusive", "no_signal", "its cell is inconclusive, which doesn't block in a setting without signal"),
    ],
)
def test_a_waiver_that_nothing_needs_blocks(status: str, qualification: str, why: str) -> None:
    settings = [a_setting(qualification=qualification), a_setting(id=OTHER)]
    found = waived_gate([a_cell(status=status), BESIDE], a_waiver(), settings=settings)
    assert found.blocked_by == (f"waiver of {NAME}: no longer needed: {why}; remove it",)


@pytest.mark.parametrize(
    ("cell", "instead"),
    [
        (f"{SETTING.replace('probe', 'prob')} beats_untrained", f"did you mean {SETTING}?"),
        (f"{SETTING} beats_structure", "did you mean beats_untrained?"),
        ("other:task/knn/1 beats_untrained", f"known: {OTHER}, {SETTING}"),
    ],
)
def test_a_waiver_without_its_cell_blocks(cell: str, instead: str) -> None:
    found = waived_gate([a_cell(), BESIDE], a_waiver(cell=cell))
    advice = f"no such cell is required; correct it or remove it: {instead}"
    assert found.blocked_by == (f"waiver of {cell}: {advice}",)


def test_a_waiver_of_a_missing_verdict_does_not_stand_in_for_it() -> None:
    found = decide([BESIDE], [a_setting(id=OTHER)], [key(), key(OTHER)], Policy(waivers=(a_waiver(),)), TODAY)
    assert found.blocked_by == (f"{NAME}: no verdict: deselected, skipped or killed",)


def test_a_waiver_of_another_model_is_ignored() -> None:
    for waiver in (a_waiver(model="other"), a_waiver(model="other", cell="none:at/all/1 beats_untrained")):
        assert waived_gate([a_cell(), BESIDE], waiver).released
        assert waived_gate([a_cell(), BESIDE], replace(waiver, expires=date(2020, 1, 1))).released


def test_the_waiver_that_names_the_model_goes_first() -> None:
    cells, expired = [a_cell(status="waived"), BESIDE], date(2026, 3, 13)
    assert waived_gate(cells, a_waiver(model="demo"), a_waiver(expires=expired)).released
    assert not waived_gate(cells, a_waiver(), a_waiver(model="demo", expires=expired)).released


def test_a_cell_waived_without_leave_blocks() -> None:
    found = waived_gate([a_cell(status="waived"), BESIDE])
    assert found.blocked_by == (f"{NAME}: waived, but the policy has no waiver for it",)


@pytest.mark.parametrize("rest", [[], ["not_applicable"]])
def test_a_dataset_that_is_waived_as_a_whole_blocks(rest: list[str]) -> None:
    cells = [a_cell(status="waived"), *(a_cell(diagnostic="beats_structure", status=status) for status in rest)]
    passing = a_cell(setting="sim-tissue:region/probe/2")
    found = waived_gate([*cells, passing], a_waiver(), settings=[a_setting(), a_setting(id=passing.setting)])
    assert found.blocked_by == ("sim-culture: nothing was shown: all required verdicts that could tell are waived",)


def test_what_can_not_tell_shows_nothing_beside_what_is_waived() -> None:
    settings = [a_setting(), a_setting(id=OTHER, qualification="saturated")]
    found = waived_gate(
        [a_cell(status="waived"), a_cell(setting=OTHER, status="inconclusive")], a_waiver(), settings=settings
    )
    assert found.blocked_by == ("sim-culture: nothing was shown: all required verdicts that could tell are waived",)


def test_waivers_of_several_models_are_told_apart() -> None:
    cells = [a_cell(), BESIDE, a_cell(model="other", status="waived"), replace(BESIDE, model="other")]
    found = waived_gate(cells, a_waiver())
    assert found.blocked_by == (f"waiver of {NAME}: demo: no longer needed: its cell passed; remove it",)
    assert waived_gate(cells, a_waiver(model="other")).released


@st.composite
def waived_runs(draw: st.DrawFn) -> tuple[Run, Policy]:
    """Draw a run under a waiver for each cell that blocks: all in date and none amiss, or nearly so."""
    cells, settings, required = draw(runs())
    cells = [replace(cell, status="fail") if cell.status == "waived" else cell for cell in cells]
    described = {setting.id: setting for setting in settings}
    names = [f"{cell.setting} {cell.diagnostic}" for cell in cells]
    needed = {name for name, c in zip(names, cells, strict=True) if blocks(c, described[c.setting], POLICY)}
    few = st.just([]) | st.lists(st.sampled_from(names), max_size=2)
    chosen, expired = needed.symmetric_difference(draw(few)), draw(few)
    waivers = [a_waiver(cell=n, expires=TODAY - timedelta(days=n in expired)) for n in sorted(chosen)]
    return (cells, settings, required), Policy(waivers=tuple(waivers), limited_release=True)


def waive_all(run: Run, policy: Policy) -> Run:
    cells, settings, required = run
    described = {setting.id: setting for setting in settings}
    return [waive(cell, described[cell.setting], policy, TODAY) for cell in cells], settings, required


@given(waived_runs())
def test_waivers_release_only_where_each_blocking_cell_is_named_in_date(drawn: tuple[Run, Policy]) -> None:
    run, policy = drawn
    found = decide(*waive_all(run, policy), policy, TODAY)
    bare = decide(*run, replace(policy, waivers=()), TODAY)
    if found.released:
        assert all(waiver.in_date(TODAY) for waiver in policy.waivers)
        starts = {f"{waiver.cell}: " for waiver in policy.waivers}
        assert {start for start in starts if any(reason.startswith(start) for reason in bare.blocked_by)} == starts
        assert all(any(reason.startswith(start) for start in starts) for reason in bare.blocked_by)


@given(waived_runs())
def test_an_expired_waiver_never_releases(drawn: tuple[Run, Policy]) -> None:
    run, policy = drawn
    assert (
        all(waiver.in_date(TODAY) for waiver in policy.waivers)
        or not decide(*waive_all(run, policy), policy, TODAY).released
    )


@given(waived_runs())
def test_a_run_waived_as_a_whole_is_never_released(drawn: tuple[Run, Policy]) -> None:
    (cells, settings, required), _ = drawn
    cells = [replace(cell, status="waived") for cell in cells]
    assert not decide(cells, settings, required, excusing(cells, limited_release=True), TODAY).released
