"""A task cut down: every array follows, whatever fields a task has."""

from dataclasses import fields, replace

import numpy as np
import pytest

from tests.tasks import classify_task, regress_task


def whole_task():
    """A task of which everything is known."""
    task = classify_task(n_units=8, per_unit=2)
    n = len(task.y)
    more = {
        "control": np.arange(n) % 3 == 0,
        "positions": np.array([f"A{i:02d}" for i in range(n)]),
        "replicates": np.array([f"r{i // 2}" for i in range(n)]),
        "innermost": np.array([f"w{i}" for i in range(n)]),
        "metadata": np.array([[f"m{i}", "x"] for i in range(n)]),
        "sizes": np.arange(2.0 * n).reshape(n, 2),
        "depths": np.arange(3.0 * n).reshape(n, 3),
        "test": np.arange(n) % 2 == 0,
    }
    return replace(task, **more)


def test_everything_a_task_knows_of_samples_is_taken():
    task, at = whole_task(), np.array([5, 0, 11])
    taken = task.take(at)
    for field in fields(task):
        before, after = getattr(task, field.name), getattr(taken, field.name)
        if isinstance(before, np.ndarray):
            np.testing.assert_array_equal(after, before[at], err_msg=field.name)
        else:
            assert after == before, field.name
    arrays = [field.name for field in fields(task) if isinstance(getattr(task, field.name), np.ndarray)]
    assert len(arrays) == len([f for f in fields(task) if "NDArray" in str(f.type)])


@pytest.mark.parametrize("task", [classify_task(), regress_task(), regress_task(levels=3)])
def test_what_is_not_known_stays_unknown(task):
    taken = task.take(np.arange(2))
    for field in fields(task):
        assert (getattr(taken, field.name) is None) == (getattr(task, field.name) is None)
