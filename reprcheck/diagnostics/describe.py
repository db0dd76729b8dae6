"""A setting described before any model is judged in it: all scores, what they mean here, and what could mislead.

What a reader must know of a setting doesn't depend on the diagnostic: where chance, the untrained networks, the
baselines and the ceiling lie; whether nuisances alone give the label; whether images are on both sides of a fold; and
how much of a probe's score is skill at recognising units.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from reprcheck.confounds import notes as misleading
from reprcheck.diagnostics.bench import Bench
from reprcheck.diagnostics.contestants import Family
from reprcheck.diagnostics.score_arrays import average
from reprcheck.policy import MANY_UNITS, REPEATS
from reprcheck.registry import REFERENCES
from reprcheck.stats.decision import compare, interval
from reprcheck.stats.qualify import noise_floor, qualify
from reprcheck.types import MODEL, Scores, Setting


def describe_setting(bench: Bench) -> Setting:
    """Return the setting as seen beside the bench's model."""
    task, policy = bench.task, bench.policy
    model = {} if bench.contestants.problem == "not finite" else {MODEL: (bench.embedding,)}
    hand_made = {name: (block,) for name, block in bench.baselines.items()}
    families: dict[str, Family] = {**model, **bench.contestants.opponents, **hand_made}
    scores = _score(bench, {**families, **{name: (block,) for name, block in bench.nuisances.items()}})
    trivial = [s for name in (*bench.contestants.opponents, *hand_made) for s in scores[name]]
    qualified = qualify(
        task,
        trivial=trivial,
        model=scores[MODEL][0] if model else None,
        chance=bench.scorer.chance(task),
        ceiling=bench.scorer.ceiling(task),
        margin=policy.margin,
        alpha=policy.alpha,
        min_units=bench.min_units,
        n_units=len(np.unique(bench.resampled(bench.units))),
    )
    untrained = {name: scores[name] for name in bench.contestants.opponents}
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
        scores={name: interval(average(draws).values, policy.alpha) for name, draws in scores.items()},
        notes=(
            *task.notes,
            *bench.scorer.notes(task),
            *_draws(bench),
            *bench.notes,
            *_misleading(bench, scores),
        ),
        limit=bench.limit,
        landmarks={**qualified.landmarks, **_resolution(bench, untrained)},
        selectivity=_selectivity(bench, families, scores),
    )


def _draws(bench: Bench) -> list[str]:
    """Return a sentence where the number of units decided how often folds are drawn."""
    if bench.policy.repeats is not None or not bench.scorer.drawn(bench.task) or len(bench.units) < MANY_UNITS:
        return []
    return [f"folds are drawn once, not {REPEATS} times, as there are {len(bench.units):,} units"]


def _score(bench: Bench, families: Mapping[str, Family]) -> dict[str, list[Scores]]:
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


def _misleading(bench: Bench, scores: Mapping[str, Sequence[Scores]]) -> list[str]:
    """Return a sentence for each thing that could mislead, beyond the task's own notes."""
    task, policy, protocol = bench.task, bench.policy, bench.scorer
    sentences = []
    batches = bench.batch_of(bench.units)
    if batches is not None and policy.resample != "batch":
        sentences += misleading.on_batches(task, protocol, policy.min_units)
    named = [name for name in bench.baselines if REFERENCES.get(name).called]
    for name in (*bench.nuisances, *named):
        sentences += misleading.predictive(task, REFERENCES.get(name), scores[name][0], protocol, policy.alpha)
    if protocol.predicts:
        thumbnails = bench.thumbnails.vectors
        ids, names = bench.embedding.ids, list(bench.ids)
        sentences += misleading.copies(task, protocol, ids, thumbnails, names, bench.blank)
    else:
        sentences += misleading.along_the_plate(task, policy.alpha)
    return sentences


def _selectivity(
    bench: Bench, families: Mapping[str, Family], scores: Mapping[str, Sequence[Scores]]
) -> dict[str, dict[str, float]]:
    """Return what some encoders (of a family the first draw) score on the task and on the protocol's control of it."""
    control_task = bench.scorer.control(bench.task)
    probed = [name for _, reference in REFERENCES.things() for name in reference.probed]
    names = [name for name in (MODEL, *probed) if name in families]
    if control_task is None:
        return {}
    controls = bench.scores(*([families[name][0]] for name in names), task=control_task)
    pairs = [
        (float(scores[name][0].values.mean()), float(c.values.mean())) for name, c in zip(names, controls, strict=True)
    ]
    return {
        name: {"task": score, "control": control, "selectivity": score - control}
        for name, (score, control) in zip(names, pairs, strict=True)
    }
