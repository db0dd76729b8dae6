"""What a segmentation misses in tissue without masks: how much of it is stained, in what patches, and how these lie.

Nuclei that touch or fade aren't cut out well, and whoever adds up stained area still knows how much tissue there is and
how it is arranged. So where an image of tissue has no mask, this stands beside the objects. Brightness enters as far as
staining is brightness: shares are of each channel's own white, and patches those of the darkest pixels, however dark.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage as ndi

from reprcheck.baselines.columns import Measure
from reprcheck.baselines.segmentation import COARSE_BLUR, is_rgb, nuclear_stain, over_white, stains

DARKNESS = (0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3)
"""Shares of white below which a pixel is dark."""
STAINED = (0.01, 0.02, 0.04, 0.08, 0.16)
"""Amounts of a stain, as scikit-image has them, above which a pixel is stained."""
NUCLEAR = (60, 75, 90)
"""Percentiles of the nuclear stain above which a pixel is in a patch."""
SIDES = (3, 5, 9, 17)
"""Of squares that patches are opened by, in pixels."""
DISTANCES = (2, 4, 8, 16, 32)
"""Between two points, in pixels along rows and columns."""
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Stain:
    """An image of tissue, measured once for all measures.

    Attributes
    ----------
    pixels : float32[C, H, W]
    channels : tuple of str
    """

    pixels: NDArray[np.float32]
    channels: tuple[str, ...]

    @cached_property
    def colours(self) -> NDArray[np.float32] | None:
        """Red, green and blue, each over its own white; None for other channels."""
        return over_white(self.pixels) if is_rgb(self.channels) else None

    @cached_property
    def patches(self) -> tuple[NDArray[np.bool_], ...]:
        """Where the nuclear stain lies above each percentile, bool[H, W] each; all False where it is flat."""
        smooth = ndi.gaussian_filter(
            nuclear_stain(self.pixels, self.channels, "tissue").astype(np.float64), COARSE_BLUR
        )
        return tuple(smooth > level for level in np.percentile(smooth, NUCLEAR))


def _dark(stain: Stain) -> Sequence[float]:
    if stain.colours is None:
        return [0.0] * len(DARKNESS)
    level = stain.colours.mean(axis=0)
    return [float((level < share).mean()) for share in DARKNESS]


def _stained(stain: Stain) -> Sequence[float]:
    if stain.colours is None:
        return [0.0] * 2 * len(STAINED)
    hematoxylin, eosin, _ = stains(stain.colours)
    return [float((amount > least).mean()) for amount in (hematoxylin, eosin) for least in STAINED]


def _patches(stain: Stain) -> Sequence[float]:
    values: list[float] = []
    for patch in stain.patches:
        labels, count = ndi.label(patch)
        areas = np.bincount(labels.ravel())[1:] if count else np.zeros(1)
        values += [float(count), float(np.median(areas)), float(areas.std()), float(areas.max() / patch.size)]
    return values


def _grains(stain: Stain) -> Sequence[float]:
    return [_kept(patch, side) for patch in stain.patches for side in SIDES]


def _kept(patch: NDArray[np.bool_], side: int) -> float:
    opened = ndi.grey_opening(patch.astype(np.uint8), (side, side))
    return float(opened.sum()) / max(int(patch.sum()), 1)


def _two_points(stain: Stain) -> Sequence[float]:
    return [_together(patch, distance) for patch in stain.patches for distance in DISTANCES]


def _together(patch: NDArray[np.bool_], distance: int) -> float:
    """Return the covariance of a patch's indicator at a distance, over its variance; 0 for a field too narrow."""
    share = float(patch.mean())
    pairs = [(patch[:, :-distance], patch[:, distance:]), (patch[:-distance], patch[distance:])]
    both = [float((a & b).mean()) for a, b in pairs if a.size]
    return (float(np.mean(both)) - share**2) / (share - share**2) if both and 0 < share < 1 else 0.0


_MASKED = "an image with a mask"
_NOT_RGB = f"{_MASKED}, or other channels"

MEASURES: tuple[Measure[Stain], ...] = (
    Measure(
        tuple(f"dark_{share:g}" for share in DARKNESS),
        "",
        "share of pixels whose mean of red, green and blue, each over its own white, lies below this",
        "",
        _NOT_RGB,
        _dark,
    ),
    Measure(
        tuple(f"{stain}.{least:g}" for stain in ("hematoxylin", "eosin") for least in STAINED),
        "",
        "share of pixels with more than so much of a stain, by colour deconvolution",
        "Ruifrok and Johnston 2001",
        _NOT_RGB,
        _stained,
    ),
    Measure(
        tuple(f"patches_{q}.{what}" for q in NUCLEAR for what in ("count", "area.median", "area.sd", "largest")),
        "",
        "of patches where the nuclear stain, smoothed, lies above this percentile of its own: their number, median and "
        "standard deviation of their areas in pixels, and the share of the field in the largest",
        "",
        _MASKED,
        _patches,
    ),
    Measure(
        tuple(f"patches_{q}.opened_{side}" for q in NUCLEAR for side in SIDES),
        "",
        "share of the area of these patches that an opening by a square of this side in pixels leaves",
        "Matheron 1975",
        _MASKED,
        _grains,
    ),
    Measure(
        tuple(f"patches_{q}.together_{distance}" for q in NUCLEAR for distance in DISTANCES),
        "",
        "two-point correlation of these patches: the covariance of lying in one at two points so many pixels apart, "
        "over the variance",
        "Torquato 2002",
        _MASKED,
        _two_points,
    ),
)
"""Every measure of stain, in order of the columns."""

NAMES = tuple(name for m in MEASURES for name in m.columns)


def measure_stain(pixels: NDArray[np.float32], channels: tuple[str, ...]) -> list[float]:
    """Return the columns of `NAMES` for an image of tissue, float32[C, H, W]: finite, whatever is in it."""
    stain = Stain(pixels, channels)
    return [value for m in MEASURES for value in m.values(stain)]
