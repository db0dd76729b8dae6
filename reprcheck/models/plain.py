"""Plain untrained networks, shown what a model is shown: what any architecture gives without training.

Each is small, since a family of every kind is shown all images for every model: in the numbers they give, narrower and
shallower ones are as good as those that are usually trained (`docs/statistics.md`). Nothing of the model enters but
what it takes: so models that take the same share the vectors.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

from reprcheck.digest import digest, installed
from reprcheck.models.channels import choose
from reprcheck.models.model import Model
from reprcheck.models.network import BuiltNetwork, Network
from reprcheck.models.torch.encoder import TorchEncoder
from reprcheck.seeding import seed

Architecture = Literal["conv", "resnet", "vit"]
ARCHITECTURES: tuple[Architecture, ...] = get_args(Architecture)
TIMM: dict[Architecture, tuple[str, dict[str, Any]]] = {
    "resnet": ("resnet18", {"channels": (32, 64, 128, 256)}),
    "vit": ("vit_tiny_patch16_224", {"depth": 4}),
}
"""Those that timm builds: its name, and what is other than there, half the width and a third of the depth."""


def draw_plain(
    model: Model, n_channels: int, architecture: Architecture, k: int, size: int | None = None
) -> TorchEncoder:
    """Return the ``k``-th plain untrained network, such as ``untrained-resnet-{k}``.

    The convolutional net sees images at their own size and with their own values, the others at the model's size.
    Channels enter together where they do for the model, else each alone.

    Parameters
    ----------
    model : Model
        Whose input the network takes.
    n_channels : int
        Channels of the images.
    architecture : {"conv", "resnet", "vit"}
    k : int
        Other numbers are other draws.
    size : int, optional
        Side in pixels where the model asks for none: what its architecture insists on (`Facts.size`).

    Raises
    ------
    UserError
        Where the model's channel policy doesn't allow such images.
    """
    name, taken = f"untrained-{architecture}-{k}", model.input(n_channels)
    plan = choose(taken.in_chans, n_channels, taken.feed.channels, name)
    side = None if architecture == "conv" else taken.feed.size or size
    network = PlainNetwork(name, architecture, k, plan.width(n_channels), side)
    return TorchEncoder(name, network, taken.feed.for_plain(side is not None), plan)


@dataclass(frozen=True)
class PlainNetwork(Network):
    """A plain network that nobody trained; all but the convolutional net subtract 0.5 and divide by it."""

    where: str
    architecture: Architecture
    k: int
    channels: int
    size: int | None

    @property
    def in_chans(self) -> int:
        """Number of channels the network takes."""
        return self.channels

    def identity(self) -> str:
        """Return the digest of weights and architecture; no torch."""
        return digest("plain", installed("timm", "torch"), self.architecture, self.k, self.channels, self.size)

    def build(self) -> BuiltNetwork:
        """Return the network on the CPU."""
        from reprcheck.models.torch import plain_conv, timm_build
        from reprcheck.models.torch.twins import seeded

        draw = seed("plain", self.architecture, self.k)
        if self.architecture == "conv":
            with seeded(draw):
                module = plain_conv.PlainConv(self.channels)
            return BuiltNetwork(module, (0.0,) * self.channels, (1.0,) * self.channels)
        name, options = TIMM[self.architecture]
        return timm_build.build_plain(timm_build.Blueprint(self.where, name, self.channels, self.size), draw, **options)

    def twin(self, k: int) -> PlainNetwork:
        """Return the ``k``-th draw."""
        return replace(self, k=k)
