"""CHAMMI in miniature: crops of its three sources, each with as many channels side by side as published."""

from __future__ import annotations

import pickle
import shutil

import numpy as np
import pytest

from reprcheck.datasets.public import open_public, public_set
from reprcheck.errors import UserError
from tests.datasets.public.culture import MISSING, flat, levels, refused, without_column
from tests.minisets import write_image, write_table

SOURCES = {
    "chammi-allen": ("Allen", "cell_cycle", ("M0", "M3"), "ome.tiff", {"Structure": ("ACTB", "TUBA1B")}),
    "chammi-hpa": ("HPA", "location", ("microtubules", "mitochondria"), "png", {"cell_type": ("U-2 OS", "A-431")}),
    "chammi-cp": (
        *("CP", "compound", ("BRD-A29260609", "DMSO"), "png"),
        {"source": ("LINCS", "BBBC036"), "Plate": ("24277", "24277")},
    ),
}


@pytest.fixture(params=SOURCES)
def name(request):
    return request.param


@pytest.fixture
def folder(name, tmp_path):
    source, _, labels, suffix, groups = SOURCES[name]
    channels = len(public_set(name).card.channels)
    table = {column: [] for column in ("file_path", "channel_width", "Label", "train_test_split", *groups)}
    (tmp_path / source / "crops").mkdir(parents=True)
    for index in range(12):
        path = f"{source}/crops/{index:02}.{suffix}"
        strip = np.concatenate([flat(10 * (channel + 1) + index, (4, 6)) for channel in range(channels)], axis=1)
        write_image(tmp_path / path, strip)
        label = "alone" if index == 11 else labels[index % 2]
        group = [values[index // 2 % 2] for values in groups.values()]
        for column, cell in zip(table, (path, 6, label, "Train", *group), strict=True):
            table[column].append(cell)
    write_table(tmp_path / source / "enriched_meta.csv", table)
    return tmp_path


def test_groups_are_held_out(name, folder):
    source, task_name, labels, _, groups = SOURCES[name]
    dataset = open_public(name, folder=folder)
    task = dataset.tasks[task_name]
    assert task.classes == labels  # one label is found in one group alone, and left out
    assert task.holdout == "unit"
    assert set(task.units) == set(task.batches) == {"/".join(group) for group in zip(*groups.values(), strict=True)}
    assert len(task.rows) == 11
    assert dataset.ids[0].startswith(f"{source}/crops/00.")


def test_channels_are_taken_apart_from_left_to_right(name, folder):
    dataset = open_public(name, folder=folder)
    expected = [10 * (channel + 1) + 3 for channel in range(len(dataset.channels))]
    assert levels(dataset, dataset.ids[3]) == expected
    image = pickle.loads(pickle.dumps(dataset.images)).read(3)
    assert image.pixels.shape == (len(dataset.channels), 4, 6)
    assert image.pixels.flags.c_contiguous
    assert len({dataset.images.content(i) for i in range(12)}) == 12


def test_rows_stay_rows(name, folder):
    source, _, _, suffix, _ = SOURCES[name]
    channels = len(public_set(name).card.channels)
    picture = np.random.default_rng(0).integers(0, 255, (channels, 4, 6), dtype=np.uint8)
    write_image(folder / f"{source}/crops/05.{suffix}", np.concatenate(list(picture), axis=1))
    pixels = open_public(name, folder=folder).images.read(5).pixels
    assert (np.rint(pixels * 255).astype(np.uint8) == picture).all()


def test_a_copy_may_lie_in_a_folder_of_its_own(name, folder):
    before = open_public(name, folder=folder)
    source = SOURCES[name][0]
    (folder / "CHAMMI").mkdir()
    (folder / source).rename(folder / "CHAMMI" / source)
    assert open_public(name, folder=folder).digest == before.digest


def test_another_layout_is_refused(name, folder):
    source, _, _, suffix, groups = SOURCES[name]
    crop = folder / f"{source}/crops/11.{suffix}"
    write_image(crop, flat(1, (4, 999)))
    assert "999 pixels, and images must be of one size" in refused(name, folder)
    crop.unlink()
    assert refused(name, folder).startswith(
        f"{source}/crops/11.{suffix} (crop {source}/crops/11.{suffix}): no such file"
    )
    without_column(folder / source / "enriched_meta.csv", list(groups)[-1])
    assert refused(name, folder).startswith(f"{source}/enriched_meta.csv: no column {list(groups)[-1]!r}")
    (folder / source / "enriched_meta.csv").unlink()
    assert refused(name, folder) == f"{source}/enriched_meta.csv: {MISSING}"
    shutil.rmtree(folder / source)
    assert refused(name, folder) == f"{source}: {MISSING}"


def test_a_width_that_channels_dont_share_is_refused(name, folder):
    source, _, _, suffix, _ = SOURCES[name]
    for index in range(12):
        write_image(folder / f"{source}/crops/{index:02}.{suffix}", flat(1, (4, 61)))
    dataset = open_public(name, folder=folder)
    with pytest.raises(UserError, match=r"61 pixels wide, which isn't \d channels side by side"):
        dataset.images.read(0)
