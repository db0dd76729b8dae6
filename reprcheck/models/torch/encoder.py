"""The encoder that runs a network; torch comes in with the first image, not before."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from reprcheck.code import code_digest
from reprcheck.digest import digest
from reprcheck.models.channels import ChannelPolicy, joined, planes
from reprcheck.models.preprocessing import Preprocessing
from reprcheck.turns import waiting
from reprcheck.types import Image

if TYPE_CHECKING:
    from reprcheck.models.network import Network
    from reprcheck.models.torch.forward import Runner


class TorchEncoder:
    """A network under a channel policy.

    Parameters
    ----------
    name : str
    network : Network
    feed : Feed
    policy : {"native", "replicate"}
    """

    def __init__(self, name: str, network: Network, feed: Preprocessing, policy: ChannelPolicy) -> None:
        self.name, self.network, self.feed, self.policy = name, network, feed, policy
        self._built: Runner | None = None
        self._turn = Lock()

    @property
    def thread_safe(self) -> bool:
        """Whether several threads may encode at once; not where a user's code runs, which may keep state."""
        return self.network.made_of is None

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader of the report must know about these weights."""
        return self.network.notes

    def digest(self) -> str:
        """Return the digest of weights, architecture, preprocessing and channel policy, and of the code that runs it.

        The device isn't part of it: another device may differ in the last bits of a float32.
        """
        return self._digest

    def encode(self, images: Sequence[Image]) -> NDArray[np.float32]:
        """Return float32[N, D] (float32[N, C * D] under ``replicate``) for N images float32[C, H, W] of one shape.

        Raises
        ------
        UserError
            For a network that can't be built, that raises, or that doesn't return one vector per image.
        """
        if not images:
            return np.empty((0, 0), np.float32)
        return joined(self.runner(planes(images, self.policy)), len(images))

    @property
    def runner(self) -> Runner:
        """The network on its device, built when it is first asked for."""
        with waiting(), self._turn:
            if self._built is None:
                self._built = self._build()
            return self._built

    @cached_property
    def _digest(self) -> str:
        code = code_digest(type(self).__module__), self.network.code_key()
        return digest("encoder", *code, self.network.identity(), *self.feed.key, self.policy)

    def _build(self) -> Runner:
        from reprcheck.models.torch.forward import Runner

        return Runner(self.network, self.feed, self.policy)
