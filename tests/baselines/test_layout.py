import numpy as np
import pytest
from scipy.spatial.distance import cdist

from reprcheck.baselines.layout import clark_evans, delaunay_edges, nearest_distances, neighbours_within


@pytest.mark.parametrize("n", [2, 3, 40])
def test_distances_and_neighbours_by_brute_force(n):
    points = np.random.default_rng(n).uniform(0, 10, (n, 2))
    distance = cdist(points, points)
    np.fill_diagonal(distance, np.inf)
    np.testing.assert_allclose(nearest_distances(points), distance.min(axis=1))
    np.testing.assert_array_equal(neighbours_within(points, 3.0), (distance <= 3.0).sum(axis=1))


@pytest.mark.parametrize("n", [0, 1])
def test_no_neighbours_for_none_or_one(n):
    points = np.ones((n, 2))
    assert nearest_distances(points).size == 0
    assert neighbours_within(points, 5.0).tolist() == [0] * n
    assert delaunay_edges(points).shape == (0, 2)


def test_a_square_has_four_sides_and_a_diagonal():
    edges = delaunay_edges(np.array([[0, 0], [0, 1], [1, 0], [1, 1.0]]))
    assert len(edges) == 5


@pytest.mark.parametrize("direction", [(1, 0), (0, 1), (1, 1), (3, -1)])
def test_a_line_is_a_path(direction):
    steps = np.array([3, 0, 2, 1, 7])
    edges = delaunay_edges(steps[:, None] * np.array(direction, float))
    joined = {frozenset(steps[e].tolist()) for e in edges}
    assert joined == {frozenset(p) for p in [(0, 1), (1, 2), (2, 3), (3, 7)]}


def test_points_in_one_place_are_joined_without_complaint():
    assert len(delaunay_edges(np.ones((4, 2)))) == 3


def test_clark_evans_tells_regular_random_and_clustered_apart():
    rng = np.random.default_rng(0)
    grid = np.stack(np.meshgrid(np.arange(20.0), np.arange(20.0)), axis=-1).reshape(-1, 2)
    random = rng.uniform(0, 20, (400, 2))
    clustered = rng.uniform(0, 20, (20, 2)).repeat(20, axis=0) + rng.normal(0, 0.1, (400, 2))
    ratios = [clark_evans(nearest_distances(p), 400, 400.0) for p in (clustered, random, grid)]
    assert ratios[0] < 0.5 < 0.9 < ratios[1] < 1.15 < ratios[2] == pytest.approx(2)
