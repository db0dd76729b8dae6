import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.model_selection import StratifiedGroupKFold

from reprcheck.protocols.folds import folds
from reprcheck.seeding import seed as draw
from tests.tasks import classify_task, regress_task


@given(
    n_units=st.integers(12, 40),
    per_unit=st.integers(1, 4),
    classes=st.integers(2, 3),
    batches=st.integers(2, 14),
    holdout=st.sampled_from(["batch", "unit", None]),
)
def test_every_sample_is_judged_once_and_no_group_is_split(n_units, per_unit, classes, batches, holdout):
    task = classify_task(n_units, per_unit, classes, batches, holdout)
    groups = task.batches if holdout == "batch" else task.units
    found = folds(task)
    assert sorted(np.concatenate([f.test for f in found])) == list(range(len(task.y)))
    for fold in found:
        assert not set(groups[fold.train]) & set(groups[fold.test])
        assert len(fold.train) + len(fold.test) == len(task.y)
        for fit, validate in fold.inner:
            assert set(fit) | set(validate) <= set(fold.train)
            assert not set(fit) & set(validate)
            assert not set(task.units[fit]) & set(task.units[validate])


def test_few_batches_are_left_out_one_at_a_time():
    task = classify_task(n_units=24, batches=4)
    assert [set(task.batches[f.test]) for f in folds(task)] == [{"b0"}, {"b1"}, {"b2"}, {"b3"}]


def test_inner_folds_hold_out_batches_too():
    fold = folds(classify_task(n_units=24, batches=4))[0]
    assert len(fold.inner) == 3
    batches = classify_task(n_units=24, batches=4).batches
    assert all(not set(batches[a]) & set(batches[b]) for a, b in fold.inner)


@pytest.mark.parametrize("make", [classify_task, regress_task])
def test_folds_come_from_the_task_alone(make):
    first, second = folds(make()), folds(make())
    assert all(np.array_equal(a.test, b.test) for a, b in zip(first, second, strict=True))


def test_renaming_units_in_order_moves_nothing_between_groups():
    task = classify_task(holdout="batch")
    renamed = dataclasses.replace(task, units=np.char.add("well-", task.units))
    assert [list(f.test) for f in folds(task)] == [list(f.test) for f in folds(renamed)]


def test_a_regression_is_stratified_by_its_value():
    task = regress_task(n_units=50, per_unit=1)
    means = [task.y[f.test].mean() for f in folds(task)]
    assert np.ptp(means) < task.y.std()


@given(
    n=st.integers(30, 120),
    classes=st.integers(2, 6),
    units=st.floats(0.2, 1.5),
    repeat=st.integers(0, 3),
    seed=st.integers(0, 9999),
)
@settings(deadline=None)
def test_folds_are_scikit_learns_to_the_sample(n, classes, units, repeat, seed):
    rng = np.random.default_rng(seed)
    y = rng.permutation(np.arange(n) % classes)
    names = np.array([f"u{i}" for i in rng.integers(0, int(n * units) + 6, n)])
    task = dataclasses.replace(classify_task(n, 1, classes), y=y, units=names, holdout="unit")
    peer = StratifiedGroupKFold(5, shuffle=True, random_state=draw("folds", y, names, repeat) % 2**32)
    for fold, (train, test) in zip(folds(task, repeat), peer.split(y, y, names), strict=True):
        np.testing.assert_array_equal(fold.train, train)
        np.testing.assert_array_equal(fold.test, test)
