import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from reprcheck.baselines.intensity import Intensity, channel_statistics, feature_names
from reprcheck.types import Image


def described(pixels):
    row = Intensity().encode([Image(pixels.astype(np.float32))])[0]
    return dict(zip(feature_names([f"c{k}" for k in range(len(pixels))]), row.tolist(), strict=True))


@settings(max_examples=50, deadline=None)
@given(arrays(np.float32, (2, 9, 7), elements=st.floats(0, 1, width=32)), st.integers(0, 2**32 - 1))
def test_any_shuffle_within_channels_changes_no_bit(pixels, seed):
    rng = np.random.default_rng(seed)
    shuffled = np.stack([rng.permutation(c.ravel()).reshape(c.shape) for c in pixels])
    a, b = (Intensity().encode([Image(x)]) for x in (pixels, shuffled))
    np.testing.assert_array_equal(a, b)


def test_agrees_with_scipy():
    x = np.random.default_rng(0).gamma(2, 0.1, (1, 40, 40)).astype(np.float32)
    got, flat = described(x), x.ravel().astype(float)
    assert got["c0.mean"] == pytest.approx(flat.mean(), rel=1e-6)
    assert got["c0.std"] == pytest.approx(flat.std(), rel=1e-6)
    assert np.sinh(got["c0.skewness"]) == pytest.approx(stats.skew(flat), rel=1e-5)
    assert np.sinh(got["c0.kurtosis"]) == pytest.approx(stats.kurtosis(flat), rel=1e-5)
    for q in (1, 5, 10, 25, 50, 75, 90, 95, 99):
        assert got[f"c0.p{q}"] == pytest.approx(np.percentile(flat, q), rel=1e-6)
    assert (got["c0.min"], got["c0.max"]) == (flat.min(), flat.max())


def test_histogram_resolves_dim_images_and_sums_to_one():
    grey = np.arange(4) / 255  # four darkest levels of an 8-bit image
    shares = channel_statistics(np.repeat(grey, 25).astype(np.float32).reshape(10, 10))[-16:]
    assert (shares > 0).sum() == 4
    assert shares.sum() == pytest.approx(1)
    outside = channel_statistics(np.array([-1, 0, 1, 2], np.float32))[-16:]
    assert (outside[0], outside[-1]) == (0.5, 0.5)


def test_a_flat_channel_has_no_shape():
    got = described(np.full((1, 8, 8), 0.3))
    assert (got["c0.std"], got["c0.skewness"], got["c0.kurtosis"]) == (pytest.approx(0, abs=1e-7), 0, 0)


def test_names_every_column_once():
    names = feature_names(["dna", "actin"])
    assert len(set(names)) == len(names) == Intensity().encode([Image(np.zeros((2, 4, 4), np.float32))]).shape[1]
    assert names[0] == "dna.mean"
