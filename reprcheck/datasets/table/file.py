"""Read a table's file, from bytes to cells of text: CSV in its dialects, Parquet, Excel.

A text file's encoding comes from its byte order mark, and its separator is the one that gives the header the most
names; nothing is guessed. A note reports whatever is not plain (UTF-8, commas, points); what can't be read faithfully
is refused. What the columns mean is for `samples` and the card.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import re
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from itertools import islice
from pathlib import Path
from typing import Any

import pandas as pd

from reprcheck.datasets.card.problems import report, settle
from reprcheck.datasets.table.samples import FIRST_LINE
from reprcheck.errors import Location, UserError
from reprcheck.plain_files import refuse_larger

TEXT, EXCEL, PARQUET = (".csv", ".tsv"), (".xlsx", ".xlsm"), (".parquet",)
SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
"""What may end a cell: the character that gives the header the most names, the first of these where several do."""

_MARKS = (
    (codecs.BOM_UTF8, "utf-8", "UTF-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le", "UTF-32"),  # before UTF-16, whose mark begins it
    (codecs.BOM_UTF32_BE, "utf-32-be", "UTF-32"),
    (codecs.BOM_UTF16_LE, "utf-16-le", "UTF-16"),
    (codecs.BOM_UTF16_BE, "utf-16-be", "UTF-16"),
)
MOST_TEXT, BLOCK = 2**30, 2**20
"""Bytes of a text file that are read, at most and at once."""
MOST_EXCEL = 2**28
"""Bytes that a workbook may unpack to."""
LONGEST_LINE = 2**20
"""Characters of a line that are looked at."""
MOST_COLUMNS = 50_000
MOST_CELLS = 10**9
"""Of a table: tables of gene expression have tens of thousands of columns."""

_SEP_LINE = re.compile(r"sep=([^\r\n])(?:\r\n|\r|\n)", re.IGNORECASE)  # as Excel writes and reads it
_DECIMAL_COMMA = re.compile(r"[+-]?\d+(,\d+)?(e[+-]?\d+)?", re.IGNORECASE)
_GROUPED = re.compile(r"[+-]?[1-9]\d{0,2}(,\d{3})+")
_ZEROS = re.compile(r"0+")


@dataclass(frozen=True)
class TableFile:
    """What a table's file holds.

    Attributes
    ----------
    rows : pandas.DataFrame
        Cells of CSV and Excel are all text. The index counts the rows of the file from 0, blank ones too.
    notes : tuple of str
        A sentence for each thing that was interpreted.
    """

    rows: pd.DataFrame
    notes: tuple[str, ...] = ()


def read_table(path: Path) -> TableFile:
    """Read a table of samples.

    Parameters
    ----------
    path : Path
        A ``.csv`` or ``.tsv`` (text with a header; UTF-8, or UTF-16 or 32; cells that end at a comma, a semicolon, a
        tab or a bar), ``.xlsx`` (one sheet) or ``.parquet`` file.

    Returns
    -------
    TableFile

    Raises
    ------
    UserError
        For a file that can't be read faithfully, a header with a name missing or given twice, or a row of another
        length.

    Examples
    --------
    >>> read_table(Path("samples.csv")).notes  # doctest: +SKIP
    ('samples.csv: read as UTF-16, cells end at a semicolon.',)
    """
    suffix = path.suffix.lower()
    if suffix in PARQUET:
        return TableFile(_read_parquet(path))
    ragged: list[UserError] = []
    lines, notes = _read_excel(path) if suffix in EXCEL else _read_text(path, ragged)
    header, rows, left_out = _split_header(lines, path)
    for mistake in ragged:
        report(mistake)
    cells = [row for _, row in rows]
    notes += left_out + _put_points(header, cells)
    frame = pd.DataFrame(cells, columns=header, index=[number - FIRST_LINE for number, _ in rows], dtype=str)
    return TableFile(frame, tuple(f"{path.name}: {note}." for note in notes))


def _read_parquet(path: Path) -> pd.DataFrame:
    try:
        from pyarrow.parquet import read_metadata

        metadata = read_metadata(path)
        if metadata.num_rows * metadata.num_columns > MOST_CELLS or metadata.num_columns > MOST_COLUMNS:
            what = f"{metadata.num_rows:,} rows of {metadata.num_columns:,} columns, too many for a table of samples"
            raise UserError(str(path), what, "keep the columns that the card names")
        return pd.read_parquet(path, dtype_backend="numpy_nullable").reset_index(drop=True)
    except UserError:
        raise
    except Exception as error:  # pyarrow and pandas raise many kinds
        raise UserError(str(path), f"can't be read as Parquet ({error})", "write the table again") from None


Lines = list[tuple[int, list[str]]]
"""Line of the file, from 1, and its cells; the first is the header."""


def _read_text(path: Path, ragged: list[UserError]) -> tuple[Lines, list[str]]:
    """Return the lines of a text file that aren't blank, and how it was read; add rows of another length to ragged."""
    text, encoding = _decode(path)
    notes = [] if encoding == "UTF-8" else [f"read as {encoding}"]
    sep_line = _SEP_LINE.match(text)
    separator = sep_line[1] if sep_line else _find_separator(text)
    if separator != ",":
        notes.append(f"cells end at a {SEPARATORS.get(separator, repr(separator))}")
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    lines: Lines = []
    try:
        if sep_line:
            next(reader)
        lines.append((reader.line_num + 1, [name.strip() for name in next(reader, [])]))
        width = len(lines[0][1])
        for row in reader:
            if not any(cell.strip() for cell in row):
                continue
            if len(row) > width and not any(cell.strip() for cell in row[width:]):
                row = row[:width]
            if len(row) != width:
                what = f"{len(row)} cells, and the header has {width}"
                remedy = f"put the row right (quote cells that hold a {SEPARATORS.get(separator, separator)})"
                ragged.append(UserError(Location(str(path), f"line {reader.line_num}"), what, remedy))
                continue
            lines.append((reader.line_num, row))
    except csv.Error as error:
        at = Location(str(path), f"line {reader.line_num}")
        raise UserError(at, f"can't be read as CSV ({error})", "put it right") from None
    return lines, [", ".join(notes)] if notes else []


