"""One task of the card, resolved against the table: rows, labels, units, batches.

Filters first, then labels, then the checks of `confounds`, then `limit`. Whatever is left out is counted in the notes;
whatever can't be right is a UserError that names file, line and column.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from reprcheck.datasets import confounds, limit
from reprcheck.datasets.card import Card, TaskCard, nested
from reprcheck.datasets.table import Samples, matches, to_number
from reprcheck.errors import UserError
from reprcheck.types import Task

ONE_BATCH = "all"
"""The batch of every sample of a dataset without a batch column."""


class _Kept(NamedTuple):
    rows: NDArray[np.int64]
    notes: tuple[str, ...]


def select(task: TaskCard, samples: Samples) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """Return the rows that a task's ``where``, ``exclude`` and blank labels leave, and a note for each that took some.

    Parameters
    ----------
    task : TaskCard
    samples : Samples

    Returns
    -------
    rows : int64[n]
        Sorted positions in ``samples.ids``.
    notes : tuple of str

    Raises
    ------
    UserError
        Where no row is left.
    """
    kept = _Kept(np.arange(len(samples.ids)), ())
    for column, wanted in (task.where or {}).items():
        kept = _keep(kept, matches(samples.columns[column], wanted), f"not of where {column} = {_shown(wanted)}")
        if not len(kept.rows):
            found = confounds.listed(np.unique(samples.columns[column]))
            raise UserError(
                f"{samples.where} column {column}",
                f"no rows left: none of [tasks.{task.name}] where {column} = {_shown(wanted)}",
                f"the column holds {found}",
            )
    if task.exclude:
        excluded = matches(samples.columns[task.label[0]], task.exclude)
        kept = _keep(kept, ~excluded, f"excluded by label {_shown(task.exclude)}")
    labelled = np.all([samples.columns[column] != "" for column in task.label], axis=0)
    kept = _keep(kept, labelled, "without a label")
    if not len(kept.rows):
        raise UserError(
            f"{samples.where} column {task.label[0]}",
            f"no rows left for [tasks.{task.name}]: all are left out by where, exclude or a blank label",
            "loosen the filters, or fill in the labels",
        )
    return kept.rows, kept.notes


def resolve(card: Card, task: TaskCard, samples: Samples) -> Task:
    """Return a task of ``card`` as rows, labels, units and batches.

    Parameters
    ----------
    card : Card
    task : TaskCard
        One of ``card.tasks``.
    samples : Samples

    Returns
    -------
    Task

    Raises
    ------
    UserError
        For labels that can't be read or don't vary, a blank unit or batch, a unit that lies in two outer ones, controls
        that match nothing, or a confound that leaves no honest fold.
    """
    rows, notes = select(task, samples)
    rows, y, classes, left_out = _labels(task, rows, samples)
    nesting = nested(task.unit or card.columns.unit or card.columns.sample)
    unit, units = _units(nesting, rows, samples)
    batches = _groups(card.columns.batch, rows, samples, "batch")
    positions = samples.columns[card.columns.position][rows] if card.columns.position else None
    codes = y if classes else None
    held_out = card.columns.batch if task.holdout == "batch" else unit
    where = f"{samples.where} column {held_out} ([tasks.{task.name}])"
    confounds.refuse(codes, classes, units, batches, holdout=task.holdout, where=where)
    control = _control(task, rows, samples)
    if task.aggregate:
        if nesting[0] == card.columns.sample:
            where = f"{samples.where} ([tasks.{task.name}] aggregate)"
            raise UserError(where, "the unit is the sample: nothing to aggregate", "name a unit, or remove it")
        for what, values in (("label", codes), ("batch", batches), ("control", control)):
            _must_agree(what, values, nesting[0], task, rows, samples)
        count = len(np.unique(samples.columns[nesting[0]][rows]))
        left_out += (f"{_samples(len(rows))} made one for each of {count} {nesting[0]}s: {task.aggregate} of vectors.",)
    return Task(
        name=task.name,
        kind=task.kind,
        rows=rows,
        y=y,
        classes=classes,
        units=units,
        batches=batches,
        holdout=task.holdout,
        protocols=task.protocols,
        channels=tuple(card.channels.index(c) for c in task.channels or card.channels),
        control=control,
        notes=notes + left_out + confounds.notes(codes, classes, units, batches, positions),
        positions=positions,
        replicates=samples.columns[task.replicate][rows] if task.replicate else None,
        aggregate=task.aggregate,
        innermost=samples.columns[nesting[0]][rows] if task.aggregate else None,
    )


def _must_agree(
    what: str, values: NDArray[Any] | None, unit: str, task: TaskCard, rows: NDArray[np.int64], samples: Samples
) -> None:
    """Raise for the first sample that differs from another of its unit in what an aggregated unit has one of."""
    if values is None:
        return
    first: dict[str, Any] = {}
    for row, value in sorted(zip(rows.tolist(), values.tolist(), strict=True), key=lambda r: samples.lines[r[0]]):
        name = str(samples.columns[unit][row])
        if first.setdefault(name, value) != value:
            where = f"{samples.at(row, unit)} ([tasks.{task.name}] aggregate)"
            raise UserError(where, f"samples of {unit} {name} differ in {what}", "split the unit, or don't aggregate")


def limited(task: Task, ids: NDArray[np.str_], at_most: int) -> Task:
    """Return ``task`` cut down to about ``at_most`` samples, as `limit.cut` does, with a note that says so.

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
    labels = task.y if task.classes else limit.strata(task.y)
    if task.control is not None:  # controls are strata of their own, so that no cut takes them all
        labels = labels * 2 + task.control
    groups = task.batches if task.holdout == "batch" else task.units
    keep = limit.cut(ids[task.rows], labels, task.batches, groups, at_most)
    note = f"Limit: cut from {len(task.rows)} to {len(keep)} samples, stratified by label and batch."
    cut = replace(
        task,
        rows=task.rows[keep],
        y=task.y[keep],
        units=task.units[keep],
        batches=task.batches[keep],
        control=None if task.control is None else task.control[keep],
        positions=None if task.positions is None else task.positions[keep],
        replicates=None if task.replicates is None else task.replicates[keep],
        innermost=None if task.innermost is None else task.innermost[keep],
        notes=(*task.notes, note),
    )
    confounds.refuse(
        cut.y if cut.classes else None,
        cut.classes,
        cut.units,
        cut.batches,
        holdout=cut.holdout,
        where=f"--limit={at_most} (task {task.name})",
        remedy=f"use --limit={limit.enough(labels, task.batches)} or more",
    )
    return cut


