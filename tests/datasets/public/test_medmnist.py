"""Three sets of MedMNIST, in their published layout in miniature, and against the facts that its package holds."""

from __future__ import annotations

import ast
import importlib.metadata
import io
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

from reprcheck.datasets.public import RemoteFile, open_public, public_set
from reprcheck.datasets.public.fetching import fetch
from reprcheck.errors import UserError

NAMES = ("pathmnist", "bloodmnist", "tissuemnist")
TASKS = {"pathmnist": "tissue", "bloodmnist": "cell_type", "tissuemnist": "cell_type"}
COUNTS = {"train": 30, "val": 20, "test": 40}


def npz(name, size=28):
    """What the package publishes: uint8 images and labels of each split, compressed."""
    rng = np.random.default_rng(size)
    colour = () if name == "tissuemnist" else (3,)
    n_classes = len(import_module(f"reprcheck.datasets.public.sets.{name}").CLASSES)
    arrays = {}
    for split, n in COUNTS.items():
        arrays[f"{split}_images"] = rng.integers(0, 256, (n, size, size, *colour), dtype=np.uint8)
        arrays[f"{split}_labels"] = (np.arange(n, dtype=np.uint8) % n_classes)[:, None]
    file = io.BytesIO()
    np.savez_compressed(file, **arrays)
    return file.getvalue(), arrays


def served(site, name, size=28):
    """The set's entry, its file of one size in miniature and on this machine; and what is in it."""
    content, arrays = npz(name, size)
    suffix = "" if size == 28 else f"_{size}"
    file = RemoteFile(f"{name}{suffix}.npz", site.put(f"{name}{suffix}.npz", content), unpack="zip", into=str(size))
    kept = public_set(name)
    return type(kept)(name, kept.title, kept.homepage, kept.card, (file,)), arrays


@pytest.fixture(params=NAMES)
def name(request):
    return request.param


def test_it_is_fetched_and_opens_as_published(site, name, tmp_path):
    published, arrays = served(site, name)
    fetch(published, tmp_path / name, say=lambda _: None)
    dataset = open_public(name, tmp_path / name)
    task = dataset.tasks[TASKS[name]]
    assert len(dataset.ids) == sum(COUNTS.values())
    for row, code in list(zip(task.rows, task.y, strict=True))[::7]:
        split, number = str(dataset.ids[row]).split("_")
        assert split in (("val", "test") if name == "pathmnist" else ("test",))
        classes = import_module(f"reprcheck.datasets.public.sets.{name}").CLASSES
        label = classes[arrays[f"{split}_labels"][int(number), 0]]
        assert task.classes[code] == label
        stored = arrays[f"{split}_images"][int(number)].astype(np.float32) / 255
        expected = stored[None] if stored.ndim == 2 else np.moveaxis(stored, -1, 0)
        np.testing.assert_array_equal(dataset.images.read(int(row)).pixels, expected)


def test_the_published_split_trains_on_train_and_judges_test(site, name, tmp_path):
    fetch(served(site, name)[0], tmp_path, say=lambda _: None)
    dataset = open_public(name, tmp_path)
    task = dataset.tasks["published"]
    sides = [str(sample).split("_")[0] for sample in dataset.ids[task.rows]]
    assert [side == "test" for side in sides] == task.test.tolist()
    assert (sides.count("train"), sides.count("test")) == (COUNTS["train"], COUNTS["test"])
    assert not any("both sides" in note for note in task.notes)


def test_each_centre_of_pathmnist_is_predicted_from_the_other(site, tmp_path):
    fetch(served(site, "pathmnist")[0], tmp_path, say=lambda _: None)
    task = open_public("pathmnist", tmp_path).tasks["tissue"]
    assert (task.holdout, len(task.rows)) == ("batch", COUNTS["val"] + COUNTS["test"])
    assert set(task.batches) == {"NCT-CRC-HE-100K", "CRC-VAL-HE-7K"}


def test_the_largest_size_that_is_there_is_read(site, tmp_path):
    for size in (28, 64):
        fetch(served(site, "bloodmnist", size)[0], tmp_path, say=lambda _: None)
    assert open_public("bloodmnist", tmp_path).images.read(0).pixels.shape == (3, 64, 64)


def test_another_layout_is_told(site, tmp_path):
    fetch(served(site, "bloodmnist")[0], tmp_path, say=lambda _: None)

    def refused():
        with pytest.raises(UserError) as caught:
            open_public("bloodmnist", tmp_path)
        return str(caught.value)

    labels = tmp_path / "28" / "val_labels.npy"
    np.save(labels, np.full((20, 1), 8, np.uint8))
    assert "val_labels.npy: label 8, and there are 8 classes" in refused()
    np.save(labels, np.zeros((19, 1), np.uint8))
    assert "val_labels.npy: labels of shape (19, 1) for images of shape (20, 28, 28, 3)" in refused()
    np.save(labels, np.array([[None]], dtype=object), allow_pickle=True)
    assert "val_labels.npy: can't be read as an array" in refused()
    labels.unlink()
    assert "val_labels.npy: no such file" in refused()
    (tmp_path / "28").rename(tmp_path / "32")
    assert "no folder named by a size of images" in refused()


def test_its_facts_are_the_packages(name):
    """Read from the package's source: importing it would make a folder in the user's home."""
    package = importlib.metadata.distribution("medmnist")
    assert f"medmnist {package.version}" in public_set(name).verified[0]
    source = Path(str(package.locate_file("medmnist/info.py"))).read_text(encoding="utf-8")
    assigned = (node for node in ast.parse(source).body if isinstance(node, ast.Assign))
    info = next(ast.literal_eval(node.value) for node in assigned if ast.unparse(node.targets[0]) == "INFO")[name]
    found, reader = public_set(name), import_module(f"reprcheck.datasets.public.sets.{name}")
    assert [file.into for file in found.files] == ["28", "64", "128", "224"]
    for file in found.files:
        suffix = "" if file.into == "28" else f"_{file.into}"
        assert (file.url, file.md5) == (info[f"url{suffix}"], info[f"MD5{suffix}"])
        assert file.name == f"{name}{suffix}.npz"
    assert tuple(info["label"].values()) == reader.CLASSES
    assert len(found.card.channels) == info["n_channels"]
    assert found.card.license.replace("-", " ") == info["license"]
    for n in info["n_samples"].values():
        assert f"{n:,}" in found.splits
    assert f"{sum(info['n_samples'].values()):,}" in found.title
