"""The bench: one model in one setting, beside everything it may be compared with.

It scores blocks (from the cache where it can), compares scores, and writes a cell from the evidence. Which comparison
is made, and what it means, is for the diagnostics.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property, lru_cache
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from reprcheck.baselines.expansions import expand
from reprcheck.code import code_digest
from reprcheck.confounds.batches import FEWEST, FOLLOWS, batches_of_units, unit_association
from reprcheck.confounds.nuisance import nuisances
from reprcheck.diagnostics import score_arrays as stored
from reprcheck.diagnostics.contestants import Contestants, Family
from reprcheck.diagnostics.score_arrays import from_arrays, mean, to_arrays
from reprcheck.digest import digest, installed
from reprcheck.embed.cache import Cache
from reprcheck.embed.engine import Block, Progress
from reprcheck.policy import Policy
from reprcheck.protocols import Protocol, get
from reprcheck.seeding import seed
from reprcheck.stats.decision import compare, shared_training, weigh
from reprcheck.types import Cell, Evidence, Kind, Scores, Status, Task

SCORING = "scoring "
"""How the title of progress in scoring begins; others show images."""
SCORE_ARRAYS = ("units", "values")
"""What the cache holds of any scores."""


@dataclass
class Bench:
    """One model in one setting.

    Attributes
    ----------
    model : str
        The model's name.
    dataset, dataset_digest, kind, limit
        Of the dataset.
    task : Task
    protocol : str
    policy : Policy
    cache : Cache
    progress : Progress
    contestants : Contestants
    baselines : mapping of str to Block
        ``intensity``, ``pixels`` and, not for photographs, ``structure`` and those that the policy adds.
    thumbnails : Block
        What ``pixels`` are the components of.
    ids : str[n]
        Of the task's samples, for people.
    matched : callable
        Returns the contestants embedded on histogram-matched images, or None for a model that can't be re-embedded.
    notes : tuple of str
        What the scorecard must report on how the model was shown the images, and on how these were read.
    blank : bool[n] or None
        Samples of one value throughout.
    """

    model: str
    dataset: str
    dataset_digest: str
    kind: Kind
    limit: int | None
    task: Task
    protocol: str
    policy: Policy
    cache: Cache
    progress: Progress
    contestants: Contestants
    baselines: Mapping[str, Block]
    thumbnails: Block
    ids: NDArray[np.str_]
    matched: Callable[[], Contestants | None]
    notes: tuple[str, ...] = ()
    blank: NDArray[np.bool_] | None = None
    _scores: dict[str, Scores] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """The setting's id: ``dataset:task/protocol``."""
        return f"{self.dataset}:{self.task.name}/{self.protocol}"

    @property
    def scorer(self) -> Protocol:
        """The protocol itself."""
        return get(self.protocol)

    @cached_property
    def judged(self) -> NDArray[np.bool_]:
        """Which of the task's samples the protocol judges."""
        return self.scorer.judged(self.task)

    @cached_property
    def units(self) -> NDArray[np.str_]:
        """The names of the units with a judged sample, sorted: those that have a score."""
        return np.unique(self.task.units[self.judged])

    @cached_property
    def nuisances(self) -> Mapping[str, Block]:
        """What the table says, and how images are stored, by name; nothing for protocols that don't predict."""
        if not self.scorer.predicts:
            return {}
        known = nuisances(self.task, self.scorer.holds_batches_out(self.task))
        return {
            nuisance.name: Block(digest("nuisance", nuisance.name, vectors), self.embedding.ids, vectors)
            for nuisance, vectors in known.items()
        }

    @property
    def embedding(self) -> Block:
        """The model's vectors."""
        return self.contestants.embedding

    def scores(self, *contests: Sequence[Block], task: Task | None = None) -> list[Scores]:
        """Score each contest: one or several blocks judged side by side. Cached by the digests of all that enters.

        Parameters
        ----------
        *contests : sequence of Block
        task : Task, optional
            Another task on the same samples than the bench's own.
        """
        scored_task = task or self.task
        keys = [self._score_key(scored_task, blocks) for blocks in contests]
        missing = {}
        for key, blocks in zip(keys, contests, strict=True):
            if key not in self._scores:
                arrays = self.cache.get("scores", key, SCORE_ARRAYS)
                if arrays is None:
                    missing[key] = blocks
                else:
                    self._scores[key] = from_arrays(arrays)
        if missing:
            with self.progress(len(missing), f"{SCORING}{self.id}") as advance:
                for key, blocks in missing.items():
                    self._scores[key] = self._score(scored_task, blocks)
                    self.cache.put("scores", key, to_arrays(self._scores[key]))
                    advance(1)
        return [self._scores[key] for key in keys]

    def _score(self, task: Task, blocks: Sequence[Block]) -> Scores:
        vectors = [block.vectors for block in blocks]
        return mean([self.scorer.score(vectors, task, r) for r in range(self._runs(task))])

    def _runs(self, task: Task) -> int:
        """How many times folds are drawn: once for a control task, whose score enters no interval."""
        return self.policy.repeats_for(len(self.units)) if task is self.task and self.scorer.drawn(task) else 1

    def _score_key(self, task: Task, blocks: Sequence[Block]) -> str:
        return digest(
            self.protocol,
            self._runs(task),
            _task_digest(task),
            [block.digest for block in blocks],
            code_digest(type(self.scorer).__module__),
            code_digest(stored.__name__),
            installed("numpy", "scipy", "scikit-learn"),
        )

    def fitted(self, baseline: Block) -> Scores:
        """Score a forest grown on a baseline on the bench's folds: the strongest reader of few features. Cached."""
        key = digest("forest", self._score_key(self.task, [baseline]))
        if key not in self._scores:
            arrays = self.cache.get("scores", key, SCORE_ARRAYS)
            if arrays is None:
                runs = [self.scorer.by_forest(baseline.vectors, self.task, r) for r in range(self._runs(self.task))]
                arrays = to_arrays(mean(runs))
                self.cache.put("scores", key, arrays)
            self._scores[key] = from_arrays(arrays)
        return self._scores[key]

    def expansions(self, baseline: Block) -> Family:
        """Return K seeded random nonlinear expansions of a baseline, as wide as the model's embedding."""
        width = self.embedding.vectors.shape[1]
        return tuple(
            baseline.mapped(
                ["expansion", width, k, code_digest(expand.__module__)],
                expand(baseline.vectors, width, seed("expansion", k)),
            )
            for k in range(self.policy.twins)
        )

    def against(self, model: Scores, draws: Sequence[Scores], reference: str, margin: float) -> Evidence:
        """Compare the model's scores with a family's."""
        return self._compare([_runs(s, "values") for s in (model, *draws)], model.units, reference, margin)

    def against_bits(self, model: Scores, draws: Sequence[Scores], reference: str, margin: float) -> Evidence | None:
        """Compare usable bits, as a share of the label's entropy; None where the protocol predicts no probabilities."""
        if model.bits is None:
            return None
        entropy = np.log2(len(self.task.classes) or 2)
        shares = [_runs(s, "bits") / entropy for s in (model, *draws)]
        return self._compare(shares, model.units, f"{reference}, in bits", margin)

    def _compare(
        self, runs: Sequence[NDArray[np.float64]], units: NDArray[np.str_], reference: str, margin: float
    ) -> Evidence:
        """Compare scores float64[R, n_units] of R draws of the folds, the model's first.

        Training samples shared between folds are corrected for where there is one reference: the spread of a family
        holds them already (`docs/statistics.md`).
        """
        model, *draws = (r.mean(0) for r in runs)
        return compare(
            model,
            np.stack(draws),
            self.resampled(units),
            margin=margin,
            alpha=self.policy.alpha,
            reference=reference,
            batches=self.batch_of(units),
            min_units=self.policy.min_units,
            inflation=shared_training(runs[0] - runs[1], self._shared) if len(draws) == 1 else 1.0,
        )

    @cached_property
    def _shared(self) -> float:
        return self.scorer.overlap(self.task)

    @cached_property
    def batch_association(self) -> float:
        """How closely the label follows the batches held out, from 0 to 1; 0 where none is."""
        return unit_association(self.task, self.judged) if self.scorer.holds_batches_out(self.task) else 0.0

    @property
    def resamples_batches(self) -> bool:
        """Whether batches are what counts: because the policy says so, or because the label follows them."""
        return self.policy.resample == "batch" or self.batch_association >= FOLLOWS

    @property
    def min_units(self) -> int:
        """Fewest of what is resampled that a verdict may rest on."""
        return max(self.policy.min_units, FEWEST if self.batch_association >= FOLLOWS else 0)

    def resampled(self, units: NDArray[np.str_]) -> NDArray[np.str_]:
        """Return what each unit is resampled as: itself, or its one batch where batches are what counts."""
        batches = self.batch_of(units) if self.resamples_batches else None
        return units if batches is None else batches

    def batch_of(self, units: NDArray[np.str_]) -> NDArray[np.str_] | None:
        """Return each judged unit's batch, or None where one lies in several; by its judged samples."""
        batches = batches_of_units(self.task, self.judged)
        return None if batches is None else batches[np.searchsorted(self.units, units)]

    def margin(self, diagnostic: str) -> float:
        """Return the margin of a diagnostic in this setting."""
        return self.policy.margin_for(diagnostic, self.protocol)

    def against_untrained(self, diagnostic: str, contestants: Contestants, suffix: str = "") -> list[Evidence]:
        """Compare the model with every untrained family that has a member left."""
        (model,) = self.scores([contestants.embedding])
        return [
            self.against(model, self.scores(*([block] for block in family)), name + suffix, self.margin(diagnostic))
            for name, family in contestants.opponents.items()
        ]

    def cell(
        self,
        diagnostic: str,
        evidence: Sequence[Evidence],
        extra: Sequence[Evidence] = (),
        details: Mapping[str, Any] | None = None,
    ) -> Cell:
        """Return the cell of a comparison with several references.

        Parameters
        ----------
        diagnostic : str
        evidence : sequence of Evidence
            All must pass for a pass; one fail is a fail.
        extra : sequence of Evidence
            These can keep the cell from passing, and can't make it fail.
        details : mapping, optional
            Goes into the cell beside every comparison's numbers.
        """
        status, binding = weigh(evidence, self.min_units)
        if status == "pass" and extra:
            extra_status, second = weigh(extra, self.min_units)
            if extra_status != "pass":
                status, binding = "inconclusive", second
        return Cell(
            model=self.model,
            setting=self.id,
            diagnostic=diagnostic,
            status=status,
            effect=binding.effect,
            low=binding.low,
            high=binding.high,
            margin=binding.margin,
            alpha=binding.alpha,
            mde=binding.mde,
            n_units=binding.n_units,
            reference=binding.reference,
            statement=_statement(status, binding, self.min_units, "batches" if self.resamples_batches else "units"),
            details={
                "comparisons": [asdict(e) for e in (*evidence, *extra)],
                "p": max(e.p for e in (*evidence, *extra)),
                "units_needed": binding.units_needed,
                **(details or {}),
            },
        )

    def without_evidence(self, diagnostic: str, status: Status, statement: str) -> Cell:
        """Return a cell that rests on no comparison."""
        return Cell.without_evidence(self.model, self.id, diagnostic, status, statement, len(self.units))


def _runs(scores: Scores, which: Literal["values", "bits"]) -> NDArray[np.float64]:
    """Return float64[R, n_units]."""
    return np.stack([getattr(run, which) for run in scores.runs or (scores,)])


def _statement(status: Status, e: Evidence, min_units: int, units: str) -> str:
    numbers = f"{e.effect:+.3f} [{e.low:+.3f}, {e.high:+.3f}] over {e.reference}, {e.n_units} {units}"
    if e.covers:
        numbers += f" (covers {e.covers})"
    if status == "pass":
        return f"{numbers}: more than the margin of {e.margin:g}"
    if status == "fail":
        return f"{numbers}: less than the margin of {e.margin:g}"
    if e.n_units < min_units:
        return f"{numbers}: at least {min_units} {units} are needed"
    could = f"{numbers}: the interval holds the margin of {e.margin:g}; an effect of {e.mde:.3f} could be shown"
    return f"{could}; one of this size takes about {e.units_needed} {units}" if e.units_needed else could


@lru_cache(maxsize=64)
def _task_digest(t: Task) -> str:
    return digest(t.kind, t.y, list(t.classes), t.units, t.batches, t.holdout, t.control, t.test)
