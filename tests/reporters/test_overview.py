"""The overview as text: a line for each setting, its verdicts, and the comparison with the least to spare."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from reprcheck.reporters.overview import OverviewReport
from reprcheck.types import Scorecard
from tests.scorecards import NO_NUMBERS, a_cell, a_setting, released_scorecard, scorecards

SETTING = "sim-culture:localisation/probe/2"


def row(scorecard: Scorecard, width: int) -> str:
    """Return the line of the only setting."""
    lines = OverviewReport(scorecard).lines(width, color=False)
    (found,) = (line for line in lines if line.startswith(" localisation"))
    return " ".join(found.split())


def test_the_weakest_is_nearest_to_its_margin_whatever_its_effect() -> None:
    cells = (
        a_cell(diagnostic="beats_untrained", effect=0.1, low=0.09, margin=0.02),
        a_cell(diagnostic="beats_structure", effect=0.5, low=0.2, margin=0.19, high=0.8),
    )
    card = released_scorecard(cells=cells, settings=(a_setting(),))
    assert row(card, 100) == "localisation/probe/2 pass pass structure +0.500 [+0.200, +0.800]"
    assert row(card, 60) == "localisation/probe/2 pass pass structure +0.500"  # bounds only where there is room


def test_a_setting_without_a_comparison_says_what_it_is() -> None:
    cell = a_cell(status="not_applicable", **NO_NUMBERS, statement="everybody is at the ceiling")
    card = released_scorecard(cells=(cell,), settings=(a_setting(qualification="saturated"),))
    assert row(card, 80) == "localisation/probe/2 not applicable saturated"


@settings(max_examples=30, deadline=None)
@given(scorecards(), st.sampled_from([40, 80, 120]))
def test_no_line_is_wider_whatever_the_scorecard(card: Scorecard, width: int) -> None:
    assert all(cell_len(line) <= width for line in OverviewReport(card).lines(width, color=False))


@pytest.mark.parametrize("name", ["[red]x[/red]", "a\x1b[31mb", ":smile:"])
def test_names_are_no_markup(name: str) -> None:
    card = released_scorecard(
        cells=(a_cell(setting=f"{name}:t/knn/1"),), settings=(a_setting(id=f"{name}:t/knn/1", dataset=name),)
    )
    text = "\n".join(OverviewReport(card).lines(80, color=False))
    assert name.replace("\x1b", "\\x1b") in text
    assert "\x1b" not in text
