import time
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from reprcheck.stats import compare
from reprcheck.stats.decision import holm, infer, interval, weigh
from reprcheck.stats.resampling import studentise
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


def test_against_one_reference_it_is_no_narrower_than_the_paired_t_test_and_hardly_wider():
    rng = np.random.default_rng(0)
    model, reference = rng.normal(0.6, 0.2, 30), rng.normal(0.5, 0.2, 30)
    found = compare(model, reference[None], units(30), margin=0.0)
    peer = stats.ttest_rel(model, reference, alternative="greater")
    two_sided = stats.ttest_rel(model, reference).confidence_interval(0.90)
    assert peer.pvalue <= found.p <= 2 * peer.pvalue
    assert 1 - 1e-9 <= (found.effect - found.low) / (found.effect - two_sided.low) < 1.15
    assert 1 - 1e-9 <= (found.high - found.effect) / (two_sided.high - found.effect) < 1.15


def test_counts_of_few_values_are_drawn_from_the_same_distribution():
    """As many units whose values all differ by nothing that matters are drawn one by one."""
    values = np.random.default_rng(0).choice([-1.0, 0.0, 0.5], 40_000, p=[0.01, 0.9, 0.09])
    apart = values + np.linspace(0, 1e-9, len(values))
    one, other = (studentise(array, np.random.default_rng(4)) for array in (values, apart))
    assert len(one) == len(other) == 1000
    levels = [0.025, 0.25, 0.5, 0.75, 0.975]
    assert np.quantile(one, levels) == pytest.approx(np.quantile(other, levels), abs=0.2)
    assert one.std() == pytest.approx(1, abs=0.08)
    assert other.std() == pytest.approx(1, abs=0.08)


def test_the_bootstrap_is_the_studentised_one_of_a_peer():
    values = np.random.default_rng(1).exponential(size=40)
    found = infer(values)

    def t(x, axis=-1):
        return (x.mean(axis) - values.mean()) / (x.std(axis, ddof=1) / np.sqrt(x.shape[axis]))

    peer = stats.bootstrap((values,), t, n_resamples=9999, vectorized=True, rng=np.random.default_rng(2))
    quantiles = np.quantile(peer.bootstrap_distribution, [0.05, 0.95]) * found.se
    assert np.quantile(found.above, [0.05, 0.95]) == pytest.approx(quantiles, rel=0.08)


def test_resampled_errors_are_those_of_all_resamples_there_are():
    values = np.array([0.0, 1.0, 3.0, 7.0])
    resamples = np.array(list(product(values, repeat=4)))
    variance = np.maximum(resamples.var(axis=1, ddof=1), values.var(ddof=1) / 4)
    expected = (resamples.mean(1) - values.mean()) / np.sqrt(variance / 4)
    found = studentise(values, np.random.default_rng(4))
    assert np.unique(found.round(6)) == pytest.approx(np.unique(expected.round(6)))


def test_a_tail_makes_the_interval_longer_on_its_side():
    skewed = np.random.default_rng(3).exponential(size=25)
    found = compare(skewed, np.zeros((1, 25)), units(25))
    assert found.high - found.effect > 1.15 * (found.effect - found.low)


@given(scores, st.floats(0.001, 0.49), st.floats(-0.5, 0.5))
def test_a_bound_exceeds_the_margin_exactly_where_p_is_at_most_alpha(difference, alpha, margin):
    found = compare(difference, np.zeros((1, len(difference))), units(len(difference)), margin=margin, alpha=alpha)
    clear = abs(found.low - margin) > 1e-9 * max(1, abs(margin)) and abs(found.p - alpha) > 1e-9
    assert not clear or (found.low > margin) == (found.p < alpha)


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
    trials, passed = 500, 0
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


