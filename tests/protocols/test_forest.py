"""What a forest reads from a few features: signal, interactions, nothing where there is nothing."""

import numpy as np
import pytest

from reprcheck.protocols import forest
from tests.tasks import classify_task, regress_task, vectors


def test_signal_is_read_and_noise_is_not():
    task = classify_task(n_units=60)
    assert forest.score(vectors(task, 3.0), task).values.mean() > 0.9
    assert abs(forest.score(vectors(task), task).values.mean() - 0.5) < 0.15


def test_an_interaction_is_read():
    task = classify_task(n_units=60)
    x = np.random.default_rng(0).choice([-1.0, 1.0], (len(task.y), 2)).astype(np.float32)
    x[:, 1] *= np.where((x.prod(1) > 0) == (task.y > 0), 1, -1)
    assert forest.score(x, task).values.mean() > 0.95


def test_a_regression_is_scored_as_r2_and_twice_alike():
    task = regress_task(n_units=60)
    found = forest.score(vectors(task, 3.0), task)
    assert 0.5 < found.values.mean() < 1
    assert np.array_equal(found.values, forest.score(vectors(task, 3.0), task).values)
    assert forest.score(vectors(task), task).values.mean() == pytest.approx(0, abs=0.3)
