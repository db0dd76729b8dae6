"""Crops, mostly single cells, cut from fields as a second table lists them, without a file for each.

A crop has the columns of its own row and inherits those of its field; where both tables have a column, the crop's
counts. Unless the card names a unit, the unit of a crop is its field.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from math import floor

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from reprcheck.datasets.card.card import Card
from reprcheck.datasets.card.columns import Columns
from reprcheck.datasets.card.crops import Cropping
from reprcheck.datasets.card.problems import attempt, report, settle
from reprcheck.datasets.images.axes import times
from reprcheck.datasets.images.bounds import refuse_huge
from reprcheck.datasets.images.files import FileImages
from reprcheck.datasets.images.windows import WindowImages
from reprcheck.datasets.table.names import check_names, check_values
from reprcheck.datasets.table.samples import cell_name, line_name, lines_of, require, sort_samples, texts, to_number
from reprcheck.errors import UserError
from reprcheck.spelling import fold, show

FARTHEST = 2**31
"""Highest coordinate of a crop, in pixels."""
CROP_ID = "<crop>"
"""Column of the crops' ids if the card names none; no user's column has that name."""

_PLACE_KEYS = {2: ("y", "x"), 4: ("top", "left", "bottom", "right")}
"""Keys of the card for a crop's place, by how many columns the card names."""


def inherit(
    card: Card, fields: pd.DataFrame, crops: pd.DataFrame, fields_where: str, where: str
) -> tuple[Card, pd.DataFrame, NDArray[np.int64], tuple[str, ...]]:
    """Return the card, table and places of a dataset's crops.

    Parameters
    ----------
    card : Card
        With ``crops``.
    fields, crops : pandas.DataFrame
        One row per field; one row per crop.
    fields_where, where : str
        The tables' files.

    Returns
    -------
    card : Card
        With the crops' ids as sample and, by default, the field as unit.
    table : pandas.DataFrame
        The crops, with their fields' columns and the index of ``crops``.
    windows : int64[n, 5]
        Position of the field in ``fields``, top, left, height and width.
    notes : tuple of str
        Which of the card's columns are in both tables.

    Raises
    ------
    UserError
        For a column that is missing, a crop without a field, or coordinates that can't be read.
    """
    cropping = card.crops
    assert cropping is not None
    keys = ("field", *_PLACE_KEYS[len(cropping.place)])
    key_columns = dict(zip(keys, (cropping.field, *cropping.place), strict=True))
    key_columns |= {"sample": cropping.sample} if cropping.sample else {}
    require(crops, [(f"[crops] {key}", column) for key, column in key_columns.items()], where)
    settle()
    bare = replace(card, columns=Columns(card.columns.sample), tasks=())
    known = sort_samples(bare, fields, fields_where)
    position = dict(zip(known.ids.tolist(), known.position.tolist(), strict=True))
    names, folded = texts(crops[cropping.field]).tolist(), dict[str, str]()
    for name, line in zip(names, lines_of(crops).tolist(), strict=True):
        if name not in position:
            folded = folded or {fold(known): known for known in position}
            spellings = show([name, folded.get(fold(name), name)])
            there = f", which has {spellings[1]}" if spellings[0] != spellings[1] else ""
            what = f"{spellings[0]} is no sample of {fields_where}{there}"
            remedy = "put the id of the crop's field right, or remove the row"
            report(UserError(cell_name(where, line, cropping.field), what, remedy))
    places = _read_places(cropping, crops, where)
    settle()
    rows = [position[name] for name in names]
    inheritable = {column for _, column in card.named_columns()}.intersection(fields.columns).difference(crops.columns)
    own = {column: texts(fields[column]) for column in sorted(inheritable)}
    check_names(card, own, lines_of(fields), fields_where)
    for task in card.tasks:
        attempt(None, check_values, card, task, own, fields_where)
    inherited = fields[[column for column in fields.columns if column not in crops.columns]]
    table = pd.concat([inherited.iloc[rows].set_index(crops.index), crops], axis=1)
    if cropping.sample is None:
        table[CROP_ID] = _make_ids(names, places, lines_of(crops).tolist(), where)
        settle()
    columns = replace(
        card.columns,
        sample=cropping.sample or CROP_ID,
        unit=card.columns.unit or cropping.field,
        checked=(cropping.field, *own),
    )
    cut = replace(card, columns=columns)
    same = {cropping.sample, cropping.field if cropping.field == card.columns.sample else None}
    both = {column for _, column in cut.named_columns()}.intersection(fields.columns, crops.columns) - same
    note = (f"In both tables, and taken from {cropping.table}: {', '.join(sorted(both))}.",) if both else ()
    windows = np.array([(row, *place) for row, place in zip(rows, places, strict=True)], np.int64).reshape(-1, 5)
    return cut, table, windows, note


