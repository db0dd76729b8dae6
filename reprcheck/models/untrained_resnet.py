"""The null model: one more plain ResNet that nobody trained, for whoever asks about a dataset and not about a model."""

from __future__ import annotations

from functools import cached_property

from reprcheck.models.model import Model
from reprcheck.models.plain import draw_plain
from reprcheck.types import Encoder

DRAW = -1
"""Its draw: the plain networks of a family are 0 and up, so that it is none of them."""


class UntrainedResNet(Model):
    """A plain untrained ResNet in a model's place. It has no twins, and meets its equals among the plain networks."""

    spec = name = "untrained-resnet"

    @cached_property
    def digest(self) -> str:
        """Digest of the network, as fed images of one channel."""
        return self.encoder(1).digest()

    def encoder(self, n_channels: int) -> Encoder:
        """Return the network, which takes all channels at once."""
        return draw_plain(self, n_channels, "resnet", DRAW)

    def untrained(self, n_channels: int, k: int) -> None:
        """Return None: it is a draw itself."""
