"""A fixed split: judged is what the card says, by what the rest teaches, as scikit-learn would have it."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import balanced_accuracy_score, r2_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from reprcheck import protocols
from reprcheck.protocols import forest, knn, probe, ridge
from reprcheck.protocols.ceiling import ceiling
from reprcheck.protocols.features import scaled
from reprcheck.protocols.folds import folds, folds_overlap, sides
from reprcheck.stats.qualify import permuted
from tests.tasks import classify_task, regress_task, vectors

ASKED = [("probe/2", "classify"), ("knn/1", "classify"), ("ridge/1", "regress")]


def split_task(kind="classify", share=4, **made):
    task = (classify_task if kind == "classify" else regress_task)(**made)
    number = np.unique(task.units, return_inverse=True)[1]
    return dataclasses.replace(task, holdout=None, test=number // 3 % share == 0)


def score(protocol, task, x):
    return protocols.get(protocol).score([x], task)


@pytest.mark.parametrize(("protocol", "kind"), ASKED)
def test_it_is_one_fold_that_is_never_drawn(protocol, kind):
    task = split_task(kind)
    (fold,) = folds(task)
    assert set(fold.test) == set(np.flatnonzero(task.test))
    assert set(fold.train) == set(np.flatnonzero(~task.test))
    assert all(set(fit) | set(validate) <= set(fold.train) for fit, validate in fold.inner)
    assert not protocols.get(protocol).drawn(task)
    assert folds_overlap(task) == 0
    assert np.array_equal(sides(task), task.test)
    assert np.array_equal(protocols.get(protocol).judged(task), task.test)


def test_strengths_are_chosen_on_batches_that_were_held_out_where_there_are_several():
    task = dataclasses.replace(split_task(), test=classify_task().batches == "b0")
    (fold,) = folds(task)
    assert all(not set(task.batches[fit]) & set(task.batches[validate]) for fit, validate in fold.inner)
    alone = dataclasses.replace(task, batches=np.full(len(task.y), "all"))
    (fold,) = folds(alone)
    assert len(fold.inner) > 1
    assert all(not set(task.units[fit]) & set(task.units[validate]) for fit, validate in fold.inner)


@pytest.mark.parametrize("protocol", ["probe/2", "knn/1"])
def test_a_classifier_agrees_with_scikit_learn(protocol, monkeypatch):
    monkeypatch.setattr(probe, "STRENGTHS", (3.0,))
    task = split_task(n_units=48, classes=2)
    x, train = vectors(task, 1.0, width=10).astype(float), ~task.test
    linear = LogisticRegression(C=3.0 / 10, class_weight="balanced", tol=1e-8, max_iter=5000)
    nearest = KNeighborsClassifier(knn.NEIGHBOURS, metric="cosine")
    peer = make_pipeline(StandardScaler(), linear if protocol == "probe/2" else nearest).fit(x[train], task.y[train])
    clear = np.abs(peer.predict_proba(x[task.test])[:, 0] - 0.5) > 0.01
    found = score(protocol, task, x)
    assert np.array_equal(found.predictions[task.test][clear], peer.predict(x[task.test])[clear])
    assert found.values.mean() == pytest.approx(
        balanced_accuracy_score(task.y[task.test], found.predictions[task.test])
    )


def test_a_regression_agrees_with_scikit_learn(monkeypatch):
    monkeypatch.setattr(ridge, "PENALTIES", (0.1,))
    task = split_task("regress", n_units=40)
    x = vectors(task, 1.0, width=6)
    train, test = np.flatnonzero(~task.test), np.flatnonzero(task.test)
    a, b = scaled([x], train, test)
    y = task.y[train]
    peer = Ridge(alpha=0.1 * len(train), fit_intercept=False).fit(a, y - y.mean())
    expected = np.clip(peer.predict(b) + y.mean(), y.min(), y.max())
    found = score("ridge/1", task, x)
    np.testing.assert_allclose(found.predictions[test], expected, atol=1e-9)
    assert found.values.mean() == pytest.approx(r2_score(task.y[test], expected))


@pytest.mark.parametrize(("protocol", "kind"), ASKED)
@given(seed=st.integers(0, 99))
@settings(max_examples=5, deadline=None)
def test_units_that_only_train_have_no_score_and_no_prediction(protocol, kind, seed):
    task = split_task(kind, n_units=36)
    x = vectors(task, 1.0, seed=seed)
    for found in (score(protocol, task, x), forest.score(x, task)):
        assert list(found.units) == sorted(set(task.units[task.test]))
        assert len(found.values) == len(found.units)
        known = found.predictions >= 0 if kind == "classify" else ~np.isnan(found.predictions)
        assert np.array_equal(known, task.test)


@pytest.mark.parametrize(("protocol", "kind"), ASKED)
def test_labels_of_judged_samples_teach_nothing(protocol, kind):
    task = split_task(kind, n_units=36)
    x, y = vectors(task, 1.0), task.y.copy()
    y[task.test] = np.random.default_rng(1).permutation(y[task.test])
    a, b = (score(protocol, dataclasses.replace(task, y=labels), x).predictions for labels in (task.y, y))
    np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("kind", ["classify", "regress"])
def test_labels_are_permuted_among_the_judged_alone(kind):
    task = split_task(kind, n_units=60)
    protocol = "knn/1" if kind == "classify" else "ridge/1"
    loud, silent = (permuted(task, [score(protocol, task, vectors(task, s))])["p"] for s in (3.0, 0.0))
    assert loud < 0.01
    assert silent > 0.05
    part = {name: getattr(task, name)[task.test] for name in ("y", "units", "batches")}
    alone = dataclasses.replace(task, test=None, **part)
    whole = score(protocol, task, vectors(task, 1.0))
    same = dataclasses.replace(whole, predictions=whole.predictions[task.test])
    assert permuted(task, [whole]) == permuted(alone, [same])


def test_a_ceiling_is_that_of_the_judged():
    task = split_task(n_units=8, per_unit=4, share=2)
    odd = task.test & (np.cumsum(task.test) % 4 == 0)
    replicates = dataclasses.replace(task, y=np.where(odd, 1 - task.y, task.y), replicates=task.units)
    quiet = dataclasses.replace(replicates, test=~task.test)
    assert ceiling(quiet) == 1 > ceiling(replicates)
