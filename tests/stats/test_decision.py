import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from reprcheck.stats.decision import SMALLEST_P, compare, decide, interval
from reprcheck.types import Evidence

scores = arrays(float, st.integers(3, 40), elements=st.floats(-2, 2, allow_subnormal=False))


def units(n):
    return np.array([f"u{i:03d}" for i in range(n)])


def numbers(found):
    return [found.effect, found.low, found.high, found.mde, found.n_units]


def like(found):
    return pytest.approx(numbers(found), abs=1e-9)


def evidence(low, high, n_units=50, margin=0.02, reference="r"):
    return Evidence((low + high) / 2, low, high, margin, 0.05, 0.1, n_units, reference, 0.5)


def test_against_one_reference_it_is_the_paired_t_test():
    rng = np.random.default_rng(0)
    model, reference = rng.normal(0.6, 0.2, 30), rng.normal(0.5, 0.2, 30)
    found = compare(model, reference[None], units(30), margin=0.0)
    peer = stats.ttest_rel(model, reference, alternative="greater")
    assert found.p == pytest.approx(peer.pvalue)
    assert found.low == pytest.approx(peer.confidence_interval(0.95).low)
    two_sided = stats.ttest_rel(model, reference).confidence_interval(0.90)
    assert (found.low, found.high) == pytest.approx((two_sided.low, two_sided.high))


@given(scores, st.randoms(use_true_random=False))
def test_order_of_rows_and_names_of_units_do_not_matter(difference, random):
    n = len(difference)
    model, reference = difference, np.zeros((1, n))
    order = np.array(random.sample(range(n), n))
    first = compare(model, reference, units(n))
    assert numbers(compare(model[order], reference, units(n)[order])) == like(first)
    assert numbers(compare(model, reference, np.char.add("well", units(n)))) == like(first)


@given(scores, st.floats(-1, 1))
def test_a_constant_added_to_both_sides_changes_nothing(difference, constant):
    n = len(difference)
    first = compare(difference, np.zeros((1, n)), units(n))
    second = compare(difference + constant, np.full((1, n), constant), units(n))
    assert numbers(second) == like(first)


@given(scores, st.integers(2, 5))
def test_duplicating_scores_within_units_never_narrows_the_interval(difference, times):
    n = len(difference)
    first = compare(difference, np.zeros((1, n)), units(n))
    again = compare(np.tile(difference, times), np.zeros((1, n * times)), np.tile(units(n), times))
    assert numbers(again) == like(first)


def test_the_spread_of_the_draws_widens_the_interval():
    rng = np.random.default_rng(1)
    model = rng.normal(0.7, 0.1, 40)
    alike = np.full((5, 40), 0.5) + rng.normal(0, 0.1, 40)
    apart = alike + np.array([-0.2, -0.1, 0, 0.1, 0.2])[:, None]
    narrow, wide = compare(model, alike, units(40)), compare(model, apart, units(40))
    assert wide.effect == pytest.approx(narrow.effect)
    assert wide.low < narrow.low
    assert wide.high > narrow.high
    assert wide.mde > narrow.mde


@pytest.mark.parametrize(("n_units", "twins", "spread"), [(12, 5, 0.05), (60, 5, 0.05), (60, 3, 0.02), (60, 5, 0.0)])
def test_one_more_draw_of_the_family_passes_no_more_often_than_alpha(n_units, twins, spread):
    rng = np.random.default_rng(2)
    trials, passed = 2000, 0
    for _ in range(trials):
        difficulty = rng.normal(0, 0.2, n_units)
        draws = 0.5 + difficulty + rng.normal(0, spread, (twins + 1, 1)) + rng.normal(0, 0.2, (twins + 1, n_units))
        passed += compare(draws[0], draws[1:], units(n_units), margin=0.0).low > 0
    assert passed / trials <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / trials)


def test_an_effect_of_the_minimum_detectable_size_passes_nine_times_in_ten():
    rng = np.random.default_rng(3)
    one = compare(rng.normal(0, 0.2, 40), np.zeros((1, 40)), units(40))
    trials = 1000
    passed = sum(
        compare(rng.normal(0.02 + 2.99 * 0.2 / np.sqrt(40), 0.2, 40), np.zeros((1, 40)), units(40)).low > 0.02
        for _ in range(trials)
    )
    assert passed / trials == pytest.approx(0.9, abs=0.04)
    assert one.mde > 0.02


def test_all_ties_have_a_defined_answer():
    found = compare(np.full(20, 0.5), np.full((1, 20), 0.5), units(20))
    assert (found.effect, found.low, found.high, found.p) == (0, 0, 0, 1.0)
    better = compare(np.full(20, 0.9), np.full((1, 20), 0.5), units(20))
    assert better.low == pytest.approx(0.4)
    assert better.p == SMALLEST_P


@pytest.mark.parametrize(
    ("model", "references", "names", "what"),
    [
        (np.array([1.0, np.nan, 0.0]), np.zeros((1, 3)), units(3), "finite"),
        (np.ones(3), np.full((1, 3), np.inf), units(3), "finite"),
        (np.ones(3), np.zeros((1, 4)), units(3), "lengths"),
        (np.ones(3), np.zeros((1, 3)), units(4), "lengths"),
        (np.ones(3), np.zeros((1, 3)), np.array(["a"] * 3), "two units"),
    ],
)
def test_what_can_not_be_compared_is_an_error(model, references, names, what):
    with pytest.raises(ValueError, match=what):
        compare(model, references, names)


@pytest.mark.parametrize(
    ("against", "status", "reference"),
    [
        ([evidence(0.1, 0.3)], "pass", "r"),
        ([evidence(-0.1, 0.01)], "fail", "r"),
        ([evidence(0.0, 0.1)], "inconclusive", "r"),
        ([evidence(0.1, 0.3, n_units=9)], "inconclusive", "r"),
        ([evidence(-0.3, -0.1, n_units=9)], "inconclusive", "r"),
        ([evidence(0.1, 0.3), evidence(0.0, 0.1, reference="s")], "inconclusive", "s"),
        ([evidence(0.1, 0.3), evidence(-0.1, 0.0, reference="s")], "fail", "s"),
        ([evidence(-0.5, 0.5), evidence(-0.1, 0.0, reference="s")], "fail", "s"),
    ],
)
def test_every_reference_must_be_beaten(against, status, reference):
    found, binding = decide(against, min_units=10)
    assert (found, binding.reference) == (status, reference)


def test_a_bound_on_the_margin_is_no_pass_and_no_fail():
    assert decide([evidence(0.02, 0.3)], 10)[0] == "inconclusive"
    assert decide([evidence(-0.3, 0.02)], 10)[0] == "inconclusive"


def test_interval_of_a_score():
    found = interval(np.array([0.0, 1.0, 0.5, 0.5]), 0.05)
    assert found["mean"] == 0.5
    assert found["low"] < 0.5 < found["high"]
