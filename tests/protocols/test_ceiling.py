"""The best score there is, where repeated measurements disagree."""

import dataclasses

import numpy as np
import pytest

from reprcheck.protocols.ceiling import ceiling
from tests.tasks import classify_task, regress_task


def test_replicates_that_disagree_lower_the_ceiling():
    task = classify_task(n_units=40, per_unit=3)
    assert ceiling(task) == 1
    assert ceiling(dataclasses.replace(task, replicates=task.units)) == 1
    assert ceiling(dataclasses.replace(task, replicates=np.full(len(task.y), ""))) == 1
    at_odds = dataclasses.replace(task, y=np.array([0, 0, 1, 1]), replicates=np.array(["a", "a", "a", "b"]))
    assert ceiling(at_odds) == pytest.approx(np.mean([0.5, 0.0]))  # 0 sees {0, 1}, a tie; 1 sees {0, 0}
    noisy = dataclasses.replace(task, y=np.random.default_rng(0).integers(0, 2, 120), replicates=task.units)
    assert ceiling(noisy) == pytest.approx(0.5, abs=0.15)


def test_the_ceiling_of_a_regression_is_what_replicates_share():
    rng = np.random.default_rng(1)
    truth = np.repeat(rng.normal(0, 2, 300), 2)
    task = dataclasses.replace(
        regress_task(n_units=300), y=truth + rng.normal(0, 1, 600), replicates=np.repeat(np.arange(300), 2).astype(str)
    )
    assert ceiling(task) == pytest.approx(0.8, abs=0.05)
