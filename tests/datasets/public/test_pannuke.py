"""pannuke: three folds of patches, planes of numbered nuclei, and tissues, in .npy files."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest

from reprcheck.datasets.public import open_public
from reprcheck.datasets.public.checks import read_array
from tests.datasets.public.tissue import refused

COUNTS = ((3, 1, 0, 0, 0), (0, 2, 0, 1, 1), (0, 0, 0, 0, 0), (1, 0, 3, 0, 0))
"""Nuclei of each type in the patches of every fold."""
TISSUES = ("Adrenal_gland", "Breast", "Breast", "Adrenal_gland")


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folds as unpacked: 64-bit floats; nuclei of 4 x 4 pixels whose numbers within a type leave gaps."""
    folder = tmp_path_factory.mktemp("pannuke")
    for fold in (1, 2, 3):
        images = np.zeros((4, 256, 256, 3))
        images += np.array([200.0, 100.0, 50.0 + fold]) + np.arange(4)[:, None, None, None]
        masks = np.zeros((4, 256, 256, 6))
        masks[..., 5] = 1
        for patch, counts in enumerate(COUNTS):
            corners = iter(range(0, 250, 10))
            for kind, count in enumerate(counts):
                for number in range(count):
                    top = next(corners)
                    masks[patch, top : top + 4, 8:12, kind] = 5 + 3 * number
                    masks[patch, top : top + 4, 8:12, 5] = 0
        for kind, name, array in (
            ("images", "images", images),
            ("images", "types", np.array(TISSUES)),
            ("masks", "masks", masks),
        ):
            place = folder / f"Fold {fold}/{kind}/fold{fold}"
            place.mkdir(parents=True, exist_ok=True)
            np.save(place / f"{name}.npy", array)
    return folder


@pytest.fixture
def folder(published: Path, tmp_path: Path) -> Path:
    """A copy by links, whose files can be taken away or replaced."""
    for path in published.rglob("*.npy"):
        link = tmp_path / path.relative_to(published)
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(path)
    return tmp_path


def test_it_opens(published: Path) -> None:
    dataset = open_public("pannuke", folder=published)
    assert len(dataset.ids) == 12
    task = dataset.tasks["neoplastic_share"]
    assert task.kind == "regress"
    assert task.y.tolist() == [0.75, 0.0, 0.25] * 3
    assert [str(dataset.ids[row]) for row in task.rows[:3]] == ["fold1-0000", "fold1-0001", "fold1-0003"]
    assert task.notes == ("3 samples left out: without a label.",)
    assert dataset.tasks["inflammatory_share"].y.tolist() == [0.25, 0.5, 0.0] * 3
    tissue = dataset.tasks["tissue"]
    assert tissue.classes == ("Adrenal_gland", "Breast")
    assert (len(set(tissue.units)), set(tissue.batches), tissue.holdout) == (12, {"1", "2", "3"}, "batch")


def test_a_patch_comes_with_its_nuclei(published: Path) -> None:
    dataset = open_public("pannuke", folder=published)
    images = pickle.loads(pickle.dumps(dataset.images))
    for row, counts in enumerate(COUNTS):
        image = images.read(4 + row)  # of fold 2
        assert image.pixels.shape == (3, 256, 256)
        assert image.pixels[:, 9, 9] * 255 == pytest.approx([200 + row, 100 + row, 52 + row])
        assert image.mask.dtype == np.int32
        assert np.bincount(image.mask.ravel())[1:].tolist() == [16] * sum(counts)
    assert len({images.content(i) for i in range(12)}) == 12


def test_arrays_are_mapped_not_read(published: Path) -> None:
    array = read_array(published / "Fold 1/images/fold1/images.npy", (None, 256, 256, 3))
    assert isinstance(array, np.memmap)


@pytest.mark.parametrize("name", ["images/fold2/images", "images/fold2/types", "masks/fold2/masks"])
def test_a_missing_array_is_refused(folder: Path, name: str) -> None:
    (folder / f"Fold 2/{name}.npy").unlink()
    assert refused("pannuke", folder).startswith(f"Fold 2/{name}.npy: isn't here, and is part of the published set; ")


@pytest.mark.parametrize(
    ("name", "array", "what"),
    [
        (
            "images/fold3/images",
            np.zeros((4, 64, 64, 3)),
            "4 x 64 x 64 x 3, and the published one is any x 256 x 256 x 3",
        ),
        (
            "masks/fold3/masks",
            np.zeros((1, 256, 256, 6)),
            "1 x 256 x 256 x 6, and the published one is 4 x 256 x 256 x 6",
        ),
        ("images/fold3/types", np.array(["Breast"]), "1, and the published one is 4"),
    ],
)
def test_an_array_of_another_shape_is_refused(folder: Path, name: str, array: np.ndarray, what: str) -> None:
    path = folder / f"Fold 3/{name}.npy"
    path.unlink()
    np.save(path, array)
    assert refused("pannuke", folder).startswith(f"Fold 3/{name}.npy: an array of {what}; ")


def test_a_truncated_array_is_refused(folder: Path) -> None:
    path = folder / "Fold 1/masks/fold1/masks.npy"
    whole = path.read_bytes()
    path.unlink()
    path.write_bytes(whole[:1000])
    assert refused("pannuke", folder).startswith("Fold 1/masks/fold1/masks.npy: can't be read, truncated or damaged (")
