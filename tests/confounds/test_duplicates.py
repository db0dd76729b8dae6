"""Duplicates across folds: all that are planted, none among images that are merely alike."""

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as Picture
from scipy import ndimage

from reprcheck.baselines.pixels import Pixels
from reprcheck.confounds.duplicates import duplicates, near_pairs
from reprcheck.datasets.folder import open_folder
from reprcheck.types import Image

SHARED = Path(__file__).resolve().parents[2] / "../shared/data"


def alike(n=400, dimension=6, width=144, noise=0.02, seed=0):
    """Thumbnails of one kind of image: a profile common to all, a few ways to differ, a little noise."""
    rng = np.random.default_rng(seed)
    common = 3 * rng.normal(size=width)
    ways = rng.normal(size=(n, dimension)) @ rng.normal(size=(dimension, width)) / np.sqrt(dimension)
    return (common + ways + noise * rng.normal(size=(n, width))).astype(np.float32)


def different(n):
    return [f"digest {i}" for i in range(n)]


def brute_force(ids, codes):
    n = len(ids)
    return [(i, j) for i in range(n) for j in range(i + 1, n) if ids[i] == ids[j] and codes[i] != codes[j]]


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from("abcde"), st.integers(0, 3), st.integers(0, 2)), min_size=1, max_size=30))
def test_equal_pixels_agree_with_brute_force(samples):
    ids, folds, labels = zip(*samples, strict=True)
    found = duplicates(ids, np.ones((len(ids), 9), np.float32), np.array(folds), np.array(labels))
    across = brute_force(ids, folds)
    assert (found.exact, found.near) == (len(across), 0)
    assert found.conflicting == len(brute_force(ids, labels))
    assert found.n_samples == len({i for pair in across for i in pair})


def test_the_notes_name_pairs_and_count_the_rest():
    names = [f"s{i}" for i in range(6)]
    found = duplicates(
        ["x", "x", "y", "y", "z", "w"],
        np.ones((6, 9), np.float32),
        np.array([0, 1, 0, 1, 0, 1]),
        np.array(["a", "a", "a", "b", "a", "b"]),
        names=names,
    )
    assert found.notes == (
        "Confound: 2 pairs of samples with the same pixels lie on both sides of a fold: s0 and s1, s2 and s3.",
        "Label noise: 1 pair of samples with the same or nearly the same pixels differs in label: s2 and s3.",
    )
    many = duplicates(["x"] * 4, np.ones((4, 9), np.float32), np.arange(4))
    assert many.notes == (
        "Confound: 6 pairs of samples with the same pixels lie on both sides of a fold: sample 0 and sample 1, "
        "sample 0 and sample 2, sample 0 and sample 3, and 3 more.",
    )


def test_duplicates_within_a_fold_are_no_leak():
    found = duplicates(["x", "x", "y"], np.ones((3, 9), np.float32), np.array([0, 0, 1]), np.array([0, 1, 1]))
    assert (found.exact, found.n_samples, found.conflicting) == (0, 0, 1)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("dimension", [3, 6, 20])
def test_images_that_are_merely_alike_are_not_duplicates(dimension, seed):
    x = alike(dimension=dimension, noise=0, seed=seed)
    assert len(near_pairs(x)) == 0


@pytest.mark.parametrize("dimension", [6, 20])
def test_planted_copies_are_found(dimension):
    x = alike(dimension=dimension)
    rng = np.random.default_rng(1)
    copies = (1.2 * x[:20] + 0.01 * rng.normal(size=(20, x.shape[1]))).astype(np.float32)  # brighter, and noisy
    everything = np.vstack([x, copies])
    assert near_pairs(everything).tolist() == [[i, 400 + i] for i in range(20)]
    folds = np.array([0] * 400 + [0] * 5 + [1] * 15)
    found = duplicates(different(420), everything, folds, np.array([0] * 400 + [0] * 10 + [1] * 10))
    assert (found.exact, found.near, found.n_samples, found.conflicting) == (0, 15, 30, 10)
    assert found.notes[0].startswith("Confound: 15 pairs of samples with nearly the same pixels lie on both sides")
    assert duplicates(different(420), everything, folds, np.arange(420.0)).conflicting == 0


