"""``baselines = ["patterns"]`` in a policy: local binary patterns that nobody learned (Ojala et al. 2002)."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from skimage.feature import local_binary_pattern

from reprcheck.baselines.reference import Baseline
from reprcheck.code import code_digest
from reprcheck.digest import digest, installed
from reprcheck.types import Dataset, Encoder, Image

POINTS = 8  # neighbours around a pixel: there are so many uniform patterns, and two more


class Patterns:
    """Encoder: of each channel the shares of its local patterns."""

    name = "patterns"

    def digest(self) -> str:
        """Return the digest of this code and of what computes the patterns."""
        return digest("patterns", code_digest(__name__), installed("scikit-image"))

    def encode(self, images: Sequence[Image]) -> NDArray[np.float32]:
        """Return float32[N, 10 C] for N images of C channels."""
        return np.array([np.concatenate([shares(c) for c in image.pixels]) for image in images], np.float32)


def shares(channel: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return float64[10]: how often each pattern occurs in float32[H, W]."""
    patterns = local_binary_pattern((channel * 255).round().astype(np.uint8), POINTS, 1, "uniform")
    return np.bincount(patterns.astype(int).ravel(), minlength=POINTS + 2) / patterns.size


class PatternsBaseline(Baseline):
    """Stands beside the textural features, so that `beats_texture` asks about it too."""

    name, knows, letter = "patterns", "texture", "l"

    def encoder(self, dataset: Dataset, channels: tuple[str, ...]) -> Encoder:
        """Return the encoder, which needs to know nothing of the dataset."""
        return Patterns()


PATTERNS = PatternsBaseline()
