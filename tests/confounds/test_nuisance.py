"""Vectors that know nothing but batch, position and metadata."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reprcheck import protocols
from reprcheck.confounds.nuisance import metadata_vectors, nuisances, position_vectors, size_vectors
from tests.tasks import classify_task

NAMES = st.one_of(
    st.builds("{}{:02d}".format, st.sampled_from("ABCH"), st.integers(1, 12)),
    st.sampled_from(["A", "AA", "3", "12", "", "site 1", "site 2"]),
)


def nuisance(task, **kwargs):
    return {one.name: vectors for one, vectors in nuisances(task, **kwargs).items()}


def plate(task, rows="ABCDEFGH", columns=12):
    """Give each unit a well, row by row."""
    index = np.unique(task.units, return_inverse=True)[1]
    return np.array([f"{rows[i // columns]}{i % columns + 1:02d}" for i in index])


def test_batch_is_one_hot():
    task = classify_task(holdout="unit")
    found = nuisance(task)
    assert set(found) == {"batch"}
    np.testing.assert_array_equal(found["batch"], np.eye(4)[np.unique(task.batches, return_inverse=True)[1]])
    assert found["batch"].dtype == np.float32


def test_a_batch_tells_nothing_where_it_is_alone_or_held_out():
    assert nuisance(classify_task(), holds_batches_out=True) == {}
    assert nuisance(classify_task(batches=1, holdout="unit")) == {}


def test_one_position_for_all_tells_nothing():
    task = classify_task()
    assert nuisance(replace(task, positions=np.full(len(task.y), "B03")), holds_batches_out=True) == {}
    assert nuisance(replace(task, positions=np.full(len(task.y), "")), holds_batches_out=True) == {}


def test_a_label_that_follows_the_column_is_found_on_other_units():
    task = classify_task(n_units=96, per_unit=1, batches=1, holdout="unit")
    task = replace(task, positions=plate(task))  # classes alternate, and so do columns
    (vectors,) = nuisance(task).values()
    assert protocols.get("probe/2").score([vectors], task).values.mean() > 0.9


def test_a_label_that_follows_the_edge_is_found_on_other_units():
    task = classify_task(n_units=96, per_unit=1, batches=1, holdout="unit")
    wells = plate(task)
    at_edge = np.array([w[0] in "AH" or w[1:] in ("01", "12") for w in wells])
    task = replace(task, positions=wells, y=at_edge.astype(np.int64))
    (vectors,) = nuisance(task).values()
    assert protocols.get("probe/2").score([vectors], task).values.mean() > 0.9


def test_the_distance_to_the_edge_is_in_wells_of_the_part_in_use():
    wells = np.array([f"{row}{column}" for row in "BCDE" for column in range(2, 8)])
    distance = position_vectors(wells)[:, -1].reshape(4, 6)
    np.testing.assert_array_equal(distance, [[0] * 6, [0, 1, 1, 1, 1, 0], [0, 1, 1, 1, 1, 0], [0] * 6])
    np.testing.assert_array_equal(position_vectors(np.array(["2", "3", "4", "5"]))[:, -1], [0, 1, 1, 0])


def test_other_names_and_blanks_are_one_hot():
    vectors = position_vectors(np.array(["", "", "site 1", "site 1", "alone"]))
    np.testing.assert_array_equal(vectors[:, :2], [[1, 0], [1, 0], [0, 1], [0, 1], [0, 0]])
    assert not vectors[:, 2:].any()


@pytest.mark.parametrize("spelling", ["b3", "B03", "B-3", " B_003 ", "b 03"])
def test_a_well_is_known_in_any_spelling(spelling):
    wells = np.array(["A01", "A01", "B03", "B03", "C02"])
    np.testing.assert_array_equal(
        position_vectors(np.array(["A01", "A01", "B03", spelling, "C02"])), position_vectors(wells)
    )


@given(st.lists(NAMES, min_size=1, max_size=40), st.randoms())
def test_vectors_follow_the_samples_whatever_their_order(names, random):
    order = list(range(len(names)))
    random.shuffle(order)
    vectors = position_vectors(np.array(names))
    assert vectors.dtype == np.float32
    assert np.isfinite(vectors).all()
    np.testing.assert_allclose(position_vectors(np.array(names)[order]), vectors[order], atol=1e-5)
    for i, j in pairwise(order):
        if names[i] == names[j]:
            np.testing.assert_array_equal(vectors[i], vectors[j])


def test_metadata_that_give_the_label_away_are_found_on_other_units():
    task = classify_task(n_units=48, per_unit=2, holdout="unit", batches=1)
    operator = np.array(["ann", "bob"])[task.y]
    passage = np.random.default_rng(0).integers(3, 9, len(task.y)).astype(str)
    (vectors,) = nuisance(replace(task, metadata=np.stack([passage, operator], axis=1))).values()
    assert protocols.get("probe/2").score([vectors], task).values.mean() > 0.9


def test_numbers_of_metadata_are_read_as_such():
    vectors = metadata_vectors(np.array([["1", "x"], ["2", "x"], ["", "y"], ["3", ""]]))
    number = np.array([-1, 0, 0, 1]) * np.sqrt(1.5)  # and its square; then x, which two samples share
    np.testing.assert_allclose(vectors, np.stack([number, number**2, [1, 1, 0, 0]], axis=1), atol=1e-6)
    missing = metadata_vectors(np.array([["1", "x"], ["2", "x"], ["NA", "y"], ["3", ""]]))
    np.testing.assert_array_equal(missing, vectors)


def test_metadata_that_tell_no_samples_apart_are_none():
    task = classify_task()
    assert nuisance(replace(task, metadata=np.full((len(task.y), 2), "same")), holds_batches_out=True) == {}


def test_size_is_told_by_both_sides():
    vectors = size_vectors(np.array([[10, 20], [20, 20], [40, 20]]))
    np.testing.assert_allclose(vectors[:, 0], [-np.sqrt(1.5), 0, np.sqrt(1.5)], atol=1e-6)
    np.testing.assert_allclose(vectors[:, 2], [1.5, 0, 1.5], atol=1e-6)
    assert (vectors[:, [1, 3]] == 0).all()


def test_depth_is_a_nuisance_of_its_own_where_images_are_stored_in_several_ways():
    task = classify_task(batches=1, holdout="unit")
    assert nuisance(task) == {}
    depths = np.where(task.y[:, None] == 1, [16.0, 8.0, 2.0], [8.0, 8.0, 2.0])
    found = nuisance(replace(task, depths=depths))
    assert set(found) == {"depth"}
    np.testing.assert_array_equal(found["depth"][:, [1, 2, 4, 5]], 0)
    assert protocols.get("probe/2").score([found["depth"]], task).values.mean() == 1
    assert nuisance(replace(task, depths=depths[:1].repeat(len(task.y), axis=0))) == {}
