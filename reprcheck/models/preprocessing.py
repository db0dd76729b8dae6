"""How pixels are prepared before a network sees them: what a SPEC asks for, and what a model asks of others."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, cast, get_args

from reprcheck.models import options
from reprcheck.models.channels import POLICIES, ChannelPolicy
from reprcheck.models.spec import Spec

Precision = Literal["fp32", "bf16", "fp16"]
PRECISIONS: tuple[Precision, ...] = get_args(Precision)
"""What a network may compute in: float32, or half of its bits where torch's autocast finds that safe."""


@dataclass(frozen=True)
class Preprocessing:
    """How pixels in [0, 1] are prepared for a network.

    Attributes
    ----------
    size : int or None
        Side in pixels that images are resized to (bilinear, antialiased). None: the size that the network insists on,
        if any, else the dataset's.
    normalise : {"model", "image"}
        Subtract the model's mean and divide by its standard deviation; or bring all that enters together (an image, or
        one channel of it under ``replicate``) to mean 0 and standard deviation 1.
    channels : {"native", "replicate"} or None
        The channel policy asked for.
    precision : {"fp32", "bf16", "fp16"}
        What the network computes in; weights and vectors stay float32.
    """

    size: int | None = None
    normalise: Literal["model", "image"] = "model"
    channels: ChannelPolicy | None = None
    precision: Precision = "fp32"

    @classmethod
    def of(cls, spec: Spec) -> Preprocessing:
        """Return what the SPEC's options ask for."""
        normalise = options.one_of(spec, "normalise", ("image",)) or "model"
        return cls(
            options.count(spec, "size"),
            cast(Literal["model", "image"], normalise),
            cast(ChannelPolicy | None, options.one_of(spec, "channels", POLICIES)),
            cast(Precision, options.one_of(spec, "precision", PRECISIONS) or "fp32"),
        )

    @property
    def key(self) -> tuple[int | str | None, ...]:
        """What makes vectors differ, but for the channel policy."""
        return self.size, self.normalise, *(() if self.precision == "fp32" else (self.precision,))

    def sized(self, size: int | None) -> Preprocessing:
        """Return the same at another size."""
        return replace(self, size=size)


@dataclass(frozen=True)
class Input:
    """What a network takes, so that another can be shown the same.

    Attributes
    ----------
    in_chans : int
        Channels it takes.
    feed : Preprocessing
        ``size`` None leaves the size to the network, where that insists on one, else to the dataset.
    """

    in_chans: int
    feed: Preprocessing
