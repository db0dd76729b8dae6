"""One task of the card, resolved against the table: rows, labels, units, batches.

Filters first, then labels, then the checks of `confounds`; `cutting` comes after. Notes count what is left out; what
can't be right raises a UserError that names file, line and column.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from reprcheck.confounds import design as confounds
from reprcheck.datasets.card.card import Card
from reprcheck.datasets.card.columns import JointColumn, nested
from reprcheck.datasets.card.problems import attempt, report, report_each, settle
from reprcheck.datasets.card.tasks import TaskCard
from reprcheck.datasets.table.names import check_missing, check_values
from reprcheck.datasets.table.samples import Samples, matches, to_number
from reprcheck.errors import Location, UserError
from reprcheck.registry import PROTOCOLS
from reprcheck.types import Task

ONE_BATCH = "all"
"""The batch of every sample of a dataset without a batch column."""


class _TaskSamples(NamedTuple):
    rows: NDArray[np.int64]
    notes: tuple[str, ...]


class _Labels(NamedTuple):
    """The rows left, their y, the classes (none for a regression), and notes on what was left out."""

    rows: NDArray[np.int64]
    y: NDArray[Any]
    classes: tuple[str, ...]
    notes: tuple[str, ...]


def select(task: TaskCard, samples: Samples) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """Return the rows that ``where``, ``exclude`` and blank labels leave to a task, and a note for each loss.

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
    selection = _TaskSamples(np.arange(len(samples.ids)), ())
    for column, values in (task.where or {}).items():
        selection = _keep(
            selection, matches(samples.columns[column], values), f"not of where {column} = {_join_values(values)}"
        )
        if not len(selection.rows):
            names = confounds.list_names(np.unique(samples.columns[column]))
            raise UserError(
                Location(samples.where, column=f"column {column}"),
                f"no rows left: none of [tasks.{task.name}] where {column} = {_join_values(values)}",
                f"the column holds {names}",
            )
    if task.exclude:
        excluded = matches(samples.columns[task.label[0]], task.exclude)
        selection = _keep(selection, ~excluded, f"excluded by label {_join_values(task.exclude)}")
    labelled = np.all([samples.columns[column] != "" for column in task.label], axis=0)
    selection = _keep(selection, labelled, "without a label")
    if not len(selection.rows):
        raise UserError(
            Location(samples.where, column=f"column {task.label[0]}"),
            f"no rows left for [tasks.{task.name}]: all are left out by where, exclude or a blank label",
            "loosen the filters, or fill in the labels",
        )
    return selection.rows, selection.notes


def resolve_task(card: Card, task: TaskCard, samples: Samples) -> Task:
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
    check_values(card, task, samples.columns, samples.where)
    rows, notes = select(task, samples)
    labelled = attempt(_Labels(rows, rows, (), ()), _read_labels, task, rows, samples)
    rows, y, classes, left_out = labelled
    left_out += attempt((), check_missing, card, task, rows, samples)
    nesting = nested(task.unit or card.columns.unit or card.columns.sample)
    unit, units = attempt(("", samples.ids[rows]), _read_units, nesting, rows, samples)
    batches = attempt(samples.ids[rows], _read_groups, card.columns.batch, rows, samples, "batch")
    control = attempt(None, _find_control, task, rows, samples)
    test = attempt(None, _find_test, task, rows, samples)
    settle()
    positions = samples.columns[card.columns.position][rows] if card.columns.position else None
    codes = y if classes else None
    held_out = card.columns.batch if task.holdout == "batch" else task.test.column if task.test else unit
    where = Location(samples.where, column=f"column {held_out}", within=f"[tasks.{task.name}]")
    if not is_only_matching(task):
        confounds.refuse(codes, classes, units, batches, holdout=task.holdout, test=test, where=where)
    if matching := find_matching(task):
        at = (Location(samples.where, column=f"column {c}", within=where.within) for c in (unit, card.columns.batch))
        confounds.refuse_matching(matching, y, classes, units, batches, where=next(at), by_batch=next(at))
    settle()
    if task.aggregate:
        if nesting[0] == card.columns.sample:
            where = Location(samples.where, within=f"[tasks.{task.name}] aggregate")
            raise UserError(where, "the unit is the sample: nothing to aggregate", "name a unit, or remove it")
        for what, values in (("label", codes), ("batch", batches), ("control", control), ("side of the split", test)):
            _require_agreement(what, values, nesting[0], task, rows, samples)
        settle()
        count = len(np.unique(samples.columns[nesting[0]][rows]))
        left_out += (
            f"{_count_samples(len(rows))} made one for each of {count} {nesting[0]}s: {task.aggregate} of vectors.",
        )
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
        notes=notes
        + left_out
        + _describe_split(task, test)
        + confounds.notes(codes, classes, units, batches, positions, test)
        + tuple(f"{name} is scored as {PROTOCOLS.renew(name)}, which replaced it." for name in task.replaced),
        positions=positions,
        replicates=samples.columns[task.replicate][rows] if task.replicate else None,
        aggregate=task.aggregate,
        innermost=samples.columns[nesting[0]][rows] if task.aggregate else None,
        metadata=_stack_metadata(card, task, rows, samples),
        test=test,
    )


