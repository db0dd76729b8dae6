"""What files store and what viewers show: known pictures, written as other programs write them, come back exactly."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from reprcheck.datasets import open_folder
from reprcheck.datasets.files import Entry, FileImages, Recipe
from reprcheck.datasets.reading import Reading
from reprcheck.errors import UserError
from reprcheck.types import Image
from tests.cases import write_case

RNG = np.random.default_rng(3)
ROW = "t.csv line 2"
INVERTED = "stored with 0 as white (PhotometricInterpretation MinIsWhite): inverted, as viewers show it"


def read(
    path: Path,
    channels: int = 1,
    value_range: tuple[float, float] | None = None,
    mask: Path | None = None,
    types: Path | None = None,
    frame: int | None = None,
    **reading: Any,
) -> Image:
    recipe = Recipe(channels, value_range, reading=Reading(**reading), cell_types=9)
    return FileImages([Entry((path,), frame, mask, ROW, types)], recipe).read(0)


def bytes_of(image: Image) -> np.ndarray[Any, Any]:
    """Return an image's pixels as the uint8 they were made of."""
    values = image.pixels * 255
    np.testing.assert_allclose(values, np.rint(values), atol=1e-3)
    return np.rint(values).astype(np.uint8)


def refused(path: Path, **options: Any) -> str:
    with pytest.raises(UserError) as caught:
        read(path, **options)
    message = str(caught.value)
    assert "\n" not in message
    return message.replace(f"{path.parent}/", "")


def noise(dtype: Any, *shape: int) -> np.ndarray[Any, Any]:
    return RNG.integers(0, np.iinfo(dtype).max, shape, dtype=dtype, endpoint=True)


def labels(*shape: int) -> np.ndarray[Any, Any]:
    return RNG.integers(0, 9, shape, dtype=np.uint8)


# --- 0 as white ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize(
    "options", [{}, {"tile": (16, 16), "compression": "zlib"}, {"metadata": None}, {"ome": True}, {"imagej": True}]
)
def test_grey_stored_with_0_as_white_is_inverted(tmp_path: Path, dtype: Any, options: dict[str, Any]) -> None:
    picture = noise(dtype, 33, 20)
    tifffile.imwrite(tmp_path / "x.tif", np.iinfo(dtype).max - picture, photometric="miniswhite", **options)
    image = read(tmp_path / "x.tif")
    np.testing.assert_allclose(image.pixels[0], picture / np.iinfo(dtype).max, atol=1e-6)
    assert image.remarks == (INVERTED,)


def test_one_bit_stored_with_0_as_white_is_inverted(tmp_path: Path) -> None:
    picture = RNG.random((9, 21)) > 0.5
    tifffile.imwrite(tmp_path / "x.tif", ~picture, photometric="miniswhite")
    image = read(tmp_path / "x.tif")
    np.testing.assert_array_equal(image.pixels[0], picture)
    assert image.remarks == (INVERTED,)


@pytest.mark.parametrize("compression", [None, "zlib"])
def test_every_page_stored_with_0_as_white_is_inverted(tmp_path: Path, compression: str | None) -> None:
    pictures = noise(np.uint8, 4, 9, 8)
    tifffile.imwrite(tmp_path / "x.tif", 255 - pictures, photometric="miniswhite", compression=compression)
    for frame, picture in enumerate(pictures):
        np.testing.assert_array_equal(bytes_of(read(tmp_path / "x.tif", frame=frame))[0], picture)
    np.testing.assert_array_equal(bytes_of(read(tmp_path / "x.tif", axes="ZYX", project="max"))[0], pictures.max(0))


@pytest.mark.parametrize("dtype", [np.float32, np.int16])
def test_nothing_tells_what_is_black_of_other_numbers(tmp_path: Path, dtype: Any) -> None:
    tifffile.imwrite(tmp_path / "x.tif", np.zeros((9, 8), dtype), photometric="miniswhite")
    assert refused(tmp_path / "x.tif", value_range=(0, 1)) == (
        f"x.tif (t.csv line 2): {np.dtype(dtype)} stored with 0 as white (MinIsWhite), and nothing tells which value "
        "is black; write it with 0 as black (MinIsBlack)"
    )


def test_labels_stored_with_0_as_white(tmp_path: Path) -> None:
    objects = labels(9, 8)
    np.save(tmp_path / "x.npy", noise(np.uint8, 9, 8))
    tifffile.imwrite(tmp_path / "m.tif", 255 - objects, photometric="miniswhite")
    image = read(tmp_path / "x.npy", mask=tmp_path / "m.tif", types=tmp_path / "m.tif")
    np.testing.assert_array_equal(image.mask, objects)
    np.testing.assert_array_equal(image.types, objects)
    assert image.remarks == (INVERTED,)
    for ambiguous in (objects, (objects > 4).astype(np.uint8) * 255, objects > 4):
        tifffile.imwrite(tmp_path / "m.tif", ambiguous, photometric="miniswhite")
        assert refused(tmp_path / "x.npy", mask=tmp_path / "m.tif") == (
            "m.tif (t.csv line 2): labels stored with 0 as white (MinIsWhite): viewers show the background that 0 "
            "stands for as white; write them with 0 as black (MinIsBlack), 0 for the background"
        )


def test_the_case_miniswhite(tmp_path: Path) -> None:
    dataset = open_folder(write_case("miniswhite", tmp_path / "case"))
    images = [dataset.images.read(i) for i in range(24)]
    means = [image.pixels.mean() * 255 for image in images]
    np.testing.assert_allclose(means, 43.6 + 4 * np.arange(24), atol=0.5)
    assert [image.remarks for image in images] == [(), (INVERTED,)] * 12
