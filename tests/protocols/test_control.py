"""Control tasks: labels that mean nothing, one for each unit, in the shares of the task's."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reprcheck import protocols
from reprcheck.protocols.control import control
from tests.tasks import classify_task, vectors


def labels_of_units(task):
    found = {}
    for unit, y in zip(task.units, task.y, strict=True):
        found.setdefault(unit, set()).add(int(y))
    return found


def test_a_unit_has_one_random_label_in_the_shares_of_the_units():
    task = classify_task(n_units=30, per_unit=3, classes=3)
    made = control(task)
    of_unit = labels_of_units(replace(made, units=task.units))
    assert all(len(labels) == 1 for labels in of_unit.values())
    assert Counter(next(iter(labels)) for labels in of_unit.values()) == {0: 10, 1: 10, 2: 10}


def paired(n_units, per_label, classes, first_label_first):
    """Every unit holds samples of every class."""
    rows = [(u, c) for u in range(n_units) for c in range(classes) for _ in range(per_label)]
    if first_label_first:  # as where ids begin with the class
        rows.sort(key=lambda row: row[1])
    unit, label = np.array(rows).T
    task = classify_task(n_units=len(rows), per_unit=1, classes=classes)
    return replace(
        task, y=label, units=np.array([f"donor{u:02d}" for u in unit]), batches=np.array([f"b{u % 4}" for u in unit])
    )


@settings(max_examples=25, deadline=None)
@given(st.integers(8, 20), st.integers(1, 3), st.integers(2, 4), st.booleans())
def test_in_a_paired_design_every_class_is_a_label_of_some_units(n_units, per_label, classes, first_label_first):
    task = paired(n_units, per_label, classes, first_label_first)
    made = control(task)
    counts = Counter(next(iter(labels)) for labels in labels_of_units(replace(made, units=task.units)).values())
    assert set(counts) == set(range(classes))
    assert max(counts.values()) - min(counts.values()) <= 1


@pytest.mark.parametrize("holdout", [None, "unit", "batch"])
@pytest.mark.parametrize("protocol", ["probe/2", "knn/1"])
def test_a_paired_design_has_scores(protocol, holdout):
    task = replace(paired(16, 2, 2, True), holdout=holdout)
    informed = protocols.get(protocol).score([vectors(task, signal=3.0)], task)
    assert informed.values.mean() > 0.9
    assert protocols.get(protocol).score([vectors(task)], control(task)).values.mean() < 0.7
