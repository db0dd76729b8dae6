import dataclasses

import numpy as np
import pytest
from scipy.stats import spearmanr
from sklearn.metrics import balanced_accuracy_score

from reprcheck.stats import qualify as module
from reprcheck.stats.qualify import noise_floor, permuted, qualify
from reprcheck.types import Scores
from tests.tasks import classify_task, regress_task

RULES = {"chance": 0.5, "ceiling": 1.0, "margin": 0.02, "alpha": 0.05, "min_units": 10}


def predicting(task, share, seed=0):
    """Scores of an encoder that knows a share of the labels and guesses the rest."""
    rng = np.random.default_rng(seed)
    known = rng.random(len(task.y)) < share
    predicted = np.where(known, task.y, rng.permutation(task.y))
    correct = (predicted == task.y).astype(float)
    return Scores(
        task.units, np.array([correct[task.units == u].mean() for u in np.unique(task.units)]), None, predicted
    )


def test_the_four_qualifications():
    task = classify_task(n_units=60)
    guess, good, perfect = (predicting(task, s) for s in (0.0, 0.6, 1.0))
    assert qualify(task, trivial=[guess], model=good, **RULES).qualification == "discriminating"
    assert qualify(task, trivial=[good], model=guess, **RULES).qualification == "discriminating"
    assert qualify(task, trivial=[guess, perfect], model=good, **RULES).qualification == "saturated"
    assert qualify(task, trivial=[guess], model=guess, **RULES).qualification == "no_signal"
    assert qualify(task, trivial=[good], model=None, **RULES).qualification == "discriminating"
    few = classify_task(n_units=8)
    assert qualify(few, trivial=[predicting(few, 1.0)], model=None, **RULES).qualification == "underpowered"


def test_a_perfect_model_does_not_saturate_its_own_setting():
    task = classify_task(n_units=60)
    assert (
        qualify(task, trivial=[predicting(task, 0.0)], model=predicting(task, 1.0), **RULES).qualification
        == "discriminating"
    )


@pytest.mark.parametrize("encoders", [1, 8])
def test_guessing_is_found_significant_no_more_often_than_alpha(encoders, monkeypatch):
    monkeypatch.setattr(module, "PERMUTATIONS", 99)
    trials = 300
    found = 0
    for seed in range(trials):
        task = classify_task(n_units=40, per_unit=1, seed=seed)
        guesses = [predicting(task, 0.0, seed=1000 * seed + k) for k in range(encoders)]
        found += permuted(task, guesses)["p"] <= 0.05
    assert found / trials <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / trials)


def test_samples_of_one_unit_are_not_independent_evidence():
    task = classify_task(n_units=6, per_unit=30, batches=1)
    by_unit = (np.array([int(u[1:]) for u in task.units]) + task.y) % 2  # wrong or right for whole units
    predicted = np.where(np.isin(task.units, ["u000", "u001", "u002", "u003"]), task.y, by_unit)
    lucky = Scores(np.unique(task.units), np.ones(6), None, predicted)
    assert permuted(task, [lucky])["p"] > 0.05


def test_relations_agree_with_peers():
    rng = np.random.default_rng(0)
    y, predicted = rng.integers(0, 3, 50), rng.integers(0, 3, 50)
    assert module._balanced_accuracy(predicted[None], y) == pytest.approx(balanced_accuracy_score(y, predicted))
    a, b = rng.integers(0, 9, 50).astype(float), rng.normal(size=50)
    assert module._correlation(module._ranks(a)[None], module._ranks(b)) == pytest.approx(spearmanr(a, b).statistic)


def test_labels_move_within_batches_and_with_whole_units():
    task = classify_task(n_units=24, per_unit=3, batches=3)
    for labels in module.permute_labels(task.y, task, np.random.default_rng(0), 20):
        for batch in np.unique(task.batches):
            assert sorted(labels[task.batches == batch]) == sorted(task.y[task.batches == batch])
        assert all(len(set(labels[task.units == u])) == 1 for u in np.unique(task.units))


def test_a_label_nested_in_batch_moves_between_batches():
    task = classify_task(n_units=24)
    nested = dataclasses.replace(task, batches=np.char.add("of-class-", task.y.astype(str)))
    labels = module.permute_labels(task.y, nested, np.random.default_rng(0), 5)
    assert any((m != task.y).any() for m in labels)


def test_a_regression_has_a_signal_or_none():
    task = regress_task(n_units=40)
    rng = np.random.default_rng(1)
    good = Scores(np.unique(task.units), np.full(40, 0.5), None, task.y + rng.normal(0, 0.5, len(task.y)))
    noise = Scores(np.unique(task.units), np.zeros(40), None, rng.normal(size=len(task.y)))
    assert qualify(task, trivial=[noise], model=good, **RULES).qualification == "discriminating"
    assert qualify(task, trivial=[noise], model=None, **RULES).qualification == "no_signal"


def test_the_noise_floor_is_the_standard_error_of_a_difference():
    rng = np.random.default_rng(3)
    units = np.array([f"u{i:04d}" for i in range(400)])
    draws = [Scores(units, rng.normal(0.5 + 0.1 * k, 0.3, 400)) for k in range(2)]
    expected = 1.645 * 0.3 * np.sqrt(2 / 400)
    assert noise_floor(draws, 0.05) == pytest.approx(expected, rel=0.1)
    assert noise_floor([*draws, *draws], 0.05) < expected
    assert np.isnan(noise_floor(draws[:1], 0.05))


def test_a_lower_ceiling_saturates_a_setting():
    task = classify_task(n_units=40, per_unit=3)
    good = predicting(task, 0.9)
    assert qualify(task, trivial=[good], model=None, **RULES).qualification == "discriminating"
    lowered = qualify(task, trivial=[good], model=None, **(RULES | {"ceiling": 0.9}))
    assert (lowered.qualification, lowered.landmarks["ceiling"]) == ("saturated", 0.9)
