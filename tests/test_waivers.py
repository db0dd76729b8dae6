"""Waivers in the policy file: every key, and every mistake told with its file, its place and what to write."""

from __future__ import annotations

import json
import pickle
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reprcheck.errors import UserError
from reprcheck.policy import Policy, read_policy
from reprcheck.scorecard.document import from_document, to_document
from reprcheck.waivers import Waiver, read_waivers
from tests.scorecards import demo_scorecard

CELL = "bbbc013:localisation/knn/1 beats_untrained"
TABLE = {"cell": CELL, "reason": "plate 3 is out of focus", "owner": "Ada", "expires": date(2027, 1, 31)}


def read(folder: Path, *blocks: str) -> Policy:
    path = folder / "policy.toml"
    path.write_text("schema = 1\n" + "".join(f"[[waivers]]\n{block}\n" for block in blocks), encoding="utf-8")
    return read_policy(path)


def refused(*tables: Any) -> str:
    with pytest.raises(UserError) as caught:
        read_waivers("policy.toml: waivers", list(tables), Policy().diagnostics)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_every_key_is_read(tmp_path: Path) -> None:
    policy = read(
        tmp_path,
        f'cell = "{CELL}"\nreason = "plate 3\\n is out of focus"\nowner = "Ada"\nexpires = 2027-01-31',
        f'cell = "{CELL}"\nreason = "as agreed"\nlink = "https://e.org/7"\nexpires = 2027-02-28\nmodel = "mine"',
    )
    everyone = Waiver(CELL, "plate 3 is out of focus", date(2027, 1, 31), owner="Ada")
    mine = Waiver(CELL, "as agreed", date(2027, 2, 28), link="https://e.org/7", model="mine")
    assert policy == Policy(waivers=(everyone, mine))
    assert policy.waivers_of("mine") == {CELL: mine}
    assert policy.waivers_of("other") == {CELL: everyone}
    assert pickle.loads(pickle.dumps(policy)) == policy


def test_without_waivers_nothing_is_waived() -> None:
    assert Policy().waivers_of("demo") == {}
    assert Policy().plain()["waivers"] == []


def test_plain_is_json_and_fits_the_schema() -> None:
    (waiver,) = read_waivers("", [TABLE], Policy().diagnostics)
    plain = Policy(waivers=(waiver,)).plain()
    assert plain["waivers"] == [{**TABLE, "expires": "2027-01-31"}]
    assert json.loads(json.dumps(plain)) == plain
    document = to_document(demo_scorecard(policy=plain))
    assert from_document(document).policy == plain
    del document["policy"]["waivers"][0]["owner"]
    with pytest.raises(UserError, match=r"policy\.waivers\[0\]"):
        from_document(document)


@pytest.mark.parametrize("key", ["cell", "reason", "expires"])
def test_a_missing_key_is_named_with_what_to_write(key: str) -> None:
    table = {name: value for name, value in TABLE.items() if name != key}
    assert refused(TABLE, table).startswith(f"policy.toml: waivers[2].{key}: missing; write {key} = ")


def test_somebody_answers_for_it() -> None:
    table = {name: value for name, value in TABLE.items() if name != "owner"}
    assert refused(table).startswith("policy.toml: waivers[1].owner: neither owner nor link is given; write ")
    assert read_waivers("", [{**table, "link": "https://e.org"}], Policy().diagnostics)


@pytest.mark.parametrize("key", ["cell", "reason", "owner", "link", "model"])
@pytest.mark.parametrize("value", ["", " ", 3, True, ["x"]])
def test_a_blank_or_another_type_is_no_text(key: str, value: Any) -> None:
    assert refused({**TABLE, key: value}).startswith(f"policy.toml: waivers[1].{key}: {value!r} is not a text")


@pytest.mark.parametrize(
    ("toml", "remedy"),
    [
        ('"2027-01-31"', "write expires = 2027-01-31, without quotes"),
        ("2027-01-31T12:00:00", "write expires = 2027-01-31"),
        ("2027-01-31T12:00:00Z", "write expires = 2027-01-31"),
        ("12:00:00", "write expires = YYYY-MM-DD"),
        ('"next year"', "write expires = YYYY-MM-DD"),
        ("20270131", "write expires = YYYY-MM-DD"),
    ],
)
def test_what_is_not_a_date_is_refused_with_what_to_write(tmp_path: Path, toml: str, remedy: str) -> None:
    with pytest.raises(UserError, match=rf"policy\.toml: waivers\[1\]\.expires: .*; {remedy}"):
        read(tmp_path, f'cell = "{CELL}"\nreason = "x"\nowner = "Ada"\nexpires = {toml}')


@pytest.mark.parametrize(
    "cell",
    [
        "beats_untrained",
        "bbbc013:localisation/knn/1",
        "a:b/knn/1, beats_untrained more",
        "a/knn/1 beats_untrained",
        "a:b/knn beats_untrained",
    ],
)
def test_a_cell_is_a_setting_and_a_diagnostic(cell: str) -> None:
    assert refused({**TABLE, "cell": cell}).startswith(f"policy.toml: waivers[1].cell: {cell!r} is not a setting, ")


def test_a_diagnostic_that_the_policy_lacks_is_named_with_the_right_one() -> None:
    message = refused({**TABLE, "cell": CELL.replace("untrained", "untraind")})
    assert "beats_untraind is not among this policy's diagnostics; did you mean beats_untrained?" in message


def test_a_misspelled_key_is_named_with_the_right_one() -> None:
    assert refused({**TABLE, "expire": 1}) == "policy.toml: waivers[1].expire: unknown key; did you mean expires?"


def test_a_second_waiver_for_a_cell_and_model_is_refused() -> None:
    assert refused(TABLE, {**TABLE, "reason": "y"}).startswith(
        f"policy.toml: waivers[2].cell: a second waiver for {CELL};"
    )
    mine = {**TABLE, "model": "mine"}
    assert f"a second waiver for {CELL} and model mine" in refused(TABLE, mine, mine)


@pytest.mark.parametrize("text", ["waivers = 3", "waivers = ['x']", f"[waivers]\ncell = '{CELL}'"])
def test_what_is_no_list_of_tables_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "policy.toml"
    path.write_text(f"schema = 1\n{text}", encoding="utf-8")
    with pytest.raises(UserError, match=r"policy\.toml: waivers: not a list of tables; write \[\[waivers\]\]"):
        read_policy(path)


@given(
    st.dictionaries(
        st.sampled_from([*TABLE, "link", "model", "other"]), st.text() | st.dates() | st.integers() | st.none()
    )
)
def test_any_table_is_read_or_refused_in_one_line(table: dict[str, Any]) -> None:
    for one in (table, {**TABLE, **table}):
        try:
            (waiver,) = read_waivers("policy.toml: waivers", [one], Policy().diagnostics)
        except UserError:
            assert refused(one).startswith("policy.toml: waivers[1].")
        else:
            assert waiver.reason.strip()
            assert waiver.owner or waiver.link