def test_several_copies_of_one_image_are_all_found():
    x = alike(dimension=10)
    copies = x[:1] + 0.01 * np.random.default_rng(1).normal(size=(4, x.shape[1])).astype(np.float32)
    pairs = near_pairs(np.vstack([x, copies]))
    members = [0, 400, 401, 402, 403]
    assert pairs.tolist() == [[i, j] for k, i in enumerate(members) for j in members[k + 1 :]]


def test_copies_of_copies_count_as_pairs_of_samples():
    x = alike(dimension=10)
    copy = x[:1] + 0.01 * np.random.default_rng(1).normal(size=(1, x.shape[1])).astype(np.float32)
    everything = np.vstack([x, copy, copy])
    found = duplicates([*different(401), "digest 400"], everything, np.array([0] * 401 + [1]))
    assert (found.exact, found.near) == (1, 1)


def test_images_without_contrast_are_not_near_anything():
    flat = np.repeat(np.linspace(0.1, 0.9, 30, dtype=np.float32)[:, None], 144, axis=1)
    assert len(near_pairs(flat)) == 0
    assert len(near_pairs(np.zeros((30, 144), np.float32))) == 0


def test_a_stain_common_to_all_images_makes_none_alike():
    x = np.random.default_rng(0).normal(size=(200, 2, 36)).astype(np.float32) + np.array([[0], [100]], np.float32)
    x[7] = x[3] + 0.01 * x[5]
    assert near_pairs(x.reshape(200, -1), channels=2).tolist() == [[3, 7]]


