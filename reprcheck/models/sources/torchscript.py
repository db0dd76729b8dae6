"""``torchscript:FILE``: a network that was traced or scripted and saved by ``torch.jit.save``.

Images reach it at the dataset's size, or at ``size=``, in [0, 1]: normalisation belongs into the graph. The file can't
say how many channels it takes; ``in_chans=`` does, 3 without it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from reprcheck.models import options
from reprcheck.models.graph_network import TWINS, GraphNetwork, file_of
from reprcheck.models.network import BuiltNetwork
from reprcheck.models.network_model import NetworkModel
from reprcheck.models.preprocessing import FEED, Preprocessing
from reprcheck.models.readout import READOUT, Readout
from reprcheck.models.sources.source import Source
from reprcheck.models.spec import Spec


class TorchScript(Source):
    """Networks by the archive of their TorchScript."""

    target = "FILE.pt"
    what = "a network saved by `torch.jit.save`"
    example = "torchscript:encoder.pt?size=224"
    options = ("in_chans", *FEED, *READOUT)
    twins = TWINS

    def open(self, spec: Spec) -> NetworkModel:
        """Return the model; reads nothing. Raises UserError for a file that isn't there, and bad options."""
        feed = Preprocessing.of(spec)
        network = TorchScriptNetwork(spec.where, file_of(spec), feed, options.count(spec, "in_chans"))
        return NetworkModel(str(spec), self.name_of(spec), network, feed, Readout.of(spec))

    def short_name(self, spec: Spec) -> str:
        """Return the file's name without its ending."""
        return Path(spec.target).stem


TORCHSCRIPT = TorchScript()


@dataclass(frozen=True)
class TorchScriptNetwork(GraphNetwork):
    """A network in TorchScript."""

    def load(self) -> BuiltNetwork:
        """Return the network with its file's weights. Raises UserError."""
        from reprcheck.models.torch import torchscript

        graph = torchscript.load(self.path, self.in_chans)
        return BuiltNetwork(graph, (0.0,) * self.in_chans, (1.0,) * self.in_chans)
