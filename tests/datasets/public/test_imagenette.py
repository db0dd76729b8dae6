"""Imagenette in its published layout, in miniature."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from PIL import Image

from reprcheck.datasets.public import open_public
from reprcheck.datasets.public.sets.imagenette import CLASSES
from reprcheck.errors import UserError


@pytest.fixture
def root(tmp_path):
    """Two photographs a class and split, wide or tall, one grey, and the table of noisy labels beside them."""
    folder = tmp_path / "imagenette2-160"
    for split in ("train", "val"):
        for k, synset in enumerate(CLASSES):
            (folder / split / synset).mkdir(parents=True)
            for i in range(2):
                size = (213, 160) if (k + i) % 2 else (160, 240)
                colour = (20 * k, 100, 200) if k else 90
                stem = f"{synset}_{i}{'' if split == 'val' else '7'}"
                Image.new("RGB" if k else "L", size, colour).save(folder / split / synset / f"{stem}.JPEG", quality=95)
    (folder / "noisy_imagenette.csv").write_text("path,noisy_labels_0\n")
    return tmp_path


def test_it_opens_as_published(root):
    dataset = open_public("imagenette", root)
    task = dataset.tasks["object"]
    assert (dataset.kind, len(dataset.ids), len(task.rows)) == ("natural", 40, 20)
    assert set(task.classes) == set(CLASSES.values())
    for row, code in zip(task.rows, task.y, strict=True):
        synset = str(dataset.ids[row]).split("_")[0]
        assert task.classes[code] == CLASSES[synset]
        pixels = dataset.images.read(int(row)).pixels
        assert (pixels.shape, pixels.dtype) == ((3, 160, 160), np.float32)
        k = list(CLASSES).index(synset)
        expected = np.array([20 * k, 100, 200] if k else [90] * 3) / 255
        np.testing.assert_allclose(pixels.mean((1, 2)), expected, atol=0.01)
        assert pixels.min() > 0 or k == 0 or 20 * k < 30  # nothing is padded: the longer side is cut


def test_the_published_split_judges_the_validation_images(root):
    task = open_public("imagenette", root).tasks["published"]
    assert (len(task.rows), int(task.test.sum())) == (40, 20)


def test_another_picture_is_another_content_and_another_place_is_not(root, tmp_path):
    before = open_public("imagenette", root)
    assert pickle.loads(pickle.dumps(before.images)).content(0) == before.images.content(0)
    moved = tmp_path.rename(tmp_path.with_name("moved"))
    assert open_public("imagenette", moved).digest == before.digest
    Image.new("RGB", (160, 160)).save(next((moved / "imagenette2-160/val/n01440764").iterdir()))
    assert open_public("imagenette", moved).digest != before.digest


def test_another_layout_is_told(root):
    path = root / "imagenette2-160" / "val" / "n03888257"
    damaged = next(path.iterdir())
    damaged.write_bytes(damaged.read_bytes()[:200])
    dataset = open_public("imagenette", root)
    with pytest.raises(UserError, match=f"{damaged.name}: can't be decoded"):
        dataset.images.read(dataset.ids.tolist().index(damaged.stem))
    for photograph in path.iterdir():
        photograph.unlink()
    with pytest.raises(UserError, match=r"val/n03888257: no JPEG files there"):
        open_public("imagenette", root)
