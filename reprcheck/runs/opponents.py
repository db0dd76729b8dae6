"""Which references a model meets in a dataset, and why: the part of a run that decides how hard it is to pass.

Of networks that nobody trained every model meets, on the images as they are,

- three plain families, K draws each: a convolutional net at full resolution, a ResNet and a ViT. Another architecture
  may give for nothing what the model's own doesn't, and what nobody can draw afresh meets nothing else;

and where its weights can be drawn afresh,

- K twins of its own architecture, each another draw of its weights;
- the same twins calibrated, where they hold batch norm: a fresh network's statistics are mean 0 and variance 1, which
  its activations don't have, so one pass over unlabelled images sets them. Neither kind is always the stronger;
- the same twins rescaled layer by layer on these images, where the features of one of them hardly vary in the precision
  they were computed in, or aren't finite: that is measured when they are embedded, and reported;
- its own weights shuffled within each tensor, where twins keep a trace of training.

On images whose histograms are matched it meets its twins, the same kinds, adapted to matched images so that no image's
brightness enters again. The plain families take their place where it has none, or where fewer than two twins of any
kind tell images apart: without two draws there is no spread to tell chance from.

Beside them stand the hand-made baselines of the registry: all that have a meaning for the dataset, and of the optional
ones those that the policy asks for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from functools import partial

import numpy as np

from reprcheck.baselines import matching
from reprcheck.baselines.matching import TargetHistograms
from reprcheck.baselines.reference import Baseline
from reprcheck.code import code_digest
from reprcheck.diagnostics.contestants import Contestants, Family
from reprcheck.digest import digest
from reprcheck.embed.embedder import Channels, Embedder, full_title, select_rows
from reprcheck.embed.engine import Block
from reprcheck.models import AdaptationImages, Facts, Model
from reprcheck.policy import Policy
from reprcheck.registry import REFERENCES
from reprcheck.runs.recipes import (
    CALIBRATED_TWINS,
    MODEL,
    QUANTILES,
    TWINS,
    UNTRAINED,
    ChosenImages,
    Draws,
    HandMade,
    Networks,
    Together,
    flat,
)
from reprcheck.stats.collapse import FADED, collapse, lost_signal
from reprcheck.types import Dataset, Encoder

ADAPTATION_IMAGES = 64
"""Most images that untrained networks are adapted to."""
FEWEST_DRAWS = 2
"""Fewest draws of a family that give a spread."""

UNKNOWN_IMAGES = AdaptationImages(("unknown", "yet"), tuple)
UNKNOWN_TARGET = TargetHistograms(np.zeros((0, 0), np.float32))
"""Stand for what is taken from images, where these haven't been decoded: no cache has vectors that rest on them."""
HAND_MADE = "baselines"
"""The title of the pass that embeds the baselines."""
LOST = {
    "fades": f"the signal fades (most features spread over fewer than {FADED} steps of the floats they have)",
    "explodes": "the signal explodes (numbers aren't finite)",
}
"""What `lost_signal` says, in the report's words."""


