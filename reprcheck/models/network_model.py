"""The model made from a network of torch."""

from __future__ import annotations

from functools import cached_property

from reprcheck.digest import digest
from reprcheck.models.channels import ChannelPolicy, choose
from reprcheck.models.model import Facts, Model
from reprcheck.models.network import Network
from reprcheck.models.preprocessing import Input, Preprocessing
from reprcheck.models.readout import Readout
from reprcheck.models.torch.encoder import TorchEncoder
from reprcheck.types import Encoder


class NetworkModel(Model):
    """A model that is a torch module.

    Parameters
    ----------
    spec, name : str
    network : Network
    feed : Preprocessing
        How images are prepared.
    readout : Readout, optional
        What is taken from the network.
    """

    def __init__(
        self, spec: str, name: str, network: Network, feed: Preprocessing, readout: Readout | None = None
    ) -> None:
        self.spec, self.name, self.network, self.feed = spec, name, network, feed
        self.readout = readout or Readout()

    @cached_property
    def digest(self) -> str:
        """Digest of weights, architecture and preprocessing."""
        return digest("model", self.network.identity(), *self.feed.key, self.feed.channels, *self.readout.declared)

    def code_key(self) -> str:
        """Return the digest of the code that makes its encoders, and of that which builds the network."""
        return digest(super().code_key(), self.network.code_key())

    def encoder(self, n_channels: int) -> Encoder:
        """Return the model as an encoder; raises UserError under an impossible channel policy."""
        return self._encoder(self.name, self.network, n_channels)

    def notes(self, n_channels: int) -> tuple[str, ...]:
        """Return sentences on channels shown alone, on less than float32, and on the output that was declared."""
        notes = []
        if self._policy(self.network, n_channels) == "replicate" and n_channels > 1:
            notes.append(f"Channels: the model is shown each of the {n_channels} alone, and their vectors are joined.")
        if self.feed.precision != "fp32":
            notes.append(f"Precision: the model and all untrained networks compute in {self.feed.precision}.")
        if self.readout.declared:
            notes.append(f"Output: {', '.join(self.readout.declared)}, of the model and its untrained twins.")
        return tuple(notes)

    def untrained(self, n_channels: int, k: int) -> Encoder:
        """Return the ``k``-th untrained twin."""
        return self._encoder(f"untrained-{k}", self.network.twin(k), n_channels)

    def facts(self) -> Facts:
        """Return what is known of the untrained twins; builds the first one."""
        from reprcheck.models.torch.twins import batch_norms

        twin = self.network.twin(0)
        built = twin.build()
        return Facts(bool(batch_norms(built.module)), bool(twin.notes), built.size)

    def shuffled(self, n_channels: int, k: int) -> Encoder:
        """Return the network with each tensor permuted within itself."""
        return self._encoder(f"shuffled-{k}", self.network.shuffled(k), n_channels)

    def input(self, n_channels: int) -> Input:
        """Return what the network takes: the size and the normalisation asked for, and its own channels."""
        return Input(self.network.in_chans, self.feed)

    def _encoder(self, name: str, network: Network, n_channels: int) -> TorchEncoder:
        return TorchEncoder(name, network, self.feed, self._policy(network, n_channels), self.readout)

    def _policy(self, network: Network, n_channels: int) -> ChannelPolicy:
        return choose(network.in_chans, n_channels, self.feed.channels, network.where)
