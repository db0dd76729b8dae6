"""Scorecards for other tools: each form is read back as its readers do, and no name breaks it."""

from __future__ import annotations

import csv
import io
import json
import re
from xml.etree import ElementTree as xml

import pyarrow.parquet as pq
import pytest
import yaml

from reprcheck.policy import Policy
from reprcheck.reporters.badge import BADGE
from reprcheck.reporters.eval_results import EVAL_RESULTS
from reprcheck.reporters.forest import SVG
from reprcheck.reporters.junit import JUNIT
from reprcheck.reporters.latex import LATEX
from reprcheck.reporters.plot import axis
from reprcheck.reporters.rows import COLUMNS, CSV, PARQUET
from reprcheck.scorecard.collect import undecided
from reprcheck.types import Gate
from tests.scorecards import a_cell, a_setting, demo_scorecard, released_scorecard

HOSTILE = "=1+1|<script>alert(1)</script>&\"'\n]]> \x1b[31m\x00\ufffe\ud800\u202e😀 **b** \\input{x}%" + "x" * 300
SVG_NAME = "{http://www.w3.org/2000/svg}"


def hostile_scorecard():
    return demo_scorecard(
        model={"spec": HOSTILE, "name": HOSTILE, "digest": HOSTILE},
        settings=(a_setting(id=HOSTILE, dataset=HOSTILE, notes=(HOSTILE,)),),
        cells=tuple(
            a_cell(
                model=HOSTILE, setting=HOSTILE, diagnostic=f"d{k}", reference=HOSTILE, statement=HOSTILE, status=status
            )
            for k, status in enumerate(("pass", "fail", "inconclusive", "error", "waived", "not_applicable"))
        ),
        gate=Gate("blocked", (f"{HOSTILE} d1: fail: {HOSTILE}", HOSTILE)),
        run={"time": HOSTILE, "timings": {f"{HOSTILE} d1": HOSTILE}},
    )


def read_csv(text):
    return list(csv.DictReader(io.StringIO(text)))


def test_tables_hold_what_the_cells_hold():
    card = demo_scorecard()
    texts, table = read_csv(CSV.render(card)), pq.read_table(io.BytesIO(PARQUET.render(card))).to_pylist()
    assert list(texts[0]) == list(table[0]) == list(COLUMNS)
    by_name = {f"{row['setting']} {row['diagnostic']}": row for row in table}
    for cell in card.cells:
        row = by_name[f"{cell.setting} {cell.diagnostic}"]
        assert [row[name] for name in ("effect", "low", "high", "n_units")] == [
            cell.effect,
            cell.low,
            cell.high,
            cell.n_units,
        ]
        assert row["statement"] == f"{cell.status.replace('_', ' ')}: {cell.statement}"
    blocking = {name for name, row in by_name.items() if row["blocks"]}
    assert blocking == {r.partition(": ")[0] for r in card.gate.blocked_by if ": no verdict" not in r} & set(by_name)
    assert [row["effect"] for row in texts] == ["" if row["effect"] is None else str(row["effect"]) for row in table]


def test_details_of_an_extension_may_be_anything():
    card = released_scorecard(cells=(a_cell(details={"p": "small", "units_needed": [3]}),))
    (row,) = pq.read_table(io.BytesIO(PARQUET.render(card))).to_pylist()
    assert row["p"] is row["units_needed"] is None


def test_an_empty_table_has_its_types():
    card = demo_scorecard(cells=(), settings=())
    table = pq.read_table(io.BytesIO(PARQUET.render(card)))
    assert table.num_rows == 0
    assert str(table.schema.field("effect").type) == "double"


def test_no_name_is_a_formula():
    assert all(
        not text.startswith(("=", "+", "-", "@"))
        for row in read_csv(CSV.render(hostile_scorecard()))
        for text in row.values()
    )


def test_junit_fails_where_the_gate_blocks_and_only_there():
    blocked = xml.fromstring(JUNIT.render(demo_scorecard()))
    failed = {
        f"{c.get('classname')} {c.get('name')}" for c in blocked.iter("testcase") if c.find("failure") is not None
    }
    errors = {f"{c.get('classname')} {c.get('name')}" for c in blocked.iter("testcase") if c.find("error") is not None}
    assert errors == {"sim-tissue:tumour-margin/probe/2 beyond_intensity"}
    assert "gate blocked" in failed  # sentences of no verdict: here, cells without one
    assert {"sim-culture:dose/regress/1 beats_structure", "sim-culture:localisation/knn/1 beats_structure"} < failed
    released = xml.fromstring(JUNIT.render(released_scorecard()))
    assert {case.find(end) for case in released.iter("testcase") for end in ("failure", "error", "skipped")} == {None}
    unfinished = undecided({"spec": "demo", "name": "demo", "digest": "x"}, Policy(), {}, "the run hasn't ended")
    assert "hasn't ended" in xml.fromstring(JUNIT.render(unfinished)).find(".//failure").get("message")


