"""Spellings of one name are one, names of other things are others; and what is shown can be told apart."""

from __future__ import annotations

import math
import unicodedata
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reprcheck.datasets.table.samples import to_number
from reprcheck.errors import closest, did_you_mean
from reprcheck.spelling import fold, groups, is_blank, is_missing, show, whole_number

ONE_THING = [
    ("A1", "A01", "a1", "a-1", "A_1", "A 1", " A1 ", "A  1", "A.1", "A1.", "\uff21\uff11", "A\u200b1", "\ufeffA1"),
    (
        "A1",
        "A\u00ad1",
        "A\u20111",
        "A\u20131",
        "A\u22121",
        "A\u00a01",
        "A\u30001",
        "A\u202f1",
        "\u04101",
        "A\u0661",
        "'A1'",
    ),
    ("1", "01", "1.0", "1.", "+1", "1e0", "1E+0", "1.00", "001", "'1", '"1"', "\uff11", "1,0"),
    ("100000", "1e5", "1E+05", "1.0e5", "100,000", "100000.0"),
    ("0.1", ".1", "0.10", "1e-1", "0,1", "0.1000000000000000055"),
    ("DMSO", "dmso", "Dmso", "DMSO ", "DMSO.", "DM\u200cSO", "\u202aDMSO\u202c", "DMSO\u2060"),
    ("non tumor", "non-tumor", "non_tumor", "Non  Tumor", "non.tumor", "nontumor", "non\u2013tumor", "NON\ttumor"),
    ("caf\u00e9", "cafe\u0301", "CAF\u00c9", "CAFE\u0301"),
    ("10 uM", "10uM", "10.0 uM", "10 \u00b5M", "10 \u03bcM", "10-um", "010 uM", "10,0 uM"),
    ("0.5 uM", ".5uM", "0.50uM", "0,5 uM"),
    ("Crohn's", "Crohn\u2019s", "crohn\u02bcs"),
    ("2020-01-02", "2020_1_2", "2020 01 02", "2020\u20131\u20132"),
    ("2026-01-02", "2026/1/2", "2026.01.02", "2026-01-02 00:00:00", "2026-01-02T00:00:00.000", "2026_01_02 0:00"),
    ("E. coli", "E.coli", "E coli"),
    ("0.1% DMSO", "0.10 % dmso", "0,1% DMSO"),
    ("stra\u00dfe", "STRASSE"),
    ("10x", "10\u00d7", "10 X"),
    ("\ufb01eld 2", "field 02"),
]
OTHER_THINGS = (
    *("1_0", "10", "100", "1.2.3", "1.23", "12.3", "1.05", "1.5", "0.01", "0.1", "0", "-1", "1", "1/2", "1:2", "12"),
    *("CD4", "CD4+", "CD4-", "CD4+CD8-", "CD4-CD8+", "CD4+CD8+", "CD4-CD8-", "+", "-", "++", "3+", "2+"),
    *("L-DOPA", "D-DOPA", "A11", "A1", "A1-1", "p1_2", "p12", "p1.2", "day 1", "day -1", "a/b", "ab", "a:b", "5'", "5"),
    *(
        "10^3",
        "10^-3",
        "1e-5M",
        "1e5M",
        "caf\u00e9",
        "cafe",
        "\u03b2",
        "\u03b1",
        "x\u00b2y",
        "xy",
        "I",
        "II",
        "O1",
        "01a",
    ),
    *(
        "1,2,3",
        "1,10-phenanthroline",
        "1,1-phenanthroline",
        "1.1-phenanthroline",
        "abc",
        "acb",
        "2026-01-02 10:00",
        "2026-01-03",
        "02.01.2026",
        "(R)",
        "(S)",
        "#1",
        "A*",
        "A",
        "<5",
        ">5",
    ),
)


@pytest.mark.parametrize("spellings", ONE_THING, ids=lambda spellings: spellings[0])
def test_spellings_of_one_name_are_one(spellings: tuple[str, ...]) -> None:
    assert len({fold(name) for name in spellings}) == 1
    assert groups(spellings) == [tuple(spellings)]


def test_other_things_have_other_names() -> None:
    for one, other in combinations(OTHER_THINGS, 2):
        assert fold(one) != fold(other), (one, other)


def test_hashes_and_hexadecimal_ids_are_no_numbers() -> None:
    assert groups(["1e5", "100000"]) == [("1e5", "100000")]
    assert groups(["1e5", "100000", "a3f"]) == []
    assert groups(["0a3fe1", "a03fe1", "00a3fe", "b12c9d"]) == []
    assert groups(["0a3fe1", "0A3FE1", "b12c9d"]) == [("0a3fe1", "0A3FE1")]
    assert groups(["b1c1", "b01c01", "b2c1"]) == [("b1c1", "b01c01")]
    assert groups(["A1", "B12", "a01", "F2"]) == [("A1", "a01")]


