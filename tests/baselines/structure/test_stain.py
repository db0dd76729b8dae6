"""Stained area in tissue without masks: what it reads, and that a mask leaves it out."""

import numpy as np
import pytest

from reprcheck.baselines import Structure
from reprcheck.baselines.structure.features import feature_names
from reprcheck.baselines.structure.stain import NAMES, measure_stain
from reprcheck.types import Image
from tests.baselines.fields import disks

RGB = ("R", "G", "B")
PURPLE = np.array([0.35, 0.25, 0.6], np.float32)[:, None, None]


def slide(mask, gain=1.0, seed=0):
    """Return float32[3, H, W]: purple objects on a nearly white ground, with noise."""
    noise = 0.02 * np.random.default_rng(seed).standard_normal((3, *mask.shape))
    return (gain * np.clip(np.where(mask > 0, PURPLE, 0.95) + noise, 0, 1)).astype(np.float32)


def named(pixels, channels=RGB):
    return dict(zip(NAMES, measure_stain(pixels, channels), strict=True))


FEW = disks(96, [(20, 20), (70, 60)], [9, 9])
MANY = disks(96, [(r, c) for r in range(10, 96, 19) for c in range(10, 96, 19)], [6] * 25)


def test_more_stained_area_is_read_at_every_threshold_between_object_and_ground():
    few, many = named(slide(FEW)), named(slide(MANY))
    for threshold in ("dark_0.8", "dark_0.6", "hematoxylin.0.02", "hematoxylin.0.04"):
        assert few[threshold] == pytest.approx((FEW > 0).mean(), abs=0.01)
        assert many[threshold] == pytest.approx((MANY > 0).mean(), abs=0.02)
    assert few["dark_0.3"] == many["dark_0.3"] == 0


def test_a_gain_alters_nothing():
    a, b = measure_stain(slide(MANY), RGB), measure_stain(slide(MANY, gain=0.6), RGB)
    np.testing.assert_allclose(a, b, atol=0.02)


def test_patches_are_counted_opened_and_correlated():
    large = named(slide(disks(96, [(48, 48)], [27])))
    small = named(slide(MANY))
    assert large["patches_90.largest"] > small["patches_90.largest"]
    assert small["patches_75.opened_17"] < 0.1 < large["patches_75.opened_17"]
    assert large["patches_75.together_16"] > small["patches_75.together_16"] + 0.1


def test_it_stands_beside_objects_in_tissue_without_a_mask():
    tissue = Structure(RGB, "tissue")
    free, masked = tissue.encode([Image(slide(MANY)), Image(slide(MANY), MANY)])
    assert free.shape == (len(feature_names()) + len(NAMES),)
    np.testing.assert_array_equal(free[-len(NAMES) :], np.float32(measure_stain(slide(MANY), RGB)))
    assert not masked[-len(NAMES) :].any()
    assert Structure(RGB, "culture").encode([Image(slide(MANY))]).shape == (1, len(feature_names()))


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (40, 1), (8, 8)], ids=str)
@pytest.mark.parametrize("channels", [RGB, ("DNA", "a", "b")], ids=["RGB", "other"])
def test_any_image_is_described(shape, channels):
    for pixels in (np.zeros((3, *shape)), np.ones((3, *shape)), np.random.default_rng(0).random((3, *shape))):
        assert np.isfinite(measure_stain(pixels.astype(np.float32), channels)).all()
