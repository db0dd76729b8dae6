"""A set of images whose label texture can't know: on which side of each nucleus the protein lies.

Every channel by itself shows the same blobs at random places; only both together, and their order, tell the classes
apart. An encoder that sees that stands for a model that knows where things are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reprcheck.code import code_digest
from reprcheck.digest import digest, installed
from reprcheck.seeding import rng
from reprcheck.types import Dataset, Image, Task

SIDE, CELLS, RADIUS, AWAY = 64, 8, 4.0, 6.0
"""Pixels along a side; cells of a field; of a blob, and from a nucleus to its protein, in pixels."""
NOISE = 0.1
"""Standard deviation of a pixel, where blobs rise by up to 0.5."""
CLASSES = ("left", "right")


@dataclass(frozen=True)
class Fields:
    """Image source: fields of cells, in turns with the protein on the left and on the right of the nuclei.

    Attributes
    ----------
    draw : int
        The number of the experiment.
    """

    draw: int

    def content(self, index: int) -> str:
        """Return the digest of what a field is made from."""
        return digest("polarity", self.draw, index, code_digest(__name__), installed("numpy"))

    def read(self, index: int) -> Image:
        """Draw a field, float32[2, 64, 64]; cells wrap around its edges."""
        stream = rng("polarity", self.draw, index)
        centres = stream.uniform(0, SIDE, (CELLS, 2))
        gains = stream.uniform(0.5, 1.0, (2, CELLS))
        away = np.array([0.0, AWAY if index % 2 else -AWAY])
        nuclei, protein = _blobs(centres, gains[0]), _blobs(centres + away, gains[1])
        pixels = 0.2 + 0.5 * np.stack([nuclei, protein]) + NOISE * stream.standard_normal((2, SIDE, SIDE))
        return Image(np.clip(pixels, 0, 1).astype(np.float32))


def _blobs(centres: NDArray[np.float64], gains: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return float64[64, 64]: the sum of Gaussian blobs."""
    at = np.arange(SIDE)
    apart = (at[None, :, None] - centres[:, None, :] + SIDE / 2) % SIDE - SIDE / 2
    down, across = np.moveaxis(np.exp(-((apart / RADIUS) ** 2)), 2, 0)
    field: NDArray[np.float64] = np.einsum("n,nh,nw->hw", gains, down, across)
    return field


def polarity(draw: int, n: int) -> Dataset:
    """Return an experiment of n fields, each a unit, half of them of either class, in four batches."""
    numbers = np.arange(n)
    task = Task(
        name="side",
        kind="classify",
        rows=numbers,
        y=numbers % 2,
        classes=CLASSES,
        units=np.char.mod("f%04d", numbers),
        batches=np.char.mod("b%d", numbers // 2 % 4),
        holdout="batch",
        protocols=(),
        channels=(0, 1),
    )
    return Dataset(
        name=f"polarity-{draw}",
        kind="culture",
        channels=("DNA", "protein"),
        ids=task.units,
        table_row=numbers,
        images=Fields(draw),
        tasks={task.name: task},
        digest=digest("polarity", draw, n, code_digest(__name__)),
    )


@dataclass(frozen=True)
class Side:
    """Encoder: how much further to the right the second channel lies than the first, by their cross-correlation."""

    name: str = "side"

    def digest(self) -> str:
        """Return the digest of how it is read."""
        return digest("side", code_digest(__name__), installed("numpy"))

    def encode(self, images: Sequence[Image]) -> NDArray[np.float32]:
        """Return float32[N, 4]: imaginary parts of the lowest waves of the cross spectrum along the rows."""
        spectra = [np.fft.fft2(image.pixels) for image in images]
        crossed = [(s[0] * s[1].conj()).imag[:4, 1:5].sum(0) / (np.abs(s[0]) * np.abs(s[1])).sum() for s in spectra]
        return np.array(crossed, np.float32).reshape(len(images), 4)
