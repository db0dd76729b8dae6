"""The search for neighbours against a sort of all similarities."""

import numpy as np
import pytest

from reprcheck.protocols import nearest as search


@pytest.mark.parametrize("distinct", [3000, 40])
@pytest.mark.parametrize("k", [1, 10])
def test_it_finds_what_a_sort_of_everything_finds(monkeypatch, distinct, k):
    monkeypatch.setattr(search, "FEW", 256)
    monkeypatch.setattr(search, "COLUMNS", 1000)
    monkeypatch.setattr(search, "ROWS", 100)
    rng = np.random.default_rng(0)
    vectors = rng.integers(-3, 4, (distinct, 12))[rng.integers(0, distinct, 3300)].astype(float)
    vectors[5] = 0
    vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    queries, among = vectors[:230], vectors[230:]
    found = search.nearest(queries, among, k)
    exact = np.round(queries @ among.T, 12)  # equal vectors are equally near, whatever the order of a sum
    np.testing.assert_array_equal(np.take_along_axis(exact, found, 1), -np.sort(-exact, 1)[:, :k])


def test_of_equals_the_earlier_is_nearer(monkeypatch):
    monkeypatch.setattr(search, "FEW", 256)
    among = np.zeros((2000, 3))
    among[:, 0] = 1
    among[::2] = [0, 1, 0]
    found = search.nearest(np.array([[1.0, 0, 0], [0, 1, 0]]), among, 4)
    np.testing.assert_array_equal(found, [[1, 3, 5, 7], [0, 2, 4, 6]])
