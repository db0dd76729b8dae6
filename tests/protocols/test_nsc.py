"""Matching across compounds, and across batches too, against loops that know nothing of arrays."""

import dataclasses
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reprcheck import protocols
from reprcheck.protocols import matching
from reprcheck.stats.qualify import permuted
from reprcheck.types import Task
from tests.tasks import classify_task, vectors

MATCHING = ("nsc/1", "nscb/1")


def screen(seed=0, compounds=12, doses=3, classes=3, batches=3, nested=True):
    """Treatments of compounds, each compound of one class and, where nested, of one batch."""
    rng = np.random.default_rng(seed)
    compound = np.repeat(np.arange(compounds), doses)
    batch = rng.integers(0, batches, compounds)[compound] if nested else rng.integers(0, batches, len(compound))
    return Task(
        name="moa",
        kind="classify",
        rows=np.arange(len(compound)),
        y=compound % classes,
        classes=tuple(f"class{c}" for c in range(classes)),
        units=np.array([f"c{c:02}" for c in compound]),
        batches=np.array([f"week{b}" for b in batch]),
        holdout=None,
        protocols=MATCHING,
        channels=(0,),
    )


def candidates(protocol, task, i):
    def apart(j):
        return task.units[j] != task.units[i] and (protocol == "nsc/1" or task.batches[j] != task.batches[i])

    return [j for j in range(len(task.y)) if apart(j)]


def score(protocol, task, x):
    return protocols.get(protocol).score([x], task)


@pytest.mark.parametrize("protocol", MATCHING)
@given(seed=st.integers(0, 999), nested=st.booleans(), signal=st.sampled_from([0.0, 2.0]))
@settings(max_examples=15, deadline=None)
def test_it_agrees_with_loops(protocol, seed, nested, signal):
    task = screen(seed, nested=nested)
    x = vectors(task, signal, width=5, seed=seed)
    z = [[(v - c.mean()) / c.std() for v, c in zip(row, x.astype(float).T, strict=True)] for row in x.astype(float)]
    right, chances = {}, []
    for i in range(len(z)):
        others = candidates(protocol, task, i)
        same = [j for j in others if task.y[j] == task.y[i]]
        if not same:
            continue
        chances.append(Fraction(len(same), len(others)))

        def cosine(j, i=i):
            dot = sum(a * b for a, b in zip(z[i], z[j], strict=True))
            return dot / np.sqrt(sum(a * a for a in z[i]) * sum(b * b for b in z[j]))

        right[i] = task.y[max(others, key=cosine)] == task.y[i]
    assert list(np.flatnonzero(protocols.get(protocol).judged(task))) == list(right)
    assert len(protocols.get(protocol).notes(task)) == (len(right) < len(z))
    if not right:
        return
    found = score(protocol, task, x)
    assert list(found.units) == sorted({task.units[i] for i in right})
    assert found.values.mean() == pytest.approx(np.mean(list(right.values())))
    for unit, value in zip(found.units, found.values, strict=True):
        mine = sum(ok for i, ok in right.items() if task.units[i] == unit)
        assert value == pytest.approx(mine * len(found.units) / len(right))
    assert protocols.get(protocol).chance(task) == pytest.approx(float(sum(chances) / len(chances)))


