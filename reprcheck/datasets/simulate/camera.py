"""From stain to pixels: point spread, uneven light, background, photon and read noise, whole grey levels.

Noise is drawn from the standard normal and scaled by the light, so that a stain that stays the same keeps its pixels
bit by bit when another one changes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Camera:
    """How light becomes numbers.

    Attributes
    ----------
    photons : float
        Photons of a pixel at full scale; fewer is noisier.
    read : float
        Standard deviation of the read noise, as a fraction of full scale.
    unevenness : float
        Illumination at the field's border relative to its centre departs from 1 by up to about this.
    background : float
        Light where there is no stain, as a fraction of full scale.
    psf : float
        Pixels (standard deviation) of blur on top of the unit's own. Stains are dealt out to cells after it, so it
        costs detail and never moves an amount from one cell to another.
    bits : {8, 12, 16}
        Grey levels are whole numbers of so many bits.
    """

    photons: float = 120.0
    read: float = 0.015
    unevenness: float = 0.3
    background: float = 0.05
    psf: float = 0.0
    bits: int = 8

    @property
    def white(self) -> int:
        """The highest grey level."""
        return int(2**self.bits - 1)

    def expose(self, draw: np.random.Generator, light: NDArray[np.float64]) -> NDArray[np.float32]:
        """Return float32[C, H, W] in [0, 1], in steps of 1 / white, for ``light`` of that shape, full scale at 1."""
        noise = draw.standard_normal(light.shape)
        image = light + noise * np.sqrt(np.maximum(light, 0) / self.photons + self.read**2)
        levels = np.clip(np.rint(image * self.white), 0, self.white).astype(np.float32)
        return np.asarray(levels / np.float32(self.white))

    def illumination(self, draw: np.random.Generator, size: int) -> NDArray[np.float64]:
        """Return float64[H, W] with mean 1: a slope in a random direction and a falling-off towards the corners."""
        axis = np.linspace(-1, 1, size)
        tilt = draw.normal(0, self.unevenness / 2, 2)
        fall = draw.uniform(0, self.unevenness / 2)
        light = 1 + tilt[0] * axis[:, None] + tilt[1] * axis - fall * (axis[:, None] ** 2 + axis**2)
        return np.asarray(light / light.mean())
