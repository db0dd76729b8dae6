"""The terminal report as text: nothing wider than asked, nothing cut, nothing a name could do to a terminal."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from reprcheck.reporters.terminal import TerminalReport
from reprcheck.types import Gate, Scorecard
from tests.scorecards import NO_NUMBERS, a_cell, a_setting, demo_scorecard, released_scorecard, scorecards


@pytest.fixture(autouse=True)
def _colour_is_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)


def shown(scorecard: Scorecard, width: int = 80) -> str:
    return "\n".join(TerminalReport(scorecard).lines(width, color=False))


def words(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.parametrize("width", [40, 60, 79, 80, 100, 119, 120, 140, 200])
def test_no_line_is_wider_and_no_word_is_cut(width: int) -> None:
    lines = TerminalReport(demo_scorecard(), "reports/latest").lines(width, color=False)
    assert max(map(cell_len, lines)) <= width
    text = "\n".join(lines)
    assert "…" not in text
    assert all(line == line.rstrip() for line in lines)
    told = words("".join(line.removeprefix("  ") + " " for line in lines))
    card = demo_scorecard()
    for reason in card.gate.blocked_by:
        assert words(reason) in told


@pytest.mark.parametrize("width", [80, 140])
def test_every_verdict_and_number_is_there(width: int) -> None:
    text = shown(demo_scorecard(), width)
    for verdict in ("pass", "fail", "inconclusive", "waived", "error", "not applicable", "BLOCKED", "saturated"):
        assert verdict in text
    assert "+0.132 [+0.087, +0.178]  0.020 " in text.replace("   ", "  ")
    assert "-0.110 [-0.161, -0.059]" in text
    assert "untrained-resnet" in text
    for number in ("0.812", "0.611", "0.433", "0.991"):  # scores of the model and of baselines
        assert number in text
    assert "at alpha 0.05" in text
    assert "12 samples with a blank label were left out" in text
    assert "one cell" not in text


def test_the_header_has_name_digest_and_decision() -> None:
    assert shown(demo_scorecard()).splitlines()[0] == "demo  3f9a1c2b773f  BLOCKED"
    assert shown(released_scorecard()).splitlines()[0] == "demo  3f9a1c2b773f  released"
    assert "Blocked by" not in shown(released_scorecard())
    model = {"spec": "timm:resnet18", "name": "resnet18", "digest": "ab" * 20}
    assert shown(demo_scorecard(model=model)).splitlines()[1] == "timm:resnet18"


def test_a_wide_report_says_more() -> None:
    wide, narrow = shown(demo_scorecard(), 140), shown(demo_scorecard(), 80)
    for text in ("mde", "0.061", "0.812 − 0.680", "beyond_intensity"):
        assert text in wide
    assert "0.812 − 0.680" not in narrow
    assert "intensity = beyond_intensity" in words(narrow)  # the short names are told


def test_scores_that_do_not_make_the_effect_are_not_set_against_each_other() -> None:
    """Intensity beside the embedding, against intensity: not the difference of the two encoders' scores."""
    scores = {name: {"mean": mean, "low": 0.1, "high": 0.9} for name, mean in [("model", 0.812), ("intensity", 0.5)]}
    cell = a_cell(diagnostic="beyond_intensity", reference="intensity", effect=0.34)
    card = released_scorecard(settings=(a_setting(scores=scores),), cells=(cell,))
    assert "0.812 − 0.500" not in shown(card, 140)


def test_short_names_that_would_be_the_same_stay_long() -> None:
    cells = (a_cell(diagnostic="beats_intensity"), a_cell(diagnostic="beyond_intensity"))
    text = shown(released_scorecard(cells=cells))
    assert "  beats_intensity " in text
    assert "  beyond_intensity " in text


def test_a_cell_without_numbers_tells_its_sentence_in_its_row() -> None:
    cell = a_cell(status="error", statement="the embedding holds values that are not finite", **NO_NUMBERS)
    text = shown(released_scorecard(cells=(cell,), gate=Gate("blocked", ("it is so",))))
    assert any("error" in line and "the embedding holds values" in line for line in text.splitlines())


