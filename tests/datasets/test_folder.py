"""A dataset folder: what is found, what is refused before anything is decoded, what makes its identity."""

from __future__ import annotations

import pickle
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reprcheck.datasets.catalogue import DEFAULT, load
from reprcheck.datasets.folder import open_folder
from reprcheck.errors import UserError
from reprcheck.types import Dataset
from tests.minisets import LABELS, write_dataset, write_image

Make = Callable[..., Path]


def refused(path: Path, **options: Any) -> str:
    with pytest.raises(UserError) as caught:
        open_folder(path, **options)
    message = str(caught.value)
    assert "\n" not in message
    return message.replace(f"{path}/", "").replace(str(path), "FOLDER")


def test_a_folder_opens(make_dataset: Make) -> None:
    dataset = open_folder(
        make_dataset(
            labels=LABELS,
            units=[f"u{i // 2}" for i in range(12)],
            batches=["p", "q"] * 3 + ["q", "p"] * 3,
            shape=(2, 10, 14),
            masks=True,
            card={"kind": "tissue", "license": "CC0"},
            task={"holdout": "batch"},
        )
    )
    assert (dataset.name, dataset.kind, dataset.channels, dataset.license) == ("mini", "tissue", ("c0", "c1"), "CC0")
    task = dataset.tasks["state"]
    assert task.classes == ("a", "b")
    assert len(set(task.units)) == 6
    image = dataset.images.read(0)
    assert image.pixels.shape == (2, 10, 14)
    assert image.pixels.dtype == np.float32
    assert image.mask is not None
    assert image.mask.dtype == np.int32
    assert set(np.unique(image.mask)) == {0, 1}


def test_ids_are_text(make_dataset: Make) -> None:
    ids = [f"{i:03}" for i in range(11)] + ["1e3"]
    folder = make_dataset(ids=ids, units=[f"{i:02}" for i in range(12)])
    dataset = open_folder(folder)
    assert dataset.ids.tolist() == ids
    assert dataset.tasks["state"].units[0] == "00"


def test_a_parquet_table_says_the_same(make_dataset: Make) -> None:
    folder = make_dataset(units=[f"u{i}" for i in range(12)])
    before = open_folder(folder)
    pd.read_csv(folder / "samples.csv", dtype=str).to_parquet(folder / "samples.parquet")
    (folder / "samples.csv").unlink()
    after = open_folder(folder)
    assert after.digest == before.digest


def test_a_bad_row_of_a_parquet_table_is_counted_from_one(make_dataset: Make) -> None:
    folder = make_dataset(units=[f"u{i}" for i in range(11)] + [""])
    pd.read_csv(folder / "samples.csv", dtype=str).to_parquet(folder / "samples.parquet")
    (folder / "samples.csv").unlink()
    message = "samples.parquet row 12 column unit: blank unit; name the unit of each sample of a task"
    assert refused(folder) == message


def test_blank_lines_are_skipped_and_counted(make_dataset: Make) -> None:
    folder = make_dataset(labels=[1.0, 2.0, 3.0])
    table = folder / "samples.csv"
    table.write_text(table.read_text().replace("2.0", "two").replace("s01", "\n\ns01") + "\n\n")
    assert refused(folder).startswith("samples.csv line 5 column label: 'two' is not a number")


def test_a_dataset_can_be_pickled(make_dataset: Make) -> None:
    dataset = open_folder(make_dataset())
    dataset.images.read(0)
    other: Dataset = pickle.loads(pickle.dumps(dataset))
    np.testing.assert_array_equal(other.images.read(3).pixels, dataset.images.read(3).pixels)
    assert other.images.content(3) == dataset.images.content(3)


# --- what is refused ----------------------------------------------------------------------------------------------


def test_no_folder_card_or_table(tmp_path: Path, make_dataset: Make) -> None:
    message = "FOLDER: no such folder; name a folder that holds dataset.toml and samples.csv"
    assert refused(tmp_path / "none") == message
    folder = make_dataset()
    (folder / "samples.csv").rename(folder / "table.csv")
    others = "samples.tsv, samples.parquet, samples.xlsx or samples.xlsm"
    assert refused(folder) == f"FOLDER: no samples.csv ({others}); write the sample table, one row per sample"
    (folder / "dataset.toml").unlink()
    assert refused(folder) == "FOLDER: no dataset.toml; write the card (see the dataset guide)"


