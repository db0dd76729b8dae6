"""A setting described before anyone is judged in it: everybody's scores, what they mean here, and what could mislead.

What a reader must know of a setting doesn't depend on the diagnostic asked: where chance, the untrained networks, the
baselines and the ceiling lie; whether nuisances alone give the label; whether images are on both sides of a fold; and
how much of a probe's score is skill at recognising units.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from reprcheck import protocols
from reprcheck.confounds import duplicates, nuisance
from reprcheck.diagnostics.bench import Bench, Family, average
from reprcheck.digest import digest
from reprcheck.embed.engine import Block
from reprcheck.protocols.control import control
from reprcheck.stats.decision import compare, interval
from reprcheck.stats.qualify import noise_floor, permuted, qualify
from reprcheck.types import Scores, Setting

PROBED = ("model", "untrained", "untrained-resnet", "structure", "intensity")
"""Encoders whose selectivity is told; of a family the first draw's."""


def describe(bench: Bench) -> Setting:
    """Return the setting as seen beside the bench's model."""
    task, policy = bench.task, bench.policy
    model = {} if bench.contestants.problem == "not finite" else {"model": (bench.embedding,)}
    hand_made = {name: (block,) for name, block in bench.baselines.items()}
    nuisances = _nuisances(bench)
    families: dict[str, Family] = {**model, **bench.contestants.opponents, **hand_made}
    found = _scored(bench, {**families, **{name: (block,) for name, block in nuisances.items()}})
    trivial = [s for name, draws in found.items() if name not in ("model", *nuisances) for s in draws]
    qualified = qualify(
        task,
        trivial=trivial,
        model=found["model"][0] if model else None,
        chance=protocols.chance(bench.protocol, task),
        margin=policy.margin,
        alpha=policy.alpha,
        min_units=policy.min_units,
        n_units=len(np.unique(bench.resampled(bench.units))),
    )
    untrained = {name: found[name] for name in bench.contestants.opponents}
    return Setting(
        id=bench.id,
        dataset=bench.dataset,
        dataset_digest=bench.dataset_digest,
        task=task.name,
        protocol=bench.protocol,
        n_samples=len(task.y),
        n_units=len(bench.units),
        n_batches=len(np.unique(task.batches[bench.judged])),
        qualification=qualified.qualification,
        scores={name: interval(average(draws).values, policy.alpha) for name, draws in found.items()},
        notes=(
            *task.notes,
            *protocols.notes(bench.protocol, task),
            *_few_batches(bench),
            *_predictive(bench, found, nuisances),
            *_duplicates(bench),
        ),
        limit=bench.limit,
        landmarks={**qualified.landmarks, **_resolution(bench, untrained)},
        selectivity=_selectivity(bench, families, found),
    )


def _scored(bench: Bench, families: Mapping[str, Family]) -> dict[str, list[Scores]]:
    flat = iter(bench.scores(*([block] for family in families.values() for block in family)))
    return {name: [next(flat) for _ in family] for name, family in families.items()}


def _resolution(bench: Bench, untrained: Mapping[str, Sequence[Scores]]) -> dict[str, float]:
    """Return the noise floor, and the least effect over the largest family that one more of its draws could show."""
    noise = {"noise": noise_floor([s for draws in untrained.values() for s in draws], bench.policy.alpha)}
    first, *others = max(untrained.values(), key=len, default=()) or (None,)
    if first is None or not others or len(np.unique(bench.resampled(first.units))) < 2:
        return {**noise, "mde": float("nan")}
    evidence = compare(
        first.values,
        np.stack([s.values for s in others]),
        bench.resampled(first.units),
        margin=bench.policy.margin,
        alpha=bench.policy.alpha,
    )
    return {**noise, "mde": evidence.mde}


def _nuisances(bench: Bench) -> dict[str, Block]:
    if not protocols.predicts(bench.protocol):
        return {}
    ids, holds_out = bench.embedding.ids, protocols.holds_batches_out(bench.protocol, bench.task)
    found = nuisance(replace(bench.task, holdout="batch" if holds_out else "unit"))
    return {name: Block(digest("nuisance", name, vectors), ids, vectors) for name, vectors in found.items()}


def _few_batches(bench: Bench) -> list[str]:
    """Return a sentence where verdicts don't reach beyond the batches seen."""
    batches = bench.batch_of(bench.units)
    count = 0 if batches is None else len(np.unique(batches))
    if bench.policy.resample == "batch" or not 1 < count < bench.policy.min_units:
        return []
    return [
        f"Verdicts cover these {count} batches, not new ones: for that, at least {bench.policy.min_units} are needed."
    ]


def _predictive(bench: Bench, found: Mapping[str, Sequence[Scores]], nuisances: Mapping[str, Block]) -> list[str]:
    """Return a sentence for each nuisance that alone gives the label away."""
    task, sentences = replace(bench.task, batches=np.full(len(bench.task.y), "all")), []
    for name in nuisances:
        (scores,) = found[name]
        p = permuted(task, [scores], bench.policy.alpha)["p"]
        if p <= bench.policy.alpha:
            guess = protocols.chance(bench.protocol, bench.task)
            sentences.append(
                f"Confound: {name} alone predicts the label: {scores.values.mean():.2f} by {bench.protocol}, "
                f"{guess:.2f} by chance (p = {p:.3f})."
            )
    return sentences


def _duplicates(bench: Bench) -> tuple[str, ...]:
    if not protocols.predicts(bench.protocol):
        return ()
    side, across = protocols.sides(bench.protocol, bench.task)
    return duplicates(
        bench.embedding.ids,
        bench.thumbnails.vectors,
        side,
        names=list(bench.ids),
        labels=bench.task.y,
        channels=len(bench.task.channels),
        across=across,
    ).notes


def _selectivity(
    bench: Bench, families: Mapping[str, Family], found: Mapping[str, Sequence[Scores]]
) -> dict[str, dict[str, float]]:
    """Return what some encoders score on the task and on random labels, where the protocol is a probe."""
    made = control(bench.task) if bench.protocol.startswith("probe/") else None
    chosen = [name for name in PROBED if name in families]
    if made is None:
        return {}
    controls = bench.scores(*([families[name][0]] for name in chosen), task=made)
    pairs = [
        (float(found[name][0].values.mean()), float(c.values.mean())) for name, c in zip(chosen, controls, strict=True)
    ]
    return {
        name: {"task": score, "control": control, "selectivity": score - control}
        for name, (score, control) in zip(chosen, pairs, strict=True)
    }
