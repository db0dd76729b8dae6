"""patchcamelyon: HDF5 files of patches and labels, and the table that tells their slides."""

from __future__ import annotations

import pickle
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

from reprcheck.datasets.public import open_public
from tests.datasets.public.tissue import refused

SLIDES = {
    "train": ["camelyon16_train_tumor_070", "camelyon16_train_tumor_071", "camelyon16_train_normal_101"] * 2,
    "valid": ["camelyon16_train_tumor_001", "camelyon16_train_normal_100"] * 2,
    "test": ["camelyon16_test_001", "camelyon16_test_002"] * 3,
}


def write_split(folder: Path, split: str) -> None:
    """Write a split's three files: patch i is i in red, 100 + i in green, 200 + the split's number in blue."""
    slides = SLIDES[split]
    tumour = ["normal" not in slide and i % 3 < 2 for i, slide in enumerate(slides)]
    patches = np.zeros((len(slides), 96, 96, 3), np.uint8)
    patches[..., 0] = np.arange(len(slides))[:, None, None]
    patches[..., 1] = patches[..., 0] + 100
    patches[..., 2] = 200 + list(SLIDES).index(split)
    stem = f"{folder}/camelyonpatch_level_2_split_{split}"
    with h5py.File(f"{stem}_x.h5", "w") as file:
        file.create_dataset("x", data=patches, chunks=(2, 96, 96, 3), compression="gzip")
    with h5py.File(f"{stem}_y.h5", "w") as file:
        file.create_dataset("y", data=np.array(tumour, np.uint8).reshape(-1, 1, 1, 1))
    rows = (f"{i},{i * 7},{i * 11},{t},{t},{slide}\n" for i, (slide, t) in enumerate(zip(slides, tumour, strict=True)))
    header = ",coord_y,coord_x,tumor_patch,center_tumor_patch,wsi\n"
    Path(f"{stem}_meta.csv").write_text(header + "".join(rows), encoding="utf-8")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for split in SLIDES:
        write_split(tmp_path, split)
    return tmp_path


def test_it_opens(folder: Path) -> None:
    dataset = open_public("patchcamelyon", folder=folder)
    task = dataset.tasks["tumour"]
    assert task.classes == ("no_tumour", "tumour")
    assert (len(task.rows), len(set(task.units))) == (16, 7)
    centres = dict(zip(task.units.tolist(), task.batches.tolist(), strict=True))
    assert centres == {
        "camelyon16_train_tumor_070": "Radboud",
        "camelyon16_train_tumor_071": "Utrecht",
        "camelyon16_train_normal_100": "Radboud",
        "camelyon16_train_normal_101": "Utrecht",
        "camelyon16_train_tumor_001": "Radboud",
        "camelyon16_test_001": "not told",
        "camelyon16_test_002": "not told",
    }
    labels = {str(dataset.ids[row]): task.classes[y] for row, y in zip(task.rows, task.y, strict=True)}
    assert [labels[f"train-{i:06}"] for i in range(3)] == ["tumour", "tumour", "no_tumour"]


def test_the_published_split_is_asked_where_both_sides_are_here(folder: Path) -> None:
    task = open_public("patchcamelyon", folder=folder).tasks["published"]
    assert task.test is not None
    assert (len(task.rows), int(task.test.sum())) == (12, 6)
    for file in folder.glob("*_train_*"):
        file.unlink()
    assert tuple(open_public("patchcamelyon", folder=folder).tasks) == ("tumour",)


def test_one_patch_is_read_at_a_time(folder: Path) -> None:
    dataset = open_public("patchcamelyon", folder=folder)
    index = dataset.ids.tolist().index("valid-000003")
    image = pickle.loads(pickle.dumps(dataset.images)).read(index)
    assert image.mask is None
    assert image.pixels.shape == (3, 96, 96)
    assert image.pixels.dtype == np.float32
    assert image.pixels[:, 5, 7] * 255 == pytest.approx([3, 103, 201])
    assert len({dataset.images.content(i) for i in range(len(dataset.ids))}) == len(dataset.ids)


