"""The model made from a network of torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property

from reprcheck.digest import digest
from reprcheck.models.channels import NAMED, ChannelPlan, by_place, choose
from reprcheck.models.model import Facts, Model
from reprcheck.models.network import Network, StemNetwork
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
        return digest(
            "model", self.network.identity(), *self.feed.key, self.feed.channels, *self._roles, *self.readout.declared
        )

    def code_key(self) -> str:
        """Return the digest of the code that makes its encoders, and of that which builds the network."""
        return digest(super().code_key(), self.network.code_key())

    def on(self, channels: Sequence[str]) -> Model:
        """Return the model with the channels that it is asked to be shown by their places."""
        asked, feed, where = self.feed.channels or "", self.feed, self.network.where
        if asked.partition(":")[0] in NAMED:
            feed = replace(feed, channels=by_place(asked, channels, feed.roles, where))
        if feed.names_as:
            takes = self.network.in_chans if feed.channels not in ("any", "stem") else len(channels)
            plan = choose(takes, len(channels), feed.channels, where)
            feed = replace(feed, names=plan.names(channels, where))
        if feed is self.feed:
            return self
        return NetworkModel(self.spec, self.name, self.network, feed, self.readout)

    def encoder(self, n_channels: int) -> Encoder:
        """Return the model as an encoder; raises UserError under an impossible channel policy."""
        return self._encoder(self.name, self.network, n_channels)

    @property
    def evens_brightness(self) -> bool:
        """Whether images, or their channels, are normalised one by one."""
        return self.feed.normalise != "model" or self.feed.percentiles is not None

    def in_range(self, low: float, high: float) -> Model | None:
        """Return the model fed values in another range, unless it was asked for one, or for a mean."""
        if self.feed.range or self.feed.mean or self.feed.normalise != "model":
            return None
        return NetworkModel(self.spec, self.name, self.network, replace(self.feed, range=(low, high)), self.readout)

    def notes(self, n_channels: int) -> tuple[str, ...]:
        """Return sentences on what was declared, on images that aren't shown whole, and on how twins are drawn."""
        notes = [*self._channel_notes(n_channels)]
        if self.feed.precision != "fp32":
            notes.append(f"Precision: the model and all untrained networks compute in {self.feed.precision}.")
        if self.feed.declared:
            notes.append(f"Input: {', '.join(self.feed.declared)}, for the model and its untrained twins.")
        if self.readout.declared:
            notes.append(f"Output: {', '.join(self.readout.declared)}, of the model and its untrained twins.")
        if self.network.twins:
            notes.append(f"Untrained twins: {self.network.twins}.")
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
        any_number = self.feed.channels == "any" or self._stem(n_channels)
        return Input(n_channels if any_number else self.network.in_chans, self.feed)

    @property
    def _roles(self) -> tuple[str, ...]:
        return tuple(f"role={role}" for role in self.feed.roles)

    def _stem(self, n_channels: int) -> bool:
        return self.feed.channels == "stem" and n_channels != self.network.in_chans

    def _encoder(self, name: str, network: Network, n_channels: int) -> TorchEncoder:
        network = StemNetwork(network.where, network, n_channels) if self._stem(n_channels) else network
        return TorchEncoder(name, network, self.feed, self._plan(n_channels), self.readout)

    def _plan(self, n_channels: int) -> ChannelPlan:
        return choose(self.input(n_channels).in_chans, n_channels, self.feed.channels, self.network.where)

    def _channel_notes(self, n_channels: int) -> list[str]:
        """Return sentences on how channels enter, where not all at once and as they are."""
        plan, takes = self._plan(n_channels), self.network.in_chans
        shown = plan.passes or ((),)
        if self._stem(n_channels):
            return [f"Channels: the first layer was changed from {takes} channels to {n_channels} (channels=stem)."]
        if plan.policy == "replicate" and n_channels > 1:
            which = f"{len(shown)} of the {n_channels}" if plan.passes else f"each of the {n_channels}"
            return [
                f"Channels: the model is shown {which} alone, and their vectors are joined (channels=replicate): "
                "what two channels have in common at one place isn't seen."
            ]
        places = "; ".join(", ".join("none" if place < 0 else str(place) for place in places) for places in shown)
        return [f"Channels: the model is shown those in places {places} of {n_channels}."] if plan.passes else []
