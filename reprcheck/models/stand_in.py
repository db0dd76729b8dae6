"""A model that stands before another one, and leaves to it what it doesn't answer itself."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from functools import cached_property

from reprcheck.models.model import Facts, Model
from reprcheck.models.preprocessing import Input
from reprcheck.types import Encoder


class StandIn(Model):
    """A model in front of another, whose encoders, twins and needs are its own; what each returns, `Model` says."""

    @property
    @abstractmethod
    def inner(self) -> Model:
        """The model that is asked. It may come to be when it is first asked something."""

    @cached_property
    def digest(self) -> str:
        """The other's."""
        return self.inner.digest

    def on(self, channels: Sequence[str]) -> Model:
        """Return the other as it is shown images with these channels."""
        return self.inner.on(channels)

    def encoder(self, n_channels: int) -> Encoder:
        """Return the other as an encoder."""
        return self.inner.encoder(n_channels)

    @property
    def evens_brightness(self) -> bool:
        """Whether images are normalised one by one."""
        return self.inner.evens_brightness

    def in_range(self, low: float, high: float) -> Model | None:
        """Return the other fed values in another range."""
        return self.inner.in_range(low, high)

    def notes(self, n_channels: int) -> tuple[str, ...]:
        """Return what must be told of the other."""
        return self.inner.notes(n_channels)

    def untrained(self, n_channels: int, k: int) -> Encoder | None:
        """Return the other's ``k``-th untrained twin."""
        return self.inner.untrained(n_channels, k)

    def facts(self) -> Facts:
        """Return what is known of the other's twins."""
        return self.inner.facts()

    def shuffled(self, n_channels: int, k: int) -> Encoder | None:
        """Return the other with each tensor permuted within itself."""
        return self.inner.shuffled(n_channels, k)

    def input(self, n_channels: int) -> Input:
        """Return what a plain untrained network is to take beside the other."""
        return self.inner.input(n_channels)
