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
from reprcheck.models.channels import choose
from reprcheck.models.model import Architecture, Feed, name_of
from reprcheck.models.network import Built, Network, NetworkModel, SizeRule
from reprcheck.models.spec import Spec
from reprcheck.models.torch_encoder import TorchEncoder
from reprcheck.seeding import seed

OPTIONS = ("pretrained", "checkpoint", "seed", "size", "in_chans", "normalise", "channels", "name")
FIXED_DRAW = 0
"""Seed of the model ``timm:NAME?pretrained=false``."""
PLAIN = {"resnet": "resnet18", "vit": "vit_tiny_patch16_224"}
"""timm's names of the plain untrained networks."""


def timm_model(spec: Spec) -> NetworkModel:
    """Return the model of a ``timm:`` SPEC. Raises UserError for bad options and a checkpoint that isn't there."""
    options.only(spec, OPTIONS)
    checkpoint = options.text(spec, "checkpoint")
    pretrained = options.flag(spec, "pretrained", default=checkpoint is None)
    if checkpoint and pretrained:
        raise UserError(spec.where, "pretrained=true and a checkpoint ask for two sets of weights", "drop one of them")
    draw = options.count(spec, "seed")
    if draw and (checkpoint or pretrained):
        raise UserError(spec.where, "a seed draws weights, but others are asked for", "write pretrained=false&seed=1")
    if checkpoint and not Path(checkpoint).expanduser().is_file():
        raise UserError(spec.where, f"no checkpoint file {checkpoint}", "check the path")
    feed = Feed.of(spec)
    network = TimmNetwork(
        spec.where,
        spec.target,
        options.count(spec, "in_chans") or 3,
        feed.size,
        Path(checkpoint).expanduser() if checkpoint else None,
        None if pretrained or checkpoint else draw or FIXED_DRAW,
    )
    return NetworkModel(str(spec), name_of(spec), network, feed)


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
        from reprcheck.models.module_state import state_digest

        return "state", state_digest(self.build().module)

    def build(self) -> Built:
        """Return the network on the CPU. Raises UserError."""
        from reprcheck.models import timm_build

        return timm_build.build(self)

    def twin(self, k: int) -> TimmNetwork:
        """Return the ``k``-th untrained twin: shared by all checkpoints of the architecture."""
        return replace(self, checkpoint=None, draw=seed("twin", k))

    def sized_as(self, size: int | None) -> SizeRule:
        """Return ``size``, or the size that timm's configuration of this name insists on, if any."""
        return SizeRule(size, None if size else self.name)


def plain(
    architecture: Architecture, k: int, in_chans: int, n_channels: int, feed: Feed, size_of: str | None
) -> TorchEncoder:
    """Return the ``k``-th plain untrained network of an architecture.

    Parameters
    ----------
    architecture : {"resnet", "vit"}
    k : int
    in_chans : int
        Channels the network takes.
    n_channels : int
        Channels of the images.
    feed : Feed
        The model's; ``size`` None leaves the size to ``size_of``.
    size_of : str or None
        A timm name: the size that its configuration insists on, if any, is the input size. Else it is the dataset's.
    """
    name = f"untrained-{architecture}-{k}"
    network = PlainNetwork(name, architecture, k, in_chans, feed.size, size_of)
    return TorchEncoder(name, network, feed.sized(None), choose(in_chans, n_channels, feed.channels, name))


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

    def build(self) -> Built:
        """Return the network on the CPU. Raises UserError for an unknown ``size_of``."""
        from reprcheck.models import timm_build

        return timm_build.build_plain(self, seed("plain", self.architecture, self.k))

    def twin(self, k: int) -> PlainNetwork:
        """Return the ``k``-th draw."""
        return replace(self, k=k)
