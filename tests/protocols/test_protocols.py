"""Each protocol against a peer's implementation or brute force, and what must not change its scores."""

import dataclasses
import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import balanced_accuracy_score, log_loss, r2_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from reprcheck import protocols
from reprcheck.protocols import dose_response, knn, probe, ridge
from reprcheck.protocols.features import prepare, scaled
from reprcheck.protocols.folds import folds
from tests.tasks import classify_task, regress_task, vectors

CLASSIFY = ["probe/2", "knn/1"]


def score(protocol, task, *blocks):
    return protocols.get(protocol).score(blocks, task)


@pytest.mark.parametrize("protocol", CLASSIFY)
@given(classes=st.integers(2, 4), signal=st.floats(0, 3), seed=st.integers(0, 99))
@settings(max_examples=8)
def test_units_average_to_the_balanced_accuracy_of_the_predictions(protocol, classes, signal, seed):
    task = classify_task(n_units=8 * classes, classes=classes, seed=seed)
    keep = (task.y > 0) | (np.arange(len(task.y)) % 2 == 0)  # unbalance the classes
    task = dataclasses.replace(
        task, **{k: getattr(task, k)[keep] for k in ("y", "units", "batches")}, rows=np.arange(keep.sum())
    )
    found = score(protocol, task, vectors(task, signal, seed=seed))
    assert found.values.mean() == pytest.approx(balanced_accuracy_score(task.y, found.predictions))
    assert list(found.units) == sorted(set(task.units))


def test_probe_agrees_with_scikit_learn_on_one_strength(monkeypatch):
    monkeypatch.setattr(probe, "STRENGTHS", (3.0,))
    task = classify_task(n_units=48, classes=3)
    x = vectors(task, 1.0, width=10).astype(float)
    chance = np.zeros((len(task.y), 3))
    for fold in folds(task):
        peer = make_pipeline(
            StandardScaler(), LogisticRegression(C=3.0 / 10, class_weight="balanced", tol=1e-8, max_iter=5000)
        )
        peer.fit(x[fold.train], task.y[fold.train])
        chance[fold.test] = peer.predict_proba(x[fold.test])
    found = score("probe/2", task, x)
    assert np.mean(found.predictions == chance.argmax(1)) > 0.97
    weights = 1 / np.bincount(task.y)[task.y]
    expected = np.log2(3) - log_loss(task.y, chance, sample_weight=weights) / np.log(2)
    assert found.bits.mean() == pytest.approx(expected, abs=0.02)


@given(seed=st.integers(0, 1000), extra=st.integers(1, 60))
@settings(max_examples=20)
def test_rotation_onto_the_training_span_keeps_all_inner_products(seed, extra):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(30, 20 + extra)).astype(np.float32)
    train, test = np.arange(20), np.arange(20, 30)
    (a, b), (rotated_a, rotated_b) = scaled([x], train, test), prepare([x], train, test)
    assert rotated_a.shape[1] <= 20
    np.testing.assert_allclose(rotated_a @ rotated_a.T, a @ a.T, atol=1e-9)
    np.testing.assert_allclose(rotated_b @ rotated_a.T, b @ a.T, atol=1e-9)


@given(widths=st.lists(st.integers(1, 40), min_size=1, max_size=3), seed=st.integers(0, 99))
@settings(max_examples=20)
def test_every_block_has_the_same_total_variance(widths, seed):
    rng = np.random.default_rng(seed)
    blocks = [(rng.normal(size=(25, w)) * rng.uniform(0.1, 9) + 5).astype(np.float32) for w in widths]
    a, _ = scaled(blocks, np.arange(25), np.arange(0))
    parts = np.split(a.var(0), np.cumsum(widths)[:-1])
    np.testing.assert_allclose([p.sum() for p in parts], 1 / len(widths), rtol=1e-6)


@pytest.mark.parametrize("units_of_the_second", [24, 12])
def test_knn_agrees_with_scikit_learn_on_votes_that_weigh_by_class(units_of_the_second):
    task = classify_task(n_units=48, classes=2)
    kept = (task.y == 0) | (task.units < f"u{2 * units_of_the_second:03d}")
    arrays = {name: getattr(task, name)[kept] for name in ("rows", "y", "units", "batches")}
    x = vectors(task, 1.5)[kept]
    task = dataclasses.replace(task, **arrays)
    found = score("knn/1", task, x)
    agree = []
    for fold in folds(task):
        scaler = StandardScaler().fit(x[fold.train])
        peer = KNeighborsClassifier(knn.NEIGHBOURS, metric="cosine").fit(
            scaler.transform(x[fold.train]), task.y[fold.train]
        )
        votes = peer.predict_proba(scaler.transform(x[fold.test])) / np.bincount(task.y[fold.train])
        clear = np.ptp(votes, axis=1) > 0.01 * votes.sum(1)  # ties are broken by another rule
        agree.append((votes.argmax(1) == found.predictions[fold.test])[clear])
    assert np.concatenate(agree).all()


