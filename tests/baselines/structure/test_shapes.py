import numpy as np
import pytest
from scipy.spatial import ConvexHull
from skimage.measure import regionprops_table

from reprcheck.baselines.structure.shapes import hull_area, measure
from tests.baselines.fields import disks, random_field

ORACLE = {
    "area": "area",
    "perimeter": "perimeter",
    "axis_major": "axis_major_length",
    "axis_minor": "axis_minor_length",
    "diameter": "equivalent_diameter_area",
    "eccentricity": "eccentricity",
    "extent": "extent",
}


def in_raster_order(mask):
    """Return labels in the order of their first pixel."""
    labels, first = np.unique(mask[mask > 0], return_index=True)
    return labels[np.argsort(first)]


@pytest.mark.parametrize("seed", range(4))
def test_agrees_with_regionprops(seed):
    mask = random_field(seed)
    got = measure(mask)
    table = regionprops_table(mask, properties=("label", "centroid", "orientation", *ORACLE.values()))
    order = np.argsort(table["label"])[np.searchsorted(np.sort(table["label"]), in_raster_order(mask))]
    for mine, theirs in ORACLE.items():
        np.testing.assert_allclose(getattr(got, mine), table[theirs][order], atol=1e-9, err_msg=mine)
    centroids = np.stack([table["centroid-0"], table["centroid-1"]], axis=1)[order]
    np.testing.assert_allclose(got.centroids + got.origin, centroids, atol=1e-9)
    doubled = 2 * table["orientation"][order]
    clear = got.axis_major > 1.02 * got.axis_minor
    expected = np.stack([np.cos(doubled), np.sin(doubled)], axis=1)
    np.testing.assert_allclose(got.orientation[clear], expected[clear], atol=1e-6)


@pytest.mark.parametrize("seed", range(3))
def test_solidity_is_that_of_the_exact_hull_of_pixel_squares(seed):
    mask = random_field(seed)
    for label, solidity in zip(in_raster_order(mask), measure(mask).solidity, strict=True):
        pixels = np.argwhere(mask == label)
        corners = np.concatenate([pixels + corner for corner in ((0, 0), (0, 1), (1, 0), (1, 1))])
        assert solidity == pytest.approx(len(pixels) / ConvexHull(corners).volume)


def test_known_shapes():
    mask = np.zeros((40, 40), np.int32)
    mask[2:6, 3:13] = 7  # a bar
    mask[20, 20] = 2  # a pixel
    mask[30:, 30:] = 5  # a square in the corner
    shapes = measure(mask)
    np.testing.assert_array_equal(shapes.area, [40, 1, 100])
    np.testing.assert_array_equal(shapes.solidity, [1, 1, 1])
    np.testing.assert_array_equal(shapes.extent, [1, 1, 1])
    np.testing.assert_array_equal(shapes.at_border, [False, False, True])
    np.testing.assert_array_equal(shapes.orientation, [[-1, 0], [0, 0], [0, 0]])
    np.testing.assert_array_equal(shapes.eccentricity[1:], [0, 0])
    assert shapes.eccentricity[0] > 0.9
    assert ((shapes.form_factor > 0) & (shapes.form_factor <= 1)).all()


def test_a_disk_is_round():
    shape = measure(disks(64, [(32, 32)], [20]))
    assert shape.eccentricity[0] == pytest.approx(0, abs=0.05)
    assert shape.diameter[0] == pytest.approx(40, abs=0.5)
    assert shape.solidity[0] > 0.95
    assert shape.form_factor[0] > 0.9


def test_labels_are_objects_whether_or_not_in_one_piece():
    mask = np.zeros((10, 10), np.int32)
    mask[0, 0] = mask[9, 9] = 1_000_000
    assert measure(mask).area.tolist() == [2]


def test_an_empty_mask_has_no_objects():
    assert len(measure(np.zeros((5, 5), np.int32))) == 0


@pytest.mark.parametrize("seed", range(5))
def test_hull_area_agrees_with_qhull(seed):
    points = np.random.default_rng(seed).normal(size=(20, 2))
    assert hull_area(points) == pytest.approx(ConvexHull(points).volume)


@pytest.mark.parametrize("points", [[], [[1, 2]], [[1, 2], [3, 4]], [[0, 0], [1, 1], [2, 2]], [[0, 1], [0, 5], [0, 9]]])
def test_hull_of_a_line_has_no_area(points):
    assert hull_area(np.array(points, float).reshape(-1, 2)) == 0
