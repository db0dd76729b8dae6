"""breakhis: fields by type, slide and magnification, all told in the path."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from reprcheck.datasets.public import open_public
from tests.datasets.public.tissue import RGB, refused, write_colour

TOP = "BreaKHis_v1/histology_slides/breast"
SLIDES = {
    "benign/SOB/adenosis": ("A", ("14-22549AB", "14-22549CD", "14-29960CD")),
    "benign/SOB/fibroadenoma": ("F", ("14-29960AB", "14-23060CD")),
    "benign/SOB/phyllodes_tumor": ("PT", ("14-21998AB", "14-29315EF")),
    "benign/SOB/tubular_adenoma": ("TA", ("14-3411F", "14-16184")),
    "malignant/SOB/ductal_carcinoma": ("DC", ("14-2523", "14-5287", "14-13412")),
    "malignant/SOB/lobular_carcinoma": ("LC", ("14-13412", "14-12204")),
    "malignant/SOB/mucinous_carcinoma": ("MC", ("14-12773", "14-19979")),
    "malignant/SOB/papillary_carcinoma": ("PC", ("14-9146", "14-15687B")),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for height in (456, 460):
        write_colour(tmp_path / f"{height}.png", (height, 700))
    for place, (code, slides) in SLIDES.items():
        for slide in slides:
            stem = f"SOB_{'B' if place.startswith('benign') else 'M'}_{code}"
            for power in (40, 100, 200, 400):
                name = f"{stem}-{slide}-{power}-001.png"
                field = tmp_path / TOP / place / f"{stem}_{slide}" / f"{power}X" / name
                field.parent.mkdir(parents=True)
                shutil.copy(tmp_path / ("456.png" if slide == "14-2523" else "460.png"), field)
    return tmp_path


def test_it_opens(folder: Path) -> None:
    dataset = open_public("breakhis", folder=folder)
    assert len(dataset.ids) == 18 * 4
    for name, power in (("malignancy", "-40-"), ("malignancy-400x", "-400-")):
        task = dataset.tasks[name]
        assert task.classes == ("benign", "malignant")
        assert np.bincount(task.y).tolist() == [9, 9]
        assert all(power in str(dataset.ids[row]) for row in task.rows)
        assert len(set(task.units)) == 15  # of 18 slides, 22549, 29960 and 13412 being one each
    image = dataset.images.read(int(dataset.tasks["malignancy"].rows[0]))
    assert image.pixels.shape == (3, 448, 672)
    assert image.pixels[:, 0, 0] * 255 == pytest.approx(RGB)


def test_the_slide_with_two_types_has_none(folder: Path) -> None:
    task = open_public("breakhis", folder=folder).tasks["type"]
    assert task.classes == ("ductal_carcinoma", "fibroadenoma", "mucinous_carcinoma", "tubular_adenoma")
    assert "14-13412" not in task.units
    assert "2 samples left out: without a label." in task.notes


def test_a_missing_type_is_refused(folder: Path) -> None:
    (folder / TOP / "benign/SOB/tubular_adenoma").rename(folder / "elsewhere")
    message = refused("breakhis", folder)
    assert message.startswith(f"{TOP}/benign/SOB/tubular_adenoma: isn't here, and is part of the published set; ")


def test_fields_outside_their_slides_are_refused(folder: Path) -> None:
    adenosis = folder / TOP / "benign/SOB/adenosis"
    for field in adenosis.glob("*/*/*.png"):
        field.rename(adenosis / field.name)
    assert refused("breakhis", folder).startswith(f"{TOP}/benign/SOB/adenosis: no field, such as SOB_B_A_14-22549AB/")


def test_a_field_in_the_wrong_folder_is_refused(folder: Path) -> None:
    place = folder / TOP / "benign/SOB/adenosis/SOB_B_A_14-22549AB/40X"
    (place / "SOB_B_A-14-22549AB-40-001.png").rename(place / "SOB_B_A-14-22549AB-100-001.png")
    assert "isn't that of a field of type A at 40X" in refused("breakhis", folder)
