"""Sentences on stored values: exact counts, by class, from planted images; none where there is nothing to say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray

from reprcheck.cli import main
from reprcheck.confounds.values import describe_values
from reprcheck.datasets.folder import open_folder
from reprcheck.datasets.images.files import FileImages
from reprcheck.datasets.images.values import Values, measure
from reprcheck.diagnostics.contestants import Contestants
from reprcheck.diagnostics.describe import describe_setting
from reprcheck.digest import digest
from reprcheck.embed.cache import Cache
from reprcheck.embed.embedder import Embedder
from reprcheck.embed.engine import Block
from reprcheck.policy import Policy
from reprcheck.runs.benches import Benches
from reprcheck.types import Task
from tests.cases import write_case
from tests.diagnostics.test_diagnostics import quiet
from tests.minisets import write_dataset

N = 48
IDS = [f"s{i:03}" for i in range(N)]
SECOND = np.arange(N) % 2 == 1
"""The samples of class taxol."""


def a_task(n: int = N, classes: tuple[str, ...] = ("DMSO", "taxol"), y: NDArray[Any] | None = None) -> Task:
    return Task(
        name="state",
        kind="classify" if classes else "regress",
        rows=np.arange(n),
        y=np.arange(n) % max(len(classes), 1) if y is None else y,
        classes=classes,
        units=np.array(IDS[:n]),
        batches=np.full(n, "all"),
        holdout=None,
        protocols=("knn/1",),
        channels=(0,),
    )


def pictures(n: int = N, channels: int = 1, dtype: Any = np.uint8, low: int = 10, high: int = 240) -> list[Any]:
    rng = np.random.default_rng(7)
    return [rng.integers(low, high, (channels, 40, 40)).astype(dtype) for _ in range(n)]


ORDINARY = [measure(picture, None) for picture in pictures()]


def told(
    images: list[Any],
    task: Task | None = None,
    value_range: tuple[float, float] | None = None,
    channels: tuple[str, ...] = ("DNA",),
) -> list[str]:
    values = Values(np.stack([measure(image, value_range) for image in images]))
    return describe_values(task or a_task(len(images)), values, channels, IDS[: len(images)])


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.float32])
def test_ordinary_images_say_nothing(dtype: Any) -> None:
    range_of = None if dtype is np.uint8 else (0, 255)
    assert told(pictures(dtype=dtype), value_range=range_of) == []
    assert told(pictures(dtype=dtype, channels=3), value_range=range_of, channels=("a", "b", "c")) == []
    assert told(pictures(n=1), a_task(1)) == []


# --- blank and saturated ------------------------------------------------------------------------------------------


def test_blank_images_of_one_class_are_a_confound_with_their_counts() -> None:
    images = pictures()
    for i in np.flatnonzero(SECOND)[::3]:
        images[i][:] = 0
    assert told(images) == [
        "Confound: 8 of 48 images (such as s001) are blank, one value throughout: 8 of 24 taxol.",
    ]


def test_one_blank_image_is_told_and_no_confound() -> None:
    images = pictures()
    images[4][:] = 99  # whatever the value
    assert told(images) == ["Values: 1 of 48 images (s004) is blank, one value throughout: 1 of 24 DMSO."]


@pytest.mark.parametrize(
    ("dmso", "taxol", "opening"), [(5, 5, "Values"), (2, 3, "Values"), (1, 12, "Confound"), (0, 2, "Confound")]
)
def test_classes_are_at_odds_where_chance_rarely_has_them_so(dmso: int, taxol: int, opening: str) -> None:
    images = pictures()
    for i in (*np.flatnonzero(~SECOND)[:dmso], *np.flatnonzero(SECOND)[:taxol]):
        images[i][:] = 5
    (sentence,) = told(images)
    assert sentence.startswith(f"{opening}: {dmso + taxol} of 48 images (such as s00")
    for count, name in ((dmso, "DMSO"), (taxol, "taxol")):
        assert (f"{count} of 24 {name}" in sentence) == (count > 0)


def test_random_blanks_are_rarely_called_a_confound() -> None:
    rng, blank, named = np.random.default_rng(0), measure(np.full((1, 2, 2), 5, np.uint8), None), 0
    for _ in range(200):
        facts = np.stack([blank if rng.random() < 0.3 else ordinary for ordinary in ORDINARY])
        sentences = describe_values(a_task(), Values(facts), ("DNA",), IDS)
        named += any(sentence.startswith("Confound") for sentence in sentences)
    assert named <= 6  # 2 expected


def test_a_regression_has_no_classes_to_count() -> None:
    images = pictures()
    images[3][:] = images[9][:] = 1
    y = np.arange(N, dtype=float)
    assert told(images, a_task(classes=(), y=y)) == [
        "Values: 2 of 48 images (such as s003) are blank, one value throughout."
    ]


def test_all_images_blank_are_told_once() -> None:
    assert told([np.zeros((1, 9, 9), np.uint8)] * 12) == ["Values: all 12 images are blank, one value throughout."]


def test_hot_pixels_dont_hide_a_blank_image_and_noise_is_nearly_blank() -> None:
    images = pictures()
    images[2][:] = 7
    images[2].flat[5] = 255
    images[5] = np.random.default_rng(1).integers(10, 13, (1, 40, 40)).astype(np.uint8)
    assert told(images) == [
        "Values: 1 of 48 images (s002) is blank, one value throughout: 1 of 24 DMSO.",
        "Values: 1 of 48 images (s005) is nearly blank, with less than 2 % of the contrast that is usual here: "
        "1 of 24 taxol.",
    ]


def test_channels_that_are_blank_are_counted_and_a_class_that_has_them_alone_is_named() -> None:
    images, names = pictures(channels=3), ("DNA", "actin {odd}", "ER")
    for i in (0, 1, 2, 3):
        images[i][1] = 0
    for i in np.flatnonzero(SECOND)[5:16]:
        images[i][2] = 0
    assert told(images, channels=names) == [
        "Confound: 11 of 48 images (such as s011) are blank in channel ER: 11 of 24 taxol.",
        "Values: channels that are blank in some images: actin {odd} in 4 of 48.",
    ]


def test_saturated_images_are_counted_apart_from_blank_ones() -> None:
    images = pictures()
    images[40][:] = 255
    for i in (1, 3, 5):
        images[i].flat[:500] = 255
    images[7].flat[:300] = 255  # less than a quarter of 1600
    assert told(images) == [
        "Values: 4 of 48 images (such as s001) are saturated, with a quarter or more of a channel's values at the "
        "highest there is: 3 of 24 taxol, 1 of 24 DMSO.",
    ]


# --- ranges -------------------------------------------------------------------------------------------------------


def test_values_outside_the_range_are_told_with_the_range_found() -> None:
    images = pictures(dtype=np.int16)
    images[3].flat[:12] = 300
    images[8].flat[:4] = -7
    assert told(images, value_range=(0, 255)) == [
        "Values: 2 of 48 images (such as s003) have values outside value_range = [0, 255], which are clipped: they go "
        "from -7 to 300, 0.75 % of a channel at most: 1 of 24 DMSO, 1 of 24 taxol.",
    ]


def test_images_that_clipping_makes_one_value_are_told_as_such() -> None:
    images = pictures(n=24, dtype=np.uint16, low=5000, high=9000)
    images[0].flat[0], images[1].flat[0] = 5000, 8999
    assert told(images, value_range=(0, 4095)) == [
        "Values: all 24 images are saturated, with a quarter or more of a channel's values at the highest there is.",
        "Values: all 24 images have values outside value_range = [0, 4095], which are clipped: they go from 5000 to "
        "8999, 100 % of a channel at most.",
    ]
    (blank, *_) = told(images, value_range=(10000, 20000))
    assert blank == "Values: all 24 images are blank, one value throughout."
    facts = np.stack([measure(image, (0, 4095)) for image in images])
    assert Values(facts).constant.all()  # so they are nobody's copy


def test_images_of_one_bit_are_not_saturated() -> None:
    assert told([picture > 120 for picture in pictures()]) == []


def test_one_class_beyond_the_range_is_a_confound() -> None:
    images = pictures(dtype=np.int16)
    for i in np.flatnonzero(SECOND):
        images[i].flat[:160] = 300
    (sentence,) = told(images, value_range=(0, 255))
    assert sentence.startswith("Confound: 24 of 48 images (such as s001) have values outside value_range = [0, 255]")
    assert sentence.endswith("300, 10 % of a channel at most: 24 of 24 taxol.")


@pytest.mark.parametrize(
    ("high", "value_range", "expected"),
    [
        (
            1024,
            (0, 65535),
            "Values: channel DNA (1.6 %) spans less than 2 % of value_range, one grey to a network: narrow value_range "
            "on the card if it is wider than it need be.",
        ),
        (
            1024,
            None,
            "Values: channel DNA (1.6 %) spans less than 2 % of the range of the type, one grey to a network: set "
            "value_range on the card if it is wider than it need be.",
        ),
        (
            4096,
            None,
            "Values: none of uint16 exceeds 4095, 12 bits, and 65535 becomes 1: set value_range = [0, 4095] on the "
            "card if that is what the camera gives.",
        ),
        (4096, (0, 4095), None),
        (4096, (0, 65535), None),
        (40000, None, None),
    ],
)
def test_a_range_far_wider_than_the_values(high: int, value_range: Any, expected: str | None) -> None:
    images = pictures(dtype=np.uint16, low=0, high=high)
    images[0].flat[0] = high - 1
    assert told(images, value_range=value_range) == ([] if expected is None else [expected])


def test_hot_pixels_dont_hide_a_range_that_is_too_wide() -> None:
    images = pictures(dtype=np.uint16, low=100, high=700)
    images[5].flat[3] = 65535
    (sentence,) = told(images)
    assert sentence.startswith("Values: channel DNA (0.91 %) spans less than 2 % of the range of the type")


def test_dark_channels_are_named_and_bright_ones_are_not() -> None:
    images = pictures(channels=2)
    for image in images:
        image[1] = np.random.default_rng(3).integers(0, 5, (40, 40))
    (sentence,) = told(images, channels=("DNA", "actin"))
    assert sentence.startswith("Values: channel actin (1.6 %) spans less than 2 %")


# --- depth --------------------------------------------------------------------------------------------------------


def test_types_that_differ_are_counted_by_class() -> None:
    images = [image.astype(np.uint16) * 257 if SECOND[i] else image for i, image in enumerate(pictures())]
    assert told(images) == [
        "Values: images are stored in 2 ways: 24 as uint16 of 8 bits (s001, 24 of 24 taxol), 24 as uint8 (s000, 24 of "
        "24 DMSO).",
    ]


@pytest.mark.parametrize(("factor", "high", "bits"), [(257, 256, 8), (16, 4096, 12), (64, 1024, 10)])
def test_values_scaled_to_a_wider_type_are_told(factor: int, high: int, bits: int) -> None:
    images = [image * np.uint16(factor) for image in pictures(dtype=np.uint16, low=0, high=high)]
    assert told(images) == [f"Values: all images are uint16 of {bits} bits: neighbouring levels lie {factor} apart."]


def test_a_blank_or_sparse_image_among_deep_ones_is_no_other_way() -> None:
    images = [image * np.uint16(257) for image in pictures(dtype=np.uint16)]
    images[3][:] = 514
    images[4][:] = 0
    images[4].flat[:40] = 257 * 9
    sentences = told(images)
    assert not any("ways" in sentence for sentence in sentences)
    assert sentences[-1] == "Values: all images are uint16 of 8 bits: neighbouring levels lie 257 apart."


def test_channels_of_several_types_are_one_way() -> None:
    images = pictures(channels=2)
    facts = [np.concatenate([measure(i[:1], None), measure(i[1:].astype(np.uint16) * 250, None)]) for i in images]
    values = Values(np.stack(facts))
    assert describe_values(a_task(), values, ("a", "b"), IDS) == [
        "Values: all images are uint8 and uint16 of 8 bits: neighbouring levels lie 1 to 250 apart.",
    ]
    assert values.depths is None


def test_kinds_of_one_width_are_several_ways_and_differ_in_depth() -> None:
    facts = [
        measure(image.astype(np.int16 if SECOND[i] else np.uint16), (0, 255)) for i, image in enumerate(pictures())
    ]
    values = Values(np.stack(facts))
    assert describe_values(a_task(), values, ("DNA",), IDS) == [
        "Values: images are stored in 2 ways: 24 as int16 (s001, 24 of 24 taxol), 24 as uint16 (s000, 24 of 24 DMSO).",
    ]
    assert values.depths is not None
    assert len(np.unique(values.depths, axis=0)) == 2


def test_depths_are_bits_of_the_type_and_of_the_levels() -> None:
    images = [image.astype(np.uint16) * 257 if SECOND[i] else image for i, image in enumerate(pictures())]
    values = Values(np.stack([measure(image, None) for image in images]))
    np.testing.assert_array_equal(values.depths, np.where(SECOND[:, None], [16, 8, 2], [8, 8, 2]))
    assert Values(np.stack([measure(image, None) for image in pictures()])).depths is None


# --- in a scorecard's notes, and in data check --------------------------------------------------------------------


def noted(folder: Path, cache: Path) -> tuple[str, ...]:
    """Return the notes of a scorecard's setting; the encoders are noise: what is told of a setting isn't theirs."""
    dataset = open_folder(folder)
    (task,) = dataset.tasks.values()

    def noise(seed: int) -> Block:
        vectors = np.random.default_rng(seed).normal(size=(len(task.y), 4)).astype(np.float32)
        return Block(digest("noise", vectors), tuple(dataset.ids.tolist()), vectors)

    contestants = Contestants(noise(0), {"untrained": (noise(1), noise(2))})
    benches = Benches(Policy(twins=2, repeats=1), Embedder(Cache(cache), quiet))
    return describe_setting(benches.of(contestants, dataset, task, "knn/1")).notes


def checked(folder: Path, capsys: Any) -> list[str]:
    assert main(["data", "check", str(folder), "--json"]) == 0
    (notes,) = json.loads(capsys.readouterr().out)["notes"].values()
    return list(notes)


def mixed(folder: Path, **options: Any) -> Path:
    """Write images of which those of class b have 16 bits: the same values, 257 times as large."""
    labels = ["a", "b"] * 12
    images = [picture * np.uint16(257) if i % 2 else picture for i, picture in enumerate(pictures(24))]
    return write_dataset(folder, labels=labels, images=images, shape=(1, 40, 40), **options)


WAYS = "Values: images are stored in 2 ways: 12 as uint16 of 8 bits (s01, 12 of 12 b), 12 as uint8 (s00, 12 of 12 a)."
GIVEN_AWAY = "Confound: bit depth alone predicts the label: 1.00 by knn/1, 0.50 by chance (p = 0.001)."


def test_depth_that_gives_the_label_away_is_scored_as_a_nuisance(tmp_path: Path, capsys: Any) -> None:
    folder = mixed(tmp_path / "mixed")
    for notes in (checked(folder, capsys), noted(folder, tmp_path / "cache")):
        assert WAYS in notes
        assert GIVEN_AWAY in notes


def test_units_of_several_depths_have_their_mean(tmp_path: Path) -> None:
    folder = mixed(tmp_path / "mixed", units=[f"w{i % 12:02}" for i in range(24)], task={"aggregate": "mean"})
    notes = noted(folder, tmp_path / "cache")
    assert WAYS in notes
    assert GIVEN_AWAY in notes


def test_a_warm_run_tells_the_same_and_decodes_nothing(tmp_path: Path, monkeypatch: Any) -> None:
    folder = mixed(tmp_path / "mixed")
    cold = noted(folder, tmp_path / "cache")
    monkeypatch.setattr(FileImages, "read", lambda *a: pytest.fail("decoded again"))
    assert noted(folder, tmp_path / "cache") == cold


def test_blank_images_are_told_once_and_as_nobodys_copy(tmp_path: Path, capsys: Any) -> None:
    images = pictures(24)
    for i in (1, 3, 5, 7):
        images[i] = np.zeros_like(images[i])
    images[4] = np.full_like(images[4], 255)
    images[10] = images[6]
    folder = write_dataset(tmp_path / "blank", labels=["a", "b"] * 12, images=images, shape=(1, 40, 40))
    for notes in (checked(folder, capsys), noted(folder, tmp_path / "cache")):
        told = [note for note in notes if "image" in note or "pixels" in note]
        assert told[:2] == [
            "Confound: 4 of 24 images (such as s01) are blank, one value throughout: 4 of 12 b.",
            "Values: 1 of 24 images (s04) is saturated, with a quarter or more of a channel's values at the highest "
            "there is: 1 of 12 a.",
        ]
        assert all("s06 and s10" in note and "1 pair" in note for note in told[2:])


def test_crops_tell_of_themselves(tmp_path: Path, capsys: Any) -> None:
    fields = pictures(12)
    for field in fields:
        field[:, :10, :10] = 0
    folder = write_dataset(tmp_path / "crops", labels=["a", "b"] * 6, images=fields, shape=(1, 40, 40))
    rows = [f"s{i:02},{centre},{centre}" for i in range(12) for centre in (5, 25)]
    (folder / "cells.csv").write_text("\n".join(["field,y,x", *rows]))
    card = (folder / "dataset.toml").read_text()
    crops = 'crops = { table = "cells.csv", field = "field", y = "y", x = "x", size = [10, 10] }\n'
    (folder / "dataset.toml").write_text(crops + card)
    (note,) = [note for note in checked(folder, capsys) if "blank" in note]
    assert note.startswith("Values: 12 of 24 images (such as s00")
    assert note.endswith("are blank, one value throughout: 6 of 12 a, 6 of 12 b.")


def test_the_case_of_blank_images(tmp_path: Path, capsys: Any) -> None:
    notes = checked(write_case("blank_images", tmp_path / "blank"), capsys)
    assert "Confound: 8 of 48 images (such as s006) are blank, one value throughout: 8 of 24 taxol." in notes
    assert any(note.startswith("Values: 1 of 48 images (s040) is saturated, ") for note in notes)
    assert not any("same pixels" in note for note in notes)


def test_the_case_of_imagej_read_as_stored(tmp_path: Path, capsys: Any) -> None:
    """Its offset taken off, or refused; without the calibration that says so, refused."""
    folder = write_case("imagej_signed16", tmp_path / "signed")
    for path in sorted((folder / "img").iterdir()):
        tifffile.imwrite(path, tifffile.imread(path), photometric="minisblack")
    assert main(["data", "check", str(folder), "--json"]) == 4
    problems = json.loads(capsys.readouterr().out)["problems"]
    assert len(problems) == 24
    assert problems[0]["problem"] == (
        "100 % of values lie outside value_range = [0, 4095]: they go from 33360 to 34416"
    )
