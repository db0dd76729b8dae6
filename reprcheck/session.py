"""A run: models over datasets, each thing computed once, from encoders to verdicts.

The front doors ask a `Session` for verdicts one by one: `reprcheck.check` in its own process, the pytest plugin and the
command line in a `reprcheck.child`. Nothing here depends on the order of the asking.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import date
from functools import partial
from threading import Lock

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from reprcheck.baselines.cellprofiler import CellProfiler
from reprcheck.baselines.intensity import Intensity
from reprcheck.baselines.matching import Matched, Quantiles, Reference
from reprcheck.baselines.pixels import COMPONENTS, Pixels, components
from reprcheck.baselines.structure import Composition, Structure
from reprcheck.datasets.values import Values
from reprcheck.diagnostics import judge, misleading
from reprcheck.diagnostics.bench import Bench, Contestants, Family
from reprcheck.diagnostics.values import told_by_values
from reprcheck.digest import code_digest, digest
from reprcheck.embed.aggregate import Groups
from reprcheck.embed.cache import Cache
from reprcheck.embed.engine import Block, Decoded, Progress, Shown, decoded, embed
from reprcheck.errors import Option, UserError
from reprcheck.models import Calibration, Facts, Model, Precomputed, calibrated
from reprcheck.models.failure import because
from reprcheck.policy import Policy
from reprcheck.questions import Question
from reprcheck.scorecard.waiving import waive
from reprcheck.stats.collapse import collapse
from reprcheck.types import Cell, Dataset, Encoder, Image, ImageSource, Setting, Task

LOG = logging.getLogger(__name__)
"""Where the traceback of an error goes, at level DEBUG."""
KEPT_BYTES = 2**30
"""Decoded images kept in memory for a second pass."""
CALIBRATION_IMAGES = 64
"""Most images that batch normalisation is calibrated on."""
FEWEST_DRAWS = 2
"""Draws of a family that a spread can be told from."""

Draws = dict[str, list[Encoder]]
"""Untrained families by name, before they have seen an image."""


@dataclass
class Session:
    """What a run has computed so far.

    Parameters
    ----------
    policy : Policy
    cache : Cache
    progress : Progress
        Makes progress bars.
    today : date
        Decides which waivers still hold.
    """

    policy: Policy
    cache: Cache
    progress: Progress
    today: date = field(default_factory=date.today)
    _images: dict[str, ImageSource] = field(default_factory=dict)
    _contestants: dict[tuple[str, ...], Contestants] = field(default_factory=dict)
    _baselines: dict[tuple[str, ...], Mapping[str, Block]] = field(default_factory=dict)
    _benches: dict[tuple[str, ...], Bench] = field(default_factory=dict)
    _decoded: dict[tuple[str, ...], list[Decoded]] = field(default_factory=dict)
    _tasks: dict[tuple[str, ...], tuple[Task, NDArray[np.bool_], list[str]]] = field(default_factory=dict)

    def ask(self, model: Model, dataset: Dataset, question: Question) -> tuple[Cell, Setting | None]:
        """Return the verdict on one question, and the setting it was asked in.

        Linear algebra runs on one thread: many small solves are faster so, on a shared machine by far, and sums don't
        depend on how many cores there are.

        Returns
        -------
        Cell
            Whatever raises on the way to a verdict makes it an ``error``, whose statement names the cause.
        Setting or None
            None where the setting couldn't be described.

        Raises
        ------
        UserError
            For what the user can put right.
        """
        try:
            with threadpool_limits(1):
                bench = self._benched(model, dataset, question)
                return waive(judge(question.diagnostic, bench), bench.setting, self.policy, self.today), bench.setting
        except (UserError, KeyboardInterrupt):
            raise
        except Exception as error:
            LOG.debug("%s %s", question.setting, question.diagnostic, exc_info=error)
            return question.error(because(error)), None
        except BaseException as error:  # only a model's code would end the program
            what, remedy = f"its code raised {because(error)}", "keep what ends the program out of the model"
            raise UserError(Option("model", model.spec), what, remedy) from error

    def _benched(self, model: Model, dataset: Dataset, question: Question) -> Bench:
        key = (model.digest, model.name, dataset.digest, question.setting)
        if key not in self._benches:
            self._benches[key] = self._bench(model, dataset, question)
        return self._benches[key]

    def _bench(self, model: Model, dataset: Dataset, question: Question) -> Bench:
        task = dataset.tasks[question.task]
        take = taking(dataset, task)
        contestants = _taken(self._embedded(model, dataset, task.channels, None), take, aggregated(task).units)
        matched = partial(self._matched, model, dataset, task.channels, take)
        notes = model.notes_on(dataset, task) if isinstance(model, Precomputed) else model.notes(len(task.channels))
        return self.bench(model.name, dataset, task, question.protocol, contestants, matched, notes)

    def bench(
        self,
        model: str,
        dataset: Dataset,
        task: Task,
        protocol: str,
        contestants: Contestants,
        matched: Callable[[], Contestants | None] = lambda: None,
        notes: tuple[str, ...] = (),
    ) -> Bench:
        """Return a bench for contestants of a task's samples, whoever made them; aggregated where the task is."""
        take, groups = taking(dataset, task), Groups.of(task)
        baselines = {name: take(block) for name, block in self._hand_made(dataset, task.channels).items()}
        task, constant, told = self._seen(dataset, task)
        thumbnails = baselines["pixels"]
        baselines["pixels"] = thumbnails.mapped(["components", COMPONENTS], components(thumbnails.vectors))
        return Bench(
            model=model,
            dataset=dataset.name,
            dataset_digest=dataset.digest,
            kind=dataset.kind,
            limit=dataset.limit,
            task=aggregated(task),
            protocol=protocol,
            policy=self.policy,
            cache=self.cache,
            progress=self.progress,
            contestants=contestants,
            baselines=baselines,
            thumbnails=thumbnails,
            ids=groups.names if groups else dataset.ids[task.rows],
            matched=matched,
            notes=(*notes, *told),
            blank=np.array([constant[group].all() for group in groups.members]) if groups else constant,
        )

    def _seen(self, dataset: Dataset, task: Task) -> tuple[Task, NDArray[np.bool_], list[str]]:
        """Return a task with the depths of its images, which of them are one value throughout, and what is to be told.

        All of them have been embedded: nothing is decoded.
        """
        key = (dataset.digest, task.name)
        if key not in self._tasks:
            images = self._remembered(dataset, task)
            values = Values(np.stack([image.values for image in images]))
            ids, names = dataset.ids[task.rows].tolist(), [dataset.channels[c] for c in task.channels]
            told = misleading.interpreted(task, [image.remarks for image in images], ids)
            told += told_by_values(task, values, names, ids)
            deep = task if values.depths is None else replace(task, depths=values.depths)
            self._tasks[key] = deep, np.asarray(values.constant.all(axis=1)), told
        return self._tasks[key]

    def _remembered(self, dataset: Dataset, task: Task) -> list[Decoded]:
        """Return what a task's images decoded to, all of them embedded: it comes from the cache."""
        key = (dataset.digest, str(task.channels))
        if key not in self._decoded:
            self._decoded[key] = decoded(self._shown(dataset, task.channels), self.cache)
        return [self._decoded[key][i] for i in positions(dataset, task)]

    def _hand_made(self, dataset: Dataset, channels: tuple[int, ...]) -> Mapping[str, Block]:
        """Embed the hand-made baselines, and the quantiles that histogram matching needs, for all of a channel set."""
        key = (dataset.digest, str(channels))
        if key not in self._baselines:
            names = tuple(dataset.channels[c] for c in channels)
            encoders: dict[str, Encoder] = {"intensity": Intensity(), "pixels": Pixels(), "quantiles": Quantiles()}
            if dataset.kind != "natural":
                encoders["structure"] = Structure(names, dataset.kind, dataset.cell_types)
                if dataset.cell_types:
                    encoders["composition"] = Composition(dataset.cell_types)
                if "cellprofiler" in self.policy.baselines:
                    encoders["cellprofiler"] = CellProfiler(names, dataset.kind)
            found = self._embed(dataset, channels, list(encoders.values()), f"{dataset.name}: baselines")
            self._baselines[key] = dict(zip(encoders, found, strict=True))
        return {name: block for name, block in self._baselines[key].items() if name != "quantiles"}

    def _matched(
        self, model: Model, dataset: Dataset, channels: tuple[int, ...], take: Callable[[Block], Block]
    ) -> Contestants | None:
        if isinstance(model, Precomputed):
            return None
        self._hand_made(dataset, channels)
        quantiles = self._baselines[dataset.digest, str(channels)]["quantiles"]
        return _taken(self._embedded(model, dataset, channels, Reference.mean(quantiles.vectors, len(channels))), take)

    def _embedded(
        self, model: Model, dataset: Dataset, channels: tuple[int, ...], reference: Reference | None
    ) -> Contestants:
        key = (model.digest, dataset.name, dataset.digest, str(channels), reference.digest() if reference else "")
        if key not in self._contestants:
            self._contestants[key] = self._embed_contestants(model, dataset, channels, reference)
        return self._contestants[key]

    def _embed_contestants(
        self, model: Model, dataset: Dataset, channels: tuple[int, ...], reference: Reference | None
    ) -> Contestants:
        vectors = model.vectors(dataset) if isinstance(model, Precomputed) else None  # refused before images are read
        n, twins, facts = len(channels), self.policy.twins, self._facts(model)
        images = None if reference else self._calibration(dataset, channels)
        title = f"{dataset.name}: {model.name} and {twins} untrained" + (", matched" if reference else "")

        def with_calibrated(name: str, family: list[Encoder], batch_norm: bool) -> Draws:
            if images is None or not batch_norm or len(images.ids) < 2:
                return {name: family}
            return {name: family, f"{name}-calibrated": [calibrated(encoder, images) for encoder in family]}

        def embedded(families: Draws, first: Sequence[Encoder] = ()) -> tuple[list[Block], dict[str, Family]]:
            encoders = [*first, *(encoder for family in families.values() for encoder in family)]
            fed = encoders if reference is None else [Matched(encoder, reference) for encoder in encoders]
            blocks = iter(self._embed(dataset, channels, fed, title))
            ahead = [next(blocks) for _ in first]
            return ahead, {name: tuple(next(blocks) for _ in family) for name, family in families.items()}

        resnets = [model.plain(n, "resnet", k) for k in range(twins)]
        stand_ins = with_calibrated("untrained-resnet", resnets, batch_norm=True)
        fresh = [model.untrained(n, k) for k in range(twins)]
        own = [twin for twin in fresh if twin is not None] if None not in fresh else []
        families = with_calibrated("untrained", own, facts.batch_norm) if own else stand_ins
        if reference is None:
            once = {"untrained-resnet": resnets[:1], "untrained-vit": [model.plain(n, "vit", 0)]}
            families = families | {name: family for name, family in once.items() if name not in families}
            shuffled = [model.shuffled(n, k) for k in range(twins)] if facts.opaque else []
            if shuffled:
                families["shuffled"] = [encoder for encoder in shuffled if encoder is not None]

        if vectors is not None:
            _, untrained = embedded(families)
            vectors, ids = vectors[_rows(dataset, channels)], untrained["untrained-resnet"][0].ids
            return Contestants(Block(digest("precomputed", vectors), ids, vectors), untrained)
        (embedding,), untrained = embedded(families, [model.encoder(n)])
        if own and sum(collapse(twin.vectors) is None for twin in untrained["untrained"]) < FEWEST_DRAWS:
            untrained |= embedded(stand_ins)[1]
        return Contestants(embedding, untrained)

    def _facts(self, model: Model) -> Facts:
        """Return what is known of a model's twins. The cache remembers, so that no network is built to find out."""
        key = digest("facts", model.digest, code_digest("reprcheck.models"))
        found = self.cache.get("facts", key)
        if found is None:
            facts = model.facts()
            self.cache.put("facts", key, {name: np.array([value]) for name, value in asdict(facts).items()})
            return facts
        return Facts(**{name: bool(value[0]) for name, value in found.items()})

    def _calibration(self, dataset: Dataset, channels: tuple[int, ...]) -> Calibration:
        """Choose images by the digests of their pixels, so that neither labels nor the table's order play a part."""
        shown = self._shown(dataset, channels)
        rows = dict(zip(self._hand_made(dataset, channels)["intensity"].ids, shown.rows.tolist(), strict=True))
        chosen = sorted(rows)[:CALIBRATION_IMAGES]
        return Calibration(tuple(chosen), lambda: (shown.read(rows[i]) for i in chosen))

    def _embed(
        self, dataset: Dataset, channels: tuple[int, ...], encoders: Sequence[Encoder], title: str
    ) -> list[Block]:
        return embed(self._shown(dataset, channels), encoders, self.cache, self.progress, title)

    def _shown(self, dataset: Dataset, channels: tuple[int, ...]) -> Shown:
        images = self._images.setdefault(dataset.digest, _Kept(dataset.images))
        return Shown(images, _rows(dataset, channels), channels)


