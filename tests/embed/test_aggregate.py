from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reprcheck.embed.aggregate import Groups
from reprcheck.embed.engine import Block
from tests.tasks import classify_task, regress_task, vectors

REDUCE = {"mean": np.mean, "median": np.median}


def grouped(task, how):
    return replace(task, aggregate=how, innermost=task.units)


def block(task, seed=0):
    return Block("encoder", tuple(f"{i:03d}" for i in range(len(task.y))), vectors(task, seed=seed))


def test_samples_that_stand_for_themselves_are_left_alone():
    assert Groups.of(classify_task()) is None


@pytest.mark.parametrize("how", REDUCE)
@given(seed=st.integers(0, 99), per_unit=st.integers(1, 5))
def test_a_vector_is_that_of_its_unit_s_samples(how, seed, per_unit):
    task = grouped(classify_task(n_units=8, per_unit=per_unit, seed=seed), how)
    groups = Groups.of(task)
    one = groups.task(task)
    made = groups.block(block(task, seed))
    assert groups.names.tolist() == one.units.tolist() == np.unique(task.units).tolist()
    for name, vector, y, batch in zip(groups.names, made.vectors, one.y, one.batches, strict=True):
        members = task.units == name
        np.testing.assert_allclose(
            vector, REDUCE[how](block(task, seed).vectors[members], axis=0), rtol=1e-5, atol=1e-6
        )
        assert {y} == set(task.y[members])
        assert {batch} == set(task.batches[members])


def test_the_order_of_samples_does_not_show():
    task = grouped(classify_task(), "mean")
    order = np.random.default_rng(1).permutation(len(task.y))
    moved = replace(
        task, y=task.y[order], units=task.units[order], batches=task.batches[order], innermost=task.innermost[order]
    )
    a, b = Groups.of(task).block(block(task)), Groups.of(moved).block(block(task).take(order))
    assert a.ids == b.ids
    assert a.digest == b.digest
    np.testing.assert_allclose(a.vectors, b.vectors, rtol=1e-5, atol=1e-6)


def test_the_way_and_the_members_are_in_the_digest():
    task = classify_task()
    made = [Groups.of(grouped(task, how)).block(block(task)).digest for how in REDUCE]
    fewer = replace(task, innermost=np.where(task.units == "u000", "u001", task.units), aggregate="mean")
    assert len({*made, Groups.of(fewer).block(block(task)).digest, block(task).digest}) == 4


def test_a_number_to_regress_is_aggregated_too():
    task = regress_task(n_units=4, per_unit=2)
    task = grouped(replace(task, y=task.y + np.tile([0.0, 1.0], 4)), "mean")
    np.testing.assert_allclose(Groups.of(task).task(task).y, task.y.reshape(4, 2).mean(1))
