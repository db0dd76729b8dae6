"""How pixels are prepared before a network sees them: what a SPEC asks for, and what a model asks of others."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, cast, get_args

from reprcheck.errors import UserError
from reprcheck.models import options
from reprcheck.models.channels import NAMED, WHOLE
from reprcheck.models.spec import Spec

Precision = Literal["fp32", "bf16", "fp16"]
PRECISIONS: tuple[Precision, ...] = get_args(Precision)
"""What a network may compute in: float32, or half of its bits where torch's autocast finds that safe."""
Normalise = Literal["model", "image", "channel"]
Fit = Literal["resize", "crop", "tile"]
FITS: tuple[Fit, ...] = get_args(Fit)
"""An image becomes one of the network's size: squeezed, cut out of the middle, or cut into tiles."""
Interpolation = Literal["bilinear", "bicubic", "nearest"]
INTERPOLATIONS: tuple[Interpolation, ...] = get_args(Interpolation)

EVERY_MODEL = ("channels", "roles")
"""Options that are followed before a model is called, whatever it is."""
FEED = (
    *("size", "normalise", "precision"),
    *("range", "percentiles", "mean", "std", "fit", "resize", "interpolation", "names_as"),
    *EVERY_MODEL,
)
"""The options of a SPEC that `Preprocessing.of` reads."""


@dataclass(frozen=True)
class Preprocessing:
    """How pixels in [0, 1] are prepared for a network, in the order of the attributes from ``channels`` on.

    Attributes
    ----------
    size : int or None
        Side in pixels of what the network sees. None: the size that the network insists on, if any, else the dataset's.
    normalise : {"model", "image", "channel"}
        Subtract the model's mean and divide by its standard deviation; or bring all that enters together (an image, or
        one channel of it under ``replicate``), or each channel of it, to mean 0 and standard deviation 1.
    channels : str or None
        The channel policy asked for, see `reprcheck.models.channels`.
    precision : {"fp32", "bf16", "fp16"}
        What the network computes in; weights and vectors stay float32.
    roles : tuple of str
        What the network's channels are, in its order.
    percentiles : (low, high) or None
        Each channel of each image is stretched between these percentiles to [0, 1], and clipped.
    fit : {"resize", "crop", "tile"}
        How an image becomes one of ``size``: squeezed; cut out of the middle; or cut into tiles, whose vectors are
        averaged.
    resize : int or None
        Pixels that the shorter side is brought to before ``crop``; None: ``size``.
    interpolation : {"bilinear", "bicubic", "nearest"}
        Of resizing; antialiased but for the last.
    range : (low, high) or None
        What 0 and 1 become. The model's own mean and standard deviation are then not used.
    mean, std : tuple of float or None
        In place of the model's own, one for all channels or one each; in units of ``range``.
    names_as : str or None
        The keyword under which the network is told the names of the channels that it is shown.
    names : tuple of str
        These, once images are known.
    """

    size: int | None = None
    normalise: Normalise = "model"
    channels: str | None = None
    precision: Precision = "fp32"
    roles: tuple[str, ...] = ()
    percentiles: tuple[float, float] | None = None
    fit: Fit = "resize"
    resize: int | None = None
    interpolation: Interpolation = "bilinear"
    range: tuple[float, float] | None = None
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None
    names_as: str | None = None
    names: tuple[str, ...] = ()

    @classmethod
    def of(cls, spec: Spec) -> Preprocessing:
        """Return what the SPEC's options ask for. Raises UserError for values that can't be, or contradict."""
        feed = cls(
            options.count(spec, "size"),
            cast(Normalise, options.one_of(spec, "normalise", ("image", "channel")) or "model"),
            _channels(spec),
            cast(Precision, options.one_of(spec, "precision", PRECISIONS) or "fp32"),
            tuple((options.text(spec, "roles") or "").split(",")) if "roles" in spec.options else (),
            _pair(options.numbers(spec, "percentiles"), spec, "percentiles", "percentiles=1,99"),
            cast(Fit, options.one_of(spec, "fit", FITS) or "resize"),
            options.count(spec, "resize"),
            cast(Interpolation, options.one_of(spec, "interpolation", INTERPOLATIONS) or "bilinear"),
            _pair(options.numbers(spec, "range", ".."), spec, "range", "range=0..255"),
            options.numbers(spec, "mean"),
            options.numbers(spec, "std"),
            options.text(spec, "names_as"),
        )
        if problem := feed._contradiction():
            raise UserError(spec.where, *problem)
        return feed

    def _contradiction(self) -> tuple[str, str] | None:
        """Return what is wrong with options that are fine each alone, and a remedy."""
        if (self.mean is None) != (self.std is None):
            return "mean and std belong together", "give both, or neither"
        if self.std is not None and min(self.std) <= 0:
            return "std isn't above 0", "give standard deviations"
        if self.percentiles is not None and not 0 <= self.percentiles[0] < self.percentiles[1] <= 100:
            return "percentiles lie between 0 and 100", "write percentiles=1,99"
        if self.normalise != "model" and (self.range or self.mean):
            return f"normalise={self.normalise} leaves nothing of range, mean and std", "drop one of them"
        if self.resize is not None and (self.fit != "crop" or (self.size or 0) > self.resize):
            return "resize is the side that a smaller size is cut from", "write fit=crop&resize=256&size=224"
        return None

    @property
    def key(self) -> tuple[int | str | None, ...]:
        """What makes vectors differ, but for the channel policy."""
        return (
            self.size,
            self.normalise,
            *(() if self.precision == "fp32" else (self.precision,)),
            *self.declared,
            *self.names,
        )

    @property
    def declared(self) -> tuple[str, ...]:
        """What was asked for of values and sizes beyond ``size``, ``normalise`` and ``precision``, as a SPEC has it."""
        said = {
            "percentiles": self.percentiles and _written(self.percentiles),
            "fit": None if self.fit == "resize" else self.fit,
            "resize": self.resize,
            "interpolation": None if self.interpolation == "bilinear" else self.interpolation,
            "range": self.range and _written(self.range, ".."),
            "mean": self.mean and _written(self.mean),
            "std": self.std and _written(self.std),
            "names_as": self.names_as,
        }
        return tuple(f"{name}={value}" for name, value in said.items() if value is not None)

    def for_plain(self, sized: bool) -> Preprocessing:
        """Return what a plain network is fed beside this one: the same, but in values that it takes itself.

        Parameters
        ----------
        sized : bool
            Whether it has a size of its own; else it sees images as they are.
        """
        feed = replace(self, size=None, range=None, mean=None, std=None, names_as=None, names=())
        return feed if sized else replace(feed, fit="resize", resize=None)


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


def _channels(spec: Spec) -> str | None:
    asked = options.text(spec, "channels")
    kind, colon, rest = (asked or "").partition(":")
    if kind in NAMED:
        if not rest:
            raise UserError(spec.where, f"channels={asked} names no channel", f"write channels={kind}:DNA, say")
        return asked
    return asked if colon == "" and asked in WHOLE else options.one_of(spec, "channels", WHOLE)


def _pair(values: tuple[float, ...] | None, spec: Spec, key: str, example: str) -> tuple[float, float] | None:
    if values is None:
        return None
    if len(values) != 2 or values[0] >= values[1]:
        raise UserError(spec.where, f"{key}={spec.options[key]} isn't a low and a high number", f"write {example}")
    return values[0], values[1]


def _written(values: tuple[float, ...], between: str = ",") -> str:
    return between.join(f"{value:g}" for value in values)