def _keep(kept: _Kept, mask: NDArray[np.bool_], why: str) -> _Kept:
    rows = kept.rows[mask[kept.rows]]
    lost = len(kept.rows) - len(rows)
    return _Kept(rows, (*kept.notes, f"{_samples(lost)} left out: {why}.") if lost else kept.notes)


def _samples(n: int) -> str:
    return f"{n} sample" if n == 1 else f"{n} samples"


def _shown(wanted: tuple[Any, ...]) -> str:
    return " or ".join(str(value) for value in wanted)


def _labels(
    task: TaskCard, rows: NDArray[np.int64], samples: Samples
) -> tuple[NDArray[np.int64], NDArray[Any], tuple[str, ...], tuple[str, ...]]:
    """Return the rows left, their y, the classes (none for a regression), and notes on what was left out."""
    where = f"{samples.where} column {' / '.join(task.label)} ([tasks.{task.name}])"
    if task.kind == "regress":
        values = _values(task, rows, samples)
        if np.ptp(values) == 0:
            what = f"the label is {values[0]:g} in all {_samples(len(values))}"
            raise UserError(where, what, "a regression needs a label that varies")
        return rows, values, (), ()
    labels = samples.columns[task.label[0]]
    rows, classes, notes = _classes(task, rows, labels[rows])
    if len(classes) < 2:
        what = f"one class only ({classes[0]})" if classes else "no class is left"
        lost = "".join(f" ({note.removesuffix('.')})" for note in notes)
        raise UserError(where, what + lost, "a task needs two or more classes")
    return rows, np.searchsorted(np.array(classes), labels[rows]).astype(np.int64), classes, notes


