"""The encoder that runs a network; torch comes in with the first image, not before."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from reprcheck.code import code_digest
from reprcheck.cores import cores
from reprcheck.digest import digest
from reprcheck.models.channels import ChannelPlan, joined
from reprcheck.models.preprocessing import Preprocessing
from reprcheck.models.readout import Readout
from reprcheck.turns import waiting
from reprcheck.types import Image

if TYPE_CHECKING:
    from reprcheck.models.network import Network
    from reprcheck.models.torch.forward import Runner

COPIED_BYTES = 2**31
"""Most memory that copies of one network take, one for each core."""


class TorchEncoder:
    """A network under a channel policy.

    Several threads may encode at once: with one network of ours, with a copy each of a network of the user's, which may
    keep state while it runs. It isn't copied where that takes too much memory, nor on an accelerator.

    Parameters
    ----------
    name : str
    network : Network
    feed : Preprocessing
    plan : ChannelPlan
    readout : Readout, optional
    """

    def __init__(
        self,
        name: str,
        network: Network,
        feed: Preprocessing,
        plan: ChannelPlan,
        readout: Readout | None = None,
    ) -> None:
        self.name, self.network, self.feed, self.plan = name, network, feed, plan
        self.readout = readout or Readout()
        self._built: Runner | None = None
        self._idle: deque[Runner] = deque()
        self._turn = Lock()

    @property
    def thread_safe(self) -> bool:
        """Whether several threads may encode at once; of a network of the user's that is known once it is built."""
        if self.network.made_of is None:
            return True
        built = self._built
        return built is not None and built.device.type == "cpu" and built.n_bytes * cores() <= COPIED_BYTES

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
        with self._lent() as runner:
            return joined(runner(self.plan.planes(images)), len(images))

    @property
    def runner(self) -> Runner:
        """The network on its device, built when it is first asked for."""
        with waiting(), self._turn:
            if self._built is None:
                self._built = self._build()
                self._idle.append(self._built)
            return self._built

    @contextmanager
    def _lent(self) -> Iterator[Runner]:
        """Lend the network to one thread: ours as it is, a user's as one that no other thread has."""
        built = self.runner
        if self.network.made_of is None:
            yield built
            return
        try:
            runner = self._idle.pop()
        except IndexError:
            runner = self._copy(built)
        try:
            yield runner
        finally:
            self._idle.append(runner)

    @cached_property
    def _digest(self) -> str:
        code = code_digest(type(self).__module__), self.network.code_key()
        return digest("encoder", *code, self.network.identity(), *self.feed.key, *self.plan.key, *self.readout.declared)

    def _build(self) -> Runner:
        from reprcheck.models.torch.forward import Runner

        return Runner(self.network, self.feed, self.plan, self.readout)

    def _copy(self, built: Runner) -> Runner:
        """Return another that gives what ``built`` gives, which may be running meanwhile."""
        return self._build()
