"""RxRx1 in miniature: four experiments of two cell types, two siRNAs and the controls, two sites a well."""

from __future__ import annotations

import shutil

import pytest

from reprcheck.datasets.public import open_public
from tests.datasets.public.culture import MISSING, flat, levels, refused, without_column
from tests.minisets import write_image, write_table

EXPERIMENTS = {"HUVEC-01": "train", "U2OS-01": "train", "HUVEC-17": "test", "U2OS-04": "test"}
WELLS = (
    *(("B02", "treatment", "s23007", 0), ("B03", "treatment", "s21721", 1)),
    *(("C02", "positive_control", "s15652", 1108), ("AF48", "negative_control", "EMPTY", 1138)),
)
HEADER = (
    *("site_id", "well_id", "cell_type", "dataset", "experiment", "plate"),
    *("well", "site", "well_type", "sirna", "sirna_id"),
)


@pytest.fixture
def folder(tmp_path):
    rows = []
    for experiment, dataset in EXPERIMENTS.items():
        images = tmp_path / "rxrx1/images" / experiment / "Plate1"
        images.mkdir(parents=True)
        for well, kind, sirna, number in WELLS:
            for site in (1, 2):
                well_id = f"{experiment}_1_{well}"
                cell = experiment.split("-")[0]
                row = (f"{well_id}_{site}", well_id, cell, dataset, experiment, 1, well, site, kind, sirna, number)
                rows.append(row)
                for channel in range(1, 7):
                    write_image(images / f"{well}_s{site}_w{channel}.png", flat(10 * channel + site))
    write_table(tmp_path / "rxrx1/metadata.csv", dict(zip(HEADER, zip(*rows, strict=True), strict=True)))
    return tmp_path


def test_experiments_are_held_out(folder):
    dataset = open_public("rxrx1", folder=folder)
    assert len(dataset.ids) == 32
    sirna = dataset.tasks["sirna"]
    assert sirna.classes == ("s21721", "s23007")
    assert sirna.holdout == "batch"
    assert set(sirna.batches) == set(EXPERIMENTS)
    assert len(set(sirna.units)) == 8
    assert set(sirna.positions) == {"B02", "B03"}
    assert set(dataset.tasks["sirna_unseen"].batches) == {"HUVEC-17", "U2OS-04"}
    assert dataset.tasks["sirna_controls"].classes == ("EMPTY", "s15652")


def test_channels_come_in_order(folder):
    assert levels(open_public("rxrx1", folder=folder), "U2OS-04_1_AF48_2") == [12, 22, 32, 42, 52, 62]


def test_a_copy_may_lie_without_the_archives_folder(folder):
    before = open_public("rxrx1", folder=folder)
    assert open_public("rxrx1", folder=folder / "rxrx1").digest == before.digest


def test_another_layout_is_refused(folder):
    (folder / "rxrx1/images/U2OS-01/Plate1/B02_s1_w6.png").unlink()
    assert "column w6: no file 'rxrx1/images/U2OS-01/Plate1/B02_s1_w6.png' in the folder" in refused("rxrx1", folder)
    shutil.rmtree(folder / "rxrx1/images")
    assert refused("rxrx1", folder) == "rxrx1/images: " + MISSING
    without_column(folder / "rxrx1/metadata.csv", "well_type")
    assert refused("rxrx1", folder).startswith("rxrx1/metadata.csv: no column 'well_type'")
    (folder / "rxrx1/metadata.csv").unlink()
    assert refused("rxrx1", folder) == "rxrx1/metadata.csv: " + MISSING
