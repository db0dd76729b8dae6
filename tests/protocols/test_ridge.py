"""Ridge on tall tasks, which are decomposed by their second moments, beside scikit-learn and beside small ones."""

import numpy as np
import pytest
from sklearn.linear_model import Ridge

from reprcheck.protocols import ridge
from reprcheck.protocols.features import prepare
from tests.tasks import regress_task, vectors


@pytest.mark.parametrize("tall", [0, 2**40], ids=["by moments", "by singular values"])
def test_predictions_are_those_of_a_peer(monkeypatch, tall):
    monkeypatch.setattr(ridge, "TALL", tall)
    task = regress_task(n_units=60, per_unit=4)
    x = vectors(task, signal=1.0, width=30)
    x[:, 3], x[:, 7] = 5, x[:, 8]  # a constant, and a column twice
    train, test = np.arange(180), np.arange(180, 240)
    found = ridge._predict([x], task.y, train, test, ridge.PENALTIES)
    a, b = prepare([x], train, test)
    for penalty, one in zip(ridge.PENALTIES, found, strict=True):
        peer = Ridge(alpha=len(train) * penalty).fit(a, task.y[train]).predict(b)
        assert one == pytest.approx(np.clip(peer, task.y[train].min(), task.y[train].max()), abs=1e-9)


def test_scores_dont_depend_on_how_a_task_is_decomposed(monkeypatch):
    task = regress_task(n_units=80, per_unit=3)
    x = vectors(task, signal=0.5, width=20)
    whole = ridge.RIDGE.score([x], task)
    monkeypatch.setattr(ridge, "TALL", 0)
    assert ridge.RIDGE.score([x], task).values == pytest.approx(whole.values, abs=1e-9)


def test_vectors_without_variance_predict_the_mean(monkeypatch):
    monkeypatch.setattr(ridge, "TALL", 0)
    task = regress_task()
    scores = ridge.RIDGE.score([np.ones((len(task.y), 4), np.float32)], task)
    assert scores.values.mean() < 0.01
