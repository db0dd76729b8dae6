"""How closely a label follows the batch, and what the gate makes of it."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import f_oneway
from scipy.stats.contingency import association as cramer

from reprcheck.confounds.batches import FOLLOWS, association

BATCHES = np.repeat([f"b{b}" for b in range(6)], 16)


def test_a_label_that_is_the_batch_is_one_and_a_balanced_one_is_zero():
    assert association(np.arange(96) // 16, BATCHES) == pytest.approx(1, abs=0.02)
    assert association(np.arange(96) % 2, BATCHES) == 0
    assert association((np.arange(96) // 16).astype(float), BATCHES) == 1
    assert association((np.arange(96) % 16).astype(float), BATCHES) == 0


@given(seed=st.integers(0, 999))
def test_a_label_that_chance_deals_does_not_follow(seed):
    rng = np.random.default_rng(seed)
    many = np.repeat([f"b{b}" for b in range(5)], 200)
    assert association(rng.integers(0, 3, 1000), many) < FOLLOWS
    assert association(rng.normal(size=1000), many) < FOLLOWS


def test_it_is_what_peers_say_of_many_units():
    rng = np.random.default_rng(0)
    batch = np.repeat(np.arange(6), 1500)
    names = np.array([f"b{b}" for b in batch])
    y = (rng.random(len(batch)) < 0.3 + 0.08 * batch).astype(int)
    assert association(y, names) == pytest.approx(cramer(pd.crosstab(y, batch), correction=False), abs=0.01)
    value = batch + 3 * rng.normal(size=len(batch))
    f = f_oneway(*(value[batch == b] for b in range(6))).statistic
    assert association(value, names) == pytest.approx(np.sqrt(5 * (f - 1) / (5 * f + len(value) - 6)), abs=1e-3)


@pytest.mark.parametrize("y", [np.zeros(96, int), np.zeros(96)], ids=["one class", "one value"])
def test_a_label_of_one_value_follows_nothing(y):
    assert association(y, BATCHES) == 0
    assert association(np.arange(96) % 2, np.full(96, "b")) == 0
