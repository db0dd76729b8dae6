"""CIFAR-10 in its published layout, in miniature."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from reprcheck.datasets.catalogue import load
from reprcheck.datasets.public import open_public
from reprcheck.errors import UserError

NAMES = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]


@pytest.fixture
def root(tmp_path):
    """Twenty records a file: label, then 1024 red, 1024 green and 1024 blue bytes, row by row."""
    folder = tmp_path / "cifar10" / "cifar-10-batches-bin"
    folder.mkdir(parents=True)
    (folder / "batches.meta.txt").write_text("\n".join(NAMES) + "\n\n")
    rng = np.random.default_rng(0)
    for name in (*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"):
        records = rng.integers(0, 256, (20, 3073), dtype=np.uint8)
        records[:, 0] = np.arange(20) % 10
        (folder / f"{name}.bin").write_bytes(records.tobytes())
    return folder.parent


def test_it_opens_as_published(root):
    dataset = open_public("cifar10", root)
    assert (dataset.kind, dataset.channels, len(dataset.ids)) == ("natural", ("R", "G", "B"), 120)
    task = dataset.tasks["object"]
    assert (task.classes, len(task.rows)) == (tuple(NAMES), 20)
    assert set(dataset.ids[task.rows]) == {f"test_batch_{i:05}" for i in range(20)}
    raw = np.fromfile(root / "cifar-10-batches-bin" / "test_batch.bin", np.uint8).reshape(20, 3073)
    for row, code in zip(task.rows, task.y, strict=True):
        number = int(dataset.ids[row][-5:])
        assert code == raw[number, 0]
        expected = raw[number, 1:].reshape(3, 32, 32).astype(np.float32) / 255
        np.testing.assert_array_equal(dataset.images.read(int(row)).pixels, expected)


def test_the_published_split_is_the_files(root):
    task = open_public("cifar10", root).tasks["published"]
    assert (len(task.rows), int(task.test.sum())) == (120, 20)


def test_it_opens_by_name_and_the_same_in_another_process(root, monkeypatch):
    monkeypatch.setenv("REPRCHECK_DATA", str(root.parent))
    images = load("cifar10").images
    images.read(0)
    raw = pickle.dumps(images)
    assert len(raw) < 20_000  # where the pixels are, not the pixels
    again = pickle.loads(raw)
    assert again.content(3) == images.content(3) != images.content(4)
    np.testing.assert_array_equal(again.read(3).pixels, images.read(3).pixels)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("test_batch.bin", None, "no such file"),
        ("batches.meta.txt", None, "no such file"),
        ("data_batch_2.bin", bytes(3000), "3000 bytes, not a number of records of 3073"),
        ("data_batch_2.bin", b"", "0 bytes, not a number of records"),
        ("data_batch_2.bin", bytes([10]) + bytes(3072), "label 10, and 10 classes have names"),
    ],
)
def test_another_layout_is_told(root, name, content, message):
    path = root / "cifar-10-batches-bin" / name
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UserError) as caught:
        open_public("cifar10", root)
    assert caught.value.where == str(path)
    assert message in caught.value.what
