"""``pt2:FILE``: a network that was exported and saved by ``torch.export.save``.

Images reach it in [0, 1], at the size that it was exported for where that is fixed: normalisation belongs into the
graph. Where it was exported for a fixed number of images, it is shown as many at a time.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from reprcheck.models import exported
from reprcheck.models.graph_network import GraphNetwork
from reprcheck.models.network import BuiltNetwork
from reprcheck.models.sources.graph import GraphSource


@dataclass(frozen=True)
class ExportedNetwork(GraphNetwork):
    """A network of ``torch.export``."""

    @cached_property
    def _images(self) -> exported.Images:
        return exported.read(self.path)

    @cached_property
    def _declared_channels(self) -> int | None:
        return self._images.channels

    def load(self) -> BuiltNetwork:
        """Return the network with its file's weights. Raises UserError."""
        from reprcheck.models.torch import pt2

        taken = self._images
        self.refuse(taken.channels, taken.height, taken.width)
        graph = pt2.load(self.path, taken)
        return BuiltNetwork(graph, (0.0,) * self.in_chans, (1.0,) * self.in_chans, taken.height)


class Pt2(GraphSource):
    """Networks by the archive of their export."""

    target = "FILE.pt2"
    what = "a network saved by `torch.export.save`"
    example = "pt2:encoder.pt2"
    network = ExportedNetwork


PT2 = Pt2()
