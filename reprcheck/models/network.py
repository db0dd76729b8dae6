"""Networks of torch as recipes: what they are made of, and how to build them.

A recipe is cheap. It knows its identity (without torch where the weights are a file) and is built on the first image.
The recipes themselves are in `sources`, `torch.module` and `plain`; the model made from one is a
`network_model.NetworkModel`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

from reprcheck.code import code_digest
from reprcheck.digest import digest
from reprcheck.models.identity import Identity

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class BuiltNetwork:
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
    twins : str
        How its untrained twins are drawn, for reports; empty where the library that it is of draws them.
    has_layers : bool
        Whether its weights are those of layers of torch, which can be rescaled one by one.
    """

    where: str
    twins: ClassVar[str] = ""
    has_layers: ClassVar[bool] = True

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
    def build(self) -> BuiltNetwork:
        """Return the network on the CPU, the same in every process. Raises UserError."""

    @abstractmethod
    def twin(self, k: int) -> Network:
        """Return the recipe of the ``k``-th untrained twin: the same architecture, weights drawn from a seed."""

    def shuffled(self, k: int) -> Network:
        """Return the recipe of the ``k``-th copy whose weights are permuted, each tensor within itself."""
        return ShuffledNetwork(self.where, self, k)


@dataclass(frozen=True)
class ShuffledNetwork(Network):
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

    def build(self) -> BuiltNetwork:
        """Return the network on the CPU, permuted."""
        from reprcheck.models.torch.twins import shuffle

        built = self.network.build()
        shuffle(built.module, self.k)
        return built

    def twin(self, k: int) -> Network:
        """Return the ``k``-th untrained twin, which is the network's own."""
        return self.network.twin(k)


@dataclass(frozen=True)
class StemNetwork(Network):
    """A network whose first layer was changed to take another number of channels; its twins are changed alike.

    Attributes
    ----------
    where : str
    network : Network
    channels : int
        Channels it takes now.
    """

    where: str
    network: Network
    channels: int

    @property
    def in_chans(self) -> int:
        """Number of channels the network takes."""
        return self.channels

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader must know of the network's own weights."""
        return self.network.notes

    @property
    def made_of(self) -> Identity | None:
        """What the network itself is made of."""
        return self.network.made_of

    def identity(self) -> str:
        """Return the digest of the network's own and of the number of channels."""
        return digest("stem", self.network.identity(), self.channels)

    def code_key(self) -> str:
        """Return the digest of the code that builds and changes it."""
        return digest(super().code_key(), self.network.code_key())

    def build(self) -> BuiltNetwork:
        """Return the network on the CPU, changed. Raises UserError where no layer takes its channels."""
        from reprcheck.models.torch.stem import change_stem

        built = self.network.build()
        change_stem(built.module, self.network.in_chans, self.channels, self.where)
        mean, std = ((sum(values) / len(values),) * self.channels for values in (built.mean, built.std))
        return BuiltNetwork(built.module, mean, std, built.size)

    def twin(self, k: int) -> StemNetwork:
        """Return the ``k``-th untrained twin of the network, changed."""
        return replace(self, network=self.network.twin(k))
