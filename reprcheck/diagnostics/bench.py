"""The bench: one model in one setting, beside everything it may be compared with.

It scores blocks (from the cache where it can), compares scores, and writes a cell from the evidence. Which comparison
is made, and what it means, is for the diagnostics.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reprcheck import protocols
from reprcheck.baselines.expansions import expand
from reprcheck.digest import code_digest, digest, installed
from reprcheck.embed.cache import Cache
from reprcheck.embed.engine import Block, Progress
from reprcheck.policy import Policy
from reprcheck.seeding import seed
from reprcheck.stats.collapse import collapse
from reprcheck.stats.decision import compare, decide, interval
from reprcheck.stats.qualify import qualify
from reprcheck.types import Cell, Evidence, Kind, Scores, Setting, Status, Task

Family = tuple[Block, ...]
"""Draws of one kind of reference that differ in their seed alone; a single reference is a family of one."""


@dataclass(frozen=True)
class Contestants:
    """The model's embedding and the untrained families that saw the same images."""

    embedding: Block
    untrained: Mapping[str, Family]

    @cached_property
    def problem(self) -> str | None:
        """What is wrong with the model's embedding, if anything; see `collapse`."""
        return collapse(self.embedding.vectors)

    @cached_property
    def collapsed(self) -> Mapping[str, str]:
        """Untrained encoders that can't tell images apart, easy opponents all, and what is wrong with each."""
        draws = {f"{name}-{k}": block for name, family in self.untrained.items() for k, block in enumerate(family)}
        problems = {name: collapse(block.vectors) for name, block in draws.items()}
        return {name: problem for name, problem in problems.items() if problem}

    @cached_property
    def opponents(self) -> Mapping[str, Family]:
        """The untrained families without their collapsed members."""
        families = {
            name: tuple(block for k, block in enumerate(family) if f"{name}-{k}" not in self.collapsed)
            for name, family in self.untrained.items()
        }
        return {name: family for name, family in families.items() if family}


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
        ``intensity``, ``structure`` (not for photographs) and ``pixels``.
    matched : callable
        Returns the contestants embedded on histogram-matched images, or None for a model that can't be re-embedded.
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
    matched: Callable[[], Contestants | None]
    _scores: dict[tuple[str, ...], Scores] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """The setting's id: ``dataset:task/protocol``."""
        return f"{self.dataset}:{self.task.name}/{self.protocol}"

    @property
    def embedding(self) -> Block:
        """The model's vectors."""
        return self.contestants.embedding

    def scores(self, *contests: Sequence[Block]) -> list[Scores]:
        """Score each contest: one or several blocks judged side by side. Cached by the digests of all that enters."""
        keys = [tuple(block.digest for block in blocks) for blocks in contests]
        missing = []
        for key, blocks in zip(keys, contests, strict=True):
            if key not in self._scores:
                found = self.cache.get("scores", self._score_key(key))
                if found is None:
                    missing.append((key, blocks))
                else:
                    self._scores[key] = _from_arrays(found)
        if missing:
            with self.progress(len(missing), f"scoring {self.id}") as advance:
                for key, blocks in missing:
                    self._scores[key] = protocols.score(self.protocol, [block.vectors for block in blocks], self.task)
                    self.cache.put("scores", self._score_key(key), _to_arrays(self._scores[key]))
                    advance(1)
        return [self._scores[key] for key in keys]

    def _score_key(self, blocks: tuple[str, ...]) -> str:
        return digest(
            self.protocol,
            self._task_digest,
            list(blocks),
            code_digest("reprcheck.protocols"),
            installed("numpy", "scikit-learn"),
        )

    @cached_property
    def _task_digest(self) -> str:
        t = self.task
        return digest(t.kind, t.y, list(t.classes), t.units, t.batches, t.holdout, t.control)

    def expansions(self, baseline: Block) -> Family:
        """Return K seeded random nonlinear expansions of a baseline, as wide as the model's embedding."""
        width = self.embedding.vectors.shape[1]
        return tuple(
            baseline.mapped(
                ["expansion", width, k, code_digest("reprcheck.baselines")],
                expand(baseline.vectors, width, seed("expansion", k)),
            )
            for k in range(self.policy.twins)
        )

    def against(self, model: Scores, draws: Sequence[Scores], reference: str, margin: float) -> Evidence:
        """Compare the model's scores with a family's."""
        return self._compare([s.values for s in (model, *draws)], model.units, reference, margin)

    def against_bits(self, model: Scores, draws: Sequence[Scores], reference: str, margin: float) -> Evidence | None:
        """Compare usable bits, as a share of the label's entropy; None where the protocol predicts no probabilities."""
        entropy = np.log2(len(self.task.classes) or 2)
        shares = [s.bits / entropy for s in (model, *draws) if s.bits is not None]
        return self._compare(shares, model.units, f"{reference}, in bits", margin) if shares else None

    def _compare(
        self, scores: Sequence[NDArray[np.float64]], units: NDArray[np.str_], reference: str, margin: float
    ) -> Evidence:
        model, *draws = scores
        return compare(model, np.stack(draws), units, margin=margin, alpha=self.policy.alpha, reference=reference)

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

    @cached_property
    def setting(self) -> Setting:
        """The setting as seen beside this model: everyone's scores, and whether it can tell anything."""
        model = {} if self.contestants.problem == "not finite" else {"model": (self.embedding,)}
        hand_made = {name: (block,) for name, block in self.baselines.items()}
        singles = {**model, **self.contestants.opponents, **hand_made}
        flat = self.scores(*([block] for family in singles.values() for block in family))
        found: dict[str, list[Scores]] = {}
        at = 0
        for name, family in singles.items():
            found[name], at = flat[at : at + len(family)], at + len(family)
        return Setting(
            id=self.id,
            dataset=self.dataset,
            dataset_digest=self.dataset_digest,
            task=self.task.name,
            protocol=self.protocol,
            n_samples=len(self.task.y),
            n_units=len(np.unique(self.task.units)),
            n_batches=len(np.unique(self.task.batches)),
            qualification=qualify(
                self.task,
                trivial=[scores for name, draws in found.items() if name != "model" for scores in draws],
                model=found.get("model", [None])[0],
                margin=self.policy.margin,
                alpha=self.policy.alpha,
                min_units=self.policy.min_units,
            ),
            scores={name: interval(average(draws).values, self.policy.alpha) for name, draws in found.items()},
            notes=self.task.notes,
            limit=self.limit,
        )

    def cell(
        self,
        diagnostic: str,
        evidence: Sequence[Evidence],
        extra: Sequence[Evidence] = (),
        details: Mapping[str, Any] | None = None,
    ) -> Cell:
        """Write the cell of a comparison with several references.

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
        status, binding = decide(evidence, self.policy.min_units)
        if status == "pass" and extra:
            held, second = decide(extra, self.policy.min_units)
            if held != "pass":
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
            statement=_statement(status, binding, self.policy.min_units),
            details={"comparisons": [asdict(e) for e in (*evidence, *extra)], **(details or {})},
        )

    def without_evidence(self, diagnostic: str, status: Status, statement: str) -> Cell:
        """Write a cell that rests on no comparison."""
        return Cell(
            model=self.model,
            setting=self.id,
            diagnostic=diagnostic,
            status=status,
            effect=None,
            low=None,
            high=None,
            margin=None,
            alpha=None,
            mde=None,
            n_units=len(np.unique(self.task.units)),
            reference=None,
            statement=statement,
        )


def average(draws: Sequence[Scores]) -> Scores:
    """Return scores averaged over draws, unit by unit."""
    bits = [s.bits for s in draws if s.bits is not None]
    return Scores(draws[0].units, np.mean([s.values for s in draws], axis=0), np.mean(bits, axis=0) if bits else None)


def _statement(status: Status, e: Evidence, min_units: int) -> str:
    found = f"{e.effect:+.3f} [{e.low:+.3f}, {e.high:+.3f}] over {e.reference}, {e.n_units} units"
    if status == "pass":
        return f"{found}: more than the margin of {e.margin:g}"
    if status == "fail":
        return f"{found}: less than the margin of {e.margin:g}"
    if e.n_units < min_units:
        return f"{found}: at least {min_units} units are needed"
    return f"{found}: the interval holds the margin of {e.margin:g}; an effect of {e.mde:.3f} could be shown"


def _to_arrays(scores: Scores) -> dict[str, NDArray[Any]]:
    arrays = {"values": scores.values, "bits": scores.bits, "predictions": scores.predictions}
    units = np.frombuffer("\n".join(scores.units).encode(), np.uint8)
    return {"units": units} | {name: array for name, array in arrays.items() if array is not None}


def _from_arrays(arrays: Mapping[str, NDArray[Any]]) -> Scores:
    units = np.array(bytes(arrays["units"]).decode().split("\n"))
    return Scores(units, arrays["values"], arrays.get("bits"), arrays.get("predictions"))
