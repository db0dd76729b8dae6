"""Collected or raised: one mistake outside, all of them inside."""

from __future__ import annotations

import pickle

import pytest

from reprcheck.datasets.card.problems import attempt, collecting, report, report_each, settle
from reprcheck.errors import Location, UserError


def wrong(name: str) -> UserError:
    return UserError(name, "wrong", "put it right")


def fail(name: str) -> int:
    raise wrong(name)


def three() -> int:
    for name in "abc":
        attempt(None, fail, name)
    settle()
    return 3


def test_outside_the_first_is_raised() -> None:
    assert attempt(0, len, "abc") == 3
    settle()
    with pytest.raises(UserError, match=r"^a: wrong; put it right$"):
        three()
    with pytest.raises(UserError, match=r"^a: wrong; put it right$"):
        report(wrong("a"))
    with pytest.raises(UserError, match=r"^a: wrong \(and 2 more rows\); put it right$"):
        report_each([wrong(name) for name in "abc"], "(and {} more rows)".format)
    report_each([], "(and {} more rows)".format)


def test_inside_all_are_found() -> None:
    with collecting() as found:
        assert attempt(0, len, "abc") == 3
        assert attempt(7, three) == 7
        report_each([wrong("d"), wrong("e")], "(and {} more rows)".format)
    assert [str(mistake) for mistake in found] == [f"{name}: wrong; put it right" for name in "abcde"]
    with pytest.raises(UserError):
        report(wrong("a"))


def test_settling_looks_at_the_innermost_attempt_alone() -> None:
    with collecting() as found:
        report(wrong("a"))
        assert attempt(7, lambda: (settle(), 3)[1]) == 3
    assert len(found) == 1


def test_other_exceptions_are_ours() -> None:
    with collecting(), pytest.raises(ZeroDivisionError):
        attempt(0, lambda: 1 // 0)


def test_a_place_is_its_text_and_survives_a_trip() -> None:
    mistake = UserError(Location("t.csv", "line 3", "column dose", "[tasks.dose]"), "wrong")
    back = pickle.loads(pickle.dumps(mistake))
    assert str(back) == str(mistake) == "t.csv line 3 column dose ([tasks.dose]): wrong"
    assert (back.where.file, back.where.row, back.where.within) == ("t.csv", "line 3", "[tasks.dose]")
