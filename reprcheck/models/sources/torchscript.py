"""``torchscript:FILE``: a network that was traced or scripted and saved by ``torch.jit.save``.

Images reach it at the dataset's size, or at ``size=``, in [0, 1]: normalisation belongs into the graph. The file can't
say how many channels it takes; ``in_chans=`` does, 3 without it.
"""

from __future__ import annotations

from dataclasses import dataclass

from reprcheck.models.graph_network import GraphNetwork
from reprcheck.models.network import BuiltNetwork
from reprcheck.models.sources.graph import GraphSource


@dataclass(frozen=True)
class TorchScriptNetwork(GraphNetwork):
    """A network in TorchScript."""

    def load(self) -> BuiltNetwork:
        """Return the network with its file's weights. Raises UserError."""
        from reprcheck.models.torch import torchscript

        graph = torchscript.load(self.path, self.in_chans)
        return BuiltNetwork(graph, (0.0,) * self.in_chans, (1.0,) * self.in_chans)


class TorchScript(GraphSource):
    """Networks by the archive of their TorchScript."""

    target = "FILE.pt"
    what = "a network saved by `torch.jit.save`"
    example = "torchscript:encoder.pt?size=224"
    network = TorchScriptNetwork


TORCHSCRIPT = TorchScript()
