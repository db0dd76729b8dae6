"""The probe's choice of a strength, and of how much its predictions are softened."""

import numpy as np
import pytest

from reprcheck.protocols import probe
from reprcheck.protocols.probe import PROBE
from tests.tasks import classify_task, vectors


def score(task, x, **constants):
    with pytest.MonkeyPatch.context() as patch:
        for name, value in constants.items():
            patch.setattr(probe, name, value)
        return PROBE.score([x], task)


@pytest.mark.parametrize("signal", [0.0, 0.7, 3.0], ids="signal={}".format)
def test_weaker_penalties_than_the_first_bad_one_would_not_be_chosen(signal):
    task = classify_task(120, 1, 3, holdout="unit")
    x = vectors(task, signal, 40)
    stopped, every = score(task, x), score(task, x, WORSE=np.inf)
    np.testing.assert_array_equal(stopped.predictions, every.predictions)
    np.testing.assert_array_equal(stopped.bits, every.bits)


def test_softening_keeps_every_prediction_and_the_few_samples_that_are_wrong_cost_less():
    found, raw = [], []
    for seed in range(8):
        task = classify_task(120, 1, 3, holdout="unit", seed=seed)
        x = vectors(task, 2.0, 64, seed)
        tempered, plain = score(task, x), score(task, x, TEMPERATURES=(1.0,))
        np.testing.assert_array_equal(tempered.predictions, plain.predictions)
        np.testing.assert_array_equal(tempered.values, plain.values)
        found.append(tempered.bits)
        raw.append(plain.bits)
    assert np.min(found) >= np.min(raw)
    assert np.std(found) < 0.95 * np.std(raw)
    assert np.mean(found) >= np.mean(raw)


def test_folds_that_are_solved_together_score_as_those_that_are_solved_in_pairs():
    task = classify_task(90, 2, 3, holdout="unit")
    for width in (5, 300):
        x = vectors(task, 1.0, width)
        together, pairs = score(task, x), score(task, x, TOGETHER=1)
        np.testing.assert_allclose(together.bits, pairs.bits, atol=0.02)
        assert np.mean(together.predictions == pairs.predictions) > 0.98
