"""Check names in the columns that group samples: two spellings of one name are refused, unless the card allows them.

A patient spelled in two ways would be two units, which folds may put on both sides; a label spelled in two ways would
be two classes. `reprcheck.spelling` compares the names; this module finds the columns that group and the rows at fault.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from reprcheck.datasets.card.card import Card
from reprcheck.datasets.card.columns import nested, parts
from reprcheck.datasets.card.problems import report_each, settle
from reprcheck.datasets.card.section import Value
from reprcheck.datasets.card.tasks import TaskCard
from reprcheck.datasets.table.samples import Samples, cell_name, line_name, matches, to_number
from reprcheck.errors import Location, UserError, clipped, closest
from reprcheck.spelling import fold, groups, is_missing, show

MOST_NAMES = 8
"""Names of a column that a message lists, at most."""


def check_names(card: Card, columns: Mapping[str, NDArray[np.str_]], lines: NDArray[np.int64], where: str) -> None:
    """Report each name that has several spellings in a column that groups samples, as a UserError.

    Not checked: columns that the card calls ``distinct``, sample ids, the label of a regression, and metadata that are
    all numbers.

    Parameters
    ----------
    card : Card
    columns : mapping of str to str[N]
        Those of the card's columns that the table has.
    lines : int64[N]
        Line of each row.
    where : str
        The table's file.
    """
    grouping = [column for column in dict.fromkeys(_list_grouping_columns(card)) if column in columns]
    exempt = {card.columns.sample, *card.columns.distinct, *card.columns.checked}
    for column in (column for column in grouping if column not in exempt):
        cells = columns[column]
        names, counts = np.unique(cells[cells != ""], return_counts=True)
        if column in card.columns.metadata and all(
            to_number(name) is not None or is_missing(name) for name in names.tolist()
        ):
            continue
        spelling_groups = groups(names.tolist())
        if spelling_groups:
            count = dict(zip(names.tolist(), counts.tolist(), strict=True))
            mistakes = [
                _describe_spellings(column, spellings, count, cells, lines, where) for spellings in spelling_groups
            ]
            mistakes.sort(key=lambda pair: pair[0])
            report_each([mistake for _, mistake in mistakes], f"(and {{}} more of column {column})".format)
    for task in card.tasks:
        for column, values, key in _list_choices(task):
            if column in columns and column not in exempt.union(grouping):
                key = f"[tasks.{task.name}] {key}"
                report_each(
                    list(_find_misspellings(column, values, key, columns[column], lines, where)), "(and {} more)".format
                )


def _list_grouping_columns(card: Card) -> Iterator[str]:
    """Yield the columns whose names make groups."""
    units = [card.columns.unit, card.columns.batch, *(task.unit for task in card.tasks)]
    yield from (part for unit in units for column in nested(unit) for part in parts(column))
    yield from (task.label[0] for task in card.tasks if task.kind == "classify")
    yield from (task.replicate for task in card.tasks if task.replicate)
    yield from nested(card.columns.position)
    yield from card.columns.metadata


def _list_choices(task: TaskCard) -> Iterator[tuple[str, tuple[Value, ...], str]]:
    """Yield (column, values, key of the card) for each key by which a task selects rows."""
    yield from ((column, values, f"where {column}") for column, values in (task.where or {}).items())
    if task.exclude:
        yield task.label[0], task.exclude, "exclude"
    if task.control:
        yield task.control.column, (task.control.equals,), "control"
    if task.test:
        yield task.test.column, task.test.equals, "test"


def _describe_spellings(
    column: str,
    spellings: Sequence[str],
    count: Mapping[str, int],
    cells: NDArray[np.str_],
    lines: NDArray[np.int64],
    where: str,
) -> tuple[int, UserError]:
    """Return the line where the second spelling first occurs, and the mistake that lists all of them."""
    first = sorted((int(lines[cells == name].min()), name) for name in spellings)
    parts = [
        f"{text} ({line_name(where, line)}" + (f" and {count[name] - 1} more)" if count[name] > 1 else ")")
        for (line, name), text in zip(first, map(clipped, show([name for _, name in first])), strict=True)
    ]
    what = f"{', '.join(parts[:-1])} and {parts[-1]} are one name in {len(parts)} spellings"
    remedy = f'write it in one way, or, if they are different things, add distinct = ["{column}"] to [columns]'
    return first[1][0], UserError(cell_name(where, first[1][0], column), what, remedy)


def _find_misspellings(
    column: str, values: tuple[Value, ...], key: str, cells: NDArray[np.str_], lines: NDArray[np.int64], where: str
) -> Iterator[UserError]:
    """Yield a mistake for each name that is another spelling of one in ``values``, where the column holds both."""
    by_fold = {fold(value): value for value in values if isinstance(value, str) and (cells == value).any()}
    for name in np.unique(cells[~matches(cells, values) & (cells != "")]).tolist():
        if (value := by_fold.get(fold(name))) is not None:
            line = int(lines[cells == name].min())
            other, expected = map(clipped, show([name, value]))
            what = f"{other} is another spelling of {expected}, which {key} names"
            remedy = f'write it in one way, or, if they are different things, add distinct = ["{column}"] to [columns]'
            yield UserError(cell_name(where, line, column), what, remedy)


def check_values(card: Card, task: TaskCard, columns: Mapping[str, NDArray[np.str_]], where: str) -> None:
    """Report each value that a task selects by and no row of the table holds, as a UserError.

    Parameters
    ----------
    card : Card
    task : TaskCard
        One of ``card.tasks``.
    columns : mapping of str to str[N]
        Those of the card's columns that the table has.
    where : str
        The table's file.
    """
    mistakes = []
    for column, values, key in _list_choices(task):
        if column not in columns or column in card.columns.checked:
            continue
        absent = [value for value in values if not matches(columns[column], (value,)).any()]
        names = [name for name in np.unique(columns[column]).tolist() if name] if absent else []
        listing = ", ".join(map(clipped, names[:MOST_NAMES])) + (
            f" and {len(names) - MOST_NAMES} more" if names[MOST_NAMES:] else ""
        )
        for value in absent:
            close = closest(str(value), names)
            remedy = (f"did you mean {close}? " if close else "") + f"the column holds {listing or 'nothing'}"
            at = Location(where, column=f"column {column}", within=f"[tasks.{task.name}]")
            mistakes.append(UserError(at, f"{key} names {value!r}, and no row holds it", remedy))
    report_each(mistakes, "(and {} more)".format)
    settle()


def check_missing(card: Card, task: TaskCard, rows: NDArray[np.int64], samples: Samples) -> tuple[str, ...]:
    """Report each cell that holds a program's sign for a missing value in place of a group's name.

    A label of ``None`` may well be a name: it stays as a class, with a note. So do such names in columns that the card
    calls ``distinct``.

    Parameters
    ----------
    card : Card
    task : TaskCard
    rows : int64[n]
        Of the task.
    samples : Samples

    Returns
    -------
    tuple of str
        The notes.
    """
    groups = {"unit": nested(task.unit or card.columns.unit), "batch": nested(card.columns.batch)}
    groups |= {"replicate": nested(task.replicate), "label": task.label if task.kind == "classify" else ()}
    notes = []
    for word, columns in groups.items():
        for column in dict.fromkeys(part for joint in columns for part in parts(joint)):
            names, index, counts = np.unique(samples.columns[column][rows], return_inverse=True, return_counts=True)
            absent = np.array([is_missing(str(name)) for name in names], bool)
            if word == "label":
                is_name = absent & [
                    column in card.columns.distinct or name.lower() == "none" for name in names.tolist()
                ]
                notes += [
                    f"Label {names[i]}, a class of {counts[i]}: a name, not a missing value."
                    for i in np.flatnonzero(is_name)
                ]
                absent &= ~is_name
            elif column in (*card.columns.distinct, card.columns.sample):
                continue
            for i in np.flatnonzero(absent):
                report_each(
                    _describe_absent(word, column, str(names[i]), rows[index == i], samples),
                    "(and {} more rows)".format,
                )
    return tuple(notes)


def _describe_absent(word: str, column: str, name: str, rows: NDArray[np.int64], samples: Samples) -> list[UserError]:
    remedy = f"name the {word} of each sample of a task"
    if word == "label":
        remedy = f'add exclude = ["{name}"], or leave the cells blank, to leave the rows out'
    elif word == "replicate":
        remedy = "leave the cells blank"
    remedy += f'; if it is a name, add distinct = ["{column}"] to [columns]'
    what = f"{name!r} as {word} is what programs write for a missing value"
    return [UserError(samples.at(int(row), column), what, remedy) for row in rows[np.argsort(samples.lines[rows])]]
