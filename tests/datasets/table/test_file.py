"""Tables in every dialect are read to the same cells, and what can't be read faithfully is refused."""

from __future__ import annotations

import csv
import datetime
import io
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reprcheck.datasets.table.file import SEPARATORS, read_table
from reprcheck.errors import UserError

ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32")
NAMES = ("id", "path", "label")
CELLS = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc"), include_characters="\n"), max_size=6)
ROWS = st.lists(st.tuples(CELLS, CELLS, CELLS).filter(lambda row: any(map(str.strip, row))), min_size=1, max_size=5)


def written(rows: Any, separator: str, end: str, quoting: int) -> str:
    text = io.StringIO(newline="")
    if end == "\r":  # the writer would leave another line end unquoted
        quoting = csv.QUOTE_ALL
    writer = csv.writer(text, delimiter=separator, lineterminator=end, quoting=quoting)
    writer.writerows([NAMES, *rows])
    return text.getvalue()


def decimal(cell: str) -> bool:
    """Tell whether a cell could be a number with a comma, which is read as one: not what is asked here."""
    return "," in cell and any(c.isdigit() for c in cell)


@settings(max_examples=60)
@given(
    rows=ROWS.filter(lambda rows: not any(decimal(cell) for row in rows for cell in row)),
    separator=st.sampled_from(sorted(SEPARATORS)),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
    encoding=st.sampled_from(ENCODINGS),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    says=st.booleans(),
)
def test_every_dialect_gives_the_cells(
    tmp_path_factory: Any, rows: Any, separator: str, end: str, encoding: str, quoting: int, says: bool
) -> None:
    text = (f"sep={separator}{end}" if says else "") + written(rows, separator, end, quoting)
    path = tmp_path_factory.mktemp("t") / "samples.csv"
    path.write_bytes(text.encode(encoding))
    table = read_table(path)
    assert list(table.rows.columns) == list(NAMES)
    assert [tuple(row) for row in table.rows.to_numpy().tolist()] == rows
    told = " ".join(table.notes)
    assert ("cells end at a " + SEPARATORS[separator] in told) == (separator != ",")
    assert ("read as UTF-16" in told) == encoding.startswith("utf-16")
    assert ("read as UTF-32" in told) == (encoding == "utf-32")


def read(tmp_path: Path, text: str | bytes, name: str = "samples.csv") -> Any:
    path = tmp_path / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return read_table(path)


@pytest.mark.parametrize(
    ("cells", "right"),
    [
        (["0,5", "1,25", "3"], ["0.5", "1.25", "3"]),
        (["-0,5", "1,5e-3", ""], ["-0.5", "1.5e-3", ""]),
        (["1,234", "5,678"], ["1,234", "5,678"]),  # thousands, or thousandths
        (["1,234", "0,5"], ["1.234", "0.5"]),
        (["0,5", "1.5"], ["0,5", "1.5"]),
        (["a,5", "1,5"], ["a,5", "1,5"]),
    ],
)
def test_decimal_commas(tmp_path: Path, cells: list[str], right: list[str]) -> None:
    table = read(tmp_path, "id;dose\n" + "".join(f"s{i};{cell}\n" for i, cell in enumerate(cells)))
    assert table.rows["dose"].tolist() == right
    assert any("decimal commas of column dose" in note for note in table.notes) == (cells != right)


def test_a_separator_that_only_cells_hold_is_none(tmp_path: Path) -> None:
    table = read(tmp_path, 'id,genes,note\n1,A;B;C;D,x|y|z\n2,E;F;G;H,"t\tu"\n')
    assert table.rows["genes"].tolist() == ["A;B;C;D", "E;F;G;H"]
    assert table.notes == ()
    table = read(tmp_path, '"id";"dose, µM";"note"\n1;"0,5";"a, b, c"\n')
    assert table.rows.iloc[0].tolist() == ["1", "0.5", "a, b, c"]


