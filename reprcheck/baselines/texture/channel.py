"""A channel made ready for measuring texture: without brightness and contrast, and what several measures share.

What is measured is for `features`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

LEVELS = 8
"""Grey levels, each of as many pixels as ties allow, for co-occurrence."""
HALVINGS = 3
"""Of the image, for local patterns and grains: the coarsest pixels are means over blocks of 8 x 8."""
OCTAVES = 5
"""Halvings of the image that wavelets see."""
_FLAT = 1e-6


@dataclass(frozen=True, eq=False)
class Details:
    """One octave of the Haar transform.

    Attributes
    ----------
    across, down, diagonal : float64[h, w]
        Differences between columns, between rows, and of these differences; scaled so that energies add up.
    """

    across: Floats
    down: Floats
    diagonal: Floats

    @cached_property
    def energy(self) -> Floats:
        """Of each place, float64[h, w]: the sum of the three squares."""
        energy: Floats = self.across**2 + self.down**2 + self.diagonal**2
        return energy


@dataclass(frozen=True, eq=False)
class Channel:
    """One channel, measured once for all measures.

    Attributes
    ----------
    pixels : float64[H, W]
        Of mean 0 and variance 1; all 0 where the channel is flat.
    """

    pixels: Floats

    @classmethod
    def of(cls, values: NDArray[np.float32]) -> Channel:
        """Standardise a channel's values, float32[H, W]."""
        x = values.astype(np.float64)
        centred = x - x.mean()
        sd = float(np.sqrt(np.mean(centred**2)))
        if sd <= _FLAT * max(1e-3, float(np.abs(x).max(initial=0.0))):
            return cls(np.zeros_like(x))
        return cls(centred / sd)

    @cached_property
    def flat(self) -> bool:
        """Whether all pixels are alike, up to rounding."""
        return not self.pixels.any()

    @cached_property
    def levels(self) -> NDArray[np.uint8]:
        """Grey levels from 0 to `LEVELS` - 1, uint8[H, W]: the eighth of the sorted pixels that a pixel lies in.

        After Haralick et al. 1973: no monotone change of brightness alters them. Equal pixels share the lowest level.
        """
        flat = self.pixels.ravel()
        at = [k * flat.size // LEVELS for k in range(1, LEVELS)]
        edges = np.partition(flat, at)[at]
        return np.searchsorted(edges, flat, side="left").astype(np.uint8).reshape(self.pixels.shape)

    @cached_property
    def power(self) -> Floats:
        """The power spectrum under a Hann window, float64[H, W // 2 + 1]; it adds up to 1, half of it being mirrored.

        The window keeps the edges of the image from looking like structure.
        """
        window = np.outer(*(_hann(n) for n in self.pixels.shape))
        level = float((window * self.pixels).sum() / window.sum())
        power = np.abs(np.fft.rfft2(window * (self.pixels - level))) ** 2
        power[:, 1 : (self.pixels.shape[1] + 1) // 2] *= 2  # the half that a real transform leaves out
        power[0, 0] = 0.0
        total = float(power.sum())
        shares: Floats = power / total if total > 0 else power
        return shares

    @cached_property
    def octaves(self) -> tuple[Details, ...]:
        """The Haar transform, finest first; fewer than `OCTAVES` where the image can't be halved so often."""
        details: list[Details] = []
        coarse = self.pixels
        while len(details) < OCTAVES and min(coarse.shape) > 1:
            a, b, c, d = _quarters(coarse)
            details.append(Details((a - b + c - d) / 2, (a + b - c - d) / 2, (a - b - c + d) / 2))
            coarse = (a + b + c + d) / 2
        return tuple(details)

    @cached_property
    def pyramid(self) -> tuple[Floats, ...]:
        """The image, and its means over blocks of 2 x 2 pixels, of 4 x 4 and so on, as far as there are such."""
        images = [self.pixels]
        while len(images) <= HALVINGS and min(images[-1].shape) > 1:
            a, b, c, d = _quarters(images[-1])
            images.append((a + b + c + d) / 4)
        return tuple(images)


def _quarters(image: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """Return the four pixels of each block of 2 x 2, float64[H // 2, W // 2] each; an odd row or column is left out."""
    even = image[: image.shape[0] // 2 * 2, : image.shape[1] // 2 * 2]
    return even[::2, ::2], even[::2, 1::2], even[1::2, ::2], even[1::2, 1::2]


@lru_cache(maxsize=64)
def _hann(n: int) -> Floats:
    """Return float64[n]: a Hann window between pixels, so that none is 0."""
    window: Floats = np.sin(np.pi * (np.arange(n) + 0.5) / n) ** 2
    return window
