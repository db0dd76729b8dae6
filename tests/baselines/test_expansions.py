import numpy as np
import pytest

from reprcheck.baselines.expansions import expand, standardise

X = np.random.default_rng(0).gamma(2, 3, (200, 7)).astype(np.float32)


def test_is_seeded_and_wide():
    a, b, c = expand(X, 64, 0), expand(X, 64, 0), expand(X, 64, 1)
    assert a.shape == (200, 64)
    assert a.dtype == np.float32
    np.testing.assert_array_equal(a, b)
    assert np.abs(a - c).max() > 0.1
    assert (a >= 0).all()
    assert (a > 0).any(axis=0).mean() > 0.9


def test_permuting_rows_permutes_the_result():
    order = np.random.default_rng(1).permutation(len(X))
    np.testing.assert_allclose(expand(X[order], 32, 0), expand(X, 32, 0)[order], atol=1e-6)


def test_units_of_a_column_do_not_matter():
    scaled = X * np.float32([1, 10, 0.1, 5, 1, 1, 1]) + np.float32([0, 3, 0, 0, 1, 0, 0])
    np.testing.assert_allclose(expand(scaled, 32, 0), expand(X, 32, 0), atol=1e-3)


def test_makes_a_product_linear():
    x = np.random.default_rng(2).normal(size=(2000, 2)).astype(np.float32)
    y = x[:, 0] * x[:, 1]
    wide = np.column_stack([expand(x, 256, 0), np.ones(len(x))])
    fitted = wide[:1000].T @ y[:1000]
    weights = np.linalg.solve(wide[:1000].T @ wide[:1000] + 1e-2 * np.eye(257), fitted)
    assert np.corrcoef(wide[1000:] @ weights, y[1000:])[0, 1] > 0.95


@pytest.mark.parametrize("value", [0, 1e6])
@pytest.mark.parametrize("shape", [(5, 3), (1, 3), (0, 3), (4, 0)])
def test_flat_or_empty_features_stay_finite(shape, value):
    x = np.full(shape, value)
    wide = expand(x.astype(np.float32), 8, 0)
    assert wide.shape == (len(x), 8)
    assert np.isfinite(wide).all()
    np.testing.assert_array_equal(standardise(x.astype(np.float32)), np.zeros(x.shape))