def _read_places(cropping: Cropping, crops: pd.DataFrame, where: str) -> list[tuple[int, int, int, int]]:
    """Return top, left, height and width of each crop."""
    lines = lines_of(crops).tolist()
    columns = [_read_numbers(crops, column, cropping.size is None, where) for column in cropping.place]
    settle()
    if cropping.size is not None:
        height, width = cropping.size
        corners = zip(*columns, strict=True)
        return [(floor(y + 0.5) - height // 2, floor(x + 0.5) - width // 2, height, width) for y, x in corners]
    boxes = []
    for line, *box in zip(lines, *columns, strict=True):
        top, left, bottom, right = map(int, box)
        for low, high, column in ((top, bottom, cropping.place[2]), (left, right, cropping.place[3])):
            if high <= low:
                what = f"the box ends at {high} and begins at {low}"
                report(
                    UserError(cell_name(where, line, column), what, "bottom and right are the first pixels after it")
                )
        boxes.append((top, left, bottom - top, right - left))
    return boxes


def _make_ids(names: list[str], places: list[tuple[int, int, int, int]], lines: list[int], where: str) -> list[str]:
    ids = [f"{name}/y{top}x{left}" for name, (top, left, *_) in zip(names, places, strict=True)]
    first: dict[str, int] = {}
    for name, line in zip(ids, lines, strict=True):
        if (before := first.setdefault(name, line)) != line:
            what = f"a crop of the same field and corner as {line_name(where, before)}"
            remedy = "name a column of the crops' ids as [crops] sample, or remove the row"
            report(UserError(f"{where} {line_name(where, line)}", what, remedy))
    return ids


def _read_numbers(crops: pd.DataFrame, column: str, whole: bool, where: str) -> list[float]:
    numbers = []
    for line, cell in zip(lines_of(crops).tolist(), texts(crops[column]).tolist(), strict=True):
        number = to_number(cell)
        if number is None or (whole and number != floor(number)) or abs(number) > FARTHEST:
            what = f"{cell!r} is no {'whole ' if whole else ''}number of pixels"
            report(UserError(cell_name(where, line, column), what, "count pixels from the field's top left, from 0"))
        numbers.append(number or 0.0)
    return numbers


def cut(
    card: Card, table: pd.DataFrame, windows: NDArray[np.int64], fields: FileImages, rows: Iterable[int], where: str
) -> tuple[pd.DataFrame, WindowImages, tuple[str, ...]]:
    """Return the table and images of crops.

    Parameters
    ----------
    card : Card
    table : pandas.DataFrame
    windows : int64[n, 5]
        As from `inherit`.
    fields : FileImages
    rows : iterable of int
        Positions of the crops that tasks use; fields without any of them are not opened.
    where : str
        The table's file.

    Returns
    -------
    table : pandas.DataFrame
        Without the crops that ``border = "drop"`` leaves out.
    images : WindowImages
    notes : tuple of str
        How many crops reach over the border of their field.

    Raises
    ------
    UserError
        For a crop that lies outside its field, a box smaller than a fit of "crop" takes, or where no crop is left.
    """
    cropping = card.crops
    assert cropping is not None
    lines, over, n_crops = lines_of(table), [], 0
    for row in rows:
        number, top, left, height, width = windows[row].tolist()
        (tall, wide), at = fields.extent(number), f"{where} {line_name(where, int(lines[row]))}"
        refuse_huge((height, width), at, "a crop of", "put its box right")
        if top + height <= 0 or left + width <= 0 or top >= tall or left >= wide:
            what = f"the crop lies outside its field of {times((tall, wide))} pixels"
            report(UserError(at, what, "count pixels from the field's top left, y down and x to the right"))
        elif card.fit == "crop" and card.size is not None and (height < card.size[0] or width < card.size[1]):
            what = f"a box of {times((height, width))} pixels, smaller than the crop of {times(card.size)}"
            report(UserError(at, what, 'use fit = "pad"'))
        n_crops += 1
        if top < 0 or left < 0 or top + height > tall or left + width > wide:
            over.append(row)
    rows_left = np.setdiff1d(np.arange(len(table)), over if cropping.border == "drop" else [])
    if len(over) == n_crops and cropping.border == "drop":
        raise UserError(
            where, f"no crop left: all {n_crops} reach over the border of their field", 'use border = "pad"'
        )
    outcome = "left out" if cropping.border == "drop" else "padded with zeros"
    note = (f"{len(over)} of {n_crops} crops reach over the border of their field: {outcome}.",) if over else ()
    return table.iloc[rows_left], WindowImages(fields, windows[rows_left], card.fit, card.size), note
