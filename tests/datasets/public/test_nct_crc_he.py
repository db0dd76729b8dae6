"""nct-crc-he and crc-val-he-7k: nine class folders of tiles whose patients nobody tells."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from reprcheck.datasets.public import open_public
from tests.datasets.public.tissue import RGB, refused, write_colour

SETS = {"nct-crc-he": ("NCT-CRC-HE-100K", ""), "crc-val-he-7k": ("CRC-VAL-HE-7K", "TCGA-")}
TISSUES = ("ADI", "BACK", "DEB", "LYM", "MUC", "MUS", "NORM", "STR", "TUM")


@pytest.fixture(params=SETS)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def folder(tmp_path: Path, name: str) -> Path:
    top, infix = SETS[name]
    for tissue in TISSUES:
        for letters in ("AAAFLCLY", "AAAHLEQK"):
            write_colour(tmp_path / top / tissue / f"{tissue}-{infix}{letters}.tif", (224, 224))
    return tmp_path


def test_it_opens(name: str, folder: Path) -> None:
    dataset = open_public(name, folder=folder)
    task = dataset.tasks["tissue"]
    assert task.classes == TISSUES
    assert np.bincount(task.y).tolist() == [2] * 9
    assert task.units.tolist() == dataset.ids.tolist()
    assert dataset.ids[0] == f"ADI/ADI-{SETS[name][1]}AAAFLCLY"
    image = dataset.images.read(0)
    assert image.pixels.shape == (3, 224, 224)
    assert image.pixels[:, 0, 0] * 255 == pytest.approx(RGB)


def test_the_version_as_scanned_is_not_taken_for_it(name: str, folder: Path) -> None:
    top = SETS[name][0]
    (folder / top).rename(folder / "NCT-CRC-HE-100K-NONORM")
    assert refused(name, folder).startswith(f"{top}/ADI: isn't here, and is part of the published set; ")
