"""The solver of the probe against scikit-learn's, solved to the end."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression

from reprcheck.protocols.logistic import Training, fit_paths

STRENGTHS = (0.3, 3.0, 30.0, 300.0)


def training(n, columns, classes, separation, seed, dtype=np.float64):
    """Samples of total variance near 1, each class shifted by its own vector; every class has a sample."""
    rng = np.random.default_rng(seed)
    y = rng.permutation(np.arange(n) % classes)
    x = rng.normal(size=(n, columns)) + separation * rng.normal(size=(classes, columns))[y]
    return Training((x / np.sqrt(columns)).astype(dtype), y)


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
    for strength, found in zip(STRENGTHS, fit_paths([one], classes, STRENGTHS)[0], strict=True):
        peer = LogisticRegression(C=strength, class_weight="balanced", tol=1e-9, max_iter=10_000)
        peer.fit(one.x.astype(float), one.y)
        weights = found.weights[:-1] if classes > 2 else np.diff(found.weights[:-1])
        least = penalised_loss(peer.predict_proba(one.x.astype(float)), peer.coef_, one.y, strength)
        reached = penalised_loss(found.chance(one.x), weights, one.y, strength)
        assert reached - least < 5e-4
        np.testing.assert_allclose(found.chance(one.x).sum(1), 1)


@given(seed=st.integers(0, 999))
@settings(max_examples=15, deadline=None)
def test_sets_side_by_side_are_solved_as_well_as_alone(seed):
    sets = [training(40 + 7 * i, 3 + 5 * i, 3, 0.7 * i, seed + i) for i in range(4)]
    for one, path in zip(sets, fit_paths(sets, 3, STRENGTHS), strict=True):
        for together, alone in zip(path, fit_paths([one], 3, STRENGTHS)[0], strict=True):
            np.testing.assert_allclose(together.chance(one.x), alone.chance(one.x), atol=0.01)


def test_a_class_that_one_set_lacks_has_no_chance_there_and_its_own_in_the_others():
    full, short = training(60, 5, 3, 1.0, 0), training(60, 5, 3, 1.0, 1)
    kept = short.y != 1
    lacking = Training(short.x[kept], short.y[kept])
    (one,), (two,) = fit_paths([full, lacking], 3, (3.0,))
    assert not two.chance(short.x)[:, 1].any()
    assert one.chance(full.x)[:, 1].mean() == pytest.approx(1 / 3, abs=0.1)
    peer = LogisticRegression(C=3.0, class_weight="balanced", tol=1e-9, max_iter=10_000).fit(lacking.x, lacking.y)
    np.testing.assert_allclose(two.chance(short.x)[:, [0, 2]], peer.predict_proba(short.x), atol=0.02)


def test_samples_of_one_class_are_all_of_it():
    one = Training(np.random.default_rng(0).normal(size=(9, 4)), np.full(9, 2))
    assert (fit_paths([one], 3, STRENGTHS)[0][-1].chance(one.x) == [0, 0, 1]).all()
