import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.decomposition import PCA

from reprcheck.baselines.pixels import Pixels, components, thumbnail
from reprcheck.types import Image


def test_is_the_block_mean_where_sides_divide():
    x = np.random.default_rng(0).uniform(size=(2, 24, 36)).astype(np.float32)
    expected = x.reshape(2, 12, 2, 12, 3).mean(axis=(2, 4))
    np.testing.assert_allclose(thumbnail(x, 12), expected, atol=1e-6)
    np.testing.assert_array_equal(Pixels().encode([Image(x)])[0], thumbnail(x, 12).ravel())


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 15))
def test_keeps_the_mean_whatever_the_sides(height, width, side):
    x = np.random.default_rng(0).uniform(size=(1, height, width)).astype(np.float32)
    small = thumbnail(x, side)
    assert small.shape == (1, side, side)
    assert small.mean() == pytest.approx(x.mean(), abs=1e-5)
    assert x.min() - 1e-6 <= small.min() <= small.max() <= x.max() + 1e-6


def test_repeats_pixels_where_it_enlarges():
    x = np.arange(4, dtype=np.float32).reshape(1, 2, 2)
    np.testing.assert_array_equal(thumbnail(x, 4), x.repeat(2, 1).repeat(2, 2))


def test_components_agree_with_scikit_learn_up_to_sign():
    x = np.random.default_rng(0).normal(size=(50, 8)).astype(np.float32) * np.arange(1, 9, dtype=np.float32)
    theirs = PCA(3, svd_solver="full").fit_transform(x.astype(float))
    mine = components(x, 3)
    np.testing.assert_allclose(np.abs(mine), np.abs(theirs), atol=1e-4)
    np.testing.assert_allclose(components(x[::-1], 3), mine[::-1], atol=1e-4)


@pytest.mark.parametrize("shape", [(3, 8), (1, 8), (0, 8), (8, 0), (5, 2)])
def test_components_of_few_rows_or_columns(shape):
    found = components(np.ones(shape, np.float32), 4)
    assert found.shape == (shape[0], min(4, *shape))
    assert np.isfinite(found).all()