def _classes(
    task: TaskCard, rows: NDArray[np.int64], labels: NDArray[np.str_]
) -> tuple[NDArray[np.int64], tuple[str, ...], tuple[str, ...]]:
    """Return the rows, sorted names and notes that ``min_per_class`` leaves."""
    names, counts = np.unique(labels, return_counts=True)
    least = task.min_per_class or 1
    rare = [f"{name} ({count})" for name, count in zip(names, counts, strict=True) if count < least]
    kept = names[counts >= least]
    notes = (f"Classes left out, with fewer than {least} samples: {', '.join(rare)}.",) if rare else ()
    return rows[np.isin(labels, kept)], tuple(str(name) for name in kept), notes


def _values(task: TaskCard, rows: NDArray[np.int64], samples: Samples) -> NDArray[np.float64]:
    """Return the numbers to regress, or raise for the first line that holds none."""
    parts = [_numbers(column, rows, samples) for column in task.label]
    if len(parts) == 1:
        return parts[0]
    numerator, denominator = parts
    if len(zero := np.flatnonzero(denominator == 0)):
        row = min((int(r) for r in rows[zero]), key=lambda r: samples.lines[r])
        raise UserError(
            samples.at(row, task.label[1]),
            f"0, and the label of [tasks.{task.name}] divides by it",
            "leave the cell blank to leave the row out",
        )
    return numerator / denominator


def _numbers(column: str, rows: NDArray[np.int64], samples: Samples) -> NDArray[np.float64]:
    numbers = [to_number(str(cell)) for cell in samples.columns[column][rows]]
    bad = [int(row) for row, number in zip(rows, numbers, strict=True) if number is None]
    if bad:
        row = min(bad, key=lambda r: samples.lines[r])
        raise UserError(
            samples.at(row, column),
            f"{str(samples.columns[column][row])!r} is not a number"
            + (f" (and {len(bad) - 1} more rows)" if len(bad) > 1 else ""),
            "write a finite number, or leave the cell blank to leave the row out",
        )
    return np.array(numbers, dtype=np.float64)


def _units(columns: tuple[str, ...], rows: NDArray[np.int64], samples: Samples) -> tuple[str, NDArray[np.str_]]:
    """Return the outermost column and its values, or raise where an inner value lies in two outer ones."""
    units = [_groups(column, rows, samples, "unit") for column in columns]
    for (inner, outer), (column, around) in zip(pairwise(units), pairwise(columns), strict=True):
        first: dict[str, str] = {}
        for row, value, holder in sorted(zip(rows, inner, outer, strict=True), key=lambda r: samples.lines[r[0]]):
            if first.setdefault(value, holder) != holder:
                found = np.unique(outer[inner == value])
                raise UserError(
                    samples.at(int(row), column),
                    f"{column} {value} lies in {len(found)} {around}s ({confounds.listed(found)})",
                    f"give each {column} a name of its own, such as {holder}-{value}, or leave {column} out of `unit`",
                )
    return columns[-1], units[-1]


def _groups(column: str | None, rows: NDArray[np.int64], samples: Samples, word: str) -> NDArray[np.str_]:
    if column is None:
        return np.full(len(rows), ONE_BATCH)
    groups = samples.columns[column][rows]
    if len(blank := rows[groups == ""]):
        row = min((int(r) for r in blank), key=lambda r: samples.lines[r])
        more = f" (and {len(blank) - 1} more rows)" if len(blank) > 1 else ""
        raise UserError(samples.at(row, column), f"blank {word}{more}", f"name the {word} of each sample of a task")
    return groups


def _control(task: TaskCard, rows: NDArray[np.int64], samples: Samples) -> NDArray[np.bool_] | None:
    if task.control is None:
        return None
    control = matches(samples.columns[task.control.column][rows], (task.control.equals,))
    if not control.any():
        raise UserError(
            f"{samples.where} column {task.control.column}",
            f"no sample of [tasks.{task.name}] is a control: none equals {task.control.equals}",
            f"the column holds {confounds.listed(np.unique(samples.columns[task.control.column][rows]))}",
        )
    return control
