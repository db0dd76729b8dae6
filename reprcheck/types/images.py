"""What is shown: an image, where images come from, and what makes vectors of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

Kind = Literal["culture", "tissue", "natural"]
"""Of a dataset."""


@dataclass(frozen=True)
class Image:
    """One decoded sample.

    Attributes
    ----------
    pixels : float32[C, H, W]
        Values in [0, 1]: the stored value over the dataset's ``value_range``, or over its dtype's range.
    mask : int32[H, W] or None
        Label image of the objects (0 is background), where the dataset has one.
    types : int32[H, W] or None
        Beside a mask, where the dataset has them: position from 1 in ``Dataset.cell_types`` of the type of the cell at
        each pixel; 0 where there is none, or its type isn't known.
    values : float32[C, F] or None
        Facts of the stored values, see `reprcheck.datasets.images.values`; None where there is no file.
    remarks : tuple of str
        What was interpreted in reading it, each worded to follow "24 images: "; the same words for the same thing.
    """

    pixels: NDArray[np.float32]
    mask: NDArray[np.int32] | None = None
    types: NDArray[np.int32] | None = None
    values: NDArray[np.float32] | None = None
    remarks: tuple[str, ...] = ()


class ImageSource(Protocol):
    """Where a dataset's images come from: files, or a simulator. Both are called from any process and thread."""

    def content(self, index: int) -> str:
        """Return a digest that changes whenever the pixels, mask or types of sample ``index`` might; no decoding."""

    def read(self, index: int) -> Image:
        """Decode sample ``index``; all samples have one shape (C, H, W). Raises UserError that names the file."""


class Encoder(Protocol):
    """Anything that maps images to vectors: the model under test, an untrained twin, a baseline.

    One with an attribute ``thread_safe = True`` may be asked by several threads at once.
    """

    @property
    def name(self) -> str:
        """For people; never an identity."""

    def digest(self) -> str:
        """Return the digest of everything that shapes the vectors but the images; no torch where it can be helped."""

    def encode(self, images: Sequence[Image]) -> NDArray[np.float32]:
        """Return float32[N, D] for N images of one shape; row i depends on image i alone."""