def _decode(path: Path) -> tuple[str, str]:
    """Return a file's text and its encoding.

    Latin-1 and its kin are refused: any bytes are valid in each of them, so the right one can't be found.
    """
    refuse_larger(path, MOST_TEXT)
    try:
        with gzip.open(path) if path.suffix.lower() == ".gz" else path.open("rb") as file:
            blocks = list(islice(iter(lambda: file.read(BLOCK), b""), MOST_TEXT // BLOCK + 1))
        if len(blocks) > MOST_TEXT // BLOCK:
            raise UserError(str(path), f"unpacks to more than {MOST_TEXT:,} bytes", "check what it is")
        raw = b"".join(blocks)
    except OSError as error:
        raise UserError(str(path), f"can't be read ({error.strerror or error})", "check the file") from None
    mark, codec, name = next((row for row in _MARKS if raw.startswith(row[0])), (b"", "utf-8", "UTF-8"))
    if not mark and len(raw) > 1 and (raw[0] == 0) != (raw[1] == 0):  # the header's first letter, in UTF-16 unmarked
        codec, name = ("utf-16-be" if raw[0] == 0 else "utf-16-le"), "UTF-16"
    try:
        text = raw[len(mark) :].decode(codec)
    except UnicodeDecodeError as error:
        start = len(mark) + error.start
        line = 1 + len(re.findall(rb"\r\n|\r|\n", raw[:start])) if codec == "utf-8" else 0
        at = Location(str(path), f"line {line}" if line else "")
        character = bytes([raw[start]]).decode("cp1252", "replace")
        what = f"isn't {name} text: byte 0x{raw[start]:02x}" + (f" ({character!r} in Windows-1252)" if line else "")
        raise UserError(at, what, 'save it as UTF-8 (in Excel: "CSV UTF-8")') from None
    if "\0" in text:
        line = 1 + len(re.findall(r"\r\n|\r|\n", text[: text.index("\0")]))
        raise UserError(Location(str(path), f"line {line}"), "holds NUL bytes: cut short or damaged", "write it again")
    _refuse_long_lines(text, path)
    return text, name


def _refuse_long_lines(text: str, path: Path) -> None:
    start = number = 0
    ends = text.replace("\r", "\n") if "\r" in text else text
    while start < len(ends):
        number, end = number + 1, ends.find("\n", start)
        end = len(ends) if end < 0 else end
        if end - start > LONGEST_LINE:
            at = Location(str(path), f"line {number}")
            raise UserError(at, f"longer than {LONGEST_LINE:,} characters", "write one line per sample")
        start = end + 1


def _find_separator(text: str) -> str:
    widths = {}
    for separator in SEPARATORS:
        try:
            widths[separator] = len(
                next(csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True), [])
            )
        except csv.Error:  # what follows a closing quote isn't this separator
            widths[separator] = 0
    return max(SEPARATORS, key=lambda separator: widths[separator])


def _split_header(lines: Lines, path: Path) -> tuple[list[str], Lines, list[str]]:
    """Return the header, the rows, and notes on the columns left out: those without a name that hold nothing of use.

    These are blank columns that spreadsheets append, and the row numbers that pandas puts before a table.
    """
    (number, header), *rows = lines
    at = Location(str(path), f"line {number}")
    if not any(header):
        raise UserError(at, "no header", "write the names of the columns on line 1")
    if len(header) > MOST_COLUMNS:
        what = f"{len(header):,} columns, too many for a table of samples"
        raise UserError(at, what, "keep the columns that the card names")
    notes, columns, names = [], [], set[str]()
    for column, name in enumerate(header):
        cells = [row[column].strip() for _, row in rows]
        if not name and rows and not any(cells):
            notes.append(f"column {column + 1} has neither a name nor values, and is left out")
            continue
        if not name and column == 0 and cells == [str(i) for i in range(len(rows))]:
            notes.append("column 1 has no name and counts the rows, and is left out")
            continue
        if not name:
            report(UserError(at, f"column {column + 1} has no name", "name it or remove it"))
        elif name in names:
            report(UserError(at, f"two columns are named {name!r}", "rename one"))
        names.add(name)
        columns.append(column)
    settle()
    if len(columns) < len(header):
        rows = [(line, [row[column] for column in columns]) for line, row in rows]
    return [header[column] for column in columns], rows, notes


def _put_points(header: Sequence[str], rows: list[list[str]]) -> list[str]:
    """Replace decimal commas by points, and return a note that names the columns.

    A column has decimal commas if every cell is a number written so, at least one has a comma, and at least one of
    these can't be thousands in groups: 1,234 alone could be either.
    """
    columns = []
    for column, name in enumerate(header):
        cells = [cell for row in rows if (cell := row[column].strip())]
        with_comma = [cell for cell in cells if "," in cell]
        if not with_comma or not all(map(_DECIMAL_COMMA.fullmatch, cells)) or all(map(_GROUPED.fullmatch, with_comma)):
            continue
        for row in rows:
            row[column] = row[column].replace(",", ".")
        columns.append(name)
    return [f"decimal commas of column {', '.join(columns)} read as points"] if columns else []


def _read_excel(path: Path) -> tuple[Lines, list[str]]:
    """Return the rows of the one sheet that isn't empty.

    Raises
    ------
    UserError
        Where Excel shows what the file's cells don't hold: several sheets, merged cells, formulas never computed,
        errors, and names that became dates.
    """
    try:
        import openpyxl
    except ImportError:
        what = "Excel needs openpyxl, which isn't installed"
        raise UserError(str(path), what, "pip install 'reprcheck[excel]', or save the table as CSV UTF-8") from None
    try:
        with zipfile.ZipFile(path) as packed:
            if sum(member.file_size for member in packed.infolist()) > MOST_EXCEL:
                raise ValueError(f"unpacks to more than {MOST_EXCEL:,} bytes")
        book, formulas = (openpyxl.load_workbook(path, data_only=values) for values in (True, False))
    except Exception as error:  # of zip files, of XML, of styles
        raise UserError(str(path), f"can't be read as Excel ({error})", "save it again, or as CSV UTF-8") from None
    sheets = [sheet for sheet in book.worksheets if any(any(c is not None for c in row) for row in sheet.values)]
    if len(sheets) != 1:
        sheet_names = (
            f"{len(sheets)} sheets with cells ({', '.join(sheet.title for sheet in sheets)})" if sheets else "no cells"
        )
        raise UserError(str(path), sheet_names, "keep one sheet, one row per sample")
    sheet = sheets[0]
    if merged := sorted(map(str, sheet.merged_cells.ranges)):
        at = Location(str(path), f"cells {merged[0]}")
        raise UserError(at, "merged: one cell has the value, the others none", "unmerge them, and fill in each")
    lines: Lines = []
    for row, beside in zip(sheet.iter_rows(), formulas[sheet.title].iter_rows(), strict=True):
        cells = [_read_cell(cell, str(formula.value or ""), path) for cell, formula in zip(row, beside, strict=True)]
        if any(cells) or not lines:
            lines.append((row[0].row, cells))
    settle()
    lines[0] = lines[0][0], [name.strip() for name in lines[0][1]]
    _refuse_dates_among_others(sheet, path)
    hidden = sum(bool(size.hidden) for size in sheet.row_dimensions.values())
    return lines, [f"{hidden} hidden rows are read too"] if hidden else []


def _read_cell(cell: Any, formula: str, path: Path) -> str:
    """Return a cell as text: zero-padded where its format is zeros (007), other whole numbers without a point."""
    value = cell.value
    at = Location(str(path), f"cell {cell.coordinate}")
    if cell.data_type == "e":
        report(UserError(at, f"holds the error {value}", "put it right, or empty the cell"))
    if value is None:
        if formula.startswith("="):
            report(
                UserError(at, "a formula that was never computed", "open and save it in Excel, or save it as CSV UTF-8")
            )
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        text = str(int(value)) if value == int(value) and abs(value) < 2**53 else repr(float(value))
        return text.zfill(len(cell.number_format)) if _ZEROS.fullmatch(cell.number_format or "") else text
    if isinstance(value, datetime):
        return (value.date() if value.time() == time() else value).isoformat()
    return value.isoformat() if isinstance(value, date | time) else str(value)


def _refuse_dates_among_others(sheet: Any, path: Path) -> None:
    """Report a date in a column of names: Excel turns MARCH1, SEPT7 and 1-2 into dates."""
    for column in sheet.iter_cols():
        cells = [cell for cell in column[1:] if cell.value is not None]
        dates = [cell for cell in cells if isinstance(cell.value, date)]
        if dates and len(dates) < len(cells):
            at = Location(str(path), f"cell {dates[0].coordinate}")
            what = f"a date ({dates[0].value:%Y-%m-%d}) among other values: Excel makes dates of names like MARCH1"
            report(UserError(at, what, "write the name again, in a column whose format is Text"))
    settle()
