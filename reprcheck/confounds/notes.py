"""Sentences on what could mislead in a setting, for the scorecard's notes and for the checkup of a dataset.

What follows from the table alone comes with the task (`reprcheck.confounds.design` and `hints`); here is what needs
images or a test.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from reprcheck.baselines.reference import Reference
from reprcheck.confounds.batches import FEWEST, FOLLOWS, unit_association
from reprcheck.confounds.duplicates import duplicates
from reprcheck.confounds.nuisance import Nuisance
from reprcheck.datasets.table.plate import place
from reprcheck.protocols import Protocol
from reprcheck.stats.qualify import permuted
from reprcheck.types import Scores, Task

UNLIKELY = 0.001
"""Classes differ where chance would make them differ as much less often than this."""


def on_batches(task: Task, protocol: Protocol, min_units: int) -> list[str]:
    """Return a sentence where batches are what counts, or where verdicts don't reach beyond those there are."""
    judged = protocol.judged(task)
    count = len(np.unique(task.batches[judged]))
    follows = unit_association(task, judged) if protocol.holds_batches_out(task) else 0.0
    if follows >= FOLLOWS:
        what = f"The label follows the batch (association {follows:.2f} of 1): its units succeed and fail together"
        few = f", and at least {FEWEST} are needed" if count < FEWEST else ""
        return [f"{what}, so intervals are over the {count} batches{few}."]
    if not 1 < count < min_units:
        return []
    return [f"Verdicts cover these {count} batches, not new ones: for that, at least {min_units} are needed."]


def interpreted(task: Task, remarks: Sequence[Sequence[str]], names: Sequence[str]) -> list[str]:
    """Return a sentence for each interpretation in reading images: how many images it concerns, and an example.

    Parameters
    ----------
    task : Task
    remarks : sequence of sequence of str
        On each sample's image, as `reprcheck.types.Image` has them.
    names : sequence of str
        Of the samples, for people.

    Examples
    --------
    "24 of 48 images (such as s001): stored with 0 as white: inverted, as viewers show them."
    """
    rows_of: dict[str, list[int]] = {}
    for i, sample_remarks in enumerate(remarks):
        for remark in sample_remarks:
            rows_of.setdefault(remark, []).append(i)
    sentences = []
    for remark, rows in sorted(rows_of.items()):
        counted = f"All {len(names)} images" if len(rows) == len(names) > 1 else f"{len(rows)} of {len(names)} images"
        example = "" if len(rows) == len(names) else f" (such as {min(names[i] for i in rows)})"
        sentences.append(f"{counted}{example}: {remark}{_by_class(task, rows)}.")
    return sentences


def _by_class(task: Task, rows: Sequence[int]) -> str:
    """Return the number of these images in each class, where chance would rarely give such shares."""
    if not task.classes or len(rows) == len(task.y):
        return ""
    from scipy.stats import chi2_contingency  # half a second, which a run without such images doesn't need

    all_of = np.bincount(task.y, minlength=len(task.classes))
    mine = np.bincount(task.y[list(rows)], minlength=len(task.classes))
    table = np.stack([mine, all_of - mine])[:, all_of > 0]
    if chi2_contingency(table).pvalue > UNLIKELY:
        return ""
    shares = (f"{name} {n} of {of}" for name, n, of in zip(task.classes, mine, all_of, strict=True) if of)
    return f"; classes differ: {', '.join(shares)}"


def predictive(task: Task, reference: Reference, scores: Scores, protocol: Protocol, alpha: float) -> list[str]:
    """Return a sentence where a nuisance, or another reference, alone predicts the label better than permuted labels.

    Parameters
    ----------
    task : Task
    reference : Reference
        Called a confound where it is a nuisance: what is read from images may be what is asked for.
    scores : Scores
        Of its vectors.
    protocol : Protocol
    alpha : float
        The largest p that counts.
    """
    p = permuted(replace(task, batches=np.full(len(task.y), "all")), [scores], alpha)["p"]
    if p > alpha:
        return []
    guess = protocol.chance(task)
    called = reference.called or reference.name
    subject = f"Confound: {called}" if isinstance(reference, Nuisance) else called.capitalize()
    return [
        f"{subject} alone predicts the label: "
        f"{scores.values.mean():.2f} by {protocol.id}, {guess:.2f} by chance (p = {p:.3f})."
    ]


def along_the_plate(task: Task, alpha: float) -> list[str]:
    """Return a sentence for rows and for columns along which a regression's label, controls aside, rises or falls.

    For protocols without folds: with them, position is scored as a nuisance.
    """
    if task.kind != "regress" or task.positions is None:
        return []
    treated = np.ones(len(task.y), bool) if task.control is None else ~task.control
    part = task.take(np.flatnonzero(treated))
    places = [place(str(name)) for name in task.positions[treated]]
    sentences = []
    for axis in ("row", "column"):
        numbers = [getattr(at, axis) for at in places]
        if None in numbers or min(len(set(numbers)), len(np.unique(part.y))) < 2:
            continue
        along = np.array(numbers, np.float64)
        from scipy.stats import spearmanr

        related = float(spearmanr(along, part.y).statistic)
        p = permuted(part, [Scores(part.units, along, predictions=s * along) for s in (1, -1)], alpha)["p"]
        if p <= alpha:
            aside = "" if task.control is None else ", controls aside"
            sentences.append(
                f"Confound: the label {'rises' if related > 0 else 'falls'} along the plate's {axis}s{aside}: rank "
                f"correlation {related:.2f} (p = {p:.3f})."
            )
    return sentences


def copies(
    task: Task,
    protocol: Protocol,
    ids: Sequence[str],
    thumbnails: NDArray[np.float32],
    names: Sequence[str],
    blank: NDArray[np.bool_] | None = None,
) -> tuple[str, ...]:
    """Return a sentence for each kind of duplicates on both sides of a fold, or of whatever a protocol keeps apart.

    Parameters
    ----------
    task : Task
    protocol : Protocol
    ids : sequence of str
        Digest of each sample's pixels.
    thumbnails : float32[n, d]
    names : sequence of str
        Of the samples, for people.
    blank : bool[n], optional
        Samples of one value throughout.
    """
    side, across = protocol.sides(task)
    channels = len(task.channels)
    return duplicates(
        ids, thumbnails, side, labels=task.y, names=names, channels=channels, across=across, blank=blank
    ).notes
