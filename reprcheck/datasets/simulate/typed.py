"""Images of a simulation that tell the type of each cell, as a dataset with type images does.

Apart from `simulation`, so that the images which don't tell stay what they were, and their digests with them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from reprcheck.datasets.simulate.simulation import SimulatedImages, Simulation
from reprcheck.datasets.simulate.tissue import Tissue
from reprcheck.digest import code_digest, digest
from reprcheck.errors import UserError
from reprcheck.types import Image

CELL_TYPES: Mapping[str, tuple[str, ...]] = {Tissue.name: ("immune", "tumour")}
"""Types of the simulators that have several, in the order of `Cells.typed_nuclei`."""


class TypedImages(SimulatedImages):
    """The images of a simulation, with the types of their cells."""

    def content(self, index: int) -> str:
        """Return the digest of the image without types, and of the code that adds them; nothing is rendered."""
        return digest("types", code_digest(__package__, "typed"), super().content(index))

    def read(self, index: int) -> Image:
        """Render the sample, types in its nuclei."""
        image, cells = self._simulation.scene(self._rows[index])
        return replace(image, types=cells.typed_nuclei)


def cell_types(simulation: Simulation) -> tuple[str, ...]:
    """Return the names of a simulation's types of cells; raises UserError where there is but one."""
    if simulation.name not in CELL_TYPES:
        raise UserError("types", f"all cells of {simulation.name} are of one type", "leave types out")
    return CELL_TYPES[simulation.name]