def find_matching(task: TaskCard | Task) -> Any:
    """Return the task's matching protocol with the strictest needs, or None where it has no matching protocol."""
    candidates = [protocol for protocol in map(PROTOCOLS.get, task.protocols) if protocol.outside]
    return max(candidates, key=lambda protocol: len(protocol.outside), default=None)


def is_only_matching(task: TaskCard | Task) -> bool:
    """Return whether all protocols of a task are matching protocols, so that it needs no folds."""
    return all(PROTOCOLS.get(name).outside for name in task.protocols)


def _require_agreement(
    what: str, values: NDArray[Any] | None, unit: str, task: TaskCard, rows: NDArray[np.int64], samples: Samples
) -> None:
    """Report samples that differ from another of their unit in ``what``: an aggregated unit has one value of it."""
    if values is None:
        return
    first: dict[str, Any] = {}
    for row, value in sorted(zip(rows.tolist(), values.tolist(), strict=True), key=lambda r: samples.lines[r[0]]):
        name = str(samples.columns[unit][row])
        if first.setdefault(name, value) != value:
            at = samples.at(row, unit)
            where = Location(at.file, at.row, at.column, within=f"[tasks.{task.name}] aggregate")
            remedy = f"name an inner unit whose samples agree before {unit} in `unit`, or don't aggregate"
            report(UserError(where, f"samples of {unit} {name} differ in {what}", remedy))


def _keep(selection: _TaskSamples, mask: NDArray[np.bool_], why: str) -> _TaskSamples:
    rows = selection.rows[mask[selection.rows]]
    n_lost = len(selection.rows) - len(rows)
    return _TaskSamples(
        rows, (*selection.notes, f"{_count_samples(n_lost)} left out: {why}.") if n_lost else selection.notes
    )


def _count_samples(n: int) -> str:
    return f"{n} sample" if n == 1 else f"{n} samples"


def _join_values(values: tuple[Any, ...]) -> str:
    return " or ".join(str(value) for value in values)


def _read_labels(task: TaskCard, rows: NDArray[np.int64], samples: Samples) -> _Labels:
    where = Location(samples.where, column=f"column {' / '.join(task.label)}", within=f"[tasks.{task.name}]")
    if task.kind == "regress":
        values = _read_values(task, rows, samples)
        if np.ptp(values) == 0:
            what = f"the label is {values[0]:g} in all {_count_samples(len(values))}"
            raise UserError(where, what, "a regression needs a label that varies")
        return _Labels(rows, values, (), ())
    labels = samples.columns[task.label[0]]
    rows, classes, notes = _select_classes(task, rows, labels[rows])
    if len(classes) < 2:
        what = f"one class only ({classes[0]})" if classes else "no class is left"
        reasons = "".join(f" ({note.removesuffix('.')})" for note in notes)
        raise UserError(where, what + reasons, "a task needs two or more classes")
    return _Labels(rows, np.searchsorted(np.array(classes), labels[rows]).astype(np.int64), classes, notes)


def _select_classes(
    task: TaskCard, rows: NDArray[np.int64], labels: NDArray[np.str_]
) -> tuple[NDArray[np.int64], tuple[str, ...], tuple[str, ...]]:
    """Return the rows, sorted names and notes that ``min_per_class`` leaves."""
    names, counts = np.unique(labels, return_counts=True)
    least = task.min_per_class or 1
    rare = [f"{name} ({count})" for name, count in zip(names, counts, strict=True) if count < least]
    frequent = names[counts >= least]
    notes = (f"Classes left out, with fewer than {least} samples: {', '.join(rare)}.",) if rare else ()
    return rows[np.isin(labels, frequent)], tuple(str(name) for name in frequent), notes


def _read_values(task: TaskCard, rows: NDArray[np.int64], samples: Samples) -> NDArray[np.float64]:
    """Return the numbers to regress; report the lines without a number."""
    parts = [_read_numbers(column, rows, samples) for column in task.label]
    settle()
    if len(parts) == 1:
        return parts[0]
    numerator, denominator = parts
    for row in _sort_by_line(rows[denominator == 0], samples):
        what = f"0, and the label of [tasks.{task.name}] divides by it"
        report(UserError(samples.at(row, task.label[1]), what, "leave the cell blank to leave the row out"))
    settle()
    return numerator / denominator