def test_ridge_agrees_with_scikit_learn_on_one_penalty(monkeypatch):
    monkeypatch.setattr(ridge, "PENALTIES", (0.1,))
    task = regress_task(n_units=40)
    x = vectors(task, 1.0, width=6)
    expected = np.zeros(len(task.y))
    for fold in folds(task):
        a, b = scaled([x], fold.train, fold.test)
        y = task.y[fold.train]
        peer = Ridge(alpha=0.1 * len(fold.train), fit_intercept=False).fit(a, y - y.mean())
        expected[fold.test] = np.clip(peer.predict(b) + y.mean(), y.min(), y.max())
    found = score("ridge/1", task, x)
    np.testing.assert_allclose(found.predictions, expected, atol=1e-9)
    assert found.values.mean() == pytest.approx(r2_score(task.y, found.predictions))


def test_dose_response_agrees_with_brute_force():
    task = regress_task(n_units=12, per_unit=2, levels=4)
    x = vectors(task, 0.8)
    found = score("dose-response/1", task, x)
    z = StandardScaler().fit_transform(x.astype(float)) / np.sqrt(x.shape[1])
    names = sorted(set(task.units))
    mean = {u: z[task.units == u].mean(0) for u in names}
    dose = {u: task.y[task.units == u][0] for u in names}
    away = {}
    for u in names:
        controls = [mean[v] for v in names if dose[v] == 0 and v != u]
        away[u] = np.linalg.norm(mean[u] - np.mean(controls, axis=0))
    for u, value in zip(names, found.values, strict=True):
        pairs = [(away[u] > away[v]) == (dose[u] > dose[v]) for v in names if dose[u] != dose[v]]
        assert value == pytest.approx(np.mean(pairs))


def test_dose_response_knows_a_perfect_series_and_a_constant_one():
    task = regress_task(n_units=12, per_unit=2, levels=4)
    assert score("dose-response/1", task, task.y[:, None].astype(np.float32)).values.mean() == pytest.approx(1.0)
    assert score("dose-response/1", task, np.ones((24, 3), np.float32)).values.mean() == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("protocol", "task"),
    [("probe/2", classify_task()), ("knn/1", classify_task()), ("ridge/1", regress_task())],
)
def test_signal_is_found_and_noise_is_not(protocol, task):
    loud, noise = (score(protocol, task, vectors(task, s, width=16)).values.mean() for s in (4.0, 0.0))
    chance = 0.5 if task.kind == "classify" else 0.0
    assert loud > chance + 0.4
    assert noise < chance + 0.2


@pytest.mark.parametrize("protocol", CLASSIFY)
def test_scale_and_shift_of_a_column_change_nothing(protocol):
    task = classify_task()
    x = vectors(task, 1.0)
    moved = x * np.linspace(0.5, 4, x.shape[1], dtype=np.float32) + 3
    a, b = score(protocol, task, x), score(protocol, task, moved)
    assert np.mean(a.predictions == b.predictions) > 0.97


@pytest.mark.parametrize("protocol", CLASSIFY)
@pytest.mark.parametrize("width", [5, 500])
def test_a_constant_embedding_is_at_chance(protocol, width):
    task = classify_task(classes=3)
    assert score(protocol, task, np.ones((len(task.y), width), np.float32)).values.mean() == pytest.approx(1 / 3)


def test_a_wide_useless_block_does_not_drown_a_narrow_one():
    task = classify_task(n_units=80, classes=2)
    narrow, wide = vectors(task, 3.0, width=4), vectors(task, 0.0, width=500, seed=1)
    alone, drowned = score("probe/2", task, narrow), score("probe/2", task, np.hstack([narrow, wide]))
    beside = score("probe/2", task, narrow, wide)
    assert beside.values.mean() > drowned.values.mean()
    assert beside.values.mean() > alone.values.mean() - 0.1


@pytest.mark.parametrize("protocol", CLASSIFY)
def test_a_class_missing_from_a_training_fold_is_predicted_by_nobody(protocol):
    task = classify_task(n_units=24, classes=3, batches=4)
    only = task.batches == "b0"
    y = np.where((task.y == 2) & ~only, 0, task.y)
    task = dataclasses.replace(task, y=y)
    found = score(protocol, task, vectors(task, 2.0))
    assert not (found.predictions[only] == 2).any()


def test_bits_stay_within_their_bounds():
    task = classify_task(classes=2)
    for signal, seed in itertools.product((0, 20), range(2)):
        found = score("probe/2", task, vectors(task, signal, seed=seed))
        assert found.bits.mean() <= 1.0
        assert np.isfinite(found.bits).all()


def test_a_probe_takes_wide_vectors_of_which_many_are_equal():
    rng = np.random.default_rng(0)
    task = classify_task(n_units=300, per_unit=2, classes=2)
    x = rng.normal(size=(20, 1800)).astype(np.float32)[rng.integers(0, 20, len(task.y))]
    x[:, 0] += task.y
    assert len(task.y) * x.shape[1] > probe.WIDE
    assert score("probe/2", task, x).values.mean() > 0.5


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 4)), min_size=2, max_size=12))
def test_dose_response_counts_pairs_of_units(pairs):
    displacement, dose = np.array(pairs, float).T
    for i, found in enumerate(dose_response._concordance(displacement, dose)):
        other = dose != dose[i]
        orders = np.sign(displacement[i] - displacement[other]) * np.sign(dose[i] - dose[other])
        assert found == pytest.approx(np.mean((1 + orders) / 2) if other.any() else 0)