@pytest.mark.parametrize("n", [10, 20, 200])
def test_all_ties_have_a_defined_answer(n):
    """What n units all missed may still be so in a share of 1 - alpha**(1/n): three in n."""
    share = 1 - 0.05 ** (1 / n)
    found = compare(np.full(n, 0.5), np.full((1, n), 0.5), units(n))
    assert (found.effect, found.low, found.high) == pytest.approx((0, -share, share), abs=0.1 * share)
    assert found.p > 0.5
    better = compare(np.full(n, 0.9), np.full((1, n), 0.5), units(n))
    assert better.low == pytest.approx(0.4 - 1.4 * share, abs=0.1 * share)
    assert 0 < better.p < 0.05


def test_twins_that_are_alike_have_no_spread():
    rng = np.random.default_rng(4)
    model, reference = rng.normal(0.6, 0.2, 30), rng.normal(0.5, 0.2, 30)
    once, thrice = (compare(model, np.tile(reference, (k, 1)), units(30)) for k in (1, 3))
    assert numbers(once) == like(thrice)


def test_few_batches_are_named_and_told_apart():
    difference = np.repeat([0.1, 0.2, 0.4], 8) + np.tile([-0.01, 0.01], 12)
    batches = np.repeat(["d1", "d2", "d3"], 8)
    found = compare(difference, np.zeros((1, 24)), units(24), batches=batches)
    assert found.covers == "these 3 batches, not new ones"
    assert found.per_batch == pytest.approx({"d1": 0.1, "d2": 0.2, "d3": 0.4})
    assert compare(difference, np.zeros((1, 24)), units(24), batches=batches, min_units=3).covers == ""
    one = compare(difference, np.zeros((1, 24)), units(24), batches=np.full(24, "all"))
    assert (one.covers, one.per_batch) == ("", {})
    pooled = compare(difference, np.zeros((1, 24)), batches, batches=batches)
    assert pooled.n_units == 3
    assert pooled.low < found.low


def test_units_in_several_batches_are_not_said_to_lie_in_one():
    names = np.tile(units(12), 2)
    found = compare(np.linspace(0, 1, 24), np.zeros((1, 24)), names, batches=np.repeat(["p1", "p2"], 12))
    assert (found.covers, found.per_batch) == ("", {})


def test_inflated_variance_widens_the_interval_by_its_root():
    difference = np.random.default_rng(5).normal(0.1, 0.2, 40)
    plain, wide = (compare(difference, np.zeros((1, 40)), units(40), inflation=f) for f in (1.0, 4.0))
    assert wide.high - wide.low == pytest.approx(2 * (plain.high - plain.low))


def test_ten_thousand_resamples_of_many_scores_take_well_under_a_second():
    rng = np.random.default_rng(6)
    names = np.array([f"u{i}" for i in rng.integers(0, 2000, 100_000)])
    model, references = rng.normal(size=100_000), rng.normal(size=(5, 100_000))
    start = time.process_time()
    assert compare(model, references, names).n_units == 2000
    assert time.process_time() - start < 1.5  # of them 0.5 to sort the names; generous, for a loaded machine


@given(st.lists(st.floats(1e-9, 1), min_size=1, max_size=20))
def test_adjusted_p_values_follow_holm(values):
    found = holm(values)
    ordered = np.argsort(values, kind="stable")
    for rank, i in enumerate(ordered):
        brute = max(values[j] * (len(values) - s) for s, j in enumerate(ordered[: rank + 1]))
        assert found[i] == pytest.approx(min(1, brute))


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
    found, binding = weigh(against, min_units=10)
    assert (found, binding.reference) == (status, reference)


def test_a_bound_on_the_margin_is_no_pass_and_no_fail():
    assert weigh([evidence(0.02, 0.3)], 10)[0] == "inconclusive"
    assert weigh([evidence(-0.3, 0.02)], 10)[0] == "inconclusive"


def test_interval_of_a_score():
    found = interval(np.array([0.0, 1.0, 0.5, 0.5]), 0.05)
    assert found["mean"] == 0.5
    assert found["low"] < 0.5 < found["high"]
