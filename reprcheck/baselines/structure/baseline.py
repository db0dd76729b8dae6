"""What the layout of cells already gives: the `Structure` baseline.

Objects are counted, measured and placed; their brightness never enters. Where the dataset has types of cells, their
shares and neighbours are counted, too. Objects come from the image's mask where the dataset has one, else from
`segmentation`; then, in tissue, stained area is measured beside them. The vector is the same after any change of the
mask's labels, and, given a mask, after any change of the pixels whatever.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reprcheck.baselines.reference import Baseline
from reprcheck.baselines.segmentation import objects
from reprcheck.baselines.structure import stain
from reprcheck.baselines.structure.features import composition, feature_names, measure_objects
from reprcheck.code import code_digest
from reprcheck.digest import digest, installed
from reprcheck.types import Dataset, Image, Kind

LIBRARIES = ("scikit-image", "scipy", "numpy")
"""Libraries whose versions can change a vector."""


@dataclass(frozen=True)
class Structure:
    """Encoder: number, size, shape and layout of the objects.

    Attributes
    ----------
    channels : tuple of str
        Names of the channels of the images, in order; by them the one that shows nuclei is chosen.
    kind : {"culture", "tissue", "natural"}
        The dataset's.
    cell_types : tuple of str
        Names of the types of cells, where the images have them.
    name : str

    Examples
    --------
    >>> import numpy as np
    >>> mask = np.zeros((32, 32), np.int32)
    >>> mask[4:9, 4:9] = 1
    >>> row = Structure(("dna",), "culture").encode([Image(np.zeros((1, 32, 32), np.float32), mask)])[0]
    >>> dict(zip(feature_names(), row.tolist()))["area.mean"]
    25.0
    """

    channels: tuple[str, ...]
    kind: Kind
    cell_types: tuple[str, ...] = ()
    name: str = "structure"

    def digest(self) -> str:
        """Return the digest of the features' definition and of the segmentation's parameters."""
        return digest(
            "structure", self.channels, self.kind, len(self.cell_types), code_digest(__name__), installed(*LIBRARIES)
        )

    def encode(self, images: Sequence[Image]) -> NDArray[np.float32]:
        """Return float32[N, D]: the features of `feature_names`, and in tissue those of `stain.NAMES`."""
        further = stain.NAMES if self.kind == "tissue" else ()
        columns = len(feature_names(self.cell_types)) + len(further)
        rows = [[*self._of_objects(image), *(self._of_stain(image) if further else ())] for image in images]
        return np.array(rows, np.float32).reshape(len(images), columns)

    def _of_objects(self, image: Image) -> Iterable[float]:
        return measure_objects(objects(image, self.channels, self.kind), image.types, self.cell_types).values()

    def _of_stain(self, image: Image) -> Iterable[float]:
        return stain.measure_stain(image.pixels, self.channels) if image.mask is None else [0.0] * len(stain.NAMES)


@dataclass(frozen=True)
class Composition:
    """Encoder: of `Structure`'s columns those of types alone, which the others would drown under a vote of neighbours.

    Attributes
    ----------
    cell_types : tuple of str
        Names of the types of cells, at least one. An image without a mask has none of them: its vector is 0.
    name : str
    """

    cell_types: tuple[str, ...]
    name: str = "composition"

    def digest(self) -> str:
        """Return the digest of the features' definition and of the number of types."""
        return digest("composition", len(self.cell_types), code_digest(__name__), installed(*LIBRARIES))

    def encode(self, images: Sequence[Image]) -> NDArray[np.float32]:
        """Return float32[N, D]: the last columns of `feature_names`."""
        nothing, columns = np.zeros((1, 1), np.int32), len(feature_names(self.cell_types)) - len(feature_names())
        masks = [nothing if image.mask is None else image.mask for image in images]
        rows = [list(composition(m, i.types, self.cell_types).values()) for m, i in zip(masks, images, strict=True)]
        return np.array(rows, np.float32).reshape(len(images), columns)


class StructureBaseline(Baseline):
    """The layout of cells; photographs have none."""

    name, knows = "structure", "layout"
    letter, heading, probed = "s", "struc-\nture", (name,)

    def encoder(self, dataset: Dataset, channels: tuple[str, ...]) -> Structure | None:
        """Return the encoder for these channels and the dataset's types of cells."""
        return None if dataset.kind == "natural" else Structure(channels, dataset.kind, dataset.cell_types)


class CompositionBaseline(Baseline):
    """Types of cells alone, where images have them."""

    name, knows = "composition", "layout"
    letter, probed = "t", (name,)

    def encoder(self, dataset: Dataset, channels: tuple[str, ...]) -> Composition | None:
        """Return the encoder for the dataset's types of cells."""
        return Composition(dataset.cell_types) if dataset.cell_types and dataset.kind != "natural" else None


STRUCTURE, COMPOSITION = StructureBaseline(), CompositionBaseline()
