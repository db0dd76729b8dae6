"""Crops against numpy slicing: by centre, by box, at borders, and tables that contradict each other or the card."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from reprcheck.datasets.checkup import check_folder
from reprcheck.datasets.folder import open_folder
from reprcheck.errors import UserError
from reprcheck.progress import bar
from reprcheck.types import Dataset
from tests.datasets.stores import write_image
from tests.minisets import write_table

Make = Callable[..., Path]
CENTRES = {"field": ["s00", "s01", "s02", "s03"] * 2, "cy": [8, 9, 10.4, 10.5] * 2, "cx": [9] * 4 + [20] * 4}
BOXES = {"field": ["s00", "s01", "s02", "s03"], "t": [2, 3, 4, 0], "l": [5] * 4, "b": [8, 12, 11, 20], "r": [11] * 4}
CENTRED = {"table": "cells.csv", "field": "field", "y": "cy", "x": "cx", "size": [6, 8]}
BOXED = {"table": "cells.csv", "field": "field", "top": "t", "left": "l", "bottom": "b", "right": "r"}
FIT = {"fit": "pad", "size": [10, 8]}


def fields() -> list[np.ndarray[Any, Any]]:
    return list(np.random.default_rng(3).integers(0, 256, (4, 1, 20, 30), dtype=np.uint8))


@pytest.fixture
def make(make_dataset: Make) -> Callable[..., Path]:
    """Write a dataset of four fields and a table of crops."""

    def write(crops: Mapping[str, Sequence[Any]], keys: Mapping[str, Any], **options: Any) -> Path:
        card = {"crops": keys} | options.pop("card", {})
        folder = make_dataset(labels=["a", "b"] * 2, images=fields(), shape=(1, 20, 30), card=card, **options)
        write_table(folder / "cells.csv", crops)
        return folder

    return write


def by_id(dataset: Dataset) -> dict[str, np.ndarray[Any, Any]]:
    return {
        name: np.rint(dataset.images.read(i).pixels * 255).astype(int) for i, name in enumerate(dataset.ids.tolist())
    }


def refused(folder: Path) -> str:
    with pytest.raises(UserError) as caught:
        open_folder(folder)
    message = str(caught.value)
    assert "\n" not in message
    return message.replace(f"{folder}/", "")


def test_crops_by_centre_are_slices_and_inherit_their_fields_row(make: Make) -> None:
    dataset = open_folder(make(CENTRES, CENTRED, masks=True, types=("a", "b")))
    found = by_id(dataset)
    for name, y, x in zip(*CENTRES.values(), strict=True):
        top, left = int(np.floor(y + 0.5)) - 3, x - 4
        expected = fields()[int(name[1:])][:, top : top + 6, left : left + 8]
        np.testing.assert_array_equal(found[f"{name}/y{top}x{left}"], expected)
    task = dataset.tasks["state"]
    assert [task.classes[y] for y in task.y] == [("a", "b")[int(name[2]) % 2] for name in dataset.ids[task.rows]]
    assert set(task.units) == {"s00", "s01", "s02", "s03"}
    image = dataset.images.read(dataset.ids.tolist().index("s00/y5x5"))
    np.testing.assert_array_equal(image.mask, np.pad(np.ones((10, 16), int), ((5, 5), (7, 7)))[5:11, 5:13])
    np.testing.assert_array_equal(image.types, image.mask)


def test_crops_by_box_are_slices_then_fitted(make: Make) -> None:
    dataset = open_folder(make(BOXES | {"cell": list("wxyz")}, BOXED | {"sample": "cell"}, card=FIT))
    found, sizes = by_id(dataset), dataset.tasks["state"].sizes
    assert list(found) == list("wxyz")
    assert sizes is not None
    assert sizes.tolist() == [[b - t, 6] for t, b in zip(BOXES["t"], BOXES["b"], strict=True)]
    for number, name in enumerate("wxy"):
        top, bottom = BOXES["t"][number], BOXES["b"][number]
        part = fields()[number][:, top:bottom, 5:11]
        above = (10 - (bottom - top)) // 2
        np.testing.assert_array_equal(found[name][:, above : above + bottom - top, 1:7], part)
        assert found[name].sum() == part.sum()
    np.testing.assert_array_equal(found["z"][:, :, 1:7], fields()[3][:, 5:15, 5:11])


def test_a_border_is_padded_or_left_out_and_counted(make: Make) -> None:
    crops = {"field": CENTRES["field"], "cy": [1, 10, 10, 10, 10, 10, 10, 19], "cx": [10] * 4 + [11] * 3 + [29]}
    dataset = open_folder(make(crops, CENTRED, name="pad"))
    note = "2 of 8 crops reach over the border of their field: "
    assert dataset.tasks["state"].notes[0] == note + "padded with zeros."
    found = by_id(dataset)
    np.testing.assert_array_equal(found["s00/y-2x6"], np.pad(fields()[0][:, :4, 6:14], ((0, 0), (2, 0), (0, 0))))
    np.testing.assert_array_equal(found["s03/y16x25"], np.pad(fields()[3][:, 16:, 25:], ((0, 0), (0, 2), (0, 3))))
    dropped = open_folder(make(crops, CENTRED | {"border": "drop"}, name="drop"))
    assert dropped.tasks["state"].notes[0] == note + "left out."
    assert set(dataset.ids) - set(dropped.ids) == {"s00/y-2x6", "s03/y16x25"}
    whole = CENTRED | {"border": "drop", "size": [40, 40]}
    assert refused(make(crops, whole, name="none")) == (
        'cells.csv: no crop left: all 8 reach over the border of their field; use border = "pad"'
    )


def test_crops_of_a_store_are_those_of_a_file(make: Make) -> None:
    file = by_id(open_folder(make(CENTRES, CENTRED, name="file")))
    folder = make(CENTRES, CENTRED, name="store")
    for number, values in enumerate(fields()):
        write_image(folder / "images" / f"{number:03}.zarr", [values], "CYX")
    table = folder / "samples.csv"
    table.write_text(table.read_text().replace(".tif", ".zarr"))
    store = by_id(open_folder(folder))
    assert file.keys() == store.keys()
    assert all((file[name] == store[name]).all() for name in file)


def test_a_crops_own_column_counts_and_is_told(make: Make) -> None:
    crops = CENTRES | {"label": ["b"] * 4 + ["a"] * 4}
    task = open_folder(make(crops, CENTRED)).tasks["state"]
    assert task.notes[0] == "In both tables, and taken from cells.csv: label."
    assert np.bincount(task.y).tolist() == [4, 4]


def test_a_changed_field_or_place_changes_the_content(make: Make) -> None:
    one, other = (open_folder(make(CENTRES, CENTRED | {"size": [6, x]}, name=f"x{x}")) for x in (8, 6))
    contents = [one.images.content(i) for i in range(8)]
    assert len(set(contents)) == 8
    assert not set(contents) & {other.images.content(i) for i in range(8)}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"field": ["s00"] * 7 + ["s9"]}, "cells.csv line 9 column field: 's9' is no sample of samples.csv; put the id "
         "of the crop's field right, or remove the row"),
        ({"cy": ["8", "nine", *"12345678"[:6]]}, "cells.csv line 3 column cy: 'nine' is no number of pixels; count "
         "pixels from the field's top left, from 0"),
        ({"cx": [9] * 4 + [20] * 3 + [90]}, "cells.csv line 9: the crop lies outside its field of 20 x 30 pixels; "
         "count pixels from the field's top left, y down and x to the right"),
        ({"cx": [9] * 8, "cy": [8] * 8}, "cells.csv line 6: a crop of the same field and corner as line 2; name a "
         "column of the crops' ids as [crops] sample, or remove the row"),
    ],
)  # fmt: skip
def test_a_bad_row(make: Make, changes: dict[str, Any], message: str) -> None:
    assert refused(make(CENTRES | changes, CENTRED)) == message


@pytest.mark.parametrize(
    ("changes", "card", "message"),
    [
        ({"b": [8, 3, 11, 20]}, FIT, "cells.csv line 3 column b: the box ends at 3 and begins at 3; bottom and right "
         "are the first pixels after it"),
        ({"l": [5, 5.5, 5, 5]}, FIT, "cells.csv line 3 column l: '5.5' is no whole number of pixels; count pixels from "
         "the field's top left, from 0"),
        ({}, {"fit": "crop", "size": [8, 6]}, "cells.csv line 2: a box of 6 x 6 pixels, smaller than the crop of "
         '8 x 6; use fit = "pad"'),
    ],
)  # fmt: skip
def test_a_bad_box(make: Make, changes: dict[str, Any], card: dict[str, Any], message: str) -> None:
    assert refused(make(BOXES | changes, BOXED, card=card)) == message


@pytest.mark.parametrize(
    ("keys", "card", "message"),
    [
        ({"table": None}, {}, "[crops] table: missing; add table to the card"),
        ({"table": "cells.txt"}, {}, "[crops] table: 'cells.txt' is neither .csv nor .parquet; name a table in the "
         "folder"),
        ({"table": "no.csv"}, {}, "[crops] table: no file 'no.csv' in the folder; write it, one row per crop"),
        ({"table": "../no.csv"}, {}, "[crops] table: '../no.csv' lies outside the folder; move the table inside"),
        ({"size": None}, {}, "[crops] size: missing; add size to the card"),
        ({"size": [0, 4]}, {}, "[crops] size: [0, 4] is not two positive whole numbers, [height, width]; write two "
         "positive whole numbers, [height, width]"),
        ({"top": "t"}, {}, "[crops]: y and top are keys of a centre and of a box; name y, x and size = [height, "
         "width], or top, left, bottom and right"),
        ({"y": None, "x": None, "size": None}, {}, "[crops]: doesn't say where crops are; name y, x and size = "
         "[height, width], or top, left, bottom and right"),
        (BOXED | {"y": None, "x": None, "size": None}, {}, "[crops] top: boxes differ in size, and nothing fits them; "
         'add fit = "pad" and size to the card'),
        ({"border": "cut"}, {}, "[crops] border: 'cut' is unknown; known: drop, pad"),
        ({"colour": "red"}, {}, "[crops] colour: unknown key; known: border, bottom, field, left, right, sample, size, "
         "table, top, x, y"),
        ({}, {"tiles": {"size": 4}}, "[crops]: the card has [tiles] too, and fields are cut one way; keep one of the "
         "two"),
    ],
)  # fmt: skip
def test_a_bad_key(make: Make, keys: dict[str, Any], card: dict[str, Any], message: str) -> None:
    assert refused(make(CENTRES, CENTRED | keys, card=card)) == f"dataset.toml {message}"


def test_a_column_that_is_missing(make: Make) -> None:
    assert refused(make(CENTRES, CENTRED | {"y": "cz"})).startswith("cells.csv: no column 'cz'")


def test_a_checkup_tells_every_problem_of_both_tables(make: Make) -> None:
    def told(crops: Mapping[str, Sequence[Any]], keys: Mapping[str, Any], **options: Any) -> list[str]:
        folder = make(crops, keys, **options)
        (folder / "images" / "001.tif").write_bytes(b"no image")
        return [str(p).replace(f"{folder}/", "").partition(";")[0] for p in check_folder(folder, bar).problems]

    broken = "images/001.tif (samples.csv line 3): "
    found = told({"field": ["s00", "s09", "s08", "s01"], "cy": [5, 5, "x", 5], "cx": [5, 5, 5, "?"]}, CENTRED)
    assert found[:-1] == [
        "cells.csv line 3 column field: 's09' is no sample of samples.csv",
        "cells.csv line 4 column field: 's08' is no sample of samples.csv",
        "cells.csv line 4 column cy: 'x' is no number of pixels",
        "cells.csv line 5 column cx: '?' is no number of pixels",
    ]
    assert found[-1].startswith(broken)
    found = told(BOXES | {"l": [5, 40, 5, 50], "r": [11, 46, 11, 56], "more": ["p", "p", "p", ""]}, BOXED, card=FIT)
    assert found[0].startswith(broken)
    assert found[1:] == ["cells.csv line 5: the crop lies outside its field of 20 x 30 pixels"]
    twice = {"field": ["s00", "s00", "s02", "s03"], "cy": [8, 8, -90, 8], "cx": [9, 9, 9, 90]}
    assert told(twice, CENTRED)[0] == "cells.csv line 3: a crop of the same field and corner as line 2"
    far = {"field": ["s00", "s00", "s02", "s03"], "cy": [8, 9, -90, 8], "cx": [9, 9, 9, 90]}
    assert told(far, CENTRED, task={"where": {"stain": "p9"}}) == [
        "cells.csv: no column 'stain', which [tasks.state] where names",
        "cells.csv line 4: the crop lies outside its field of 20 x 30 pixels",
        "cells.csv line 5: the crop lies outside its field of 20 x 30 pixels",
    ]
