"""Objects of two label images compared: by brute force, and in cases small enough to count."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment

from reprcheck.runs.agreement import Agreement, measure_agreement
from tests.baselines.fields import disks, random_field


def overlaps(found, true):
    """Return the intersection over union of every pair of objects, one pair at a time."""
    pairs = [[(found == f, true == t) for t in np.unique(true[true > 0])] for f in np.unique(found[found > 0])]
    return [[(a & b).sum() / (a | b).sum() for a, b in row] for row in pairs]


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(0, 14), st.integers(0, 3))
def test_agrees_with_the_best_assignment_by_brute_force(seed, n, shift):
    true = random_field(seed, side=40, n=n, radius=5)
    found = np.roll(true, (shift, -shift), axis=(0, 1))
    found[found == 1] = 0
    found[found == 2] = 3
    iou = np.array(overlaps(found, true)).reshape(len(np.unique(found)) - 1, len(np.unique(true)) - 1)
    rows, columns = linear_sum_assignment(iou > 0.5, maximize=True)
    expected = Agreement(iou.shape[0], iou.shape[1], int((iou > 0.5)[rows, columns].sum()))
    assert measure_agreement(found, true) == expected


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000))
def test_names_and_sides_do_not_matter(seed):
    rng = np.random.default_rng(seed)
    found, true = (random_field(s, side=40, n=8) for s in (seed, seed + 1))
    names = np.append(0, np.unique(rng.integers(1, 2**31 - 1, 40))[:9]).astype(np.int32)
    told = measure_agreement(found, true)
    assert measure_agreement(names[found], np.append(0, names[:0:-1])[true]) == told
    assert measure_agreement(true, found) == Agreement(told.true, told.found, told.matched)
    assert measure_agreement(found, found) == Agreement(told.found, told.found, told.found)


@pytest.mark.parametrize(
    ("found", "true", "expected"),
    [
        ([0, 0, 0, 0], [0, 0, 0, 0], (0, 0, 0, 1.0)),
        ([0, 0, 0, 0], [1, 1, 0, 2], (0, 2, 0, 0.0)),
        ([1, 1, 1, 2], [0, 0, 0, 0], (2, 0, 0, 0.0)),
        ([5, 5, 5, 5], [3, 3, 3, 3], (1, 1, 1, 1.0)),  # no background at all
        ([1, 1, 2, 2], [1, 1, 1, 1], (2, 1, 0, 0.0)),  # exactly half isn't more than half
        ([1, 1, 1, 2], [1, 1, 1, 1], (2, 1, 1, 2 / 3)),
    ],
)
def test_small_cases(found, true, expected):
    told = measure_agreement(np.array([found], np.int32), np.array([true], np.int32))
    assert (told.found, told.true, told.matched, told.f1) == pytest.approx(expected)


def test_two_disks_taken_for_one():
    apart = disks(64, [(32, 20), (32, 42)], [10, 10])
    told = measure_agreement((apart > 0).astype(np.int32), apart)
    assert (told.found, told.true, told.matched) == (1, 2, 0)
    assert (told.count_error, told.relative_error) == (1, 0.5)
    assert Agreement(3, 0, 0).relative_error is None
