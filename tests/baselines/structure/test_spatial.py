import numpy as np
import pytest
from scipy.integrate import dblquad
from scipy.spatial.distance import cdist
from scipy.special import polygamma
from sklearn.cluster import DBSCAN

from reprcheck.baselines.structure.spatial import (
    clark_evans,
    clustered_share,
    coherence,
    delaunay_edges,
    density_spread,
    moran,
    nearest_distances,
    neighbours_within,
    ripley,
)


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


def random_points(seed, n, height=60.0, width=100.0):
    return np.random.default_rng(seed).uniform((0, 0), (height, width), (n, 2))


@pytest.mark.parametrize("n", [2, 3, 50])
def test_ripley_by_brute_force(n):
    points, radii = random_points(n, n), [3.0, 15.0, 40.0]

    def expected(r):  # the share of pairs of random points nearer than r, by the covariogram of the rectangle
        within, _ = dblquad(lambda y, x: (60 - x) * (100 - y), 0, r, 0, lambda x: np.sqrt(r**2 - x**2))
        return 4 * within / (60 * 100) ** 2

    distance = cdist(points, points)
    np.fill_diagonal(distance, np.inf)
    pairs = [(distance <= r).sum() / (n * (n - 1) * expected(r)) for r in radii]
    np.testing.assert_allclose(ripley(points, radii, 60, 100), np.sqrt(pairs) - 1, rtol=1e-9)


def test_ripley_of_random_points_is_zero_at_every_scale_borders_and_all():
    scales = [4.0, 15.0, 60.0]
    squared = [(1 + ripley(random_points(seed, 30), scales, 60, 100)) ** 2 for seed in range(400)]
    error = np.std(squared, axis=0) / np.sqrt(len(squared))
    assert (np.abs(np.mean(squared, axis=0) - 1) < 3.5 * error).all()
    assert (error < 0.03).all()


def test_ripley_tells_at_which_scale_points_are_clustered_or_regular():
    rng = np.random.default_rng(0)
    clustered = np.repeat(random_points(1, 12), 10, axis=0) + rng.normal(0, 1, (120, 2))
    grid = np.stack(np.meshgrid(np.arange(2.5, 60, 5), np.arange(2.5, 100, 5)), axis=-1).reshape(-1, 2)
    near, far = ripley(clustered, [4.0, 30.0], 60, 100)
    assert near > 2 > 0.5 > far
    apart, _ = ripley(grid, [4.0, 30.0], 60, 100)
    assert apart == -1


def test_the_density_of_random_points_is_spread_as_theory_says():
    points = random_points(0, 40_000, 1000.0, 1000.0)
    assert density_spread(points) == pytest.approx(np.sqrt(polygamma(1, 5)), rel=0.03)
    grid = np.stack(np.meshgrid(np.arange(40.0), np.arange(40.0)), axis=-1).reshape(-1, 2)
    assert density_spread(grid) < 0.2
    assert density_spread(np.concatenate([grid, 200 + 10 * grid])) > 2


def test_density_by_brute_force():
    points = random_points(3, 12)
    fifth = np.sort(cdist(points, points), axis=1)[:, 5]
    assert density_spread(points) == pytest.approx(np.std(np.log(5 / (np.pi * fifth**2))))
    few = points[:4]
    assert density_spread(few) == pytest.approx(np.std(np.log(1 / cdist(few, few).max(axis=1) ** 2)))


@pytest.mark.parametrize("reach", [1.0, 4.0, 8.0, 200.0])
@pytest.mark.parametrize("n", [1, 3, 4, 60])
def test_clustered_objects_are_those_of_dbscan(n, reach):
    points = random_points(n, n)
    labels = DBSCAN(eps=reach, min_samples=4).fit(points).labels_
    assert clustered_share(points, reach) == pytest.approx(np.mean(labels >= 0))


@pytest.mark.parametrize("n", [2, 3, 40])
def test_moran_is_the_textbook_formula(n):
    points, values = random_points(n, n), np.random.default_rng(n).gamma(2, 30, n)
    edges = delaunay_edges(points)
    weights, z = np.zeros((n, n)), values - values.mean()
    for i, j in edges:
        weights[i, j] = weights[j, i] = 1
    assert moran(values, edges) == pytest.approx(n / weights.sum() * (z @ weights @ z) / (z @ z))


def test_neighbours_of_like_size_and_shuffled_ones():
    points = random_points(0, 400)
    edges = delaunay_edges(points)
    assert moran(points[:, 0], edges) > 0.9
    shuffled = [moran(np.random.default_rng(k).permutation(points[:, 0]), edges) for k in range(200)]
    assert np.mean(shuffled) == pytest.approx(-1 / 399, abs=0.006)
    assert moran(np.full(400, 7.0), edges) == 0


def test_coherence_by_brute_force():
    rng = np.random.default_rng(0)
    angles, edges = rng.uniform(0, np.pi, 30), delaunay_edges(random_points(0, 30))
    directions = np.stack([np.cos(2 * angles), np.sin(2 * angles)], axis=1)
    expected = np.mean([np.cos(2 * (angles[i] - angles[j])) for i, j in edges])
    assert coherence(directions, edges) == pytest.approx(expected)
    directions[3] = 0  # a round one
    expected = np.mean([np.cos(2 * (angles[i] - angles[j])) for i, j in edges if 3 not in (i, j)])
    assert coherence(directions, edges) == pytest.approx(expected)


def test_a_swirl_is_coherent_though_it_has_no_common_direction():
    around = np.linspace(0, 2 * np.pi, 60, endpoint=False)
    edges = np.stack([np.arange(60), np.roll(np.arange(60), -1)], axis=1)
    directions = np.stack([np.cos(2 * around), np.sin(2 * around)], axis=1)
    assert coherence(directions, edges) > 0.97
    assert np.hypot(*directions.mean(axis=0)) < 1e-9


@pytest.mark.parametrize("n", [0, 1])
def test_patterns_of_none_or_one_are_zero(n):
    points, none = np.ones((n, 2)), np.zeros((0, 2), np.int64)
    assert ripley(points, [1.0, 2.0], 8, 8).tolist() == [0, 0]
    assert (density_spread(points), clustered_share(points, 5.0)) == (0, 0)
    assert (moran(np.ones(n), none), coherence(np.ones((n, 2)), none)) == (0, 0)
