"""The textural baseline: what it reads, what it is blind to, and its page."""

import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage
from skimage.feature import graycomatrix, graycoprops
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from reprcheck.baselines import Intensity, Structure, Texture
from reprcheck.baselines.texture.channel import Channel
from reprcheck.baselines.texture.features import MEASURES, feature_names, measure_channel
from reprcheck.types import Image

ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / "docs/texture.md").read_text(encoding="utf-8")


def noise(seed, shape=(64, 64), blur=(1.0, 1.0)):
    """Return float32[H, W] in [0, 1]: noise of mean 0.5 and standard deviation 0.1, blurred along each axis."""
    field = ndimage.gaussian_filter(np.random.default_rng(seed).standard_normal(shape), blur)
    return np.clip(0.5 + 0.1 * field / (field.std() or 1.0), 0, 1).astype(np.float32)


def named(values):
    return dict(zip((name for one in MEASURES for name in one.columns), values, strict=True))


def accuracy(encoder, images, labels):
    vectors = encoder.encode([Image(pixels[None]) for pixels in images])
    return cross_val_score(make_pipeline(StandardScaler(), LogisticRegression(C=0.1)), vectors, labels, cv=5).mean()


BLIND = (Intensity(), Structure(("dna",), "culture"))
LABELS = np.arange(80) % 2


@pytest.mark.parametrize(
    "blurs", [((1.0, 1.0), (1.3, 1.3)), ((2.0, 1.0), (1.0, 2.0))], ids=["scale of noise", "orientation of noise"]
)
def test_it_reads_texture_which_structure_and_intensity_do_not(blurs):
    images = [noise(i, blur=blurs[label]) for i, label in enumerate(LABELS)]
    assert accuracy(Texture(), images, LABELS) > 0.95
    assert all(accuracy(blind, images, LABELS) < 0.7 for blind in BLIND)


def test_it_does_not_read_brightness():
    images = [noise(i) * (0.7, 1.0)[label] for i, label in enumerate(LABELS)]
    assert accuracy(Intensity(), images, LABELS) > 0.95
    assert accuracy(Texture(), images, LABELS) < 0.7


def test_it_does_not_know_where_something_is_or_which_way_it_points():
    """Stripes, steep on their left or on their right, and denser noise in the left half or in the right one."""
    at = np.arange(64) * 2 * np.pi / 16
    stripes = [np.sin(at + i) + (1, -1)[label] * np.sin(2 * (at + i)) / 2 for i, label in enumerate(LABELS)]
    assert accuracy(Texture(), [0.5 + 0.05 * x + noise(i) / 5 for i, x in enumerate(stripes)], LABELS) < 0.7
    halves = [np.hstack([noise(i), noise(i + 99, blur=(3, 3))][:: (1, -1)[label]]) for i, label in enumerate(LABELS)]
    assert accuracy(Texture(), halves, LABELS) < 0.7


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.1, 10), st.floats(-1, 1))
def test_gain_and_offset_change_nothing_but_rounding(seed, gain, offset):
    pixels = noise(seed, (40, 56))
    brighter = (gain * pixels.astype(np.float64) + offset).astype(np.float32)
    np.testing.assert_allclose(measure_channel(pixels), measure_channel(brighter), atol=2e-3)


@pytest.mark.parametrize("turn", [lambda x: x[::-1, ::-1], lambda x: x[::-1]], ids=["by 180 degrees", "upside down"])
def test_a_turned_image_has_the_same_texture(turn):
    pixels = noise(3)
    here, there = named(measure_channel(pixels)), named(measure_channel(turn(pixels).copy()))
    tilted = re.compile(r"\.(45|135)$")
    for name, value in here.items():
        same = name if turn(np.eye(2))[0, 0] else tilted.sub(lambda found: f".{180 - int(found[1])}", name)
        assert there[same] == pytest.approx(value, abs=1e-6), name


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (40, 1), (2, 2), (3, 5), (8, 8), (33, 47)], ids=str)
def test_any_size_is_described(shape):
    vectors = Texture().encode([Image(np.stack([noise(0, shape), np.full(shape, 0.3, np.float32)]))])
    assert vectors.shape == (1, len(feature_names(("a", "b"))))
    assert np.isfinite(vectors).all()
    np.testing.assert_array_equal(vectors[0, len(feature_names(("b",))) :], 0)


def test_channels_are_described_apart():
    a, b = noise(1), noise(2, blur=(3, 3))
    both, swapped = Texture().encode([Image(np.stack([a, b])), Image(np.stack([b, a]))])
    half = len(both) // 2
    np.testing.assert_array_equal(both, np.roll(swapped, half))


def test_co_occurrence_is_that_of_scikit_image():
    levels = Channel.of(noise(5)).levels
    np.testing.assert_allclose(np.bincount(levels.ravel()), [512] * 8, atol=1)
    matrix = graycomatrix(levels, [4], [np.pi / 2], levels=8, symmetric=True, normed=True)
    found = named(measure_channel(noise(5)))
    assert found["pairs_4.correlation.90"] == pytest.approx(graycoprops(matrix, "correlation")[0, 0])
    rows = [np.corrcoef(levels[:-4].ravel(), levels[4:].ravel())[0, 1]]
    assert found["pairs_4.correlation.90"] == pytest.approx(rows[0], abs=0.01)


def test_patterns_of_a_line_an_edge_and_a_point():
    point = np.zeros((9, 9), np.float32)
    point[4, 4] = 1
    found = named(measure_channel(point))
    assert found["patterns_1.0"] == pytest.approx(1 / 49)
    assert found["patterns_1.8"] == pytest.approx(48 / 49)
    edge = named(measure_channel(np.repeat([0.0, 1.0], 8).astype(np.float32)[:, None].repeat(16, 1)))
    assert edge["patterns_1.5"] == pytest.approx(14 / 196)  # the first bright row: its own neighbours and those below


def test_energies_lie_where_the_wave_is():
    wave = np.sin(2 * np.pi * np.arange(64) / 11.3)[None].repeat(64, 0).astype(np.float32)
    found = named(measure_channel(wave))
    largest = max((name for name in found if name.startswith("gabor")), key=found.__getitem__)
    assert largest == "gabor_11.0"
    assert max((name for name in found if name.startswith("spectrum")), key=found.__getitem__) == "spectrum_11"
    tilted = np.sin(2 * np.pi * np.add.outer(np.arange(64), np.arange(64)) / 8).astype(np.float32)
    found = named(measure_channel(tilted))
    assert max((n for n in found if n.startswith("gabor")), key=found.__getitem__) == "gabor_6.45"
    assert found["pairs_8.correlation.135"] > 0.9 > -0.8 > found["pairs_8.correlation.45"]


def test_the_page_is_current(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "tools")
    from columns_in_docs import filled

    assert filled("texture.md") == PAGE
    assert f"The same {len(feature_names(('a',)))} columns" in PAGE


def test_every_column_is_named_once_and_documented_with_its_source():
    names = feature_names(("a", "b"))
    assert len(set(names)) == len(names) == 2 * len(measure_channel(noise(0)))
    assert all(one.definition and one.zero_for for one in MEASURES)
    for name in {name.strip() for one in MEASURES for name in re.findall(r"[^;]+ \d{4}", one.source)}:
        assert f"\n- {name}: " in PAGE, name
