"""Types of objects and their neighbours: against deals by hand, enumerated and drawn, and whatever must not matter."""

from itertools import combinations_with_replacement, permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist

from reprcheck import protocols
from reprcheck.baselines.structure.baseline import Composition, Structure
from reprcheck.baselines.structure.cell_types import distances_to_others, entropy, joins, object_types
from reprcheck.baselines.structure.features import feature_names, measure_objects
from reprcheck.baselines.structure.spatial import delaunay_edges
from reprcheck.datasets.simulate import Plan, Tissue, dataset
from reprcheck.types import Image
from tests.baselines.fields import disks, random_field

NAMES = ("tumour", "lymphocyte", "stroma")


def counted(types, edges, kinds):
    """Return how many edges join each pair of types, one edge at a time."""
    found = dict.fromkeys(combinations_with_replacement(range(1, kinds + 1), 2), 0)
    for i, j in edges:
        if types[i] and types[j]:
            found[tuple(sorted((int(types[i]), int(types[j]))))] += 1
    return np.array(list(found.values()))


def standardised(seen, deals):
    deals = np.array(deals)
    spread = deals.std(axis=0)
    return np.where(spread > 0, (seen - deals.mean(axis=0)) / np.where(spread > 0, spread, 1), 0)


def typed_field(seed, n=12, kinds=3, blank=False):
    """Return a label image and the image of its objects' types, each of one type throughout."""
    mask = random_field(seed, side=64, n=n)
    of = np.random.default_rng(seed).integers(0 if blank else 1, kinds + 1, n + 1)
    return mask, np.where(mask > 0, of[mask], 0).astype(np.int32)


@pytest.mark.parametrize(
    "types", [[1, 1, 2, 2, 3, 3, 1], [1, 2, 1, 2, 1, 2, 1], [0, 1, 1, 2, 2, 0, 2], [1, 1, 1, 1, 2, 0, 3]]
)
def test_joins_are_those_of_every_deal(types):
    types = np.array(types)
    edges = delaunay_edges(np.random.default_rng(len(set(types))).uniform(size=(7, 2)))
    typed = np.flatnonzero(types)
    deals = []
    for order in permutations(typed):
        dealt = types.copy()
        dealt[typed] = types[list(order)]
        deals.append(counted(dealt, edges, 3))
    np.testing.assert_allclose(joins(types, edges, 3), standardised(counted(types, edges, 3), deals), atol=1e-9)


def test_joins_are_those_of_many_deals_in_a_field():
    draw = np.random.default_rng(0)
    points = draw.uniform(size=(60, 2))
    types = np.where(points[:, 0] < 0.4, 1, draw.integers(0, 4, 60))  # one type keeps to the left
    edges, typed = delaunay_edges(points), types > 0
    deals = []
    for _ in range(2000):
        dealt = types.copy()
        dealt[typed] = draw.permutation(types[typed])
        deals.append(counted(dealt, edges, 3))
    found = joins(types, edges, 3)
    np.testing.assert_allclose(found, standardised(counted(types, edges, 3), deals), rtol=0.06, atol=0.12)
    assert found[0] > 4


def test_one_among_thousands_is_as_exact():
    edges = delaunay_edges(np.random.default_rng(1).uniform(size=(4000, 2)))
    degree = np.bincount(edges.ravel())
    types = np.ones(4000, np.int64)
    types[17] = 2
    deals = np.stack([len(edges) - degree, degree, np.zeros_like(degree)], axis=1)  # wherever the one may be
    np.testing.assert_allclose(joins(types, edges, 2), standardised(deals[17], deals), atol=1e-6)


@pytest.mark.parametrize(
    ("types", "edges"),
    [([], []), ([1], []), ([0, 0], [(0, 1)]), ([1, 2], [(0, 1)]), ([1] * 4, [(0, 1), (1, 2), (2, 3)])],
    ids=["none", "one", "no type", "two", "one type"],
)
def test_where_every_deal_is_one_there_is_no_score(types, edges):
    found = joins(np.array(types, np.int64), np.array(edges, np.int64).reshape(-1, 2), 2)
    assert found.tolist() == [0, 0, 0]


def test_an_object_is_of_the_type_that_most_of_its_pixels_have():
    mask = np.zeros((4, 8), np.int32)
    mask[:, 0:2], mask[:, 2:4], mask[:, 4:6], mask[0, 7] = 9, 4, 7, 1
    types = np.zeros_like(mask)
    types[:, 0] = types[0, 1] = 2  # 5 of 8 pixels
    types[0:2, 2:4], types[2:4, 2:4] = 3, 1  # four each: the lowest counts
    types[0, 4] = 3  # a single pixel outweighs those that say nothing
    types[:, 6] = 1  # background
    assert object_types(mask, types).tolist() == [2, 1, 3, 0]  # in the order of the objects' first pixels
    assert object_types(np.zeros((3, 3), np.int32), np.ones((3, 3), np.int32)).size == 0


