"""Names of places on a plate."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reprcheck.datasets.table.plate import Place, place


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("B03", Place(2, 3)),
        ("b3", Place(2, 3)),
        ("AA12", Place(27, 12)),
        ("af48", Place(32, 48)),
        ("P-24", Place(16, 24)),
        (" H 012 ", Place(8, 12)),
        ("H", Place(8)),
        ("AB", Place(28)),
        ("7", Place(None, 7)),
        ("024", Place(None, 24)),
        ("", Place()),
        ("A0", Place(other="A0")),
        ("0", Place(other="0")),
        ("B3.1", Place(other="B3.1")),
        ("100", Place(other="100")),
        ("BA", Place(other="BA")),
        ("Field 3", Place(other="Field 3")),
        ("٣", Place(other="٣")),
    ],
)
def test_a_place_is_read_or_kept_as_it_is(name: str, expected: Place) -> None:
    assert place(name) == expected


@given(st.integers(1, 52), st.integers(1, 99))
def test_rows_and_columns_go_there_and_back(row: int, column: int) -> None:
    letters = Place(row=row).letters
    assert place(letters) == Place(row=row)
    assert place(f"{letters}{column:02d}") == Place(row=row, column=column)


@given(st.text(max_size=6))
def test_any_text_is_a_place(text: str) -> None:
    found = place(text)
    assert (found.row is not None or found.column is not None) != bool(found.other) or not text.strip()
