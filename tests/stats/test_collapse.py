import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reprcheck.stats.collapse import collapse

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
