"""``sample = N`` of a policy: a choice of whole units that stands for all."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import reprcheck
from reprcheck.datasets.table.cutting import sample_units
from reprcheck.errors import UserError
from reprcheck.policy import Policy
from reprcheck.types import Task
from tests.tasks import classify_task, regress_task


def units(task: Task) -> dict[str, int]:
    names, counts = np.unique(task.units, return_counts=True)
    return dict(zip(names.tolist(), counts.tolist(), strict=True))


def ragged(n_units: int, seed: int) -> Task:
    """A task whose units have from one to seven samples."""
    task = classify_task(n_units, per_unit=7, classes=3)
    kept = np.random.default_rng(seed).random(len(task.y)) < 0.6
    kept[np.unique(task.units, return_index=True)[1]] = True
    return task.take(np.flatnonzero(kept))


@given(st.integers(40, 90), st.integers(0, 9), st.integers(90, 300))
def test_units_stay_whole_and_no_more_are_taken_than_asked(n_units: int, seed: int, at_most: int) -> None:
    task = ragged(n_units, seed)
    sampled = sample_units(task, at_most)
    assert units(sampled).items() <= units(task).items()
    assert len(sampled.rows) <= at_most
    assert set(sampled.y) == set(task.y)
    if at_most < len(task.rows):
        assert len(sampled.rows) > at_most - 7, "a unit more would have had room"


def test_strata_are_cut_in_proportion() -> None:
    task = classify_task(n_units=240, per_unit=2, classes=3, batches=4)
    sampled = sample_units(task, 120)
    strata, counts = np.unique(np.stack([sampled.y.astype(str), sampled.batches]), axis=1, return_counts=True)
    assert strata.shape[1] == 12
    assert set(counts) == {10}


def test_the_choice_doesnt_depend_on_the_order_of_rows_and_nests() -> None:
    task = ragged(60, seed=1)
    shuffled = task.take(np.random.default_rng(0).permutation(len(task.rows)))
    assert units(sample_units(task, 80)) == units(sample_units(shuffled, 80))
    assert units(sample_units(task, 80)).items() <= units(sample_units(task, 120)).items()


def test_a_rare_label_inside_units_of_another_stays() -> None:
    task = classify_task(n_units=120, per_unit=10, classes=2, holdout="unit")
    rare = np.zeros(len(task.y), bool)
    for name in ("u003", "u050", "u117"):  # one of ten samples in each
        rare[np.flatnonzero(task.units == name)[0]] = True
    task = replace(task, y=np.where(rare, 2, task.y), classes=("a", "b", "rare"))
    assert np.count_nonzero(sample_units(task, 100).y == 2) >= 2


def test_a_regression_keeps_its_range() -> None:
    task = regress_task(n_units=200, per_unit=3)
    sampled = sample_units(task, 150)
    bins = np.searchsorted(np.quantile(task.y, [0.2, 0.4, 0.6, 0.8]), sampled.y, side="left")
    assert set(np.bincount(bins)) == {30}


def test_what_was_chosen_and_what_it_costs_is_noted_once() -> None:
    task = classify_task(n_units=96, per_unit=3)
    note = (
        "Sample: 24 of 96 units, whole, with 72 of 288 samples, as the policy asks; "
        "intervals over units are about 2.0 times as wide as of all."
    )
    assert sample_units(task, 73).notes == (note,)
    assert sample_units(task, 288) is task


def test_too_small_a_sample_is_refused() -> None:
    task = classify_task(n_units=40, per_unit=3)
    with pytest.raises(UserError, match=r"^policy: sample = 2 \(task made\): .*; sample more$"):
        sample_units(task, 2)


def test_a_sampled_run_says_so_and_may_release(tmp_path) -> None:
    policy = Policy(sample=100, settings=("sim-culture:polarity/knn/1",), diagnostics=("beats_untrained",))
    card = reprcheck.check("demo", policy=policy, cache_dir=tmp_path)
    (setting,) = card.settings
    assert (setting.n_samples, setting.limit) == (99, None)  # 33 units of three
    assert any(note.startswith("Sample: 33 of ") for note in setting.notes)
    assert card.policy["sample"] == 100
    assert not [reason for reason in card.gate.blocked_by if "limit" in reason]