def test_a_changed_file_is_another_content(folder: Path) -> None:
    before = open_public("patchcamelyon", folder=folder)
    with h5py.File(folder / "camelyonpatch_level_2_split_test_x.h5", "r+") as file:
        file["x"][0, 0, 0, 0] = 9
    after = open_public("patchcamelyon", folder=folder)
    changed = {str(name) for i, name in enumerate(after.ids) if after.images.content(i) != before.images.content(i)}
    assert changed == {f"test-{i:06}" for i in range(6)}


def test_a_split_stands_alone(tmp_path: Path) -> None:
    write_split(tmp_path, "test")
    assert open_public("patchcamelyon", folder=tmp_path).ids.tolist() == [f"test-{i:06}" for i in range(6)]


@pytest.mark.parametrize("part", ["x.h5", "y.h5", "meta.csv"])
def test_a_missing_file_is_refused(folder: Path, part: str) -> None:
    (folder / f"camelyonpatch_level_2_split_valid_{part}").unlink()
    message = refused("patchcamelyon", folder)
    assert message.startswith(f"camelyonpatch_level_2_split_valid_{part}: isn't here, and is part of the published")


def test_a_folder_without_a_split_is_refused(tmp_path: Path) -> None:
    (tmp_path / "README.md").touch()
    message = "FOLDER: no camelyonpatch_level_2_split_test_x.h5, nor that of another split; "
    assert refused("patchcamelyon", tmp_path).startswith(message)


def test_patches_of_another_size_are_refused(folder: Path) -> None:
    with h5py.File(folder / "camelyonpatch_level_2_split_train_x.h5", "w") as file:
        file.create_dataset("x", data=np.zeros((6, 64, 64, 3), np.uint8))
    message = "train_x.h5: an array of 6 x 64 x 64 x 3, and the published one is any x 96 x 96 x 3; "
    assert message in refused("patchcamelyon", folder)


def test_a_file_that_is_not_hdf5_is_refused(folder: Path) -> None:
    (folder / "camelyonpatch_level_2_split_train_y.h5").write_bytes(b"gone")
    assert "split_train_y.h5: can't be read, truncated or damaged" in refused("patchcamelyon", folder)
    with h5py.File(folder / "camelyonpatch_level_2_split_train_y.h5", "w") as file:
        file.create_dataset("labels", data=np.zeros(6))
    assert "split_train_y.h5: no dataset 'y', which the published file has" in refused("patchcamelyon", folder)


def test_the_table_of_another_split_is_refused(folder: Path) -> None:
    valid, test = (folder / f"camelyonpatch_level_2_split_{split}_meta.csv" for split in ("valid", "test"))
    lines = test.read_text(encoding="utf-8").splitlines(keepends=True)
    test.write_text("".join([lines[0], *lines[:1:-1], lines[1]]), encoding="utf-8")
    assert "_test_meta.csv: its center_tumor_patch is the label in camelyonpatch_level_2_split_test_y.h5 for " in (
        refused("patchcamelyon", folder)
    )
    valid.write_text(",coord_y,coord_x,tumor_patch,center_tumor_patch\n0,1,1,True,True\n", encoding="utf-8")
    assert "_valid_meta.csv: no column 'wsi', which the published table has; " in refused("patchcamelyon", folder)
    valid.write_text("center_tumor_patch,wsi\nTrue,camelyon16_train_tumor_001\n", encoding="utf-8")
    assert "_valid_meta.csv: 1 rows for the 4 patches of " in refused("patchcamelyon", folder)


def test_without_h5py_it_says_so(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "h5py", None)
    assert refused("patchcamelyon", folder) == (
        "dataset=patchcamelyon: its reader needs h5py, which isn't installed; pip install 'reprcheck[h5py]'"
    )