@dataclass(frozen=True)
class Pass:
    """A pass over the images of a dataset, before it is made.

    Attributes
    ----------
    dataset, what : str
    title : str
        Both, as its progress bar has it.
    lacking : tuple of int
        How many images each encoder hasn't seen yet.
    """

    dataset: str
    what: str
    title: str
    lacking: tuple[int, ...]


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

    def embed_first(self, model: Model, dataset: Dataset, channels: Channels) -> None:
        """Embed what rests on no image but its own, in one pass: the baselines, the model, and families not adapted."""
        hand_made, networks = self._baselines_of(dataset, channels), self._networks(model, dataset, channels)
        self._embed(dataset, channels, Together(hand_made, networks).draws, f"{model.name} and what it meets")

    def adaptation_images(
        self, dataset: Dataset, channels: Channels, target: TargetHistograms | None = None
    ) -> AdaptationImages:
        """Choose images by the digests of their pixels, so that neither labels nor the table's order play a part.

        With a target they are read matched to it.
        """
        view, (_, quantiles) = self.embedder.view(dataset, channels), self._hand_made(dataset, channels)
        rows = dict(zip(quantiles.ids, view.rows.tolist(), strict=True))
        chosen = sorted(rows)[:ADAPTATION_IMAGES]
        ids = (
            chosen
            if target is None
            else [digest("matched", i, target.digest(), code_digest(matching.__name__)) for i in chosen]
        )
        return AdaptationImages(tuple(ids), ChosenImages(view, tuple(rows[i] for i in chosen), target))

    def passes(self, model: Model, dataset: Dataset, channels: Channels, matched: bool) -> Iterator[Pass]:
        """Yield what must be embedded for a model, on matched images too where asked; nothing is embedded here.

        Vectors that depend on images that haven't been decoded yet are lacking.
        """
        networks, hand_made = self._networks(model, dataset, channels), self._baselines_of(dataset, channels)

        def count(what: str, draws: Draws) -> Pass:
            lacking = self.embedder.count_missing(dataset, channels, flat(draws))
            return Pass(dataset.name, what, full_title(dataset, channels, what), lacking)

        baselines = count(HAND_MADE, hand_made.draws())
        yield baselines
        is_decoded = not any(baselines.lacking)
        images = self.adaptation_images(dataset, channels) if is_decoded else UNKNOWN_IMAGES
        yield count(self._title(model, False), replace(networks, images=images).draws())
        if matched and model.embeds_images:
            target = self._target(dataset, channels) if is_decoded else UNKNOWN_TARGET
            images = self.adaptation_images(dataset, channels, target) if is_decoded else UNKNOWN_IMAGES
            yield count(self._title(model, True), replace(networks, images=images, target=target).draws())

    def _title(self, model: Model, matched: bool) -> str:
        return f"{model.name} and {self.policy.twins} untrained" + (", matched" if matched else "")

    def _target(self, dataset: Dataset, channels: Channels) -> TargetHistograms:
        return TargetHistograms.mean(self._hand_made(dataset, channels)[1].vectors, len(channels))

    def _hand_made(self, dataset: Dataset, channels: Channels) -> tuple[Mapping[str, Block], Block]:
        """Embed the baselines, and the quantiles that histogram matching needs, in one pass over the images.

        The quantiles are those of all images, whoever embeds them.
        """
        key = (dataset.digest, channels)
        if key not in self._baselines:
            families = self._embed(dataset, channels, self._baselines_of(dataset, channels).draws, HAND_MADE)
            blocks = {name: block for name, (block,) in families.items()}
            quantiles = blocks.pop(QUANTILES.name)
            taken = {name: one.taken_from for name, one in self._offered().items()}
            blocks |= {name: blocks[source] for name, source in taken.items() if source in blocks}
            (quantiles,) = self.embedder.complete(dataset, channels, [QUANTILES], [quantiles], QUANTILES.name)
            self._baselines[key] = blocks, quantiles
        return self._baselines[key]

    def _baselines_of(self, dataset: Dataset, channels: Channels) -> HandMade:
        return HandMade(self._offered(), dataset, tuple(dataset.channels[c] for c in channels))

    def _offered(self) -> dict[str, Baseline]:
        """Return our baselines, and those that the policy asks for; no other is loaded."""
        references = {name: REFERENCES.get(name) for name in (*REFERENCES.own, *self.policy.baselines)}
        return {
            name: reference
            for name, reference in references.items()
            if isinstance(reference, Baseline) and (name in self.policy.baselines or not reference.optional)
        }

    def _networks(self, model: Model, dataset: Dataset, channels: Channels) -> Networks:
        is_alone = model.vectors(dataset) is not None  # refused before images are read
        names = tuple(dataset.channels[channel] for channel in channels)
        return Networks(model, names, self.policy.twins, self._facts(model), not is_alone)

    def _met(self, model: Model, dataset: Dataset, channels: Channels, matched: bool) -> Contestants:
        title = self._title(model, matched)
        self._hand_made(dataset, channels)
        target = self._target(dataset, channels) if matched else None
        images = self.adaptation_images(dataset, channels, target)
        networks = replace(self._networks(model, dataset, channels), images=images, target=target)
        untrained = self._embed(dataset, channels, networks.draws, title)
        if MODEL not in untrained:
            vectors, ids = model.vectors(dataset), next(iter(untrained.values()))[0].ids
            assert vectors is not None
            vectors = vectors[select_rows(dataset, channels)]
            return Contestants(Block(digest("precomputed", vectors), ids, vectors), untrained)
        (embedding,) = untrained.pop(MODEL)
        if UNTRAINED.name not in untrained:
            return Contestants(embedding, untrained)
        draws, notes = networks.draws(), []

        def known(kind: str) -> Sequence[Block]:
            return self.embedder.known(dataset, channels, draws[kind], untrained[kind])

        def join(draw: Callable[[], Draws]) -> bool:
            draws.update(draw())
            untrained.update(self._join(dataset, channels, draw, title, known(UNTRAINED.name)))
            return bool(draw())

        best = CALIBRATED_TWINS if CALIBRATED_TWINS in untrained else UNTRAINED.name
        lost = [lost_signal(twin.vectors) for twin in known(best)]
        if any(lost):
            notes.append(_tell_lost(lost, join(networks.rescaled)))
        usable = [sum(collapse(twin.vectors) is None for twin in known(kind)) for kind in TWINS if kind in untrained]
        if matched and max(usable) < FEWEST_DRAWS:
            join(networks.plain)
        return Contestants(embedding, untrained, notes=tuple(notes))

    def _join(
        self, dataset: Dataset, channels: Channels, draw: Callable[[], Draws], title: str, known: Sequence[Block]
    ) -> dict[str, Family]:
        """Embed families that join in by what is known of others; whoever knew those of all samples does so for all."""
        families = self._embed(dataset, channels, draw, title)
        if len(known[0].ids) == len(select_rows(dataset, channels)):
            blocks = [block for family in families.values() for block in family]
            self.embedder.complete(dataset, channels, flat(draw()), blocks, title)
        return families

    def _embed(self, dataset: Dataset, channels: Channels, draw: Callable[[], Draws], title: str) -> dict[str, Family]:
        draws = draw()
        blocks = iter(self.embedder.embed(dataset, channels, flat(draws), title, partial(_follow, draw)))
        return {name: tuple(next(blocks) for _ in family) for name, family in draws.items()}

    def _facts(self, model: Model) -> Facts:
        """Return what is known of a model's twins. The cache remembers, so that no network is built to find out."""
        cache, key = self.embedder.cache, digest("facts", model.digest, model.code_key())
        names = [field.name for field in fields(Facts)]
        arrays = cache.get("facts", key, names)
        if arrays is None:
            facts = model.facts()
            cache.put("facts", key, {name: np.array([value or 0]) for name, value in asdict(facts).items()})
            return facts
        batch_norm, opaque, size = (int(arrays[name][0]) for name in names)
        return Facts(bool(batch_norm), bool(opaque), size or None)


def _tell_lost(lost: Sequence[str | None], rescaled: bool) -> str:
    """Return a sentence on twins whose signal is lost, and what was done about it."""
    reasons = [f"in {lost.count(what)} of {len(lost)} {words}" for what, words in LOST.items() if what in lost]
    also = "were also rescaled layer by layer" if rescaled else "can't be rescaled, since they have no layers of torch"
    return f"Untrained twins: {', '.join(reasons)}; they {also}."


def _follow(draw: Callable[[], Draws]) -> list[Encoder]:
    return flat(draw())