def _read_numbers(column: str, rows: NDArray[np.int64], samples: Samples) -> NDArray[np.float64]:
    numbers = [to_number(str(cell)) for cell in samples.columns[column][rows]]
    bad = rows[[number is None for number in numbers]]
    remedy = "write a finite number, or leave the cell blank to leave the row out"
    mistakes = []
    for row in _sort_by_line(bad, samples):
        cell = str(samples.columns[column][row])
        comma = ": a comma is no decimal point" if "," in cell else ""
        mistakes.append(UserError(samples.at(row, column), f"{cell!r} is not a number{comma}", remedy))
    report_each(mistakes, "(and {} more rows)".format)
    return np.array(numbers, dtype=np.float64)


def _sort_by_line(rows: NDArray[np.int64], samples: Samples) -> list[int]:
    """Return rows in the order of the table as the user wrote it."""
    return sorted((int(row) for row in rows), key=lambda row: samples.lines[row])


def _read_units(columns: tuple[str, ...], rows: NDArray[np.int64], samples: Samples) -> tuple[str, NDArray[np.str_]]:
    """Return the outermost column and its values; report each inner value that lies in two outer ones."""
    units = [_read_groups(column, rows, samples, "unit") for column in columns]
    for (inner, outer), (column, around) in zip(pairwise(units), pairwise(columns), strict=True):
        first: dict[str, str] = {}
        reported: set[str] = set()
        for row, value, holder in sorted(zip(rows, inner, outer, strict=True), key=lambda r: samples.lines[r[0]]):
            if first.setdefault(value, holder) != holder and value not in reported:
                reported.add(value)
                outer_names = np.unique(outer[inner == value])
                what = f"{column} {value} lies in {len(outer_names)} {around}s ({confounds.list_names(outer_names)})"
                remedy = (
                    f"give each {column} a name of its own, such as {holder}-{value}, or leave {column} out of `unit`"
                )
                if not isinstance(column, JointColumn) and not isinstance(around, JointColumn):
                    remedy += f'; if both together name a unit, write {{ join = ["{around}", "{column}"] }}'
                report(UserError(samples.at(int(row), column), what, remedy))
    return columns[-1], units[-1]


def _read_groups(column: str | None, rows: NDArray[np.int64], samples: Samples, word: str) -> NDArray[np.str_]:
    if column is None:
        return np.full(len(rows), ONE_BATCH)
    groups = samples.columns[column][rows]
    blank, remedy = _sort_by_line(rows[groups == ""], samples), f"name the {word} of each sample of a task"
    mistakes = [UserError(samples.at(row, column), f"blank {word}", remedy) for row in blank]
    report_each(mistakes, "(and {} more rows)".format)
    return groups


def _stack_metadata(card: Card, task: TaskCard, rows: NDArray[np.int64], samples: Samples) -> NDArray[np.str_] | None:
    """Return the columns of metadata without the task's label, which is no nuisance."""
    columns = [samples.columns[column][rows] for column in card.columns.metadata if column not in task.label]
    return np.stack(columns, axis=1) if columns else None


def _describe_split(task: TaskCard, test: NDArray[np.bool_] | None) -> tuple[str, ...]:
    if task.test is None or test is None:
        return ()
    condition = f"{task.test.column} = {_join_values(task.test.equals)}"
    train, judged = _count_samples(int(np.sum(~test))), int(np.sum(test))
    return (f"Fixed split: {train} to train on, {judged} judged, where {condition}.",)


def _find_test(task: TaskCard, rows: NDArray[np.int64], samples: Samples) -> NDArray[np.bool_] | None:
    if task.test is None:
        return None
    cells = samples.columns[task.test.column][rows]
    test = matches(cells, task.test.equals)
    if test.all() or not test.any():
        what = "all are judged, and none is left to train on" if test.all() else "none is judged"
        raise UserError(
            Location(samples.where, column=f"column {task.test.column}"),
            f"of the samples of [tasks.{task.name}] {what}, by test = {_join_values(task.test.equals)}",
            f"the column holds {confounds.list_names(np.unique(cells))}",
        )
    return test


def _find_control(task: TaskCard, rows: NDArray[np.int64], samples: Samples) -> NDArray[np.bool_] | None:
    if task.control is None:
        return None
    column, equals = task.control.column, (task.control.equals,)
    control = matches(samples.columns[column][rows], equals)
    if not control.any():
        raise UserError(
            Location(samples.where, column=f"column {task.control.column}"),
            f"no sample of [tasks.{task.name}] is a control: none equals {task.control.equals}",
            f"the column holds {confounds.list_names(np.unique(samples.columns[task.control.column][rows]))}",
        )
    return control