def test_columns_that_say_nothing_are_left_out_and_told(tmp_path: Path) -> None:
    table = read(tmp_path, ",id,path,,\n0,a,x,,\n1,b,y\n".replace("1,b,y\n", "1,b,y,,,,\n"))
    assert table.rows.to_dict("list") == {"id": ["a", "b"], "path": ["x", "y"]}
    assert "samples.csv: column 1 has no name and counts the rows, and is left out." in table.notes
    assert len(table.notes) == 3
    with pytest.raises(UserError, match=r"samples.csv line 1: column 1 has no name; name it or remove it"):
        read(tmp_path, ",id\n7,a\n8,b\n")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"id,label\n1,a\n2,\xe9\n", "samples.csv line 3: isn't UTF-8 text: byte 0xe9 ('é' in Windows-1252)"),
        (b"\xff\xfei\x00d\x00\n", "samples.csv: isn't UTF-16 text"),
        (b"id,label\n1,a\n\x00\x00", "samples.csv line 3: holds NUL bytes: cut short or damaged; write it again"),
        ("id,id\n1,2\n", "samples.csv line 1: two columns are named 'id'; rename one"),
        (
            "id;x\n1;2;3\n",
            "samples.csv line 2: 3 cells, and the header has 2; put the row right (quote",
        ),
        ('id,x\n"1"2,3\n', "samples.csv line 2: can't be read as CSV"),
        ("", "samples.csv line 1: no header"),
    ],
)
def test_what_cannot_be_read_is_refused_by_line(tmp_path: Path, text: Any, message: str) -> None:
    with pytest.raises(UserError) as caught:
        read(tmp_path, text)
    assert str(caught.value).replace(f"{tmp_path}/", "").startswith(message)


def book(path: Path, rows: list[list[Any]], change: Any = None) -> Path:
    import openpyxl

    made = openpyxl.Workbook()
    for row in rows:
        made.active.append(row)
    if change:
        change(made)
    made.save(path)
    return path


def test_excel_as_it_is_shown(tmp_path: Path) -> None:
    def zeros(made: Any) -> None:
        made.active["B2"].number_format = "000"
        made.active.row_dimensions[3].hidden = True
        made.create_sheet("empty")

    rows = [
        ["id", "patient", "day", "ok", "dose", "text"],
        ["a", 7, datetime.date(2026, 3, 1), True, 0.1, "1,5"],
        ["b", 12, datetime.date(2026, 3, 2), False, 2.0, "2,25"],
        [None] * 6,
        ["c", None, datetime.datetime(2026, 3, 3, 12), None, 1e-9, " x "],
    ]
    table = read_table(book(tmp_path / "samples.xlsx", rows, zeros))
    assert table.rows.to_dict("list") == {
        "id": ["a", "b", "c"],
        "patient": ["007", "12", ""],
        "day": ["2026-03-01", "2026-03-02", "2026-03-03T12:00:00"],
        "ok": ["true", "false", ""],
        "dose": ["0.1", "2", "1e-09"],
        "text": ["1,5", "2,25", " x "],
    }
    assert table.rows.index.tolist() == [0, 1, 3]
    assert table.notes == ("samples.xlsx: 1 hidden rows are read too.",)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda made: made.create_sheet("more").append(["x"]), ": 2 sheets with cells (Sheet, more); keep one sheet"),
        (lambda made: made.active.merge_cells("B2:B3"), " cells B2:B3: merged: one cell has the value"),
        (lambda made: made.active.__setitem__("B2", "=1+1"), " cell B2: a formula that was never computed"),
        (lambda made: made.active.__setitem__("B2", "#N/A"), " cell B2: holds the error #N/A"),
        (lambda made: made.active.__setitem__("B2", datetime.date(2026, 3, 1)), " cell B2: a date (2026-03-01) among"),
    ],
)
def test_excel_that_hides_something_is_refused(tmp_path: Path, change: Any, message: str) -> None:
    path = book(tmp_path / "samples.xlsx", [["id", "gene"], ["a", "TP53"], ["b", "SEPT7"]], change)
    with pytest.raises(UserError) as caught:
        read_table(path)
    assert str(caught.value).startswith(f"{path}{message}")


def test_what_is_no_excel_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="can't be read as Excel"):
        read(tmp_path, "id,path\n", "samples.xlsx")
