import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reprcheck.baselines.structure.baseline import Structure, feature_names, measure_objects
from reprcheck.types import Image
from tests.baselines.fields import disks, random_field, stained

STRUCTURE = Structure(("dna",), "culture")


def relabelled(mask, rng):
    names = np.concatenate([[0], rng.choice(np.arange(1, 10_000), int(mask.max()), replace=False)])
    return names[mask].astype(np.int32)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000))
def test_labels_and_brightness_change_no_bit(seed):
    rng = np.random.default_rng(seed)
    mask = random_field(seed, side=64, n=int(rng.integers(0, 15)))
    pixels = rng.uniform(size=(1, 64, 64)).astype(np.float32)
    given_mask, other_pixels, other_labels = STRUCTURE.encode(
        [Image(pixels, mask), Image(np.sqrt(pixels) * 0.3, mask), Image(pixels, relabelled(mask, rng))]
    )
    np.testing.assert_array_equal(given_mask, other_pixels)
    np.testing.assert_array_equal(given_mask, other_labels)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(0, 30), st.integers(0, 30))
def test_moving_the_field_changes_only_where_it_lies(seed, down, right):
    mask = random_field(seed, side=60, n=12, radius=4)
    mask[[0, -1]] = mask[:, [0, -1]] = 0
    here, there = (np.zeros((100, 100), np.int32) for _ in range(2))
    here[4:64, 4:64] = mask
    there[4 + down : 64 + down, 4 + right : 64 + right] = mask
    a, b = measure_objects(here), measure_objects(there)
    placed = {"largest.offset", "mean.offset"}
    assert {k: v for k, v in a.items() if k not in placed} == {k: v for k, v in b.items() if k not in placed}


@pytest.mark.parametrize(("gain", "offset"), [(0.5, 0.0), (1.0, 0.3), (0.25, 0.5)])
@pytest.mark.parametrize("side", [96, 160])
def test_affine_brightness_hardly_matters_when_segmented(side, gain, offset):
    pixels = stained(random_field(3, side, 20, 6), 3)[None]
    a, b = STRUCTURE.encode([Image(pixels), Image(gain * pixels + np.float32(offset))])
    assert a[0] == b[0] > 10
    np.testing.assert_allclose(a, b, rtol=0.02, atol=0.02)


@pytest.mark.parametrize("masked", [True, False])
def test_counts_and_sizes_of_disks(masked):
    centres = [(20, 20), (20, 70), (60, 45), (75, 15), (75, 78)]
    mask = disks(96, centres, [9] * 5)
    image = Image(stained(mask, 0)[None], mask if masked else None)
    got = dict(zip(feature_names(), STRUCTURE.encode([image])[0].tolist(), strict=True))
    assert got["count"] == 5
    assert got["diameter.mean"] == pytest.approx(18, abs=1)
    assert got["eccentricity.mean"] < 0.4
    assert got["area.cv"] < 0.08
    assert got["border_share"] == 0
    assert got["nearest.p10"] == pytest.approx(np.hypot(15, 30), abs=1)


@pytest.mark.parametrize(
    "centres",
    [[], [(40, 40)], [(20, 20), (60, 60)], [(20, 20), (40, 40), (60, 60)], [(20, 30), (40, 30), (60, 30), (70, 30)]],
    ids=["none", "one", "two", "three in line", "four in line"],
)
def test_few_or_aligned_objects_are_described(centres):
    got = measure_objects(disks(80, centres, [4] * len(centres)))
    assert list(got) == list(feature_names())
    assert np.isfinite(list(got.values())).all()
    assert got["count"] == len(centres)
    assert got["hull_share"] == 0
    assert got["delaunay.length.mean"] > 0 or len(centres) < 2


def test_parallel_objects_are_aligned_and_crossed_ones_are_not():
    bars = np.zeros((40, 40), np.int32)
    bars[2:5, 2:14], bars[12:15, 20:32] = 1, 2
    assert measure_objects(bars)["orientation.alignment"] == pytest.approx(1)
    bars[20:32, 2:5], bars[20:32, 30:33] = 3, 4
    assert measure_objects(bars)["orientation.alignment"] == pytest.approx(0, abs=1e-9)


def test_dense_fields_and_objects_in_one_place():
    grid = np.arange(1, 401, dtype=np.int32).reshape(20, 20).repeat(3, 0).repeat(3, 1)
    assert measure_objects(grid)["coverage"] == 1
    ring = disks(64, [(32, 32), (32, 32)], [20, 10])  # two objects, one centroid
    assert np.isfinite(list(measure_objects(ring).values())).all()
