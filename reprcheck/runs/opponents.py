"""Which references a model meets in a dataset, and why: the part of a run that decides how hard it is to pass.

Of networks that nobody trained a model meets, on the images as they are:

- K twins of its own architecture, each another draw of its weights;
- the same twins adapted, where they hold batch norm: a fresh network's statistics are mean 0 and variance 1, which
  its activations don't have, so one pass over unlabelled images sets them. Neither kind is always the stronger;
- a plain ResNet and a plain ViT, since another architecture may give for nothing what the model's own doesn't;
- its own weights shuffled within each tensor, where twins keep a trace of training;
- K plain ResNets in place of twins, where the model has none, or where fewer than two of them tell images apart:
  without two draws there is no spread to tell chance from.

On images whose histograms are matched it meets its twins alone, or the plain ResNets that stand in for them: the others
have been opponents on the images as they are, and nothing is adapted, so that no image's brightness enters again.

Beside them stand the hand-made baselines of the registry: all that have a meaning for the dataset, and of the optional
ones those that the policy asks for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields

import numpy as np

from reprcheck.baselines.matching import MatchedEncoder, Quantiles, TargetHistograms
from reprcheck.baselines.reference import Baseline, Reference
from reprcheck.diagnostics.contestants import Contestants, Family
from reprcheck.digest import digest
from reprcheck.embed.embedder import Channels, Embedder, select_rows
from reprcheck.embed.engine import Block
from reprcheck.models import AdaptationImages, Facts, Model, adapt, draw_plain
from reprcheck.policy import Policy
from reprcheck.registry import REFERENCES
from reprcheck.stats.collapse import collapse
from reprcheck.types import Dataset, Encoder

ADAPTATION_IMAGES = 64
"""Most images that batch normalisation is adapted to."""
FEWEST_DRAWS = 2
"""Fewest draws of a family that give a spread."""

Draws = dict[str, list[Encoder]]
"""Families by name, before they have seen an image."""


class Untrained(Reference):
    """Networks that nobody trained, in several families; those of the model's own architecture bear the name alone."""

    name, knows = "untrained", "nothing"
    resnet, vit = f"{name}-resnet", f"{name}-vit"
    letter, heading, probed = "u", "un-\ntrained", (name, resnet)


class Shuffled(Reference):
    """The trained network with each tensor permuted within itself: the scale of its weights, and nothing they hold."""

    name, knows = "shuffled", "nothing"


UNTRAINED, SHUFFLED = Untrained(), Shuffled()


