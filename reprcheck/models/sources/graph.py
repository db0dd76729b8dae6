"""What ``torchscript:``, ``pt2:`` and ``onnx:`` have in common: a file, and how its network is fed and read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from reprcheck.models import options
from reprcheck.models.graph_network import TWINS, GraphNetwork, file_of
from reprcheck.models.network_model import NetworkModel
from reprcheck.models.preprocessing import FEED, Preprocessing
from reprcheck.models.readout import READOUT, Readout
from reprcheck.models.sources.source import Source
from reprcheck.models.spec import Spec


class GraphSource(Source):
    """Networks by the file of their compiled graph.

    Attributes
    ----------
    network : type
        Of what is made of a file.
    """

    options = ("in_chans", *FEED, *READOUT)
    twins = TWINS
    network: type[GraphNetwork]

    def open(self, spec: Spec) -> NetworkModel:
        """Return the model; reads nothing. Raises UserError for a file that isn't there, and bad options."""
        feed = Preprocessing.of(spec)
        network = self.network(spec.where, file_of(spec), feed, options.count(spec, "in_chans"), **self.more_of(spec))
        return NetworkModel(str(spec), self.name_of(spec), network, feed, Readout.of(spec))

    def more_of(self, spec: Spec) -> dict[str, Any]:
        """Return what else the network is made with."""
        return {}

    def short_name(self, spec: Spec) -> str:
        """Return the file's name without its ending."""
        return Path(spec.target).stem
