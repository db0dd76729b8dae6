"""The encoders that a run compares, as recipes: cheap to make, and followed again by any process that is to have them.

Which of them a model meets is worked out in `reprcheck.runs.opponents`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from reprcheck.baselines.matching import MatchedEncoder, Quantiles, TargetHistograms, match
from reprcheck.baselines.reference import Baseline, Reference
from reprcheck.embed.fill import ImageView
from reprcheck.models import (
    ARCHITECTURES,
    CALIBRATED,
    RESCALED,
    Adaptation,
    AdaptationImages,
    Facts,
    Model,
    adapt,
    draw_plain,
)
from reprcheck.models.torch.encoder import TorchEncoder
from reprcheck.types import Dataset, Encoder, Image

Draws = dict[str, list[Encoder]]
"""Families by name, before they have seen an image; the model itself under `MODEL`."""
MODEL = "model"


class Untrained(Reference):
    """Networks that nobody trained, in several families; those of the model's own architecture bear the name alone."""

    name, knows = "untrained", "nothing"
    letter, heading, probed = "u", "un-\ntrained", (name, f"{name}-conv")


class Shuffled(Reference):
    """The trained network with each tensor permuted within itself: the scale of its weights, and nothing they hold."""

    name, knows = "shuffled", "nothing"


UNTRAINED, SHUFFLED = Untrained(), Shuffled()
CALIBRATED_TWINS, RESCALED_TWINS = (f"{UNTRAINED.name}-{how}" for how in (CALIBRATED, RESCALED))
TWINS = (UNTRAINED.name, CALIBRATED_TWINS, RESCALED_TWINS)
"""The families of the model's own architecture."""
QUANTILES = Quantiles()
FEWEST_IMAGES = 2
"""Fewest that statistics can be taken from."""


def flat(draws: Draws) -> list[Encoder]:
    """Return all encoders of families."""
    return [encoder for family in draws.values() for encoder in family]


@dataclass(frozen=True)
class ChosenImages:
    """Reads the images at some rows, whenever it is called; matched to a target, where there is one."""

    view: ImageView
    rows: tuple[int, ...]
    target: TargetHistograms | None = None

    def __call__(self) -> Iterator[Image]:
        """Yield the images."""
        for row in self.rows:
            image, target = self.view.read(row), self.target
            yield image if target is None else replace(image, pixels=match(image.pixels, target))


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
    channels : tuple of str
        Those that are shown, by name.
    k : int
        Draws of a family.
    facts : Facts
        Of the model's twins.
    with_model : bool
        Whether the model is a network too.
    images : AdaptationImages or None
        What twins are adapted to, matched where all images are; None for nothing.
    target : TargetHistograms or None
        That of all images that are shown; None for images as they are.
    """

    model: Model
    channels: tuple[str, ...]
    k: int
    facts: Facts
    with_model: bool
    images: AdaptationImages | None = None
    target: TargetHistograms | None = None

    def draws(self) -> Draws:
        """Return the model, where it is a network, and the families that it meets whatever they turn out to be."""
        model = {MODEL: [self._model.encoder(self._n)]} if self.with_model else {}
        return self._shown(model | (self._on_images() if self.target is None else self._twins() or self._plain()))

    def rescaled(self) -> Draws:
        """Return the twins rescaled layer by layer; nothing where they have no layers of torch."""
        twins = [twin for twin in self._drawn() if isinstance(twin, TorchEncoder) and twin.network.has_layers]
        return self._shown(self._adapted(twins, RESCALED))

    def plain(self) -> Draws:
        """Return the plain families."""
        return self._shown(self._plain())

    @property
    def _model(self) -> Model:
        return self.model.on(self.channels)

    @property
    def _n(self) -> int:
        return len(self.channels)

    def _shown(self, draws: Draws) -> Draws:
        if (target := self.target) is None:
            return draws
        return {name: [MatchedEncoder(encoder, target) for encoder in family] for name, family in draws.items()}

    def _on_images(self) -> Draws:
        """Return the families that a model meets on the images as they are."""
        families = self._twins() | self._plain()
        if self.facts.opaque:
            shuffled = [self._model.shuffled(self._n, i) for i in range(self.k)]
            families[SHUFFLED.name] = [encoder for encoder in shuffled if encoder is not None]
        return {name: family for name, family in families.items() if family}

    def _plain(self) -> Draws:
        return {
            f"{UNTRAINED.name}-{architecture}": [
                draw_plain(self._model, self._n, architecture, i, self.facts.size) for i in range(self.k)
            ]
            for architecture in ARCHITECTURES
        }

    def _twins(self) -> Draws:
        """Return the model's twins as drawn and, with batch norm, adapted; nothing where it has none."""
        twins = self._drawn()
        if not twins:
            return {}
        return {UNTRAINED.name: twins} | (self._adapted(twins, CALIBRATED) if self.facts.batch_norm else {})

    def _drawn(self) -> list[Encoder]:
        draws = [self._model.untrained(self._n, i) for i in range(self.k)]
        twins = [twin for twin in draws if twin is not None]
        return twins if len(twins) == self.k else []

    def _adapted(self, twins: Sequence[Encoder], how: Adaptation) -> Draws:
        images = self.images
        if images is None or not twins or len(images.ids) < FEWEST_IMAGES:
            return {}
        return {f"{UNTRAINED.name}-{how}": [adapt(twin, images, how) for twin in twins]}