def test_two_tables(make_dataset: Make) -> None:
    folder = make_dataset()
    (folder / "samples.parquet").touch()
    assert refused(folder) == "FOLDER: both samples.csv and samples.parquet; keep one"


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("", "samples.csv line 1: no header; write the names of the columns on line 1"),
        ("id,path,label\n", "samples.csv: no samples; add one row per sample"),
        ("id,path,id\n", "samples.csv line 1: two columns are named 'id'; rename one"),
        ("id,,label\n", "samples.csv line 1: column 2 has no name; name it or remove it"),
        (
            "id,path,label\nx,y,a,b\n",
            "samples.csv line 2: 4 cells, and the header has 3; put the row right (quote cells that hold a comma)",
        ),
        (
            "id,path,label\nx,y\n",
            "samples.csv line 2: 2 cells, and the header has 3; put the row right (quote cells that hold a comma)",
        ),
        (
            'id,path,label\nx,"y"z,a\n',
            "samples.csv line 2: can't be read as CSV (',' expected after '\"'); put it right",
        ),
        ("id,label\nx,a\n", "samples.csv: no column 'path', which [columns] image names; known: id, label"),
        (
            "id,path,label\nx,,a\n",
            "samples.csv line 2 column path: no image file; name the file, relative to the folder",
        ),
        (
            "id,path,label\nx,images/../../secret.png,a\n",
            "samples.csv line 2 column path: 'images/../../secret.png' lies outside the folder; "
            "move the image inside, or write allow_outside = true on the card",
        ),
        (
            "id,path,label\nx,/etc/secret.png,a\n",
            "samples.csv line 2 column path: '/etc/secret.png' lies outside the folder; "
            "move the image inside, or write allow_outside = true on the card",
        ),
        (
            "id,path,label\nx,images/x.gif,a\n",
            "images/x.gif (samples.csv line 2): unknown image format '.gif'; write it again as PNG or TIFF",
        ),
        (
            "id,path,label\nx,images/000.tif,a\ny,images/no.tif,b\n",
            "samples.csv line 3 column path: no file 'images/no.tif' in the folder; "
            "put the images back, or remove the rows",
        ),
        (
            "id,path,label\nx,images/n1.tif,a\ny,images/no.tif,b\nz,images/n1.tif,b\nw,images/n2.tif,b\n",
            "samples.csv line 2 column path: no file 'images/n1.tif' in the folder (and 2 more files are missing); "
            "put the images back, or remove the rows",
        ),
    ],
)
def test_a_bad_table_is_told_by_line(make_dataset: Make, table: str, message: str) -> None:
    folder = make_dataset()
    (folder / "samples.csv").write_text(table, encoding="utf-8")
    assert refused(folder) == message


def test_a_table_in_another_encoding(make_dataset: Make) -> None:
    folder = make_dataset()
    (folder / "samples.csv").write_bytes("id,path,label\nµ,y,a\n".encode("latin-1"))
    assert refused(folder) == (
        "samples.csv line 2: isn't UTF-8 text: byte 0xb5 ('µ' in Windows-1252); save it as UTF-8 (in Excel: "
        '"CSV UTF-8")'
    )


def test_a_damaged_parquet_table(make_dataset: Make) -> None:
    folder = make_dataset()
    (folder / "samples.csv").rename(folder / "samples.parquet")
    assert refused(folder).startswith("samples.parquet: can't be read as Parquet (")


def test_a_card_without_an_image_column(make_dataset: Make) -> None:
    folder = make_dataset(columns={"image": None})
    assert refused(folder) == "dataset.toml [columns] image: missing; name the column of image files"


@pytest.mark.parametrize("frame", ["-1", "1.5", "", "one"])
def test_a_bad_frame_number(make_dataset: Make, frame: str) -> None:
    folder = make_dataset(extra={"frame": ["0"] * 11 + [frame]}, columns={"frame": "frame"})
    assert refused(folder) == f"samples.csv line 13 column frame: {frame!r} is no frame number; count frames from 0"


@pytest.mark.parametrize("linked", ["images", "images/007.tif", "samples.csv", "dataset.toml"])
def test_links_lead_out_of_the_folder_only_where_the_card_allows_it(
    make_dataset: Make, tmp_path: Path, linked: str
) -> None:
    folder = make_dataset()
    before = open_folder(folder).digest
    secret = (folder / linked).rename(tmp_path / "elsewhere")
    (folder / linked).symlink_to(secret)
    line = {"images": 2, "images/007.tif": 9}.get(linked)
    name = "images/000.tif" if linked == "images" else linked
    cell = f"samples.csv line {line} column path: {name!r}" if line else f"{linked}:"
    copy = {"dataset.toml": "copy the card into the folder", "samples.csv": "write allow_outside = true on the card"}
    remedy = copy.get(linked, "copy the image into the folder, or write allow_outside = true on the card")
    assert refused(folder) == f"{cell} is a link that leads out of the folder; {remedy}"
    if linked != "dataset.toml":
        card = folder / "dataset.toml"
        card.write_text("allow_outside = true\n" + card.read_text())
        assert open_folder(folder).digest == before


