"""``timm:NAME``: a network of timm, with weights from a checkpoint file, from timm's own download, or drawn.

Three ways to weights: ``checkpoint=FILE`` (loaded strictly; the digest is that of the file's bytes),
``pretrained=false`` alone (an untrained draw, of seed 0 or of ``seed=N``), and neither (timm downloads; the digest is
that of the tensors, so that one needs torch). The network is built without its classifier, and gives timm's own pooled
features.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from reprcheck.digest import digest, file_digest, installed
from reprcheck.errors import UserError
from reprcheck.models import options
from reprcheck.models.network import BuiltNetwork, Network
from reprcheck.models.network_model import NetworkModel
from reprcheck.models.preprocessing import FEED, Preprocessing
from reprcheck.models.readout import READOUT, Readout
from reprcheck.models.sources.source import Source
from reprcheck.models.spec import Spec
from reprcheck.seeding import seed

FIXED_DRAW = 0
"""Seed of the model ``timm:NAME?pretrained=false``."""


class Timm(Source):
    """Networks by timm's names."""

    target = "NAME"
    options = ("pretrained", "checkpoint", "seed", "in_chans", *FEED, *READOUT)

    def open(self, spec: Spec) -> NetworkModel:
        """Return the model; raises UserError for bad options and a checkpoint that isn't there."""
        checkpoint = options.text(spec, "checkpoint")
        pretrained = options.flag(spec, "pretrained", default=checkpoint is None)
        if checkpoint and pretrained:
            raise UserError(
                spec.where, "pretrained=true and a checkpoint ask for two sets of weights", "drop one of them"
            )
        draw = options.count(spec, "seed")
        if draw and (checkpoint or pretrained):
            raise UserError(
                spec.where, "a seed draws weights, but others are asked for", "write pretrained=false&seed=1"
            )
        if checkpoint and not Path(checkpoint).expanduser().is_file():
            raise UserError(spec.where, f"no checkpoint file {checkpoint}", "check the path")
        feed = Preprocessing.of(spec)
        network = TimmNetwork(
            spec.where,
            spec.target,
            options.count(spec, "in_chans") or 3,
            feed.size,
            Path(checkpoint).expanduser() if checkpoint else None,
            None if pretrained or checkpoint else draw or FIXED_DRAW,
        )
        return NetworkModel(str(spec), self.name_of(spec), network, feed, Readout.of(spec))


TIMM = Timm()


@dataclass(frozen=True)
class TimmNetwork(Network):
    """A network of timm without its classifier.

    Attributes
    ----------
    where : str
    name : str
        timm's name, with or without a tag.
    channels : int
        Channels it takes.
    size : int or None
        Side in pixels, for the architectures that are built for one.
    checkpoint : Path or None
    draw : int or None
        Seed of the weights, where there is no checkpoint. Neither: timm's pretrained weights.
    """

    where: str
    name: str
    channels: int
    size: int | None
    checkpoint: Path | None
    draw: int | None

    @property
    def in_chans(self) -> int:
        """Number of channels the network takes."""
        return self.channels

    def identity(self) -> str:
        """Return the digest of weights and architecture."""
        return self._identity

    @cached_property
    def _identity(self) -> str:
        return digest("timm", installed("timm", "torch"), self.name, self.channels, self.size, *self._weights())

    def _weights(self) -> tuple[str, int | str]:
        if self.checkpoint:
            return "file", file_digest(self.checkpoint)
        if self.draw is not None:
            return "draw", self.draw
        from reprcheck.models.torch.state import state_digest

        return "state", state_digest(self.build().module)

    def build(self) -> BuiltNetwork:
        """Return the network on the CPU. Raises UserError."""
        from reprcheck.models.torch import timm_build

        network = timm_build.Blueprint(self.where, self.name, self.channels, self.size)
        return timm_build.build(network, self.checkpoint, self.draw)

    def twin(self, k: int) -> TimmNetwork:
        """Return the ``k``-th untrained twin: shared by all checkpoints of the architecture."""
        return replace(self, checkpoint=None, draw=seed("twin", k))
