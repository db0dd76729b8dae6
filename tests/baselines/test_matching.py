import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reprcheck.baselines import Intensity, Pixels
from reprcheck.baselines.matching import (
    PROBABILITIES,
    MatchedEncoder,
    Quantiles,
    TargetHistograms,
    match,
    quantile_function,
)
from reprcheck.errors import UserError
from reprcheck.types import Image

RNG = np.random.default_rng(0)
SHOWN = [Image(RNG.gamma(k + 1, 0.05, (2, 32, 32)).astype(np.float32)) for k in range(4)]
REFERENCE = TargetHistograms.mean(Quantiles().encode(SHOWN), channels=2)
INCREASING = {
    "affine": lambda x: 0.1 * x + 3,
    "gamma": lambda x: x**2.2,
    "log": lambda x: np.log1p(40 * x),
    "steep": lambda x: np.exp(3 * x),
}


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from(sorted(INCREASING)), st.integers(1, 300))
def test_only_ranks_count(seed, change, levels):
    grey = np.random.default_rng(seed).integers(0, levels + 1, (2, 16, 16)) / np.float32(300)
    changed = INCREASING[change](grey.astype(float))
    a, b = (match(x.astype(np.float32), REFERENCE) for x in (grey, changed))
    np.testing.assert_array_equal(a, b)


def test_a_tie_free_image_takes_the_reference_histogram():
    x = RNG.permutation(2 * 64 * 64).reshape(2, 64, 64).astype(np.float32)
    matched = match(x, REFERENCE)
    for channel, quantiles in zip(matched, REFERENCE.quantiles, strict=True):
        inner = (PROBABILITIES > 1 / 8192) & (PROBABILITIES < 1 - 1 / 8192)
        np.testing.assert_allclose(quantile_function(channel)[inner], quantiles[inner], atol=2e-3)
    again = match(x[:, ::-1], REFERENCE)
    np.testing.assert_array_equal(np.sort(matched, axis=None), np.sort(again, axis=None))


def test_an_image_matched_to_itself_hardly_changes():
    image = SHOWN[2].pixels
    np.testing.assert_allclose(
        match(image, TargetHistograms.mean(Quantiles().encode([SHOWN[2]]), channels=2)), image, atol=0.02
    )


def test_takes_all_of_a_channel_from_intensity():
    x = RNG.permutation(64 * 64).reshape(64, 64).astype(np.float32) / 4096
    both = [Image(np.stack([x, 0.2 * x + 0.1])), Image(np.stack([x[::-1] ** 3, x.T]))]
    a, b = MatchedEncoder(Intensity(), REFERENCE).encode(both)
    np.testing.assert_array_equal(a, b)


def test_ties_share_one_value_and_a_flat_channel_becomes_the_median():
    x = np.zeros((2, 4, 4), np.float32)
    x[0, 0] = 1
    matched = match(x, REFERENCE)
    assert len(np.unique(matched[0])) == 2
    median = np.interp(0.5, PROBABILITIES, REFERENCE.quantiles[1])
    np.testing.assert_allclose(matched[1], median, rtol=1e-6)


def test_the_reference_is_the_mean_of_quantile_functions():
    expected = np.mean([[quantile_function(c) for c in image.pixels] for image in SHOWN], axis=0)
    np.testing.assert_allclose(REFERENCE.quantiles, expected, rtol=1e-6)
    assert (np.diff(REFERENCE.quantiles, axis=1) >= 0).all()


def test_encodes_the_matched_image_and_passes_mask_and_types_on():
    class Sees:
        name = "sees"

        def digest(self):
            return "d"

        def encode(self, images):
            self.images = images
            return np.zeros((len(images), 1), np.float32)

    mask, types = np.ones((2, 32, 32), np.int32)
    encoder = MatchedEncoder(sees := Sees(), REFERENCE)
    encoder.encode([Image(SHOWN[0].pixels, mask, types)])
    np.testing.assert_array_equal(sees.images[0].pixels, match(SHOWN[0].pixels, REFERENCE))
    assert sees.images[0].mask is mask
    assert sees.images[0].types is types
    assert encoder.name == "sees|matched"


def test_digest_is_of_encoder_and_reference():
    other = TargetHistograms(REFERENCE.quantiles + np.float32(0.1))
    encoders = [
        MatchedEncoder(Intensity(), REFERENCE),
        MatchedEncoder(Intensity(), other),
        MatchedEncoder(Pixels(), REFERENCE),
    ]
    assert len({e.digest() for e in encoders} | {Intensity().digest()}) == 4
    assert MatchedEncoder(Intensity(), TargetHistograms(REFERENCE.quantiles.copy())).digest() == encoders[0].digest()


def test_mistakes_are_told():
    with pytest.raises(UserError, match="3 channels, the reference 2"):
        match(np.zeros((3, 4, 4), np.float32), REFERENCE)
