"""Names in the columns that group: two spellings of one thing are refused until the card says that they are two.

A patient spelled in two ways is two units, which folds then put on both sides; a label spelled in two ways is two
classes. What a spelling is, is for `reprcheck.spelling`; which columns group, and which rows are wrong, is said here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from reprcheck.datasets.card.card import Card
from reprcheck.datasets.card.columns import nested, parts
from reprcheck.datasets.card.problems import settle, tell_each
from reprcheck.datasets.card.section import Value
from reprcheck.datasets.card.tasks import TaskCard
from reprcheck.datasets.table.samples import Samples, cell_name, line_name, matches, to_number
from reprcheck.errors import Location, UserError, clipped, closest
from reprcheck.spelling import fold, groups, is_missing, show

SHOWN = 8
"""Names of a column listed where none is what was asked for."""


def check_names(card: Card, columns: Mapping[str, NDArray[np.str_]], lines: NDArray[np.int64], where: str) -> None:
    """Tell each name that a column which groups spells in several ways, as a UserError.

    Columns that the card calls ``distinct`` are taken at their word, and so are sample ids, the label of a regression,
    and metadata that are all numbers.

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
    grouping = [column for column in dict.fromkeys(_grouping(card)) if column in columns]
    known = {card.columns.sample, *card.columns.distinct, *card.columns.checked}
    for column in (column for column in grouping if column not in known):
        cells = columns[column]
        names, counts = np.unique(cells[cells != ""], return_counts=True)
        if column in card.columns.metadata and all(
            to_number(name) is not None or is_missing(name) for name in names.tolist()
        ):
            continue
        found = groups(names.tolist())
        if found:
            count = dict(zip(names.tolist(), counts.tolist(), strict=True))
            mistakes = [_spelled(column, spellings, count, cells, lines, where) for spellings in found]
            mistakes.sort(key=lambda one: one[0])
            tell_each([mistake for _, mistake in mistakes], f"(and {{}} more of column {column})".format)
    for task in card.tasks:
        for column, wanted, key in _chosen(task):
            if column in columns and column not in known.union(grouping):
                key = f"[tasks.{task.name}] {key}"
                tell_each(list(_beside(column, wanted, key, columns[column], lines, where)), "(and {} more)".format)


def _grouping(card: Card) -> Iterator[str]:
    """Yield the columns whose names make groups."""
    units = [card.columns.unit, card.columns.batch, *(task.unit for task in card.tasks)]
    yield from (part for unit in units for column in nested(unit) for part in parts(column))
    yield from (task.label[0] for task in card.tasks if task.kind == "classify")
    yield from (task.replicate for task in card.tasks if task.replicate)
    yield from nested(card.columns.position)
    yield from card.columns.metadata


def _chosen(task: TaskCard) -> Iterator[tuple[str, tuple[Value, ...], str]]:
    """Yield (column, values, key of the card) for rows that a task chooses by a value."""
    yield from ((column, wanted, f"where {column}") for column, wanted in (task.where or {}).items())
    if task.exclude:
        yield task.label[0], task.exclude, "exclude"
    if task.control:
        yield task.control.column, (task.control.equals,), "control"
    if task.test:
        yield task.test.column, task.test.equals, "test"


def _spelled(
    column: str,
    spellings: Sequence[str],
    count: Mapping[str, int],
    cells: NDArray[np.str_],
    lines: NDArray[np.int64],
    where: str,
) -> tuple[int, UserError]:
    """Return the mistake of several spellings, and the line of the first row of the second."""
    first = sorted((int(lines[cells == name].min()), name) for name in spellings)
    told = [
        f"{shown} ({line_name(where, line)}" + (f" and {count[name] - 1} more)" if count[name] > 1 else ")")
        for (line, name), shown in zip(first, map(clipped, show([name for _, name in first])), strict=True)
    ]
    what = f"{', '.join(told[:-1])} and {told[-1]} are one name in {len(told)} spellings"
    remedy = f'write it in one way, or, if they are different things, add distinct = ["{column}"] to [columns]'
    return first[1][0], UserError(cell_name(where, first[1][0], column), what, remedy)


def _beside(
    column: str, wanted: tuple[Value, ...], key: str, cells: NDArray[np.str_], lines: NDArray[np.int64], where: str
) -> Iterator[UserError]:
    """Yield a mistake for each name that isn't asked for, and is another spelling of one that is, and is there."""
    asked = {fold(value): value for value in wanted if isinstance(value, str) and (cells == value).any()}
    for name in np.unique(cells[~matches(cells, wanted) & (cells != "")]).tolist():
        if (value := asked.get(fold(name))) is not None:
            line = int(lines[cells == name].min())
            other, named = map(clipped, show([name, value]))
            what = f"{other} is another spelling of {named}, which {key} names"
            remedy = f'write it in one way, or, if they are different things, add distinct = ["{column}"] to [columns]'
            yield UserError(cell_name(where, line, column), what, remedy)


def check_values(card: Card, task: TaskCard, columns: Mapping[str, NDArray[np.str_]], where: str) -> None:
    """Tell each value that a task asks a column for, and that no row of the table holds, as a UserError.

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
    for column, wanted, key in _chosen(task):
        if column not in columns or column in card.columns.checked:
            continue
        absent = [value for value in wanted if not matches(columns[column], (value,)).any()]
        names = [name for name in np.unique(columns[column]).tolist() if name] if absent else []
        listed = ", ".join(map(clipped, names[:SHOWN])) + (f" and {len(names) - SHOWN} more" if names[SHOWN:] else "")
        for value in absent:
            close = closest(str(value), names)
            remedy = (f"did you mean {close}? " if close else "") + f"the column holds {listed or 'nothing'}"
            at = Location(where, column=f"column {column}", within=f"[tasks.{task.name}]")
            mistakes.append(UserError(at, f"{key} names {value!r}, and no row holds it", remedy))
    tell_each(mistakes, "(and {} more)".format)
    settle()


def check_missing(card: Card, task: TaskCard, rows: NDArray[np.int64], samples: Samples) -> tuple[str, ...]:
    """Tell each cell that holds what programs write for a missing value, where a name of a group should be.

    A label of ``None`` is as often a name as not: it is a class, which a note tells, as it does of what the card calls
    ``distinct``.

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
        for column in dict.fromkeys(part for named in columns for part in parts(named)):
            names, index, counts = np.unique(samples.columns[column][rows], return_inverse=True, return_counts=True)
            absent = np.array([is_missing(str(name)) for name in names], bool)
            if word == "label":
                kept = absent & [column in card.columns.distinct or name.lower() == "none" for name in names.tolist()]
                notes += [
                    f"Label {names[i]}, a class of {counts[i]}: a name, not a missing value."
                    for i in np.flatnonzero(kept)
                ]
                absent &= ~kept
            elif column in (*card.columns.distinct, card.columns.sample):
                continue
            for i in np.flatnonzero(absent):
                tell_each(_absent(word, column, str(names[i]), rows[index == i], samples), "(and {} more rows)".format)
    return tuple(notes)


def _absent(word: str, column: str, name: str, rows: NDArray[np.int64], samples: Samples) -> list[UserError]:
    remedy = f"name the {word} of each sample of a task"
    if word == "label":
        remedy = f'add exclude = ["{name}"], or leave the cells blank, to leave the rows out'
    elif word == "replicate":
        remedy = "leave the cells blank"
    remedy += f'; if it is a name, add distinct = ["{column}"] to [columns]'
    what = f"{name!r} as {word} is what programs write for a missing value"
    return [UserError(samples.at(int(row), column), what, remedy) for row in rows[np.argsort(samples.lines[rows])]]
