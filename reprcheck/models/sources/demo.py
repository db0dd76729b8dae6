"""``demo``: the small network that ships in the package, so that a first run needs no weights of one's own."""

from __future__ import annotations

from dataclasses import dataclass, replace

from reprcheck.code import code_digest
from reprcheck.digest import digest, file_digest, installed
from reprcheck.models import options
from reprcheck.models.network import BuiltNetwork, Network
from reprcheck.models.network_model import NetworkModel
from reprcheck.models.preprocessing import Preprocessing
from reprcheck.models.sources.source import Source
from reprcheck.models.spec import Spec
from reprcheck.seeding import seed

CHANNELS = 3


class Demo(Source):
    """The demo network, or a draw of its weights."""

    what = "the network that ships"
    example = "demo"
    twins = "its own initialisation"
    options = ("seed", "size", "channels", "precision")

    def open(self, spec: Spec) -> NetworkModel:
        """Return the model; with ``seed=N``, the untrained draw N. Raises UserError for bad options."""
        network = DemoNetwork(spec.where, options.count(spec, "seed"))
        return NetworkModel(str(spec), self.name_of(spec), network, Preprocessing.of(spec))


DEMO = Demo()


@dataclass(frozen=True)
class DemoNetwork(Network):
    """The network that ships, with its trained weights or a draw from a seed; it normalises for itself."""

    where: str
    draw: int | None = None

    @property
    def in_chans(self) -> int:
        """Number of channels the network takes."""
        return CHANNELS

    def identity(self) -> str:
        """Return the digest of the weights' file, or of the seed, and of the network's code; no torch."""
        from reprcheck.models.torch import demo

        weights = file_digest(demo.WEIGHTS) if self.draw is None else self.draw
        return digest("demo", installed("torch"), code_digest("reprcheck.models.torch.demo_net"), weights)

    def build(self) -> BuiltNetwork:
        """Return the network on the CPU."""
        from reprcheck.models.torch import demo

        return BuiltNetwork(demo.build(self.draw), (0.0,) * CHANNELS, (1.0,) * CHANNELS)

    def twin(self, k: int) -> DemoNetwork:
        """Return the ``k``-th untrained twin."""
        return replace(self, draw=seed("twin", k))
