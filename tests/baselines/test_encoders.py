"""What every hand-made baseline promises as an encoder."""

import numpy as np
import pytest

from reprcheck.baselines import (
    CellProfiler,
    Intensity,
    MatchedEncoder,
    Pixels,
    Quantiles,
    Structure,
    TargetHistograms,
    Texture,
)
from reprcheck.types import Image

from .fields import random_field, stained

REFERENCE = TargetHistograms(np.linspace(0, 1, 512, dtype=np.float32).reshape(2, 256))
ENCODERS = [
    Intensity(),
    Pixels(side=5),
    Texture(),
    Quantiles(),
    Structure(("dna", "actin"), "culture"),
    CellProfiler(("dna", "actin"), "culture"),
    MatchedEncoder(Intensity(), REFERENCE),
]


def images(n=6):
    masks = [(random_field(k, 48, 8), random_field(k + 50, 48, 8)) for k in range(n)]
    return [Image(np.stack([stained(mask, k) for mask in pair])) for k, pair in enumerate(masks)]


EXTREME = {
    "black": np.zeros((2, 48, 48), np.float32),
    "white": np.ones((2, 48, 48), np.float32),
    "one_pixel": np.pad(np.ones((2, 1, 1), np.float32), ((0, 0), (20, 27), (20, 27))),
    "ramp": np.broadcast_to(np.linspace(0, 1, 48, dtype=np.float32), (2, 48, 48)).copy(),
    "checkers": np.indices((2, 48, 48)).sum(0).astype(np.float32) % 2,
    "noise": np.random.default_rng(0).uniform(size=(2, 48, 48)).astype(np.float32),
}


@pytest.mark.parametrize("encoder", ENCODERS, ids=lambda e: e.name)
class TestEncoder:
    def test_a_row_depends_on_its_image_alone(self, encoder):
        shown = images()
        together = encoder.encode(shown)
        assert together.dtype == np.float32
        assert len(together) == len(shown)
        alone = np.concatenate([encoder.encode([image]) for image in shown])
        np.testing.assert_array_equal(together, alone)
        np.testing.assert_array_equal(together[::-1], encoder.encode(shown[::-1]))

    @pytest.mark.parametrize("extreme", EXTREME)
    def test_is_finite_and_of_one_width(self, encoder, extreme):
        vectors = encoder.encode([Image(EXTREME[extreme]), images(1)[0]])
        assert np.isfinite(vectors).all()

    def test_leaves_its_images_alone(self, encoder):
        shown = images(2)
        before = [image.pixels.copy() for image in shown]
        encoder.encode(shown)
        for image, pixels in zip(shown, before, strict=True):
            np.testing.assert_array_equal(image.pixels, pixels)

    def test_digest_is_stable(self, encoder):
        assert encoder.digest() == encoder.digest()

    def test_no_images_no_rows(self, encoder):
        assert len(encoder.encode([])) == 0


def test_digests_tell_settings_apart_and_ignore_names():
    others = (Pixels(6), Structure(("actin", "dna"), "culture"), Structure(("dna", "actin"), "tissue"))
    digests = [e.digest() for e in (*ENCODERS, *others)]
    assert len(set(digests)) == len(digests)
    assert Intensity(name="mine").digest() == Intensity().digest()
