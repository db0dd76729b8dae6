"""`reprcheck data segmentation`: a dataset's masks against what is found without them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import nullcontext

import numpy as np
import pytest
import tifffile
from PIL import Image as Picture

from reprcheck.baselines.segmentation import segment
from reprcheck.cli import main
from reprcheck.datasets.folder import open_folder
from reprcheck.reporters.segmentation import SegmentationReport
from reprcheck.runs.segmentation import assess_segmentation
from tests.baselines.fields import disks, stained
from tests.minisets import write_dataset

COUNTS = [3, 1, 0, 2, 3, 1, 2, 3, 0, 1, 2, 3]
CENTRES = [(20, 20), (20, 60), (60, 40)]


def imagej(path, mask):
    """Write a label image as StarDist's examples do: for ImageJ, whose integers have 16 bits, with axes TZCYXS."""
    tifffile.imwrite(path, mask.astype(np.int16)[None, None, None, :, :, None], imagej=True)


WRITERS = {
    ".uint16.tif": lambda path, mask: tifffile.imwrite(path, mask.astype(np.uint16)),
    ".int32.tif": lambda path, mask: tifffile.imwrite(path, mask.astype(np.int32), compression="zlib"),
    ".uint32.tif": lambda path, mask: tifffile.imwrite(path, mask.astype(np.uint32)),
    ".imagej.tif": imagej,
    "_cp_masks.tif": lambda path, mask: tifffile.imwrite(path, mask.astype(np.uint16), compression="zlib"),
    "_cp_masks.png": lambda path, mask: Picture.fromarray(mask.astype(np.uint16)).save(path),
    ".npy": lambda path, mask: np.save(path, mask.astype(np.int64)),
}
"""Label images as people have them: as `skimage`, Cellpose and StarDist write them."""


def fields(folder, masks, *, suffix="_cp_masks.png", batches=("p", "q", "r") * 4):
    """Write a dataset of stained disks, with ``masks`` for its label images; None leaves a cell blank."""
    images = [stained(disks(80, CENTRES[:n], [9] * n), i)[None] for i, n in enumerate(COUNTS)]
    (folder / "labels").mkdir(parents=True)
    names = ["" if m is None else f"labels/{i:03}{suffix}" for i, m in enumerate(masks)]
    for name, mask in zip(names, masks, strict=True):
        if mask is not None:
            WRITERS[suffix](folder / name, mask)
    return write_dataset(
        folder, images=images, shape=(1, 80, 80), batches=batches, card={"channels": ["dna"]},
        extra={"labels": names}, columns={"mask": "labels"},
    )  # fmt: skip


def true_masks(first=1):
    """Return the label images of `fields`, objects numbered from ``first``."""
    masks = [disks(80, CENTRES[:n], [9] * n) for n in COUNTS]
    return [np.where(mask > 0, mask + first - 1, 0) for mask in masks]


def quiet(total, title):
    return nullcontext(lambda done: None)


@pytest.mark.parametrize("suffix", WRITERS)
def test_label_images_come_as_others_write_them(tmp_path, suffix):
    masks = true_masks(first=300)  # beyond 8 bits
    dataset = open_folder(fields(tmp_path / "set", masks, suffix=suffix))
    for i, mask in enumerate(masks):
        read = dataset.images.read(i).mask
        assert read.dtype == np.int32
        np.testing.assert_array_equal(read, mask)
    assert assess_segmentation(dataset, quiet).quality.f1 == 1


def test_images_are_segmented_as_if_they_had_no_mask(tmp_path):
    masks = true_masks()
    masks[0] = np.zeros_like(masks[0])  # a mask that misses all three
    masks[1] = None
    measured = assess_segmentation(open_folder(fields(tmp_path / "set", masks)), quiet)
    first, *others = measured.images
    assert (first.sample, first.batch, first.agreement.f1) == ("s00", "p", 0)
    assert first.agreement.found == segment(stained(disks(80, CENTRES, [9] * 3), 0)[None], ("dna",), "culture").max()
    assert all(one.agreement.f1 == 1 for one in others)
    assert (measured.without_mask, measured.channel, len(others)) == (1, "dna", 10)


def test_means_are_over_images_by_batch(tmp_path):
    masks = true_masks()
    masks[0] = np.where(masks[0] == 3, 0, masks[0])  # batch p: 3 found of 2
    masks[3] = np.where(masks[3] == 2, 0, masks[3])  # batch p: 2 found of 1
    measured = assess_segmentation(open_folder(fields(tmp_path / "set", masks)), quiet)
    p, whole = measured.batches["p"], measured.quality
    assert (p.images, p.true, p.found) == (4, 2 + 1 + 2 + 1, 3 + 2 + 2 + 1)
    assert p.f1 == pytest.approx((0.8 + 2 / 3 + 1 + 1) / 4)
    assert (p.count_error, p.relative_error) == (0.5, pytest.approx((1 / 2 + 1) / 4))
    assert measured.batches["q"].f1 == 1
    assert whole.f1 == pytest.approx(1 - (0.2 + 1 / 3) / 12)
    assert whole.relative_error == pytest.approx(1.5 / 10)  # two images have no objects


@pytest.fixture(scope="module")
def poor(tmp_path_factory):
    """A dataset whose first image has a mask that misses all its objects."""
    masks = true_masks()
    masks[0] = np.zeros_like(masks[0])
    return fields(tmp_path_factory.mktemp("poor") / "set", masks)


@pytest.mark.parametrize("width", [60, 80, 200])
def test_the_report_fits_and_names_the_worst(poor, width):
    shown = SegmentationReport(assess_segmentation(open_folder(poor), quiet)).lines(width, color=False)
    assert max(map(len, shown)) <= width
    rows = [line.split()[:-1] for line in shown]
    assert ["p", "4", "5", "8", "0.750", "0.8", "0%"] in rows
    worst = next(i for i, line in enumerate(shown) if line.startswith("worst"))
    assert rows[worst + 1 : worst + 3] == [["s00", "0", "3", "0.000"], []]  # what is perfect isn't named


def test_json_and_table_say_the_same(poor, capsys):
    assert main(["data", "segmentation", str(poor), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert main(["data", "segmentation", str(poor)]) == 0
    out = capsys.readouterr().out
    assert f"{told['quality']['f1']:.3f}" in out
    assert [one["sample"] for one in told["images"] if one["f1"] < 1] == ["s00"]
    assert set(told["batches"]) == {"p", "q", "r"}


def test_a_limit_takes_fewer_images(poor, capsys):
    assert main(["data", "segmentation", str(poor), "--limit=6", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["quality"]["images"] == 6


def test_a_dataset_without_masks_is_a_mistake(tmp_path, capsys):
    assert main(["data", "segmentation", str(write_dataset(tmp_path / "set"))]) == 4
    out, err = capsys.readouterr()
    assert out == ""
    assert err == (
        "ERROR: mini: no image has a mask to compare with; name the column of label images on its card: "
        '[columns] mask = "COLUMN"\n'
    )


@pytest.mark.parametrize("args", [["data"], ["data", "segmentation"]])
def test_help_fits_80_columns_and_is_quick(args):
    code = (
        "import sys\nfrom reprcheck.cli import main\n"
        f"try: main({[*args, '--help']})\n"
        "finally: assert not {'numpy', 'torch', 'rich'} & set(sys.modules)\n"
    )
    environment = os.environ | {"COLUMNS": "80"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert max(map(len, done.stdout.splitlines())) <= 80