WORDS = st.text("gkmtuxz\u00e4\u00f1", min_size=1, max_size=4)
NUMBERS = st.integers(0, 10**20).map(str)
NAMES = st.lists(st.tuples(WORDS, NUMBERS), min_size=1, max_size=3).map(
    lambda parts: [p for pair in parts for p in pair]
)
BETWEEN = st.sampled_from(["", " ", "  ", "-", "_", ".", "\u2013", "\u00a0", "\u200b", " - ", "\u00ad"])
FORMS = st.sampled_from([str, str.upper, str.title, lambda text: unicodedata.normalize("NFD", text)])


@st.composite
def spelled(draw: st.DrawFn, parts: list[str]) -> str:
    """Return a name of words and numbers in turns as somebody might type it."""
    typed = []
    for part in parts:
        if part.isdigit():
            part = "0" * draw(st.integers(0, 3)) + part
            part = draw(st.sampled_from([part, "".join(chr(ord(digit) + 0xFEE0) for digit in part)]))
        else:
            part = draw(FORMS)(part)
        typed += [draw(BETWEEN) if typed else draw(st.sampled_from(["", " ", "\ufeff"])), part]
    return "".join(typed) + draw(st.sampled_from(["", " ", ".", "\u200d", "\ufe0f"]))


@given(NAMES.flatmap(lambda parts: st.tuples(spelled(parts), spelled(parts))))
def test_any_two_spellings_of_a_name_fold_alike(names: tuple[str, str]) -> None:
    assert fold(names[0]) == fold(names[1])


@given(NAMES, NAMES)
def test_names_of_other_words_or_numbers_fold_apart(one: list[str], other: list[str]) -> None:
    assert (fold("".join(one)) == fold("".join(other))) == (one == other)


@given(st.lists(st.text("gGk01-_ .,\u200b", max_size=5), max_size=12))
def test_groups_part_names_as_comparing_each_two_does(names: list[str]) -> None:
    found = groups(names)
    together = {frozenset(pair) for spellings in found for pair in combinations(spellings, 2)}
    expected = {frozenset(pair) for pair in combinations(set(names), 2) if len({fold(name) for name in pair}) == 1}
    assert together == expected
    assert all(len(set(spellings)) == len(spellings) > 1 for spellings in found)


@given(st.lists(st.text(max_size=8) | st.text("aA1 \u200b\u00a0\t", max_size=4), unique=True, max_size=5))
def test_what_is_shown_tells_names_apart(names: list[str]) -> None:
    shown = show(names)
    assert len(set(shown)) == len(names)
    assert [" ".join(text.split()) for text in shown] == shown  # as a message prints it


def test_names_that_look_alike_are_shown_by_their_characters() -> None:
    assert show(["caf\u00e9", "cafe\u0301"]) == [r"'caf\xe9'", r"'cafe\u0301'"]
    assert show(["p\u0430", "pa"]) == [r"'p\u0430'", "'pa'"]
    assert show(["a  b", "a b"]) == [r"'a\x20 b'", "'a b'"]
    assert show(["caf\u00e9", "CAF\u00c9"]) == ["'caf\u00e9'", "'CAF\u00c9'"]


@given(st.text("0123456789+-.eE_ ,xinfad\uff11\u0661\u00a0", max_size=7))
def test_a_number_is_what_both_python_and_ascii_call_one(text: str) -> None:
    try:
        plain = float(text) if set(text) <= set("0123456789+-.eE") else math.nan
    except ValueError:
        plain = math.nan
    assert to_number(text) == (plain if math.isfinite(plain) else None)


@pytest.mark.parametrize(
    "text", ["1_0", "inf", "nan", "-Infinity", "\uff11\uff12", "1,5", "0x1F", " 1", "1 ", "", ".", "1e999", "1e"]
)
def test_what_is_no_number(text: str) -> None:
    assert to_number(text) is None


@pytest.mark.parametrize("text", ["1_0", "\uff11", " 1", "+1", "1.0", "", "-", "9" * 19])
def test_what_is_no_whole_number(text: str) -> None:
    with pytest.raises(ValueError, match="is not a whole number"):
        whole_number(text)
    assert [whole_number(fine) for fine in ("0", "-3", "012")] == [0, -3, 12]


def test_blank_and_missing() -> None:
    assert [is_blank(name) for name in ("", " ", "\u200b\ufeff", "\u3164", "a", "0", "-", ".")] == [True] * 4 + [
        False
    ] * 4
    assert all(map(is_missing, ("NA", "nan", "NaN", "None", "n/a", "<NA>", "null", "NaT", "#N/A")))
    assert not any(map(is_missing, ("NaCl", "naive", "N", "0", "", "nano", "-")))


def test_suggestions_look_at_spelling_first() -> None:
    assert closest("dmso", ["dms", "DMSO"]) == "DMSO"
    assert closest("A1", ["A11", "A01"]) == "A01"
    assert closest("taxole", ["DMSO", "taxol"]) == "taxol"
    assert closest("TAXOLE", ["DMSO", "taxol"]) == "taxol"
    assert closest("zzz", ["DMSO"]) is None
    assert did_you_mean("ID", ["\u200bid", "path"]) == r"did you mean '\u200bid'?"
    assert did_you_mean("plate", ["Plate", "well"]) == "did you mean Plate?"
