"""Networks of torch as recipes: what they are made of, and how to build them; and the model made from one.

A recipe is cheap. It knows its identity (without torch where the weights are a file) and is built on the first image.
The recipes themselves are in `timm_source`, `demo_source` and `objects`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from reprcheck.code import code_digest
from reprcheck.digest import digest
from reprcheck.models.channels import Policy, choose
from reprcheck.models.identity import Identity
from reprcheck.models.model import Architecture, Facts, Feed, Model
from reprcheck.models.torch_encoder import TorchEncoder
from reprcheck.types import Encoder

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Built:
    """A network ready to run.

    Attributes
    ----------
    module : torch.nn.Module
        float32[N, in_chans, H, W] to float32[N, D].
    mean, std : tuple of float
        Per input channel; of pixels in [0, 1].
    size : int or None
        The side in pixels that the network insists on, where it does.
    """

    module: torch.nn.Module
    mean: tuple[float, ...]
    std: tuple[float, ...]
    size: int | None = None


class Network(ABC):
    """A recipe for a network.

    Attributes
    ----------
    where : str
        What an error names: the SPEC, as ``--model=...``.
    """

    where: str

    @property
    @abstractmethod
    def in_chans(self) -> int:
        """Number of channels the network takes."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader of the report must know about these weights; empty as a rule."""
        return ()

    @property
    def made_of(self) -> Identity | None:
        """What it is made of, where that is code of the user's; None as a rule."""
        return None

    @abstractmethod
    def identity(self) -> str:
        """Return the digest of weights and architecture."""

    def code_key(self) -> str:
        """Return the digest of the code that builds it."""
        return code_digest(type(self).__module__)

    @abstractmethod
    def build(self) -> Built:
        """Return the network on the CPU, the same in every process. Raises UserError."""

    @abstractmethod
    def twin(self, k: int) -> Network:
        """Return the recipe of the ``k``-th untrained twin: the same architecture, weights drawn from a seed."""

    def sized_as(self, size: int | None) -> SizeRule:
        """Return the input size of the network when fed at ``size``; None leaves it to the network."""
        return SizeRule(size)

    def shuffled(self, k: int) -> Network:
        """Return the recipe of the ``k``-th copy whose weights are permuted, each tensor within itself."""
        return Shuffled(self.where, self, k)


@dataclass(frozen=True)
class Shuffled(Network):
    """A network with every weight tensor permuted within itself: the values that training left, without their places.

    A control for networks whose twins can't be drawn honestly: those keep the scale of trained tensors, this one all of
    their distribution.
    """

    where: str
    network: Network
    k: int

    @property
    def in_chans(self) -> int:
        """Number of channels the network takes."""
        return self.network.in_chans

    @property
    def made_of(self) -> Identity | None:
        """What the network itself is made of."""
        return self.network.made_of

    def identity(self) -> str:
        """Return the digest of the network's own and of the permutation."""
        return digest("shuffled", self.network.identity(), self.k)

    def code_key(self) -> str:
        """Return the digest of the code that builds and permutes it."""
        return digest(super().code_key(), self.network.code_key())

    def build(self) -> Built:
        """Return the network on the CPU, permuted."""
        from reprcheck.models.twins import shuffle

        built = self.network.build()
        shuffle(built.module, self.k)
        return built

    def twin(self, k: int) -> Network:
        """Return the ``k``-th untrained twin, which is the network's own."""
        return self.network.twin(k)

    def sized_as(self, size: int | None) -> SizeRule:
        """Return what the network itself does."""
        return self.network.sized_as(size)


@dataclass(frozen=True)
class SizeRule:
    """An input size: ``size`` pixels, or what timm's ``of`` insists on, or the dataset's.

    The name stands for the number, so that a digest can be had without timm.
    """

    size: int | None = None
    of: str | None = None


class NetworkModel(Model):
    """A model that is a torch module.

    Parameters
    ----------
    spec, name : str
    network : Network
    feed : Feed
    """

    def __init__(self, spec: str, name: str, network: Network, feed: Feed) -> None:
        self.spec, self.name, self.network, self.feed = spec, name, network, feed

    @cached_property
    def digest(self) -> str:
        """Digest of weights, architecture and preprocessing."""
        feed = self.feed
        return digest("model", self.network.identity(), feed.size, feed.normalise, feed.channels)

    def code_key(self) -> str:
        """Return the digest of the code that makes its encoders, and of that which builds the network."""
        return digest(super().code_key(), self.network.code_key())

    def encoder(self, n_channels: int) -> Encoder:
        """Return the model as an encoder; raises UserError under an impossible channel policy."""
        return self._encoder(self.name, self.network, n_channels)

    def notes(self, n_channels: int) -> tuple[str, ...]:
        """Return a sentence where each channel is shown alone."""
        if self._policy(self.network, n_channels) == "native" or n_channels == 1:
            return ()
        return (f"Channels: the model is shown each of the {n_channels} alone, and their vectors are joined.",)

    def untrained(self, n_channels: int, k: int) -> Encoder:
        """Return the ``k``-th untrained twin."""
        return self._encoder(f"untrained-{k}", self.network.twin(k), n_channels)

    def facts(self) -> Facts:
        """Return what is known of the untrained twins; builds the first one."""
        from reprcheck.models.twins import batch_norms

        twin = self.network.twin(0)
        return Facts(batch_norm=bool(batch_norms(twin.build().module)), opaque=bool(twin.notes))

    def shuffled(self, n_channels: int, k: int) -> Encoder:
        """Return the network with each tensor permuted within itself."""
        return self._encoder(f"shuffled-{k}", self.network.shuffled(k), n_channels)

    def plain(self, n_channels: int, architecture: Architecture, k: int) -> Encoder:
        """Return a plain untrained network with the model's input size, channels and normalisation."""
        from reprcheck.models.timm_source import plain

        rule = self.network.sized_as(self.feed.size)
        return plain(architecture, k, self.network.in_chans, n_channels, self.feed.sized(rule.size), rule.of)

    def _encoder(self, name: str, network: Network, n_channels: int) -> TorchEncoder:
        return TorchEncoder(name, network, self.feed, self._policy(network, n_channels))

    def _policy(self, network: Network, n_channels: int) -> Policy:
        return choose(network.in_chans, n_channels, self.feed.channels, network.where)
