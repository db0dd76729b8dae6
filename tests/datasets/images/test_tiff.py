"""TIFF that says what it holds: axes, channel names, series and stacks of slices, and cards that contradict it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from reprcheck.datasets.card.card import parse
from reprcheck.datasets.card.reading import ReadingOptions
from reprcheck.datasets.folder import open_folder
from reprcheck.datasets.images.files import FileImages, ImageLocation, Recipe
from reprcheck.errors import UserError
from tests.minisets import card_text

Make = Callable[..., Path]
NAMES = ("DNA", "actin", "tubulin")
SIZES = {"T": 1, "Z": 1, "C": 3, "Y": 6, "X": 3}
RNG = np.random.default_rng(2)


def write(path: Path, axes: str, names: tuple[str, ...] = NAMES, **sizes: int) -> np.ndarray[Any, Any]:
    """Write noise as OME-TIFF and return it."""
    values = RNG.integers(0, 65536, [(SIZES | sizes)[axis] for axis in axes], dtype=np.uint16)
    metadata = {"axes": axes} | ({"Channel": {"Name": list(names)}} if names else {})
    tifffile.imwrite(path, values, ome=True, photometric="minisblack", metadata=metadata)
    return values


def images(path: Path, names: tuple[str, ...] = NAMES, frame: int | None = None, **reading: Any) -> FileImages:
    recipe = Recipe(len(names), (0, 65535), reading=ReadingOptions(names, **reading))
    return FileImages([ImageLocation((path,), frame, None, "t.csv line 2")], recipe)


def stored(source: FileImages) -> np.ndarray[Any, Any]:
    """Return an image as the integers it was made of."""
    return np.rint(source.read(0).pixels.astype(np.float64) * 65535).astype(int)


def refused(source: FileImages) -> str:
    with pytest.raises(UserError) as caught:
        source.read(0)
    return str(caught.value).replace(f"{source.entries[0].files[0].parent}/", "")


@pytest.mark.parametrize("axes", ["CYX", "CZYX", "ZCYX", "TZCYX", "TCZYX", "CTYX"])
@pytest.mark.parametrize("names", [NAMES, ("tubulin", "DNA"), ("actin",)])
def test_channels_are_found_by_name_in_any_order_of_axes(tmp_path: Path, axes: str, names: tuple[str, ...]) -> None:
    values = write(tmp_path / "x.ome.tif", axes)
    place = axes.index("C")
    upright = np.moveaxis(values, place, 0).reshape(3, 6, 3)
    source = images(tmp_path / "x.ome.tif", names)
    np.testing.assert_array_equal(stored(source), upright[[NAMES.index(name) for name in names]])
    assert source.extent(0) == (6, 3)


def test_one_file_per_channel_may_name_it(tmp_path: Path) -> None:
    values = write(tmp_path / "x.ome.tif", "CYX")
    entry = ImageLocation((tmp_path / "x.ome.tif",) * 2, None, None, "t.csv line 2")
    source = FileImages([entry], Recipe(2, (0, 65535), reading=ReadingOptions(("tubulin", "actin"))))
    np.testing.assert_array_equal(stored(source), values[[2, 1]])


@pytest.mark.parametrize("compression", ["lzw", "zlib", "zstd", "adobe_deflate"])
def test_compressions(tmp_path: Path, compression: str) -> None:
    values = RNG.integers(0, 65536, (3, 40, 50), dtype=np.uint16)
    tifffile.imwrite(tmp_path / "x.tif", values, compression=compression, photometric="minisblack", predictor=True)
    np.testing.assert_array_equal(stored(images(tmp_path / "x.tif")), values)


def test_a_series_by_number_with_its_own_names(tmp_path: Path) -> None:
    path, values = tmp_path / "x.ome.tif", RNG.integers(0, 65536, (2, 3, 6, 5), dtype=np.uint16)
    with tifffile.TiffWriter(path, ome=True) as file:
        for part, names in zip(values, (["a", "b", "c"], NAMES), strict=True):
            metadata = {"axes": "CYX", "Channel": {"Name": list(names)}}
            file.write(part, photometric="minisblack", metadata=metadata)
    np.testing.assert_array_equal(stored(images(path, ("tubulin", "DNA"), series=1)), values[1][[2, 0]])
    assert images(path, series=1).content(0) != images(path).content(0)
    assert refused(images(path, series=2)) == (
        "x.ome.tif (t.csv line 2): no series 2: the file holds 2 (counted from 0); "
        "put `series` right on the card, or leave it out"
    )


@pytest.mark.parametrize("axes", ["ZCYX", "CZYX"])
def test_a_stack_of_slices_is_projected_as_the_card_says(tmp_path: Path, axes: str) -> None:
    values = write(tmp_path / "x.ome.tif", axes, Z=4)
    z = axes.index("Z")
    np.testing.assert_array_equal(stored(images(tmp_path / "x.ome.tif", project="max")), values.max(z))
    np.testing.assert_array_equal(stored(images(tmp_path / "x.ome.tif", project="mean")), np.rint(values.mean(z)))
    assert refused(images(tmp_path / "x.ome.tif")) == (
        f"x.ome.tif (t.csv line 2): a stack of 4 slices (axes {axes}, {' x '.join(map(str, values.shape))}); "
        'say on the card how to project it: project = "max" (or "mean"); a mask has to be one plane'
    )


@pytest.mark.parametrize("axes", ["TCYX", "ZCYX"])
def test_the_table_picks_frames_or_else_slices(tmp_path: Path, axes: str) -> None:
    values = write(tmp_path / "x.ome.tif", axes, **{axes[0]: 4})
    for frame in range(4):
        np.testing.assert_array_equal(stored(images(tmp_path / "x.ome.tif", frame=frame)), values[frame])
    message = "x.ome.tif (t.csv line 2): no frame 4: the file holds 4 (counted from 0); put the frame column right"
    assert refused(images(tmp_path / "x.ome.tif", frame=4)) == message


def test_frames_that_nothing_picks(tmp_path: Path) -> None:
    write(tmp_path / "x.ome.tif", "TCYX", T=4)
    assert refused(images(tmp_path / "x.ome.tif")) == (
        "x.ome.tif (t.csv line 2): holds 4 frames (axes TCYX, 4 x 3 x 6 x 3); "
        "name the column of frame numbers as [columns] frame, or write one image per file"
    )


def test_the_cards_axes_overrule_the_files(tmp_path: Path) -> None:
    values = RNG.integers(0, 65536, (3, 4, 6), dtype=np.uint16)
    tifffile.imwrite(tmp_path / "x.tif", values, imagej=True, metadata={"axes": "ZYX"})
    assert "a stack of 3 slices (axes ZYX, 3 x 4 x 6)" in refused(images(tmp_path / "x.tif", ("DNA",)))
    np.testing.assert_array_equal(stored(images(tmp_path / "x.tif", axes="CYX")), values)
    np.testing.assert_array_equal(stored(images(tmp_path / "x.tif", axes="CXY")), values.transpose(0, 2, 1))
    assert refused(images(tmp_path / "x.tif", axes="ZCYX")) == (
        "x.tif (t.csv line 2): 3 axes (3 x 4 x 6), and the card's are ZCYX; "
        "put `axes` right on the card, or remove it where files name their axes"
    )


def test_a_wrong_channel_name(tmp_path: Path) -> None:
    write(tmp_path / "x.ome.tif", "CYX")
    assert refused(images(tmp_path / "x.ome.tif", ("DNA", "actn"))) == (
        "x.ome.tif (t.csv line 2): found 3 channels, expected 2 (axes CYX, 3 x 6 x 3; named DNA, actin, tubulin); "
        "put `channels` right on the card, or leave the image's row out of the task by `where`"
    )
    assert refused(images(tmp_path / "x.ome.tif", ("actin", "DNA", "tub"))) == (
        "x.ome.tif (t.csv line 2): its channels are DNA, actin, tubulin, and the card's actin, DNA, tub; "
        "name the channels on the card as the file does, or in its order"
    )


def test_a_file_whose_channels_have_no_names_goes_by_position(tmp_path: Path) -> None:
    values = write(tmp_path / "x.ome.tif", "CYX", names=())
    np.testing.assert_array_equal(stored(images(tmp_path / "x.ome.tif", ("a", "b", "c"))), values)


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("axes", "YXC_", "axes: 'YXC_' are no axes of an image; write Y, X and others of TZCYX, each once, in order"),
        ("axes", "CY", "axes: 'CY' are no axes of an image; write Y, X and others of TZCYX, each once, in order"),
        ("axes", "CYYX", "axes: 'CYYX' are no axes of an image; write Y, X and others of TZCYX, each once, in order"),
        ("project", "sum", "project: 'sum' is unknown; known: max, mean"),
        ("series", -1, "series: -1 is not a whole number of at least 0; write a whole number of at least 0"),
        ("level", "0", "level: '0' is not a whole number of at least 0; write a whole number of at least 0"),
        ("allow_outside", "yes", "allow_outside: 'yes' is not true or false; write true or false"),
    ],
)
def test_a_key_that_is_wrong(key: str, value: Any, message: str) -> None:
    task = {"kind": "classify", "label": "state", "protocols": ["knn/1"]}
    card = {"schema": 1, "name": "x", "kind": "culture", "channels": ["a"], key: value}
    card |= {"columns": {"sample": "id", "image": "path"}, "tasks": {"t": task}}
    with pytest.raises(UserError) as caught:
        parse(card_text(card), "dataset.toml")
    assert str(caught.value) == f"dataset.toml {message}"


def test_keys_at_their_default_and_names_that_no_file_can_hold_change_no_identity(make_dataset: Make) -> None:
    def contents(name: str, suffix: str, **card: Any) -> list[str]:
        dataset = open_folder(make_dataset(name, suffix=suffix, card=card))
        return [dataset.images.content(i) for i in range(12)]

    bare = contents("a", ".png")
    said = {"level": 0, "allow_outside": False, "channels": ["other"]}
    assert contents("b", ".png", **said) == bare
    assert contents("c", ".png", project="max") != bare
    assert contents("d", ".tif") != contents("e", ".tif", channels=["other"])
    recipe = Recipe(1)
    assert replace(recipe, reading=ReadingOptions(level=1)).reading.chosen() == {"level": 1}


def test_files_may_lie_outside_where_the_card_allows_it(make_dataset: Make, tmp_path: Path) -> None:
    folder = make_dataset()
    before = open_folder(folder).digest
    (folder / "images").rename(tmp_path / "elsewhere")
    table = folder / "samples.csv"
    table.write_text(table.read_text().replace("images/", "../elsewhere/"))
    with pytest.raises(UserError) as caught:
        open_folder(folder)
    assert str(caught.value) == (
        f"{table} line 2 column path: '../elsewhere/000.tif' lies outside the folder; "
        "move the image inside, or write allow_outside = true on the card"
    )
    card = folder / "dataset.toml"
    card.write_text("allow_outside = true\n" + card.read_text())
    assert open_folder(folder).digest == before
