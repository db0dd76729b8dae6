"""Untrained networks made harder to beat: batch normalisation adapted to the images that they are then shown.

A freshly drawn network normalises by mean 0 and variance 1, which its activations don't have, and may so lose what its
architecture could have given. One pass over some unlabelled images sets both, and trains nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from reprcheck.code import code_digest
from reprcheck.digest import digest
from reprcheck.models.channels import planes
from reprcheck.models.torch.encoder import TorchEncoder
from reprcheck.types import Encoder, Image

if TYPE_CHECKING:
    from reprcheck.models.torch.forward import Runner


@dataclass(frozen=True, eq=False)
class AdaptationImages:
    """Images that networks see before they encode.

    Attributes
    ----------
    ids : tuple of str
        What the images are, in order; all that shapes their pixels is in it.
    read : callable
        Returns the images; called when a network is built, by several threads at a time.
    """

    ids: tuple[str, ...]
    read: Callable[[], Iterable[Image]]


class AdaptedEncoder(TorchEncoder):
    """A network whose batch normalisation takes its statistics from images, under another's feed and channel policy."""

    def __init__(self, encoder: TorchEncoder, images: AdaptationImages) -> None:
        name = encoder.name.replace("untrained", "calibrated")
        super().__init__(name, encoder.network, encoder.feed, encoder.policy)
        self.encoder, self.images = encoder, images

    @cached_property
    def _digest(self) -> str:
        return digest("calibrated", code_digest(__name__), self.encoder.digest(), self.images.ids)

    def _build(self) -> Runner:
        runner = super()._build()
        runner.adapt(plane for image in self.images.read() for plane in planes([image], self.policy))
        return runner

    def _copy(self, built: Runner) -> Runner:
        runner = super()._build()
        runner.adapt_as(built)
        return runner


def adapt(encoder: Encoder, images: AdaptationImages) -> Encoder:
    """Return an untrained network (``untrained-0``) with adapted batch normalisation (named ``calibrated-0``).

    Parameters
    ----------
    encoder : Encoder
        Of a network of torch: a twin, or a plain network.
    images : AdaptationImages
        Two at least, of one shape. Nothing is read before the first image is encoded.

    Raises
    ------
    TypeError
        For an encoder without a network.
    """
    if not isinstance(encoder, TorchEncoder):
        raise TypeError(f"{encoder.name} has no network to adapt")
    return AdaptedEncoder(encoder, images)
