"""Toy encoders that know exactly one thing, so that the verdict they deserve is known.

Each is a factory for ``py:reprcheck.testing.toys:NAME``: it makes a callable on float32[N, C, H, W] in [0, 1]. All but
`brightness`, `constant` and `broken` look for nuclei in channel 0, as the simulators have them.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from reprcheck.baselines.segmentation import segment
from reprcheck.baselines.structure.shapes import measure

Vectors = NDArray[np.float32]
Toy = Callable[[Vectors], Vectors]


def brightness() -> Toy:
    """Know how bright each channel is: its mean and standard deviation."""
    return lambda x: np.concatenate([x.mean((2, 3)), x.std((2, 3))], axis=1).astype(np.float32)


def count() -> Toy:
    """Know how many nuclei there are."""
    return _per_image(lambda image, nuclei: [nuclei.max()])


def shape() -> Toy:
    """Know how elongated the nuclei are: mean and median eccentricity."""

    def elongation(image: Vectors, nuclei: NDArray[np.int32]) -> list[float]:
        objects = measure(nuclei)
        return (
            [float(np.mean(objects.eccentricity)), float(np.median(objects.eccentricity))] if len(objects) else [0, 0]
        )

    return _per_image(elongation)


def localisation(channel: int = 1) -> Toy:
    """Know where in the cell a channel lies: its mean in shells around the nuclei, relative to the whole cell's."""

    def shells(image: Vectors, nuclei: NDArray[np.int32]) -> list[float]:
        away = ndimage.distance_transform_edt(nuclei == 0)
        inside = ndimage.distance_transform_edt(nuclei > 0)
        edges = [(inside >= 3), (inside > 0) & (inside < 3), *((away > r) & (away <= r + 2) for r in range(0, 10, 2))]
        means = [float(image[channel][where].mean()) if where.any() else 0.0 for where in edges]
        whole = sum(means) / len(means) + 1e-6
        return [mean / whole for mean in means]

    return _per_image(shells)


def texture(channel: int = 2) -> Toy:
    """Know how a channel is textured: the share of its variance at each of four scales."""

    def scales(image: Vectors, nuclei: NDArray[np.int32]) -> list[float]:
        smooth = [image[channel], *(ndimage.gaussian_filter(image[channel], s) for s in (0.7, 1.4, 2.8, 5.6))]
        bands = [float(np.var(fine - coarse)) for fine, coarse in pairwise(smooth)]
        return [b / (sum(bands) + 1e-12) for b in bands]

    return _per_image(scales)


def polarity(channel: int = 1) -> Toy:
    """Know whether a channel lies on the side of its nucleus on which channel 0 is bright: mean cosine, and spread."""

    def cosines(image: Vectors, nuclei: NDArray[np.int32]) -> list[float]:
        labels = range(1, int(nuclei.max()) + 1)
        around = np.where(ndimage.distance_transform_edt(nuclei == 0) < 4, _nearest(nuclei), 0)
        leaning = []
        for values, where in ((image[0], nuclei), (image[channel], around)):
            bright = np.array(ndimage.center_of_mass(values**2, where, labels)).reshape(-1, 2)
            even = np.array(ndimage.center_of_mass(where > 0, where, labels)).reshape(-1, 2)
            leaning.append(bright - even)
        lengths = np.hypot(*leaning[0].T) * np.hypot(*leaning[1].T)
        cosine = np.sum(leaning[0] * leaning[1], axis=1)[lengths > 0] / lengths[lengths > 0]
        return [float(cosine.mean()), float(np.median(cosine))] if len(cosine) else [0, 0]

    return _per_image(cosines)


def constant() -> Toy:
    """Know nothing."""
    return lambda x: np.ones((len(x), 4), np.float32)


def broken() -> Toy:
    """Return what is not finite."""
    return lambda x: np.full((len(x), 4), np.nan, np.float32)


def _per_image(measure: Callable[[Vectors, NDArray[np.int32]], list[float]]) -> Toy:
    def encode(x: Vectors) -> Vectors:
        return np.array([measure(image, _nuclei(image[0].tobytes(), image[0].shape)) for image in x], np.float32)

    return encode


def _nearest(nuclei: NDArray[np.int32]) -> NDArray[np.int32]:
    """Return the label of the nearest nucleus, for each pixel."""
    at = ndimage.distance_transform_edt(nuclei == 0, return_distances=False, return_indices=True)
    labels: NDArray[np.int32] = nuclei[tuple(at)]
    return labels


@lru_cache(maxsize=256)  # toys are asked side by side
def _nuclei(channel: bytes, shape: tuple[int, int]) -> NDArray[np.int32]:
    """Return the labels of nuclei in a channel, from its float32 bytes."""
    return segment(np.frombuffer(channel, np.float32).reshape(1, *shape), ("DNA",), "culture")