class _Kept:
    """An image source that keeps what it has decoded, up to `KEPT_BYTES`; threads that want one image wait for it."""

    def __init__(self, images: ImageSource) -> None:
        self.images, self.kept, self.size, self.turn = images, dict[int, Image](), 0, Lock()

    def content(self, index: int) -> str:
        return self.images.content(index)

    def read(self, index: int) -> Image:
        with self.turn:
            if index in self.kept:
                return self.kept[index]
            image = self.images.read(index)
            if self.size + image.pixels.nbytes <= KEPT_BYTES:
                self.kept[index] = image
                self.size += image.pixels.nbytes
            return image


def _rows(dataset: Dataset, channels: tuple[int, ...]) -> NDArray[np.int64]:
    """Return the samples of every task that shows these channels: embedded together, whichever task comes first."""
    rows = np.concatenate([task.rows for task in dataset.tasks.values() if task.channels == channels])
    return np.unique(rows)


def positions(dataset: Dataset, task: Task) -> NDArray[np.int64]:
    """Return where a task's samples are among those embedded together."""
    return np.searchsorted(_rows(dataset, task.channels), task.rows)


def aggregated(task: Task) -> Task:
    """Return the task that is judged: on groups of samples where it aggregates."""
    groups = Groups.of(task)
    return groups.task(task) if groups else task


def taking(dataset: Dataset, task: Task) -> Callable[[Block], Block]:
    """Return what makes a task's vectors of those embedded together: its samples taken, and aggregated where asked."""
    at, groups = positions(dataset, task), Groups.of(task)
    return lambda block: groups.block(block.take(at)) if groups else block.take(at)


def _taken(
    contestants: Contestants, take: Callable[[Block], Block], units: NDArray[np.str_] | None = None
) -> Contestants:
    untrained = {name: tuple(take(block) for block in family) for name, family in contestants.untrained.items()}
    return Contestants(take(contestants.embedding), untrained, units)
