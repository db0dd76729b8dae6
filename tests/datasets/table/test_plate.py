"""Names of places on a plate."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reprcheck.datasets.table.plate import PlatePosition, place


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("B03", PlatePosition(2, 3)),
        ("b3", PlatePosition(2, 3)),
        ("AA12", PlatePosition(27, 12)),
        ("af48", PlatePosition(32, 48)),
        ("P-24", PlatePosition(16, 24)),
        (" H 012 ", PlatePosition(8, 12)),
        ("H", PlatePosition(8)),
        ("AB", PlatePosition(28)),
        ("7", PlatePosition(None, 7)),
        ("024", PlatePosition(None, 24)),
        ("", PlatePosition()),
        ("A0", PlatePosition(other="A0")),
        ("0", PlatePosition(other="0")),
        ("B3.1", PlatePosition(other="B3.1")),
        ("100", PlatePosition(other="100")),
        ("BA", PlatePosition(other="BA")),
        ("Field 3", PlatePosition(other="Field 3")),
        ("٣", PlatePosition(other="٣")),
    ],
)
def test_a_place_is_read_or_kept_as_it_is(name: str, expected: PlatePosition) -> None:
    assert place(name) == expected


@given(st.integers(1, 52), st.integers(1, 99))
def test_rows_and_columns_go_there_and_back(row: int, column: int) -> None:
    letters = PlatePosition(row=row).letters
    assert place(letters) == PlatePosition(row=row)
    assert place(f"{letters}{column:02d}") == PlatePosition(row=row, column=column)


@given(st.text(max_size=6))
def test_any_text_is_a_place(text: str) -> None:
    found = place(text)
    assert (found.row is not None or found.column is not None) != bool(found.other) or not text.strip()