@pytest.mark.parametrize("width", [80, 140])
def test_a_waived_cell_tells_who_why_until_when_and_what_was_found(width: int) -> None:
    text = words(shown(demo_scorecard(), width))
    terms = "waived: until 2026-12-01 by Ada Lovelace (https://example.org/decisions/7): the dose is a staining "
    _, _, told = text.partition(" Waived - sim-culture:dose/regress/1 beyond_intensity: ")
    assert told.startswith(terms)
    assert "intensity here; found inconclusive: 0.010 [-0.030, +0.050] above" in told
    cell = a_cell(status="waived", statement="until 2027-01-31 by Ada: why; found error: what", **NO_NUMBERS)
    assert words(shown(released_scorecard(cells=(cell,)), width)).count("until 2027-01-31 by Ada") == 1  # in its row


def test_datasets_and_settings_head_their_cells_once() -> None:
    lines = shown(demo_scorecard()).partition("Scores,")[0].splitlines()
    assert [line for line in lines if line.startswith("sim-")] == ["sim-culture", "sim-tissue"]
    headings = [line for line in lines if line.startswith(" ") and not line.startswith("  ")]
    assert headings == [
        " dose/regress/1",
        " localisation/knn/1",
        " localisation/probe/2",
        " region/probe/2  saturated",
        " tumour-margin/probe/2",
    ]


def test_the_order_of_cells_never_shows() -> None:
    card = demo_scorecard()
    turned = demo_scorecard(cells=card.cells[::-1], settings=card.settings[::-1])
    assert shown(turned) == shown(card)


def test_colour_only_where_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    report = TerminalReport(demo_scorecard())
    colored = "\n".join(report.lines(80, color=True))
    assert "\x1b[1;31mBLOCKED" in colored
    assert "\x1b[32mpass" in colored
    assert "\x1b" not in "\n".join(report.lines(80, color=False))
    monkeypatch.setenv("NO_COLOR", "1")
    assert report.lines(80, color=True) == report.lines(80, color=False)
    monkeypatch.setenv("NO_COLOR", "")  # no-color.org: only where it is not empty
    assert "\x1b" in "\n".join(report.lines(80, color=True))


@pytest.mark.parametrize("name", ["COLUMNS", "FORCE_COLOR", "TERM", "TTY_COMPATIBLE"])
def test_the_environment_changes_nothing_else(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    before = TerminalReport(demo_scorecard()).lines(80, color=False)
    monkeypatch.setenv(name, "1")
    assert TerminalReport(demo_scorecard()).lines(80, color=False) == before


def test_where_the_report_lies_is_the_last_line(tmp_path: Path) -> None:
    assert TerminalReport(released_scorecard(), Path("reports") / "latest").lines(80, False)[-1].startswith("Report: ")
    lines = TerminalReport(released_scorecard(), "/".join(["long"] * 40)).lines(80, color=False)
    assert max(map(cell_len, lines)) <= 80


def test_rich_prints_it_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    Console(width=80, no_color=True).print(TerminalReport(released_scorecard()))
    assert "released" in capsys.readouterr().out


def test_an_empty_scorecard_is_told() -> None:
    card = demo_scorecard(settings=(), cells=(), gate=Gate("blocked", ("no cell is required: nothing matches",)))
    text = shown(card)
    assert "0 cells" in text
    assert "no cell is required" in text


def test_a_name_can_do_nothing_to_the_terminal() -> None:
    nasty = "[red]x[/red] \x1b[31m\x07\r\nsecond \u202ename :smile: …"
    card = demo_scorecard(
        model={"spec": nasty, "name": nasty, "digest": nasty},
        cells=(a_cell(setting=nasty, reference=nasty, statement=nasty, diagnostic="d" * 90, status="waived"),),
        gate=Gate("blocked", (nasty,)),
    )
    text = shown(card, 140)
    assert not set("\x1b\x07\r\u202e") & set(text)
    assert "[red]x[/red] \\x1b[31m\\x07 second \\u202ename :smile:" in text


@settings(max_examples=40, deadline=None)
@given(card=scorecards(), width=st.sampled_from([60, 80, 140]))
def test_any_scorecard_fits(card: Scorecard, width: int) -> None:
    lines = TerminalReport(card, "reports").lines(width, color=False)
    assert all(cell_len(line) <= width for line in lines)
    assert all(line.isprintable() for line in lines)
