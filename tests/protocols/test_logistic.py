"""The solver of the probe against scikit-learn's, solved to the end."""

from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.special import softmax
from sklearn.linear_model import LogisticRegression

from reprcheck.protocols.features import scaled
from reprcheck.protocols.logistic import fit_paths
from reprcheck.protocols.samples import Rotated, Whole

STRENGTHS = (0.3, 3.0, 30.0, 300.0)


class Training(NamedTuple):
    x: NDArray
    y: NDArray


def solve(sets, classes, strengths=STRENGTHS):
    """A classifier for each set, for each strength; sets with matrices of their own."""
    samples = Rotated.side_by_side([one.x for one in sets])
    by_strength = fit_paths(samples, [one.y for one in sets], classes, strengths)
    return [list(path) for path in zip(*by_strength, strict=True)]


def training(n, columns, classes, separation, seed, dtype=np.float64):
    """Samples of total variance near 1, each class shifted by its own vector; every class has a sample."""
    rng = np.random.default_rng(seed)
    y = rng.permutation(np.arange(n) % classes)
    x = rng.normal(size=(n, columns)) + separation * rng.normal(size=(classes, columns))[y]
    return Training((x / np.sqrt(columns)).astype(dtype), y)


def chance(linear, x):
    return softmax(linear.logits(x), axis=1)


def penalised_loss(chance, weights, y, strength):
    """scikit-learn's objective over its number of samples, in nats; two classes have one weight, their difference."""
    counts = np.bincount(y)
    share = 1 / (np.count_nonzero(counts) * counts[y])
    penalty = np.square(weights).sum() / (2 * strength * len(y))
    return -(share * np.log(chance[np.arange(len(y)), y])).sum() + penalty


@given(
    n=st.integers(12, 150),
    columns=st.integers(1, 40),
    classes=st.integers(2, 5),
    separation=st.floats(0, 4),
    seed=st.integers(0, 999),
    dtype=st.sampled_from([np.float32, np.float64]),
)
@settings(max_examples=30, deadline=None)
def test_solutions_have_the_least_loss_on_the_whole_path(n, columns, classes, separation, seed, dtype):
    one = training(n, columns, classes, separation, seed, dtype)
    for strength, found in zip(STRENGTHS, solve([one], classes)[0], strict=True):
        peer = LogisticRegression(C=strength, class_weight="balanced", tol=1e-9, max_iter=10_000)
        peer.fit(one.x.astype(float), one.y)
        weights = found.weights[:-1] if classes > 2 else np.diff(found.weights[:-1])
        least = penalised_loss(peer.predict_proba(one.x.astype(float)), peer.coef_, one.y, strength)
        reached = penalised_loss(chance(found, one.x), weights, one.y, strength)
        assert reached - least < 5e-4
        np.testing.assert_allclose(chance(found, one.x).sum(1), 1)


@given(seed=st.integers(0, 999))
@settings(max_examples=15, deadline=None)
def test_sets_side_by_side_are_solved_as_well_as_alone(seed):
    sets = [training(40 + 7 * i, 3 + 5 * i, 3, 0.7 * i, seed + i) for i in range(4)]
    for one, path in zip(sets, solve(sets, 3), strict=True):
        for together, alone in zip(path, solve([one], 3)[0], strict=True):
            np.testing.assert_allclose(chance(together, one.x), chance(alone, one.x), atol=0.01)


@given(seed=st.integers(0, 999), dtype=st.sampled_from([np.float32, np.float64]))
@settings(max_examples=15, deadline=None)
def test_sets_that_are_parts_of_the_same_samples_are_solved_as_if_each_were_alone(seed, dtype):
    rng = np.random.default_rng(seed)
    full = training(90, 7, 3, 1.0, seed, np.float32)
    blocks = [full.x[:, :4] * 100 + 3, full.x[:, 4:]]
    blocks[0][:30, 1] = 5  # constant where the first set trains
    trains = [np.arange(30), np.sort(rng.permutation(90)[:50]), np.flatnonzero(full.y != 1)]
    whole = Whole(blocks, dtype)
    labels = [np.where(np.isin(np.arange(90), train), full.y, -1) for train in trains]
    together = list(zip(*fit_paths(whole.parts(trains), labels, 3, STRENGTHS), strict=True))
    everything = np.arange(90)
    for train, path in zip(trains, together, strict=True):
        alone, test = scaled(blocks, train, everything, dtype)
        for linear, peer in zip(path, solve([Training(alone, full.y[train])], 3)[0], strict=True):
            np.testing.assert_allclose(chance(linear, whole.x), chance(peer, test), atol=0.02)


def test_a_class_that_one_set_lacks_has_no_chance_there_and_its_own_in_the_others():
    full, short = training(60, 5, 3, 1.0, 0), training(60, 5, 3, 1.0, 1)
    kept = short.y != 1
    lacking = Training(short.x[kept], short.y[kept])
    (one,), (two,) = solve([full, lacking], 3, (3.0,))
    assert not chance(two, short.x)[:, 1].any()
    assert chance(one, full.x)[:, 1].mean() == pytest.approx(1 / 3, abs=0.1)
    peer = LogisticRegression(C=3.0, class_weight="balanced", tol=1e-9, max_iter=10_000).fit(lacking.x, lacking.y)
    np.testing.assert_allclose(chance(two, short.x)[:, [0, 2]], peer.predict_proba(short.x), atol=0.02)


def test_samples_of_one_class_are_all_of_it():
    one = Training(np.random.default_rng(0).normal(size=(9, 4)), np.full(9, 2))
    assert (chance(solve([one], 3)[0][-1], one.x) == [0, 0, 1]).all()
