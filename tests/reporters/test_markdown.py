"""The pull request's comment: whole tables, folded parts, and names that can do no harm."""

from __future__ import annotations

import json
import re
from html import unescape
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from reprcheck.reporters.markdown import MARKER, escape, render
from reprcheck.reporters.reporter import choose_reports
from reprcheck.reporters.wording import one_line
from reprcheck.types import Gate, Scorecard
from tests.scorecards import a_cell, a_setting, demo_scorecard, released_scorecard, scorecards


def tables(text: str) -> list[list[list[str]]]:
    """Return the tables of a Markdown text; names hold no pipe, so that each one is a border."""
    found: list[list[list[str]]] = [[]]
    for line in text.splitlines():
        if line.startswith("| "):
            found[-1].append([cell.strip() for cell in line.split("|")[1:-1]])
        elif found[-1]:
            found.append([])
    return [table for table in found if table]


def assert_well_formed(text: str) -> None:
    for head, rule, *rows in tables(text):
        assert all(re.fullmatch(r"---:?", cell) for cell in rule)
        assert all(len(row) == len(head) for row in (rule, *rows))


def test_the_decision_comes_first() -> None:
    assert render(demo_scorecard()).startswith(f"{MARKER}\n\n## ❌ demo: BLOCKED\n")
    assert render(released_scorecard()).startswith(f"{MARKER}\n\n## ✅ demo: released\n")
    assert "Blocked by" not in render(released_scorecard())


def test_every_reason_verdict_and_score_is_there() -> None:
    card = demo_scorecard()
    text = render(card)
    for reason in card.gate.blocked_by:
        assert f"- {escape(reason)}\n" in text
    culture, tissue, scores, provenance = tables(text)
    assert len(culture) + len(tissue) - 4 == len(card.cells)
    assert ["❌ fail", "-0.110 [-0.161, -0.059]", "0.020", "0.410 − 0.520", "structure", "24"] in [
        r[2:] for r in culture
    ]
    assert [row[0] for row in tissue[2:5]] == ["region/probe/2 (saturated)"] * 3
    assert scores[0][3:] == [
        *("model", "untrained", "untrained-resnet", "untrained-vit", "structure", "intensity", "pixels"),
    ]
    assert [row[0] for row in scores[2:]] == sorted(setting.id for setting in card.settings)
    assert ["dataset", "sim-tissue", "91ab" * 10] in provenance


def test_tables_are_well_formed() -> None:
    assert_well_formed(render(demo_scorecard()))
    assert len(tables(render(demo_scorecard()))) == 4


def test_folded_parts_are_closed_and_the_policy_is_whole() -> None:
    text = render(demo_scorecard())
    assert text.count("<details>") == text.count("</details>") == 2
    policy, run = (json.loads(block) for block in re.findall(r"```json\n(.*?)\n```", text, re.DOTALL))
    assert policy == demo_scorecard().policy
    assert run["versions"] == demo_scorecard().run["versions"]
    assert "host" not in run  # a comment is public


def test_a_waived_cell_tells_who_why_until_when_and_what_was_found() -> None:
    (cell,) = (cell for cell in demo_scorecard().cells if cell.status == "waived")
    text = render(demo_scorecard())
    heading, _, told = text.partition("### Waived\n\n")
    assert "### Blocked by" in heading
    assert told.startswith(f"- {escape(f'{cell.setting} {cell.diagnostic}: waived: {cell.statement}')}\n")
    assert "by Ada Lovelace" in cell.statement
    assert "found inconclusive" in cell.statement
    assert "### Waived" not in render(released_scorecard())


def test_an_empty_scorecard_is_told() -> None:
    card = demo_scorecard(settings=(), cells=(), run={}, gate=Gate("blocked", ("no cell is required",)))
    text = render(card)
    assert "no cell is required" in text
    assert_well_formed(text)


NASTY = "a|b\n| c | <script>alert(1)</script> `x` **b** _i_ [l](http://e.com) @team #12 \x1b[31m \u202e ![i](x) &amp;"


def test_a_name_can_do_nothing_to_the_comment() -> None:
    card = demo_scorecard(
        model={"spec": NASTY, "name": NASTY, "digest": NASTY},
        settings=(a_setting(id=NASTY, notes=(NASTY,), scores={NASTY: {"mean": 0.5, "low": 0.4, "high": 0.6}}),),
        cells=(a_cell(setting=NASTY, diagnostic=NASTY, reference=NASTY, statement=NASTY, status="waived"),),
        gate=Gate("blocked", (NASTY,)),
        policy={"settings": [NASTY, "```\n</details>"]},
        run={},
    )
    text = render(card)
    assert_well_formed(text)
    unfenced = re.sub(r"(`{3,})json\n.*?\n\1", "", text, flags=re.DOTALL)
    assert "````json" in text
    assert "<script" not in unfenced
    assert "@team" not in unfenced
    assert "http://" not in unfenced
    assert not set("\x1b\u202e") & set(text)
    assert re.search(r"(?<!\\)[`*]", unfenced.replace("**", "")) is None


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("beats_untrained", "beats_untrained"),
        ("_x_ __y__", r"\_x\_ \_\_y\_\_"),
        ("a|b", "a&#124;b"),
        ("a\\|b", r"a\\&#124;b"),
        ("<b> & </b>", "&lt;b&gt; &amp; &lt;/b&gt;"),
        ("one\r\n two\tthree", "one two three"),
        ("https://e.com www.e.com", "https&#58;//e.com www&#46;e.com"),
        ("@team, hf-hub:org/name@rev", "@&#8203;team, hf-hub:org/name@rev"),
        ("see #12", "see #&#8203;12"),
        ("sim:dose/probe/2", "sim:dose/probe/2"),
    ],
)
def test_escape(text: str, escaped: str) -> None:
    assert escape(text) == escaped


@given(st.text())
def test_escaped_text_is_one_line_without_markup(text: str) -> None:
    shown = escape(text)
    assert shown.isprintable()
    assert not set("<>") & set(shown)
    assert all(len(run) % 2 for run in re.findall(r"(\\+)(?=[`*\[\]])", shown))
    assert re.search(r"(?<!\\)[`*\[\]]", shown) is None
    assert "|" not in shown


@given(st.text(st.characters(codec="ascii") | st.sampled_from("|*_`[]<>&\\~$@#µ")))
def test_a_markdown_renderer_shows_the_text_as_it_was(text: str) -> None:
    """The renderer that comes with rich is the oracle."""
    page = MarkdownIt("commonmark").enable(["table", "strikethrough"]).render(f"| x |\n| --- |\n| - {escape(text)} |")
    (shown,) = re.findall(r"<td>(.*?)</td>", page)
    assert unescape(shown).replace("\u200b", "") == f"- {one_line(text)}".strip()


@settings(max_examples=40, deadline=None)
@given(card=scorecards())
def test_any_scorecard_gives_whole_tables(card: Scorecard) -> None:
    text = render(card)
    assert_well_formed(text)
    assert text.endswith("\n")
    assert text.count("</details>") == text.count("<details>")


def test_it_is_a_report_of_its_own(tmp_path: Path) -> None:
    (report,) = choose_reports("markdown")
    assert report.file == "scorecard.md"
    assert report.render(demo_scorecard()).decode() == render(demo_scorecard())
