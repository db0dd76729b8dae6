"""Plain untrained networks, shown what a model is shown: what any architecture gives without training."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from reprcheck.digest import digest, installed
from reprcheck.models.channels import choose
from reprcheck.models.model import Model
from reprcheck.models.network import BuiltNetwork, Network
from reprcheck.models.torch.encoder import TorchEncoder
from reprcheck.seeding import seed

Architecture = Literal["resnet", "vit"]
PLAIN = {"resnet": "resnet18", "vit": "vit_tiny_patch16_224"}
"""timm's names of the plain untrained networks."""


def draw_plain(model: Model, n_channels: int, architecture: Architecture, k: int) -> TorchEncoder:
    """Return the ``k``-th plain untrained network, ``untrained-resnet-{k}`` or ``untrained-vit-{k}``.

    Parameters
    ----------
    model : Model
        Whose input the network takes.
    n_channels : int
        Channels of the images.
    architecture : {"resnet", "vit"}
    k : int
        Other numbers are other draws.

    Raises
    ------
    UserError
        Where the model's channel policy doesn't allow such images.
    """
    name, taken = f"untrained-{architecture}-{k}", model.input(n_channels)
    network = PlainNetwork(name, architecture, k, taken.in_chans, taken.feed.size, taken.size_of)
    policy = choose(taken.in_chans, n_channels, taken.feed.channels, name)
    return TorchEncoder(name, network, taken.feed.sized(None), policy)


@dataclass(frozen=True)
class PlainNetwork(Network):
    """A plain network that nobody trained, with mean and standard deviation 0.5."""

    where: str
    architecture: Architecture
    k: int
    channels: int
    size: int | None
    size_of: str | None

    @property
    def in_chans(self) -> int:
        """Number of channels the network takes."""
        return self.channels

    def identity(self) -> str:
        """Return the digest of weights and architecture; no torch."""
        made_of = (PLAIN[self.architecture], self.k, self.channels, self.size, self.size_of)
        return digest("plain", installed("timm", "torch"), *made_of)

    def build(self) -> BuiltNetwork:
        """Return the network on the CPU. Raises UserError for an unknown ``size_of``."""
        from reprcheck.models.torch import timm_build

        network = timm_build.Blueprint(self.where, PLAIN[self.architecture], self.channels, self.size)
        return timm_build.build_plain(network, self.size_of, seed("plain", self.architecture, self.k))

    def twin(self, k: int) -> PlainNetwork:
        """Return the ``k``-th draw."""
        return replace(self, k=k)
