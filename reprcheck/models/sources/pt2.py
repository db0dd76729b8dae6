"""``pt2:FILE``: a network that was exported and saved by ``torch.export.save``.

Images reach it in [0, 1], at the size that it was exported for where that is fixed: normalisation belongs into the
graph. Where it was exported for a fixed number of images, it is shown as many at a time.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from reprcheck.errors import UserError
from reprcheck.models import exported, options
from reprcheck.models.graph_network import TWINS, GraphNetwork, file_of
from reprcheck.models.network import BuiltNetwork
from reprcheck.models.network_model import NetworkModel
from reprcheck.models.preprocessing import FEED, Preprocessing
from reprcheck.models.readout import READOUT, Readout
from reprcheck.models.sources.source import Source
from reprcheck.models.spec import Spec


class Pt2(Source):
    """Networks by the archive of their export."""

    target = "FILE.pt2"
    what = "a network saved by `torch.export.save`"
    example = "pt2:encoder.pt2"
    options = ("in_chans", *FEED, *READOUT)
    twins = TWINS

    def open(self, spec: Spec) -> NetworkModel:
        """Return the model; reads nothing. Raises UserError for a file that isn't there, and bad options."""
        feed = Preprocessing.of(spec)
        network = ExportedNetwork(spec.where, file_of(spec), feed, options.count(spec, "in_chans"))
        return NetworkModel(str(spec), self.name_of(spec), network, feed, Readout.of(spec))

    def short_name(self, spec: Spec) -> str:
        """Return the file's name without its ending."""
        return Path(spec.target).stem


PT2 = Pt2()


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
        if taken.height != taken.width:
            what = f"takes images of {taken.height} x {taken.width} pixels; only squares can be asked for"
            raise UserError(str(self.path), what, "export it for squares, or with free sizes")
        if self.channels and taken.channels and self.channels != taken.channels:
            what = f"was exported for {taken.channels} channels, not {self.channels}"
            raise UserError(str(self.path), what, f"write in_chans={taken.channels}, or leave it out")
        graph = pt2.load(self.path, taken)
        return BuiltNetwork(graph, (0.0,) * self.in_chans, (1.0,) * self.in_chans, taken.height)
