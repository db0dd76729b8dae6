"""A task with fewer samples: cut down for a look by a limit, or by a policy to whole units that stand for all.

Which samples stay is worked out in `limit`.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from reprcheck.confounds import design as confounds
from reprcheck.datasets.table import limit
from reprcheck.datasets.table.tasks import find_matching, is_only_matching
from reprcheck.errors import Option, Words
from reprcheck.types import Task


def limit_task(task: Task, ids: NDArray[np.str_], at_most: int) -> Task:
    """Return ``task`` cut to about ``at_most`` samples by `limit.cut`, with a note.

    Parameters
    ----------
    task : Task
    ids : str[N]
        All sample ids of the dataset.
    at_most : int

    Raises
    ------
    UserError
        Where what is left has no honest fold.
    """
    if at_most >= len(task.rows):
        return task
    labels, batches, groups = _stratify(task)
    keep = limit.cut(ids[task.rows], labels, batches, groups, at_most)
    note = f"Limit: cut from {len(task.rows)} to {len(keep)} samples, stratified by label and batch."
    remedy = ("use ", Option("limit", limit.find_smallest_limit(labels, batches)), " or more")
    return _cut(task, keep, note, Option("limit", at_most, f"task {task.name}"), remedy)


def sample_units(task: Task, at_most: int) -> Task:
    """Return ``task`` with whole units of it, up to about ``at_most`` samples, by `limit.cut_units`, with a note.

    Raises
    ------
    UserError
        Where what is left has no honest fold.
    """
    if at_most >= len(task.rows):
        return task
    keep = limit.cut_units(task.units, *_stratify(task), at_most)
    n, n_kept = len(np.unique(task.units)), len(np.unique(task.units[keep]))
    note = (
        f"Sample: {n_kept} of {n} units, whole, with {len(keep)} of {len(task.rows)} samples, as the policy asks; "
        f"intervals over units are about {np.sqrt(n / n_kept):.1f} times as wide as of all."
    )
    return _cut(task, keep, note, f"policy: sample = {at_most} (task {task.name})", "sample more")


def _stratify(task: Task) -> tuple[NDArray[np.int64], NDArray[np.str_], NDArray[np.str_]]:
    """Return what strata are made of, labels and batches, and the groups that folds hold out."""
    labels = task.y if task.classes else limit.bin_labels(task.y)
    if task.control is not None:  # controls are strata of their own, so that no cut takes them all
        labels = labels * 2 + task.control
    if task.test is not None:  # as are both sides of a split
        labels = labels * 2 + task.test
    return labels, task.batches, task.batches if task.holdout == "batch" else task.units


def _cut(task: Task, keep: NDArray[np.int64], note: str, where: str, remedy: Words) -> Task:
    """Return some samples of a task, with a note. Raises UserError where they have no honest fold."""
    cut = replace(task.take(keep), notes=(*task.notes, note))
    if matching := find_matching(task):
        confounds.refuse_matching(
            matching, cut.y, cut.classes, cut.units, cut.batches, where=where, by_batch=where, remedy=remedy
        )
    if is_only_matching(task):
        return cut
    confounds.refuse(
        cut.y if cut.classes else None,
        cut.classes,
        cut.units,
        cut.batches,
        holdout=cut.holdout,
        test=cut.test,
        where=where,
        remedy=remedy,
    )
    return cut
