"""BBBC013v1 in miniature: the plate's 96 wells in tiny BMP files."""

from __future__ import annotations

import pickle
import shutil

import numpy as np
import pytest
from PIL import Image

from reprcheck.datasets.public import open_public
from reprcheck.datasets.public.checks import REMEDY
from tests.datasets.public.culture import MISSING, flat, levels, refused

WORTMANNIN = (0, 0, 0.98, 1.95, 3.91, 7.81, 15.63, 31.25, 62.5, 125, 250, 150)
LY294002 = (80, 0, 0.31, 0.63, 1.25, 2.5, 5, 10, 20, 40, 80, 0)


@pytest.fixture
def folder(tmp_path):
    images = tmp_path / "BBBC013_v1_images_bmp"
    images.mkdir()
    for index in range(96):
        name = f"{index + 1:02}-{'ABCDEFGH'[index // 12]}-{index % 12 + 1:02}.BMP"
        for channel in (1, 2):
            Image.fromarray(flat(100 * channel + index // 12)).save(images / f"Channel{channel}-{name}")
    doses = [dose for series in (WORTMANNIN, LY294002) for _ in range(4) for dose in series]
    text = "\r\n".join(["DESCRIPTION Dose", *map(str, doses)])
    (tmp_path / "BBBC013_v1_platemap_all.txt").write_text(text + "\r\n", encoding="utf-8", newline="")
    return tmp_path


def test_the_plate_map_is_read_by_rows(folder):
    dataset = open_public("bbbc013-plate", folder=folder)
    treatment = dataset.tasks["treatment"]
    assert treatment.classes == ("treated", "untreated")
    assert np.bincount(treatment.y).tolist() == [12, 16]
    assert set(treatment.batches) == set("ABCDEFGH")
    treated = set(treatment.units[treatment.y == 0])
    assert treated == {*(f"{r}12" for r in "ABCD"), *(f"{r}{c}" for r in "EFGH" for c in ("01", "11"))}
    for drug, series, rows in (("wortmannin", WORTMANNIN, "ABCD"), ("LY294002", LY294002, "EFGH")):
        dose = dataset.tasks[drug]
        assert sorted(dose.y) == sorted(4 * series)
        assert {unit[0] for unit in dose.units} == set(rows)
        assert (dose.control == (dose.y == 0)).all()


def test_both_channels_are_read(folder):
    dataset = open_public("bbbc013-plate", folder=folder)
    assert [levels(dataset, well) for well in ("A01", "C07", "H12")] == [[100, 200], [102, 202], [107, 207]]
    again = pickle.loads(pickle.dumps(dataset.images))
    assert (again.read(5).pixels == dataset.images.read(5).pixels).all()
    assert again.content(5) == dataset.images.content(5) != dataset.images.content(50)


def test_another_layout_is_refused(folder):
    platemap = folder / "BBBC013_v1_platemap_all.txt"
    (folder / "BBBC013_v1_images_bmp/Channel2-13-B-01.BMP").unlink()
    assert refused("bbbc013-plate", folder) == "BBBC013_v1_images_bmp/Channel2-13-B-01.BMP: " + MISSING
    shutil.rmtree(folder / "BBBC013_v1_images_bmp")
    assert refused("bbbc013-plate", folder) == "BBBC013_v1_images_bmp: " + MISSING
    for text in ("DESCRIPTION Dose\n0\n1\n", "0\n" * 97, "DESCRIPTION\n" + "10^-3\n" * 96):
        platemap.write_text(text, encoding="utf-8")
        assert refused("bbbc013-plate", folder) == (
            "BBBC013_v1_platemap_all.txt: not a heading DESCRIPTION and the doses of 96 wells; " + REMEDY
        )
    platemap.unlink()
    assert refused("bbbc013-plate", folder) == "BBBC013_v1_platemap_all.txt: " + MISSING