def test_links_within_the_folder_and_to_it_are_followed(make_dataset: Make, tmp_path: Path) -> None:
    folder = make_dataset()
    before = open_folder(folder).digest
    (folder / "images").rename(folder / "pictures")
    (folder / "images").symlink_to("pictures")
    (tmp_path / "link").symlink_to(folder)
    assert open_folder(tmp_path / "link").digest == before
    (folder / "images/007.tif").unlink()
    (folder / "images/007.tif").symlink_to("007.tif")  # in a circle
    assert refused(folder) == (
        "samples.csv line 9 column path: 'images/007.tif' can't be read (Too many levels of symbolic links); put the "
        "image there, or remove the row"
    )


def test_mixed_sizes_need_a_fit(make_dataset: Make) -> None:
    pictures = [np.zeros((1, 8, 8 + (i == 7)), np.uint8) for i in range(12)]
    assert refused(make_dataset("a", images=pictures)) == (
        "images/007.tif (samples.csv line 9): 8 x 9 pixels, and images must be of one size (000.tif is 8 x 8); "
        'add fit = "pad" (or "resize", "crop") and size = [height, width] to dataset.toml'
    )
    fitted = make_dataset("b", images=pictures, card={"fit": "pad", "size": [9, 9]})
    dataset = open_folder(fitted)
    assert {dataset.images.read(i).pixels.shape for i in range(12)} == {(1, 9, 9)}
    sizes = dataset.tasks["state"].sizes
    assert sizes is not None
    assert sizes.tolist() == [[8, 8 + (i == 7)] for i in range(12)]
    cut = open_folder(fitted, limit=8).tasks["state"]
    assert cut.sizes is not None
    np.testing.assert_array_equal(cut.sizes, sizes[cut.rows])
    alike = make_dataset("c", card={"fit": "pad", "size": [20, 20]})
    assert open_folder(alike).tasks["state"].sizes is None


def test_rows_outside_any_task_are_neither_decoded_nor_judged(make_dataset: Make) -> None:
    pictures = [np.zeros((1, 8, 8), np.uint8)] * 10 + [np.zeros((3, 9, 9), np.uint8)] * 2
    folder = make_dataset(
        labels=["a", "b"] * 5 + ["", "c"],
        images=pictures,
        suffix=".png",
        task={"exclude": ["c"]},
        order=[*range(11, -1, -1)],
    )
    (folder / "images" / "011.png").write_bytes(b"no image at all")
    dataset = open_folder(folder)
    assert len(dataset.ids) == 12
    assert len(dataset.tasks["state"].rows) == 10


# --- types of cells -----------------------------------------------------------------------------------------------


def test_types_come_with_the_mask_and_a_cell_may_be_blank(make_dataset: Make) -> None:
    folder = make_dataset(masks=True, types=("tumour", "T cell"))
    table = folder / "samples.csv"
    table.write_text(table.read_text().replace("types/003.png", ""))
    dataset = open_folder(folder)
    assert dataset.cell_types == ("tumour", "T cell")
    images = [dataset.images.read(i) for i in range(12)]
    assert images[3].types is None
    for i in (0, 1, 2):
        assert images[i].types is not None
        np.testing.assert_array_equal(images[i].types, images[i].mask * (1 + i % 2))
        assert images[i].types.dtype == np.int32
    assert open_folder(make_dataset("plain", masks=True)).cell_types == ()


def test_types_need_a_mask_in_their_row(make_dataset: Make) -> None:
    folder = make_dataset(masks=True, types=("a", "b"))
    table = folder / "samples.csv"
    table.write_text(table.read_text().replace("masks/003.png", ""))
    assert refused(folder) == (
        "samples.csv line 5 column types: types without a mask to say which cells have them; name the mask, or leave "
        "the cell blank"
    )