def test_distances_to_others_by_brute_force():
    draw = np.random.default_rng(3)
    points, types = draw.uniform(size=(30, 2)), draw.integers(0, 4, 30)
    distance = cdist(points, points)
    found = distances_to_others(points, types, 5)
    for kind in (1, 2, 3):
        own, others = types == kind, (types > 0) & (types != kind)
        assert found[kind - 1] == pytest.approx(distance[own][:, others].min(axis=1).mean())
    assert found[3:].tolist() == [0, 0]
    assert distances_to_others(points, np.minimum(types, 1), 2).tolist() == [0, 0]


def test_entropy_in_bits():
    assert entropy(np.array([0.5, 0.25, 0.25, 0.0])) == pytest.approx(1.5)
    assert entropy(np.array([1.0])) == 0


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000))
def test_numbers_of_objects_change_no_bit(seed):
    mask, types = typed_field(seed, blank=True)
    names = np.random.default_rng(seed).permutation(int(mask.max())) + 1
    assert measure_objects(np.where(mask > 0, names[mask - 1], 0).astype(np.int32), types, NAMES) == measure_objects(
        mask, types, NAMES
    )


def unordered(values):
    """Return columns by what they are called, but for the order of a pair's types."""
    return {frozenset(name.removeprefix("types.joins.").split(":")): value for name, value in values.items()}


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.permutations((1, 2, 3)))
def test_numbers_of_types_say_as_much_as_their_names(seed, numbers):
    mask, types = typed_field(seed, blank=True)
    renumbered = np.array([0, *numbers], np.int32)[types]
    names = tuple(NAMES[numbers.index(number)] for number in (1, 2, 3))
    assert unordered(measure_objects(mask, renumbered, names)) == pytest.approx(
        unordered(measure_objects(mask, types, NAMES))
    )


@pytest.mark.parametrize("centres", [[], [(20, 20)], [(20, 20), (20, 20)], [(20, 20), (40, 40), (60, 22)]])
@pytest.mark.parametrize("kind", [0, 2])
def test_few_objects_and_one_type_are_described(centres, kind):
    mask = disks(80, centres, [9 - k for k in range(len(centres))])
    got = measure_objects(mask, np.full_like(mask, kind), NAMES)
    assert tuple(got) == feature_names(NAMES)
    assert np.isfinite(list(got.values())).all()
    known = "types.share.lymphocyte" if kind else "types.none"
    of_types = {name: value for name, value in got.items() if name.startswith("types.") and value}
    assert of_types == ({known: 1} if centres else {})


def test_without_types_nothing_is_added():
    mask, types = typed_field(5)
    image = Image(np.zeros((1, 64, 64), np.float32), mask, types)
    plain, typed = Structure(("dna",), "culture"), Structure(("dna",), "culture", NAMES)
    alone, more, silent = plain.encode([image]), typed.encode([image]), typed.encode([Image(image.pixels, mask)])
    assert alone.shape == (1, 96)
    np.testing.assert_array_equal(alone, plain.encode([Image(image.pixels, mask)]))
    np.testing.assert_array_equal(alone, more[:, :96])
    np.testing.assert_array_equal(more[:, 96:], Composition(NAMES).encode([image]))
    assert not Composition(NAMES).encode([Image(image.pixels)]).any()
    assert dict(zip(feature_names(NAMES), silent[0].tolist(), strict=True))["types.none"] == 1
    assert len({plain.digest(), typed.digest(), Structure(("dna",), "culture", NAMES[:2]).digest()}) == 3
    assert Structure(("dna",), "culture", ("a", "b", "c")).digest() == typed.digest()  # names shape no number


@pytest.fixture(scope="module")
def tissue():
    """Patients whose cells are arranged otherwise, at equal counts and shares of two types."""
    return dataset(Tissue(plan=Plan(label={"arrangement": 1.0}), batches=4, units=15, fields=1), types=True)


def scored(dataset, images, task, protocol):
    """Return the scores of the structural baseline without types and with them, and of types alone."""
    baselines = (
        Structure(dataset.channels, dataset.kind),
        Structure(dataset.channels, dataset.kind, dataset.cell_types),
        Composition(dataset.cell_types),
    )
    return [protocols.get(protocol).score([one.encode(images)], task).values.mean() for one in baselines]


@pytest.mark.parametrize("protocol", ["knn/1", "probe/2"])
def test_arrangement_is_told_by_neighbours_of_a_type(tissue, protocol):
    task = tissue.tasks["arrangement"]
    without, with_types, alone = scored(tissue, [tissue.images.read(int(row)) for row in task.rows], task, protocol)
    assert alone > with_types
    assert without < 0.5  # three classes
    assert with_types > without + 0.15


@pytest.mark.parametrize("protocol", ["knn/1", "probe/2"])
def test_composition_is_told_by_shares(tissue, protocol):
    task, images = tissue.tasks["arrangement"], []
    for row, label in zip(task.rows.tolist(), task.y.tolist(), strict=True):
        image = tissue.images.read(row)
        tumour = np.random.default_rng(row).uniform(size=int(image.mask.max()) + 1) < (0.15, 0.5, 0.85)[label]
        images.append(
            Image(image.pixels, image.mask, np.where(image.mask > 0, 1 + tumour[image.mask], 0).astype(np.int32))
        )
    without, with_types, _ = scored(tissue, images, task, protocol)
    assert without < 0.5
    assert with_types > without + 0.15
