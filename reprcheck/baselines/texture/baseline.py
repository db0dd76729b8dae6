"""What the local texture of images already gives: the `Texture` baseline.

Each channel is standardised and described by statistics over the whole image: how pixels relate to their neighbours, at
several distances, scales and directions. Nothing is segmented or learnt, and channels are described apart: what lies
where, and what lies beside what, isn't known. Masks are ignored.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reprcheck.baselines.reference import Baseline
from reprcheck.baselines.texture.features import MEASURES, feature_names, measure_channel
from reprcheck.code import code_digest
from reprcheck.digest import digest, installed
from reprcheck.types import Dataset, Image

__all__ = ["TEXTURE", "Texture", "TextureBaseline", "feature_names"]


@dataclass(frozen=True)
class Texture:
    """Encoder: the local texture of each channel.

    Attributes
    ----------
    name : str

    Examples
    --------
    >>> import numpy as np
    >>> stripes = np.zeros((1, 32, 32), np.float32)
    >>> stripes[:, :, ::2] = 1
    >>> row = Texture().encode([Image(stripes)])[0]
    >>> found = dict(zip(feature_names(("dna",)), row.tolist()))
    >>> found["dna.pairs_1.correlation.0"], found["dna.pairs_2.correlation.0"]
    (-1.0, 1.0)
    """

    name: str = "texture"

    def digest(self) -> str:
        """Return the digest of the features' definition."""
        return digest("texture", code_digest(__name__), installed("scikit-image", "scipy", "numpy"))

    def encode(self, images: Sequence[Image]) -> NDArray[np.float32]:
        """Return float32[N, D C]: the features of `feature_names`, for N images of C channels."""
        columns = sum(len(m.columns) for m in MEASURES)
        rows = [[value for channel in image.pixels for value in measure_channel(channel)] for image in images]
        return np.array(rows, np.float32).reshape(len(images), columns * len(images[0].pixels) if images else 0)


class TextureBaseline(Baseline):
    """The texture of every dataset's images, photographs too."""

    name, knows = "texture", "texture"
    letter, heading, probed = "x", "tex-\nture", (name,)

    def encoder(self, dataset: Dataset, channels: tuple[str, ...]) -> Texture:
        """Return the encoder, the same for every dataset."""
        return Texture()


TEXTURE = TextureBaseline()
