import numpy as np

from reprcheck.baselines.structure.cell_count import CELL_COUNT
from reprcheck.baselines.structure.features import feature_names


def measured(counts):
    vectors = np.random.default_rng(0).normal(size=(len(counts), len(feature_names()))).astype(np.float32)
    vectors[:, feature_names().index("count")] = counts
    return vectors


def test_it_knows_the_count_and_nothing_else():
    counts = np.repeat([3, 10, 40, 200], 5)
    found = CELL_COUNT.compared(measured(counts))
    assert found.dtype == np.float32
    assert len(np.unique(found, axis=0)) == 4
    assert (np.diff(found[::5, 0]) > 0).all()


def test_a_range_in_the_middle_can_be_told_by_a_line():
    counts = np.arange(1, 61)
    found = CELL_COUNT.compared(measured(counts)).astype(float)
    inside = np.where((counts > 15) & (counts < 40), 1.0, -1.0)
    weights, *_ = np.linalg.lstsq(np.column_stack([found, np.ones(60)]), inside, rcond=None)
    assert (np.sign(np.column_stack([found, np.ones(60)]) @ weights) == inside).mean() > 0.9


def test_equal_counts_tell_nothing():
    found = CELL_COUNT.compared(measured(np.full(6, 4)))
    assert np.isfinite(found).all()
    assert (found == found[0]).all()
