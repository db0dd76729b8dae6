"""Untrained networks made harder to beat: adapted to some unlabelled images of those that they are then shown.

A freshly drawn network normalises by mean 0 and variance 1, which its activations don't have, and may so lose what its
architecture could have given: *calibrated*, one pass over the images sets both. Where nothing normalises, signal may
fade or explode: *rescaled*, each layer's weights are divided by the spread of what they make of the images
(`reprcheck.models.torch.rescaling`). Nothing is trained.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal, get_args

from reprcheck.code import code_digest
from reprcheck.digest import digest
from reprcheck.models.torch.encoder import TorchEncoder
from reprcheck.types import Encoder, Image

if TYPE_CHECKING:
    from reprcheck.models.torch.forward import Runner

Adaptation = Literal["calibrated", "rescaled"]
"""Of batch normalisation, or of the weights."""
CALIBRATED, RESCALED = get_args(Adaptation)


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
    """A network adapted to images, under another's feed and channel policy."""

    def __init__(self, encoder: TorchEncoder, images: AdaptationImages, how: Adaptation) -> None:
        name = encoder.name.replace("untrained", how)
        super().__init__(name, encoder.network, encoder.feed, encoder.plan, encoder.readout)
        self.encoder, self.images, self.how = encoder, images, how

    @cached_property
    def _digest(self) -> str:
        return digest(self.how, code_digest(__name__), self.encoder.digest(), self.images.ids)

    def _build(self) -> Runner:
        runner = super()._build()
        adapt_to = runner.adapt if self.how == CALIBRATED else runner.rescale
        adapt_to(plane for image in self.images.read() for plane in self.plan.planes([image]))
        return runner

    def _copy(self, built: Runner) -> Runner:
        runner = super()._build()
        runner.adapt_as(built)
        return runner


def adapt(encoder: Encoder, images: AdaptationImages, how: Adaptation = CALIBRATED) -> Encoder:
    """Return an untrained network (``untrained-0``) adapted to images (named ``calibrated-0`` or ``rescaled-0``).

    Parameters
    ----------
    encoder : Encoder
        Of a network of torch: a twin, or a plain network.
    images : AdaptationImages
        Two at least, of one shape. Nothing is read before the first image is encoded.
    how : {"calibrated", "rescaled"}
        The statistics of batch normalisation are set to those of the images, or the weights rescaled layer by layer.

    Raises
    ------
    TypeError
        For an encoder without a network.
    """
    if not isinstance(encoder, TorchEncoder):
        raise TypeError(f"{encoder.name} has no network to adapt")
    return AdaptedEncoder(encoder, images, how)
