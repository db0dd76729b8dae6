"""kather2016: eight class folders of tiles whose names tell the slide."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from reprcheck.datasets.public import open_public
from tests.datasets.public.tissue import RGB, refused, write_colour

CLASSES = (
    *("01_TUMOR", "02_STROMA", "03_COMPLEX", "04_LYMPHO"),
    *("05_DEBRIS", "06_MUCOSA", "07_ADIPOSE", "08_EMPTY"),
)
SOURCES = ("CRC-Prim-HE-03_009", "CRC-Prim-HE-03_010b", "CRC-Prim-HE-10", "CRC-Prim-HE-10c")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number, name in enumerate(CLASSES):
        for row, source in enumerate(SOURCES):
            tile = f"{0x10009 + number * 16 + row:X}_{source}.tif_Row_{150 * row + 1}_Col_151.tif"
            write_colour(tmp_path / "Kather_texture_2016_image_tiles_5000" / name / tile, (150, 150))
    return tmp_path


def test_it_opens(folder: Path) -> None:
    dataset = open_public("kather2016", folder=folder)
    task = dataset.tasks["tissue"]
    assert task.classes == ("adipose", "complex", "debris", "lympho", "mucosa", "stroma", "tumour")
    assert task.notes[0] == "4 samples left out: excluded by label empty."
    assert np.bincount(task.y).tolist() == [4] * 7
    assert set(task.units) == {"CRC-Prim-HE-03", "CRC-Prim-HE-10"}
    image = dataset.images.read(0)
    assert image.pixels.shape == (3, 150, 150)
    assert image.pixels[:, 0, 0] * 255 == pytest.approx(RGB)
    assert dataset.ids[0] == "01_TUMOR/10009_CRC-Prim-HE-03_009.tif_Row_1_Col_151"


def test_a_class_without_a_folder_is_refused(folder: Path) -> None:
    (folder / "Kather_texture_2016_image_tiles_5000/05_DEBRIS").rename(folder / "elsewhere")
    assert refused("kather2016", folder) == (
        "Kather_texture_2016_image_tiles_5000/05_DEBRIS: isn't here, and is part of the published set; "
        "fetch the set again, or put its files here just as they were published"
    )


def test_a_class_without_tiles_is_refused(folder: Path) -> None:
    for tile in (folder / "Kather_texture_2016_image_tiles_5000/05_DEBRIS").iterdir():
        tile.rename(tile.with_suffix(".png"))
    assert refused("kather2016", folder).startswith(
        "Kather_texture_2016_image_tiles_5000/05_DEBRIS: no .tif file, and the published folder holds some; "
    )


def test_a_name_that_tells_no_slide_is_refused(folder: Path) -> None:
    write_colour(folder / "Kather_texture_2016_image_tiles_5000/01_TUMOR/tile.tif", (150, 150))
    assert refused("kather2016", folder).startswith(
        "Kather_texture_2016_image_tiles_5000/01_TUMOR/tile.tif: the name tells no slide, as "
    )
