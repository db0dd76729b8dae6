"""Traps in a table that a task's card avoids, or doesn't name."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from reprcheck.confounds import design as confounds
from reprcheck.datasets.card.card import Card
from reprcheck.datasets.card.columns import JointColumn, nested, parts
from reprcheck.datasets.card.tasks import TaskCard
from reprcheck.datasets.table.plate import place
from reprcheck.datasets.table.samples import Samples, texts
from reprcheck.datasets.table.tasks import select
from reprcheck.datasets.table.vocabulary import rank
from reprcheck.types import Grouping

CHANCE = 0.01
"""A group of one class counts where chance would bring one about with less than this, over all groups of a column."""


def hints(
    card: Card, task: TaskCard, samples: Samples, table: pd.DataFrame, groups: tuple[Grouping, ...] = ()
) -> tuple[str, ...]:
    """Return a sentence for each trap.

    Parameters
    ----------
    card : Card
    task : TaskCard
        One of ``card.tasks``; of a regression only the names of its units are looked at.
    samples : Samples
    table : pandas.DataFrame
        As read, with the columns that the card doesn't name.
    groups : tuple of Grouping
        Reported already.
    """
    again = _find_conflicts(card, task, samples)
    if task.kind != "classify":
        return again
    reported = {column for grouping in groups for column in grouping.columns}
    return (*again, *_kept_out(card, task, samples), *_not_on_card(card, task, samples, table, reported))


def _find_conflicts(card: Card, task: TaskCard, samples: Samples) -> tuple[str, ...]:
    """Return a sentence on wells, or other places, whose label differs between batches: one name for several."""
    unit, batch = nested(task.unit or card.columns.unit)[-1:], card.columns.batch
    if not unit or batch is None or isinstance(unit[0], JointColumn) or unit[0] in parts(batch):
        return ()
    rows, _ = select(task, samples)
    units, batches = samples.columns[unit[0]][rows].tolist(), samples.columns[batch][rows].tolist()
    labels = zip(*(samples.columns[column][rows].tolist() for column in task.label), strict=True)
    labels_of: dict[str, dict[str, set[str]]] = {}
    for name, group, label in zip(units, batches, map(" / ".join, labels), strict=True):
        labels_of.setdefault(name, {}).setdefault(group, set()).add(label)
    wells = all(at.row is not None and at.column is not None for at in map(place, labels_of))
    if not wells and rank(unit[0], "place") is None:
        return ()
    conflicts = []
    for name, labels_in in sorted(labels_of.items()):
        first = {next(iter(label)): group for group, label in sorted(labels_in.items(), reverse=True)}
        if len(first) > 1 and all(len(label) == 1 for label in labels_in.values()):
            conflicts.append(f"{name} ({', '.join(f'{label} in {group}' for label, group in sorted(first.items()))})")
    join = ", ".join(f'"{column}"' for column in (*parts(batch), unit[0]))
    if not conflicts:
        return ()
    return (
        f"Confound: units whose label differs from batch to batch: {confounds.list_names(conflicts)}. If a name means "
        f"another {unit[0]} in another {batch}, write unit = {{ join = [{join}] }}.",
    )


def _kept_out(card: Card, task: TaskCard, samples: Samples) -> list[str]:
    """Return a sentence on batches with one class only that ``where`` leaves out."""
    if not task.where or card.columns.batch is None:
        return []
    inside, _ = select(task, samples)
    rows, _ = select(replace(task, where=None), samples)
    batches = samples.columns[card.columns.batch][rows]
    outside = ~np.isin(batches, samples.columns[card.columns.batch][inside])
    classes, y = np.unique(samples.columns[task.label[0]][rows], return_inverse=True)
    single = _of_one_class(batches, y, classes, beyond_chance=False)
    single_outside = [f"{name} ({only})" for name, only in single if name in set(batches[outside].tolist())]
    return (
        [f"Kept out by `where`: batches with one class only: {confounds.list_names(single_outside)}."]
        if single_outside
        else []
    )


def _not_on_card(
    card: Card, task: TaskCard, samples: Samples, table: pd.DataFrame, reported: Collection[str]
) -> list[str]:
    """Return sentences on columns named like technical groups, not on the card, that have groups of one class."""
    known = {*reported, *(column for _, column in card.named_columns())}
    rows, _ = select(task, samples)
    classes, y = np.unique(samples.columns[task.label[0]][rows], return_inverse=True)
    sentences = []
    for column in map(str, table.columns):
        if column in known or (rank(column, "batch") is None and rank(column, "unit") is None):
            continue
        groups = texts(table[column])[samples.position][rows]
        if single := _of_one_class(groups, y, classes, beyond_chance=True):
            single_groups = confounds.list_names(f"{name} ({only})" for name, only in single)
            sentences.append(
                f"Confound: column {column}, not on the card, has groups with one class only: {single_groups}."
            )
    return sentences


def _of_one_class(
    groups: NDArray[np.str_], y: NDArray[np.int64], classes: NDArray[np.str_], *, beyond_chance: bool
) -> list[tuple[str, str]]:
    """Return (group, its class) for groups of one class; with ``beyond_chance`` only those too large to be chance."""
    names, index = np.unique(groups, return_inverse=True)
    share = np.bincount(y, minlength=len(classes)) / len(y)
    pairs = []
    for g, name in enumerate(names):
        labels = y[index == g]
        unlikely = len(names) * share[labels[0]] ** len(labels) < CHANCE
        if name and (labels == labels[0]).all() and share[labels[0]] < 1 and (unlikely or not beyond_chance):
            pairs.append((str(name), str(classes[labels[0]])))
    return pairs
