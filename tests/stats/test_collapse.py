import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from reprcheck.stats.collapse import collapse, float_steps, lost_signal, separation

RNG = np.random.default_rng(0)
NOISE = RNG.normal(size=(50, 16)).astype(np.float32)
LINE = np.outer(RNG.normal(size=50), RNG.normal(size=16)).astype(np.float32)


@pytest.mark.parametrize(
    ("vectors", "problem"),
    [
        (NOISE, None),
        (NOISE * 1e-5, None),
        (NOISE + 100, None),
        (np.ones((50, 16), np.float32), "constant"),
        (np.zeros((50, 16), np.float32), "constant"),
        (1 + NOISE * 1e-7, "constant"),
        (LINE, "rank one"),
        (LINE + 3, "rank one"),
        (NOISE[:, :1], None),
        (np.where(NOISE > 3, np.nan, NOISE), "not finite" if (NOISE > 3).any() else None),
        (np.full((50, 16), np.inf, np.float32), "not finite"),
    ],
)
def test_what_can_not_tell_images_apart_is_named(vectors, problem):
    assert collapse(vectors.astype(np.float32)) == problem


@given(st.integers(2, 40), st.integers(2, 40), st.floats(1e-3, 1e3))
def test_scale_and_shape_do_not_matter(n, width, scale):
    rng = np.random.default_rng(n * 100 + width)
    vectors = (rng.normal(size=(n + 2, width)) * scale).astype(np.float32)
    assert collapse(vectors) is None


def test_separation_is_the_area_under_the_roc_curve_over_all_pairs():
    rng = np.random.default_rng(1)
    units = np.repeat([f"u{i}" for i in range(20)], 6)
    x = (rng.normal(size=(20, 8)).repeat(6, axis=0) + 1.5 * rng.normal(size=(120, 8))).astype(np.float32)
    z = (x - x.mean(0)) / x.std(0)
    cosine = (z @ z.T) / np.outer(np.linalg.norm(z, axis=1), np.linalg.norm(z, axis=1))
    a, b = np.triu_indices(120, 1)
    same = units[a] == units[b]
    assert separation(x, units) == pytest.approx(roc_auc_score(same, cosine[a, b]), abs=0.02)
    assert separation(rng.normal(size=(120, 8)).astype(np.float32), units) == pytest.approx(0.5, abs=0.02)
    shuffled = rng.permutation(120)
    assert separation(x[shuffled], units[shuffled]) == pytest.approx(separation(x, units), abs=0.02)


def test_single_samples_have_no_separation():
    assert separation(NOISE, np.array([f"u{i}" for i in range(50)])) is None
    assert separation(np.full((4, 2), np.nan, np.float32), np.array(["a", "a", "b", "b"])) is None


@pytest.mark.parametrize("at", [0.02, 1.0, 3e4])
def test_features_of_few_floats_are_named(at):
    step = np.spacing(np.float32(at))
    few, more, many = (np.float32(at) + (step * n * NOISE).astype(np.float32) for n in (4, 30, 400))
    assert len(np.unique(few[:, 0])) < 50
    assert (collapse(few), lost_signal(few)) == ("constant", "fades")  # about as many as its vectors' length has noise
    assert lost_signal(more) == "fades"
    assert collapse(many) is lost_signal(many) is None
    few_beside_others = np.hstack([few, NOISE[:, :4] * at])
    assert collapse(few_beside_others) == "few values"


@pytest.mark.parametrize(("dtype", "digits"), [(np.float16, 10), (None, 7)], ids=["float16", "bfloat16"])
def test_precision_is_told_from_the_values(dtype, digits):
    values = np.float32(0.75) + NOISE * np.float32(2.0**-digits) * 4
    rough = values.astype(dtype).astype(np.float32) if dtype else (values.view(np.uint32) & 0xFFFF0000).view(np.float32)
    assert collapse(values) is None
    assert collapse(rough) == "few values"
    assert np.median(float_steps(rough)) == pytest.approx(8, abs=3)


def test_a_constant_feature_has_no_steps_and_numbers_that_overflow_explode():
    assert float_steps(np.ones((5, 2), np.float32)).tolist() == [0, 0]
    assert float_steps(np.zeros((0, 2), np.float32)).tolist() == [0, 0]
    assert lost_signal(np.full((5, 2), np.inf, np.float32)) == "explodes"
    assert lost_signal(NOISE) is None