def test_what_types_are_called_and_how_many_there_are_is_in_the_identity(make_dataset: Make) -> None:
    one, renamed, more, none = (
        open_folder(make_dataset(name, masks=True, types=("a", "b"), card={"cell_types": types}))
        if types
        else open_folder(make_dataset(name, masks=True))
        for name, types in (("one", ["a", "b"]), ("two", ["b", "a"]), ("three", ["a", "b", "c"]), ("four", None))
    )
    assert len({dataset.digest for dataset in (one, renamed, more, none)}) == 4
    assert one.images.content(0) == renamed.images.content(0)  # names don't shape what is decoded
    assert len({dataset.images.content(0) for dataset in (one, more, none)}) == 3


# --- identity -----------------------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=15)
@given(st.permutations(range(12)), st.integers(0, 10**6))
def test_neither_order_nor_names_make_the_identity(order: list[int], salt: int) -> None:
    with tempfile.TemporaryDirectory() as tmp:
        one = write_dataset(Path(tmp) / "one", batches=["p", "p", "q", "q"] * 3, masks=True, task={"holdout": "batch"})
        other = write_dataset(
            Path(tmp) / f"other{salt}",
            batches=["p", "p", "q", "q"] * 3,
            masks=True,
            task={"holdout": "batch"},
            order=order,
        )
        (other / "images").rename(other / f"pictures{salt}")
        table = other / "samples.csv"
        table.write_text(table.read_text().replace("images/", f"./pictures{salt}/"))
        a, b = open_folder(one), open_folder(other)
        assert a.digest == b.digest
        assert [a.images.content(i) for i in range(12)] == [b.images.content(i) for i in range(12)]


@settings(deadline=None, max_examples=15)
@given(
    sample=st.integers(0, 11),
    channel=st.integers(0, 1),
    y=st.integers(0, 5),
    x=st.integers(0, 5),
    where=st.sampled_from(["images", "masks", "types"]),
)
def test_one_changed_pixel_changes_one_content(sample: int, channel: int, y: int, x: int, where: str) -> None:
    pictures = [np.full((2, 6, 6), i, np.uint8) for i in range(12)]
    with tempfile.TemporaryDirectory() as tmp:
        options = {"images": pictures, "shape": (2, 6, 6), "suffix": ".npy", "masks": True, "types": ("a", "b")}
        folder = write_dataset(Path(tmp), **options)
        before = open_folder(folder)
        contents = [before.images.content(i) for i in range(12)]
        if where != "images":
            label = np.zeros((6, 6), np.uint16)
            label[y, x] = 7
            write_image(folder / f"{where}/{sample:03}.png", label)
        else:
            changed = pictures[sample].copy()
            changed[channel, y, x] += 1
            write_image(folder / f"images/{sample:03}.npy", changed)
        after = open_folder(folder)
        assert [i for i in range(12) if after.images.content(i) != contents[i]] == [sample]
        assert after.digest != before.digest


@pytest.mark.parametrize(
    "card", [{"value_range": [0, 254]}, {"fit": "pad", "size": [12, 12]}, {"fit": "crop", "size": [12, 12]}]
)
def test_what_decoding_depends_on_is_in_the_content(make_dataset: Make, card: dict[str, Any]) -> None:
    one, other = open_folder(make_dataset("a")), open_folder(make_dataset("b", card=card))
    assert one.images.content(0) != other.images.content(0)


def test_frames_of_one_file_differ_in_content(make_dataset: Make) -> None:
    stack = np.zeros((12, 1, 8, 8), np.uint8)
    folder = make_dataset(images=[stack] * 12, extra={"frame": [str(i) for i in range(12)]}, columns={"frame": "frame"})
    dataset = open_folder(folder)
    assert len({dataset.images.content(i) for i in range(12)}) == 12


# --- the catalogue ------------------------------------------------------------------------------------------------


def test_load_takes_a_folder_or_its_card(make_dataset: Make) -> None:
    folder = make_dataset()
    assert load(str(folder)).digest == load(folder).digest == load(folder / "dataset.toml").digest
    assert load(folder, limit=6).limit == 6


@pytest.mark.parametrize("name", DEFAULT)
def test_load_takes_a_name(name: str) -> None:
    dataset = load(name, limit=60)
    assert dataset.name == name
    assert dataset.images.read(0).pixels.ndim == 3
    assert all(len(task.rows) == 60 for task in dataset.tasks.values())


def test_load_refuses_an_unknown_name() -> None:
    with pytest.raises(UserError) as caught:
        load("sim-cultur")
    assert str(caught.value) == (
        "dataset=sim-cultur: no such folder, simulated or public dataset; did you mean sim-culture?"
    )