def test_junit_has_the_numbers_of_each_cell_and_counts():
    suites = xml.fromstring(JUNIT.render(demo_scorecard())).findall("testsuite")
    assert [suite.get("name") for suite in suites] == ["sim-culture", "sim-tissue", "gate"]
    case = suites[0].find("testcase[@name='beats_structure']")
    values = {p.get("name"): p.get("value") for p in case.iter("property")}
    assert values["margin"] == "0.02"
    assert values["reference"] == "structure"
    for suite in suites:
        ends = {"failures": "failure", "errors": "error", "skipped": "skipped"}
        assert {kind: int(suite.get(kind)) for kind in ends} == {
            k: len(suite.findall(f".//{e}")) for k, e in ends.items()
        }


@pytest.mark.parametrize(("card", "message"), [(released_scorecard(), "released"), (demo_scorecard(), "blocked")])
def test_a_badge_says_what_was_decided(card, message):
    badge = json.loads(BADGE.render(card))
    assert (badge["schemaVersion"], badge["message"], badge["isError"]) == (1, message, message != "released")


def test_evaluation_results_are_one_entry_for_each_effect():
    card = demo_scorecard()
    entries = yaml.safe_load(EVAL_RESULTS.render(card))
    assert [e["value"] for e in entries] == [
        c.effect for c in sorted(card.cells, key=lambda c: c.setting) if c.effect is not None
    ]
    assert entries[0]["dataset"]["id"] == "sim-culture"
    assert yaml.safe_load(EVAL_RESULTS.render(demo_scorecard(cells=(), settings=()))) == []


def test_a_table_for_latex_has_its_columns_in_every_row():
    text = LATEX.render(demo_scorecard())
    rows = [line for line in text.splitlines() if line.endswith(r"\\")]
    assert {len(re.findall(r"(?<!\\)&", row)) for row in rows} == {6}
    assert r"beats\_structure" in text


def test_the_picture_shows_each_effect_and_asks_for_nothing():
    text = SVG.render(demo_scorecard())
    root = xml.fromstring(text)
    assert root.find(f"{SVG_NAME}title").text == "demo: BLOCKED"
    effects = [cell for cell in demo_scorecard().cells if cell.effect is not None]
    assert len(root.findall(f".//{SVG_NAME}line[@class='interval']")) == len(effects)
    assert not re.search(r"href=|src=|url\(|@import|<script", text)


def test_what_lies_far_off_leaves_the_rest_to_be_seen():
    card = released_scorecard(
        cells=(a_cell(), a_cell(diagnostic="far", status="fail", effect=-50.0, low=-90.0, high=-9.0))
    )
    text = SVG.render(card)
    assert "-50.000 [-90.000, -9.000] (off the scale)" in text
    assert axis([-90.0, 0.1]).low > -1.5


@pytest.mark.parametrize("values", [[], [None], [float("nan")], [0.0], [0.0001], [-3.0, 9.0], [0.3, -0.12]])
def test_an_axis_holds_zero_and_has_some_ticks(values):
    found = axis(values)
    assert 0.0 in found.ticks
    assert 2 <= len(found.ticks) <= 12


@pytest.mark.parametrize("reporter", [SVG, JUNIT, CSV, PARQUET, LATEX, BADGE, EVAL_RESULTS], ids=lambda r: r.suffix)
def test_a_hostile_name_breaks_nothing(reporter):
    content = reporter.render(hostile_scorecard())
    data = content if isinstance(content, bytes) else content.encode()
    assert not any(bytes([code]) in data for code in (0, 27)) or reporter is PARQUET
    if reporter in (SVG, JUNIT):
        assert b"<script" not in data
        xml.fromstring(content)
    if reporter is EVAL_RESULTS:
        assert len(yaml.safe_load(content)) == 6
    if reporter is LATEX:
        assert not any(r"\input" in line for line in content.splitlines() if not line.startswith("%"))
