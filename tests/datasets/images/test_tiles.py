"""Fields cut into tiles."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from reprcheck.datasets.folder import open_folder
from reprcheck.datasets.images.tiles import white_shares
from reprcheck.errors import UserError

Make = Callable[..., Path]
LABELS = ["a", "b", "a", "b"]


def fields(height: int = 20, width: int = 30) -> list[np.ndarray[Any, Any]]:
    return [np.full((1, height, width), 10 * i, np.uint8) + np.arange(width, dtype=np.uint8) for i in range(4)]


def test_a_tile_inherits_its_fields_row(make_dataset: Make) -> None:
    folder = make_dataset(
        labels=LABELS,
        images=fields(),
        units=["u", "u", "v", "v"],
        card={"tiles": {"size": 10}},
        masks=True,
        types=("a", "b"),
        shape=(1, 20, 30),
    )
    dataset = open_folder(folder)
    task = dataset.tasks["state"]
    assert dataset.ids.tolist()[:7] == [f"s00/y{y}x{x}" for y in range(2) for x in range(3)] + ["s01/y0x0"]
    assert len(dataset.ids) == 24
    assert task.y.tolist() == [0] * 6 + [1] * 6 + [0] * 6 + [1] * 6
    assert task.units.tolist() == ["u"] * 12 + ["v"] * 12
    assert dataset.table_row.tolist() == list(range(24))
    for i in range(24):
        image = dataset.images.read(i)
        number, x = i // 6, i % 3
        expected = np.broadcast_to((10 * number + np.arange(10 * x, 10 * x + 10)) / 255, (1, 10, 10))
        np.testing.assert_allclose(image.pixels, expected, atol=1e-6)
        assert image.mask is not None
        assert image.mask.shape == (10, 10)
        np.testing.assert_array_equal(image.types, image.mask * (1 + number % 2))
    assert len({dataset.images.content(i) for i in range(24)}) == 24


def test_the_unit_of_a_tile_is_its_field(make_dataset: Make) -> None:
    task = open_folder(make_dataset(labels=LABELS, images=fields(), card={"tiles": {"size": 10}})).tasks["state"]
    assert task.units.tolist() == [f"s{i // 6:02}" for i in range(24)]


def test_a_task_that_names_the_sample_as_unit_means_the_field(make_dataset: Make) -> None:
    folder = make_dataset(
        labels=LABELS,
        images=fields(),
        units=["u", "u", "v", "v"],
        card={"tiles": {"size": 10}},
        task={"unit": "id"},
    )
    assert len(set(open_folder(folder).tasks["state"].units)) == 4


def test_white_tiles_are_left_out_and_counted(make_dataset: Make) -> None:
    pictures = fields()
    pictures[1][:, :10, :10] = 255
    pictures[1][:, 10:, :5] = 255
    folder = make_dataset(labels=LABELS, images=pictures, card={"tiles": {"size": 10, "max_white": 0.5}})
    dataset = open_folder(folder)
    assert len(dataset.ids) == 23
    assert "s01/y0x0" not in dataset.ids
    assert "s01/y1x0" in dataset.ids
    assert dataset.tasks["state"].notes == ("1 of 24 tiles left out: over 50% near-white.",)


def test_what_a_task_asks_for_is_looked_up_before_tiles_are_left_out(make_dataset: Make) -> None:
    pictures = fields() + fields()[:2]
    pictures[0][:] = 255
    card = {"tiles": {"size": 10, "max_white": 0.5}}
    options = {"labels": ["a", "b"] * 3, "images": pictures, "card": card, "extra": {"side": ["l", *"rrrrr"]}}
    with pytest.raises(UserError, match="where side names 'R', and no row holds it; did you mean r"):
        open_folder(make_dataset("absent", **options, task={"where": {"side": ["l", "R"]}}))
    task = open_folder(make_dataset(**options, task={"where": {"side": ["l", "r"]}})).tasks["state"]
    assert len(task.rows) == 30


def test_near_white_is_above_220_in_every_channel() -> None:
    pixels = np.zeros((3, 2, 2), np.float32)
    pixels[:, 0, 0] = 221 / 255
    pixels[:, 0, 1] = 220 / 255
    pixels[:, 1, 0] = [1, 1, 0.5]
    assert white_shares(pixels, 1).tolist() == [[1, 0], [0, 0]]
    assert white_shares(pixels, 2).tolist() == [[0.25]]
    assert white_shares(pixels, 3).size == 0


def test_order_of_rows_and_identity(make_dataset: Make) -> None:
    one = open_folder(make_dataset("a", labels=LABELS, images=fields(), card={"tiles": {"size": 10}}))
    other = open_folder(
        make_dataset("b", labels=LABELS, images=fields(), card={"tiles": {"size": 10}}, order=[2, 0, 3, 1])
    )
    smaller = open_folder(make_dataset("c", labels=LABELS, images=fields(), card={"tiles": {"size": 5}}))
    assert one.digest == other.digest
    assert other.table_row.tolist()[:6] == list(range(6, 12))
    assert smaller.images.content(0) != one.images.content(0)


def test_lines_are_those_of_the_field(make_dataset: Make) -> None:
    folder = make_dataset(labels=LABELS, images=fields(), units=["u", "v", "w", ""], card={"tiles": {"size": 10}})
    with pytest.raises(UserError, match=r"samples.csv line 5 column unit: blank unit \(and 5 more rows\)"):
        open_folder(folder)


def test_fields_outside_any_task_are_not_decoded(make_dataset: Make) -> None:
    folder = make_dataset(
        labels=["a", "b", "a", "b", ""], images=[*fields(), fields()[0]], card={"tiles": {"size": 10}}
    )
    (folder / "images/004.tif").write_bytes(b"nothing")
    assert len(open_folder(folder).ids) == 24


@pytest.mark.parametrize(
    ("size", "max_white", "message"),
    [
        (
            40,
            None,
            "samples.csv line 2 column id: field s00 is smaller than a tile of 40 pixels; "
            "lower [tiles] size, or remove the row",
        ),
        (
            10,
            0.0,
            "samples.csv: no tile left: all 24 are above max_white = 0.0; "
            "raise [tiles] max_white, or leave it out where blank is not white",
        ),
    ],
)
def test_no_tile_is_told(make_dataset: Make, size: int, max_white: float | None, message: str) -> None:
    white = [np.full((1, 20, 30), 255, np.uint8)] * 4
    folder = make_dataset(labels=LABELS, images=white, card={"tiles": {"size": size, "max_white": max_white}})
    with pytest.raises(UserError) as caught:
        open_folder(folder)
    assert str(caught.value).replace(f"{folder}/", "") == message
