"""RxRx1-WILDS in miniature: two experiments of each part of the official split, three siRNAs, three channels a PNG."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

from reprcheck.datasets.public import open_public
from reprcheck.datasets.public.sets import rxrx1_wilds
from tests.datasets.public.culture import MISSING, flat, levels, refused, without_column
from tests.minisets import write_image, write_table

EXPERIMENTS = {
    **{"HEPG2-01": "train", "RPE-01": "train", "HEPG2-08": "val", "RPE-08": "val"},
    **{"HEPG2-09": "test", "RPE-09": "test"},
}
WELLS = (("B02", 0), ("B03", 1107), ("C02", 1108), ("C03", 1137), ("D02", 1138))
HEADER = ("cell_type", "dataset", "experiment", "plate", "well", "site", "well_type", "sirna", "sirna_id")


@pytest.fixture
def folder(tmp_path):
    rows = []
    for experiment, dataset in EXPERIMENTS.items():
        images = tmp_path / "images" / experiment / "Plate2"
        images.mkdir(parents=True)
        for well, sirna in WELLS:
            for site in (1, 2):
                rows.append((experiment.split("-")[0], dataset, experiment, 2, well, site, "any", f"s{sirna}", sirna))
                write_image(images / f"{well}_s{site}.png", np.stack([flat(level) for level in (10, 20, 30)]))
    write_table(tmp_path / "metadata.csv", dict(zip(HEADER, zip(*rows, strict=True), strict=True)))
    return tmp_path


def test_experiments_are_held_out_within_the_official_parts(folder):
    dataset = open_public("rxrx1-wilds", folder=folder)
    sirna = dataset.tasks["sirna"]
    assert sirna.classes == ("0", "1107")
    assert set(sirna.batches) == set(EXPERIMENTS)
    assert len(set(sirna.units)) == 12
    assert sirna.holdout == "batch"
    assert set(dataset.tasks["sirna_ood"].batches) == {"HEPG2-09", "RPE-09"}
    assert levels(dataset, "RPE-09/Plate2/D02_s2") == [10, 20, 30]


def test_the_published_split_judges_experiments_never_seen(folder):
    task = open_public("rxrx1-wilds", folder=folder).tasks["published"]
    assert task.classes == ("0", "1107", "1108", "1137", "1138")
    assert set(task.batches[task.test]) == {"HEPG2-09", "RPE-09"}
    assert set(task.batches[~task.test]) == {"HEPG2-01", "RPE-01"}


def test_the_second_site_of_training_wells_is_the_test_in_distribution(folder):
    table = rxrx1_wilds.table(folder)
    counts = table.groupby(["split", "site"]).size().to_dict()
    assert counts == {
        **{("train", "1"): 10, ("id_test", "2"): 10, ("val", "1"): 10},
        **{("val", "2"): 10, ("test", "1"): 10, ("test", "2"): 10},
    }
    kinds = table.groupby("well_type")["sirna_id"].unique().map(set).to_dict()
    assert kinds == {
        "treatment": {"0", "1107"},
        "positive_control": {"1108", "1137"},
        "negative_control": {"1138"},
    }


def test_another_layout_is_refused(folder):
    shutil.rmtree(folder / "images")
    assert refused("rxrx1-wilds", folder) == "images: " + MISSING
    without_column(folder / "metadata.csv", "dataset")
    assert refused("rxrx1-wilds", folder).startswith("metadata.csv: no column 'dataset'")
    (folder / "metadata.csv").rename(folder / "metadata.txt")
    assert refused("rxrx1-wilds", folder) == "metadata.csv: " + MISSING