@dataclass
class Opponents:
    """Embeds a model and the references it meets, each once.

    Parameters
    ----------
    policy : Policy
        How many draws make a family, and which optional baselines are met.
    embedder : Embedder
    """

    policy: Policy
    embedder: Embedder
    _baselines: dict[tuple[str, Channels], tuple[Mapping[str, Block], Block]] = field(default_factory=dict)
    _contestants: dict[tuple[str, str, str, Channels, bool], Contestants] = field(default_factory=dict)

    def baselines(self, dataset: Dataset, channels: Channels) -> Mapping[str, Block]:
        """Return the hand-made baselines by name, of all samples whose tasks show these channels."""
        return self._hand_made(dataset, channels)[0]

    def on_images(self, model: Model, dataset: Dataset, channels: Channels) -> Contestants:
        """Return a model's embedding and the untrained families it meets, all of whom are shown these channels."""
        return self._of(model, dataset, channels, matched=False)

    def on_matched_images(self, model: Model, dataset: Dataset, channels: Channels) -> Contestants | None:
        """Return the same on images that all have the dataset's mean histograms; None where none can be embedded."""
        return self._of(model, dataset, channels, matched=True) if model.embeds_images else None

    def _of(self, model: Model, dataset: Dataset, channels: Channels, matched: bool) -> Contestants:
        key = (model.digest, dataset.name, dataset.digest, channels, matched)
        if key not in self._contestants:
            self._contestants[key] = self._met(model, dataset, channels, matched)
        return self._contestants[key]

    def adaptation_images(self, dataset: Dataset, channels: Channels) -> AdaptationImages:
        """Choose images by the digests of their pixels, so that neither labels nor the table's order play a part."""
        view, (_, quantiles) = self.embedder.view(dataset, channels), self._hand_made(dataset, channels)
        rows = dict(zip(quantiles.ids, view.rows.tolist(), strict=True))
        chosen = sorted(rows)[:ADAPTATION_IMAGES]
        return AdaptationImages(tuple(chosen), lambda: (view.read(rows[i]) for i in chosen))

    def _hand_made(self, dataset: Dataset, channels: Channels) -> tuple[Mapping[str, Block], Block]:
        """Embed the baselines, and the quantiles that histogram matching needs, in one pass over the images."""
        key = (dataset.digest, channels)
        if key not in self._baselines:
            names = tuple(dataset.channels[c] for c in channels)
            offered = {name: baseline.encoder(dataset, names) for name, baseline in self._baselines_met().items()}
            encoders = {name: encoder for name, encoder in offered.items() if encoder is not None}
            *blocks, quantiles = self.embedder.embed(dataset, channels, [*encoders.values(), Quantiles()], "baselines")
            self._baselines[key] = dict(zip(encoders, blocks, strict=True)), quantiles
        return self._baselines[key]

    def _baselines_met(self) -> dict[str, Baseline]:
        """Return ours, and those that the policy asks for; no other is loaded."""
        references = {name: REFERENCES.get(name) for name in (*REFERENCES.own, *self.policy.baselines)}
        return {
            name: reference
            for name, reference in references.items()
            if isinstance(reference, Baseline) and (name in self.policy.baselines or not reference.optional)
        }

    def _met(self, model: Model, dataset: Dataset, channels: Channels, matched: bool) -> Contestants:
        vectors = model.vectors(dataset)  # refused before images are read
        twins = self.policy.twins
        title = f"{model.name} and {twins} untrained" + (", matched" if matched else "")
        target = None
        if matched:
            target = TargetHistograms.mean(self._hand_made(dataset, channels)[1].vectors, len(channels))

        def embed(families: Draws, first: Sequence[Encoder] = ()) -> tuple[list[Block], dict[str, Family]]:
            encoders = [*first, *(encoder for family in families.values() for encoder in family)]
            inputs = encoders if target is None else [MatchedEncoder(encoder, target) for encoder in encoders]
            blocks = iter(self.embedder.embed(dataset, channels, inputs, title))
            ahead = [next(blocks) for _ in first]
            return ahead, {name: tuple(next(blocks) for _ in family) for name, family in families.items()}

        images = None if matched else self.adaptation_images(dataset, channels)
        networks = Networks(model, len(channels), twins, self._facts(model), images)
        families = networks.on_matched_images() if matched else networks.on_images()
        if vectors is not None:
            _, untrained = embed(families)
            vectors, ids = vectors[select_rows(dataset, channels)], untrained[UNTRAINED.resnet][0].ids
            return Contestants(Block(digest("precomputed", vectors), ids, vectors), untrained)
        (embedding,), untrained = embed(families, [model.encoder(len(channels))])
        own = untrained.get(UNTRAINED.name, ())
        if own and sum(collapse(twin.vectors) is None for twin in own) < FEWEST_DRAWS:
            untrained |= embed(networks.stand_ins())[1]
        return Contestants(embedding, untrained)

    def _facts(self, model: Model) -> Facts:
        """Return what is known of a model's twins. The cache remembers, so that no network is built to find out."""
        cache, key = self.embedder.cache, digest("facts", model.digest, model.code_key())
        names = [field.name for field in fields(Facts)]
        arrays = cache.get("facts", key, names)
        if arrays is None:
            facts = model.facts()
            cache.put("facts", key, {name: np.array([value]) for name, value in asdict(facts).items()})
            return facts
        return Facts(**{name: bool(arrays[name].any()) for name in names})


@dataclass(frozen=True)
class Networks:
    """The untrained networks that stand against one model, before they have seen an image.

    Attributes
    ----------
    model : Model
    n_channels : int
    k : int
        Draws of a family.
    facts : Facts
        Of the model's twins.
    images : AdaptationImages or None
        What batch norm is adapted to; None for nothing.
    """

    model: Model
    n_channels: int
    k: int
    facts: Facts
    images: AdaptationImages | None

    def on_images(self) -> Draws:
        """Return the families that a model meets on the images as they are."""
        families = self.on_matched_images()
        families = families if UNTRAINED.resnet in families else families | {UNTRAINED.resnet: self._resnets(1)}
        families[UNTRAINED.vit] = [draw_plain(self.model, self.n_channels, "vit", 0)]
        if self.facts.opaque:
            shuffled = [self.model.shuffled(self.n_channels, i) for i in range(self.k)]
            families[SHUFFLED.name] = [encoder for encoder in shuffled if encoder is not None]
        return {name: family for name, family in families.items() if family}

    def on_matched_images(self) -> Draws:
        """Return the model's twins, or what stands in for them."""
        draws = [self.model.untrained(self.n_channels, i) for i in range(self.k)]
        twins = [twin for twin in draws if twin is not None]
        if len(twins) < self.k:
            return self.stand_ins()
        return self._with_adapted(UNTRAINED.name, twins, self.facts.batch_norm)

    def stand_ins(self) -> Draws:
        """Return plain ResNets in the place of twins."""
        return self._with_adapted(UNTRAINED.resnet, self._resnets(self.k), batch_norm=True)

    def _resnets(self, count: int) -> list[Encoder]:
        return [draw_plain(self.model, self.n_channels, "resnet", i) for i in range(count)]

    def _with_adapted(self, name: str, family: list[Encoder], batch_norm: bool) -> Draws:
        images = self.images
        if images is None or not batch_norm or len(images.ids) < 2:
            return {name: family}
        return {name: family, f"{name}-calibrated": [adapt(encoder, images) for encoder in family]}
