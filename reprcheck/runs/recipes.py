"""The encoders that a run compares, as recipes: cheap to make, and followed again by any process that is to have them.

Which of them a model meets is worked out in `reprcheck.runs.opponents`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from reprcheck.baselines.matching import MatchedEncoder, Quantiles, TargetHistograms
from reprcheck.baselines.reference import Baseline, Reference
from reprcheck.embed.fill import ImageView
from reprcheck.models import AdaptationImages, Facts, Model, adapt, draw_plain
from reprcheck.types import Dataset, Encoder, Image

Draws = dict[str, list[Encoder]]
"""Families by name, before they have seen an image; the model itself under `MODEL`."""
MODEL = "model"


class Untrained(Reference):
    """Networks that nobody trained, in several families; those of the model's own architecture bear the name alone."""

    name, knows = "untrained", "nothing"
    resnet, vit = f"{name}-resnet", f"{name}-vit"
    letter, heading, probed = "u", "un-\ntrained", (name, resnet)


class Shuffled(Reference):
    """The trained network with each tensor permuted within itself: the scale of its weights, and nothing they hold."""

    name, knows = "shuffled", "nothing"


UNTRAINED, SHUFFLED = Untrained(), Shuffled()
QUANTILES = Quantiles()


def flat(draws: Draws) -> list[Encoder]:
    """Return all encoders of families."""
    return [encoder for family in draws.values() for encoder in family]


@dataclass(frozen=True)
class ChosenImages:
    """Reads the images at some rows, whenever it is called."""

    view: ImageView
    rows: tuple[int, ...]

    def __call__(self) -> Iterator[Image]:
        """Yield the images."""
        return map(self.view.read, self.rows)


@dataclass(frozen=True)
class HandMade:
    """The hand-made baselines that have a meaning for some channels of a dataset, and the quantiles for matching."""

    baselines: Mapping[str, Baseline]
    dataset: Dataset
    channels: tuple[str, ...]

    def draws(self) -> Draws:
        """Return each as a family of one."""
        offered = {name: baseline.encoder(self.dataset, self.channels) for name, baseline in self.baselines.items()}
        return {name: [encoder] for name, encoder in offered.items() if encoder is not None} | {
            QUANTILES.name: [QUANTILES]
        }


@dataclass(frozen=True)
class Together:
    """What is embedded in one pass."""

    hand_made: HandMade
    networks: Networks

    def draws(self) -> Draws:
        """Return all families."""
        return self.hand_made.draws() | self.networks.draws()


@dataclass(frozen=True)
class Networks:
    """A model and the untrained networks that stand against it, before they have seen an image.

    Attributes
    ----------
    model : Model
    n_channels : int
    k : int
        Draws of a family.
    facts : Facts
        Of the model's twins.
    with_model : bool
        Whether the model is a network too.
    images : AdaptationImages or None
        What batch norm is adapted to; None for nothing.
    target : TargetHistograms or None
        That of all images that are shown; None for images as they are.
    """

    model: Model
    n_channels: int
    k: int
    facts: Facts
    with_model: bool
    images: AdaptationImages | None = None
    target: TargetHistograms | None = None

    def draws(self) -> Draws:
        """Return the model, where it is a network, and the families that it meets."""
        model = {MODEL: [self.model.encoder(self.n_channels)]} if self.with_model else {}
        families = self._on_images() if self.target is None else self._twins()
        return self._shown(model | families)

    def stand_ins(self) -> Draws:
        """Return plain ResNets in the place of twins."""
        return self._shown(self._stand_ins())

    def _shown(self, draws: Draws) -> Draws:
        if (target := self.target) is None:
            return draws
        return {name: [MatchedEncoder(encoder, target) for encoder in family] for name, family in draws.items()}

    def _on_images(self) -> Draws:
        """Return the families that a model meets on the images as they are."""
        families = self._twins()
        families = families if UNTRAINED.resnet in families else families | {UNTRAINED.resnet: self._resnets(1)}
        families[UNTRAINED.vit] = [draw_plain(self.model, self.n_channels, "vit", 0)]
        if self.facts.opaque:
            shuffled = [self.model.shuffled(self.n_channels, i) for i in range(self.k)]
            families[SHUFFLED.name] = [encoder for encoder in shuffled if encoder is not None]
        return {name: family for name, family in families.items() if family}

    def _twins(self) -> Draws:
        """Return the model's twins, or what stands in for them."""
        draws = [self.model.untrained(self.n_channels, i) for i in range(self.k)]
        twins = [twin for twin in draws if twin is not None]
        if len(twins) < self.k:
            return self._stand_ins()
        return self._with_adapted(UNTRAINED.name, twins, self.facts.batch_norm)

    def _stand_ins(self) -> Draws:
        return self._with_adapted(UNTRAINED.resnet, self._resnets(self.k), batch_norm=True)

    def _resnets(self, count: int) -> list[Encoder]:
        return [draw_plain(self.model, self.n_channels, "resnet", i) for i in range(count)]

    def _with_adapted(self, name: str, family: list[Encoder], batch_norm: bool) -> Draws:
        images = self.images
        if images is None or not batch_norm or len(images.ids) < 2:
            return {name: family}
        return {name: family, f"{name}-calibrated": [adapt(encoder, images) for encoder in family]}