def test_what_nobody_can_match_is_counted_and_left_out():
    task = screen(compounds=6, doses=2, classes=3)
    weeks = np.array(["week0", "week1", "week0", "week1", "week0", "week0"])[np.arange(12) // 2]
    task = dataclasses.replace(task, batches=weeks)  # both compounds of class2 in one week
    task = dataclasses.replace(task, y=np.array([0, 0, 1, 1, 2, 2])[np.arange(12) // 2])
    found = score("nscb/1", task, vectors(task, 9.0))
    assert list(found.units) == ["c00", "c01", "c02", "c03"]
    assert found.values.mean() == 1
    assert protocols.get("nscb/1").notes(task) == (
        "4 samples aren't judged by nscb/1, since no other in another unit and batch has the label: of class2.",
    )
    assert protocols.get("nsc/1").notes(task) == ()
    assert len(score("nsc/1", task, vectors(task, 9.0)).units) == 6


def test_labels_have_no_say_in_who_is_matched():
    task = screen()
    x = vectors(task, 1.0)
    other = dataclasses.replace(task, y=np.random.default_rng(3).permutation(task.y))
    for protocol in MATCHING:
        a, b = (score(protocol, asked, x).matches for asked in (task, other))
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("protocol", MATCHING)
def test_a_constant_embedding_is_at_chance_and_copies_tie(protocol):
    task = screen(compounds=60, doses=4, nested=False)
    flat = np.ones((len(task.y), 3), np.float32)
    assert score(protocol, task, flat).values.mean() == pytest.approx(protocols.get(protocol).chance(task), abs=0.1)
    doubled = np.repeat(vectors(task, 1.0)[::2], 2, axis=0)
    again = score(protocol, task, doubled * np.float32(3))
    np.testing.assert_array_equal(score(protocol, task, doubled).matches, again.matches)


@pytest.mark.parametrize("protocol", MATCHING)
def test_blocks_of_rows_are_put_together(protocol, monkeypatch):
    task, whole = screen(), score(protocol, screen(), vectors(screen(), 1.0))
    monkeypatch.setattr(matching, "_BLOCK", 7)
    np.testing.assert_array_equal(score(protocol, task, vectors(task, 1.0)).matches, whole.matches)


def test_an_encoder_of_the_batch_passes_where_batches_tell_the_label_unless_they_are_kept_apart():
    """Compounds of one mechanism share a week: the week is the answer, to nsc/1 alone."""
    task = screen(compounds=24, classes=3)
    shared = np.arange(24)[np.arange(72) // 3] % 3
    mixed = np.where(np.arange(72) // 3 >= 18, (shared + 1) % 3, shared)
    task = dataclasses.replace(task, y=shared, batches=np.array([f"week{b}" for b in mixed]))
    week = np.eye(3)[mixed] + np.random.default_rng(0).normal(0, 0.01, (72, 3))
    known = {protocol: score(protocol, task, week.astype(np.float32)).values.mean() for protocol in MATCHING}
    assert known["nsc/1"] > protocols.get("nsc/1").chance(task) + 0.2
    assert known["nscb/1"] < protocols.get("nscb/1").chance(task) + 0.1


@pytest.mark.parametrize("protocol", MATCHING)
def test_permuted_labels_go_with_the_matches(protocol):
    task = screen(compounds=30, doses=1, nested=False)
    loud, silent = (permuted(task, [score(protocol, task, vectors(task, s))]) for s in (4.0, 0.0))
    assert loud["p"] < 0.01
    assert silent["p"] > 0.05
    pairs = np.arange(30) ^ 1
    mutual = dataclasses.replace(score("nsc/1", task, vectors(task)), matches=pairs, predictions=task.y[pairs])
    assert (
        permuted(task, [mutual])["permuted"] > permuted(task, [dataclasses.replace(mutual, matches=None)])["permuted"]
    )


def test_a_forest_is_scored_as_matches_are():
    task = screen(compounds=24, batches=4, nested=False)
    x = vectors(task, 3.0)
    for protocol in MATCHING:
        found = protocols.get(protocol).by_forest(x, task)
        assert list(found.units) == list(score(protocol, task, x).units)
        assert found.values.mean() == pytest.approx(
            np.mean((found.predictions == task.y)[protocols.get(protocol).judged(task)])
        )
        assert found.values.mean() > 0.8


def test_other_protocols_judge_all_and_say_nothing():
    task = classify_task()
    assert protocols.get("probe/2").judged(task).all()
    assert protocols.get("probe/2").notes(task) == ()