def shaded(n=80, energy=0.95, channels=2, seed=0):
    """Thumbnails of wells: two and two share a vignette, with this share of the energy; one channel is their own."""
    rng = np.random.default_rng(seed)
    vignettes = np.repeat(rng.normal(size=(n // 2, channels - 1, 144)), 2, axis=0) * np.sqrt(energy / (channels - 1))
    own = rng.normal(size=(n, 1, 144)) * np.sqrt(1 - energy)
    x = np.concatenate([vignettes + 0.001 * rng.normal(size=vignettes.shape), own], axis=1)
    return (0.5 + x / 20).astype(np.float32)


def flat(thumbnails):
    return thumbnails.reshape(len(thumbnails), -1)


@pytest.mark.parametrize("channels", [2, 3, 10])
@pytest.mark.parametrize("energy", [0.9, 0.95, 0.99])
def test_wells_that_share_a_vignette_are_no_copies_and_copies_of_them_are_found(energy, channels):
    x = shaded(energy=energy, channels=channels)
    assert len(near_pairs(flat(x), channels)) == 0
    gain = np.random.default_rng(1).uniform(0.7, 1.3, (6, channels, 1))
    copies = (gain * x[:12:2] + 0.05).astype(np.float32)
    everything = flat(np.concatenate([x, copies]))
    assert near_pairs(everything, channels).tolist() == [[2 * i, 80 + i] for i in range(6)]


def test_one_channel_of_their_own_tells_wells_apart_among_many_that_they_share():
    rng = np.random.default_rng(2)
    x = rng.normal(size=(60, 12, 144))
    x[1, :11] = x[0, :11]  # a mean correlation of 11 / 12
    x[3] = x[2]
    x += 0.001 * rng.normal(size=x.shape)
    assert near_pairs(flat(x.astype(np.float32)), 12).tolist() == [[2, 3]]


@pytest.mark.parametrize("pattern", [0, 1e-3])
def test_a_dark_channel_neither_makes_copies_nor_hides_them(pattern):
    """Dark but for the camera's own pattern, which all images share, and for a little noise."""
    rng = np.random.default_rng(3)
    x = np.stack([rng.normal(size=(80, 144)), np.full((80, 144), 0.02)], axis=1) / 10
    x[:, 1] += pattern * rng.normal(size=144) + 2e-4 * rng.normal(size=(80, 144))
    copies = x[:5] * 1.1
    copies[:, 1] += 2e-4 * rng.normal(size=(5, 144))
    everything = np.concatenate([x, copies]).astype(np.float32)
    assert near_pairs(flat(everything), 2).tolist() == [[i, 80 + i] for i in range(5)]
    assert len(near_pairs(flat(everything[:80]), 2)) == 0


def test_a_channel_that_is_dark_in_one_and_not_in_the_other_tells_wells_apart():
    rng = np.random.default_rng(4)
    x = rng.normal(size=(60, 6, 144))
    x[1] = x[0] + 0.001 * rng.normal(size=(6, 144))
    x[1, 5] = 0
    x[3] = x[2] + 0.001 * rng.normal(size=(6, 144))
    x[[2, 3], 5] = 0
    assert near_pairs(flat(x.astype(np.float32)), 6).tolist() == [[2, 3]]


def test_copies_saved_again_as_jpeg_are_found_in_every_channel():
    rng = np.random.default_rng(5)
    images = ndimage.gaussian_filter(rng.random((60, 2, 96, 96)), (0, 0, 3, 3))
    images = (images - images.min()) / np.ptp(images)
    images[:, 1] *= 0.3

    def saved(plane):
        file = BytesIO()
        Picture.fromarray(np.round(255 * plane).astype(np.uint8)).save(file, "JPEG", quality=75)
        return np.asarray(Picture.open(file)) / 255

    copies = np.stack([[saved(plane) for plane in image] for image in images[:10]])
    x = Pixels().encode([Image(i.astype(np.float32)) for i in np.concatenate([images, copies])])
    assert near_pairs(x, 2).tolist() == [[i, 60 + i] for i in range(10)]


def test_blank_images_are_nobodys_copy():
    ids, blank = ["x", "x", "y", "y", "z", "w"], np.array([True, True, False, False, True, False])
    folds = np.arange(6) % 2
    found = duplicates(ids, np.ones((6, 9), np.float32), folds, folds, blank=blank)
    assert (found.exact, found.near, found.conflicting, found.n_samples) == (1, 0, 1, 2)
    assert "sample 2 and sample 3" in found.notes[0]
    assert duplicates(ids, np.ones((6, 9), np.float32), folds, blank=np.ones(6, bool)).notes == ()


@pytest.mark.parametrize("n", range(5))
def test_few_images_are_no_mistake(n):
    assert len(near_pairs(alike(n=n))) == 0
    assert duplicates(different(n), alike(n=n), np.arange(n)).notes == ()


@settings(deadline=None, max_examples=10)
@given(st.permutations(range(60)))
def test_pairs_dont_depend_on_the_order(order):
    x = alike(n=50, dimension=10)
    x = np.vstack([x, x[:10] * 1.1 + 0.001 * alike(n=10, seed=3)])
    pairs = {tuple(sorted(order[i] for i in pair)) for pair in near_pairs(x[list(order)])}
    assert pairs == {tuple(pair) for pair in near_pairs(x).tolist()}
    assert len(pairs) == 10


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared datasets are not beside this checkout")
@pytest.mark.parametrize(
    ("name", "expected"), [("tcell", 0), ("jurkat", 0), ("bbbc013", 0), ("cifar10", 0), ("dsb2018", 1)]
)
def test_real_sets_hold_few(name, expected):
    """Cells alone in their crops are alike, and no duplicates; `dsb2018` has one embryo twice."""
    dataset = open_folder(SHARED / name)
    task = next(iter(dataset.tasks.values()))
    images = [dataset.images.read(int(row)).pixels for row in task.rows]
    x = Pixels().encode([Image(pixels) for pixels in images])
    pairs = [[str(dataset.ids[task.rows[i]])[:8] for i in pair] for pair in near_pairs(x)]
    assert pairs == [["20b20ab0", "cb4df20a"]][:expected]
    rng = np.random.default_rng(0)
    planted = rng.choice(len(images), 10, replace=False)
    levels = 4095 if name == "jurkat" else 255
    noisy = [
        np.clip(images[i] + rng.integers(-1, 2, images[i].shape) / levels, 0, 1).astype(np.float32) for i in planted
    ]
    copies = Pixels().encode([Image(pixels) for pixels in noisy])
    found = {tuple(pair) for pair in near_pairs(np.vstack([x, copies])).tolist()}
    hits = sum((int(i), len(x) + k) in found for k, i in enumerate(planted))
    assert hits >= (4 if name == "tcell" else 9)  # cells of tcell are a few pixels of a thumbnail
