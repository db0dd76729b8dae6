"""Groups that a card doesn't answer for: columns, and folders of images, whose groups hold several units of one label.

Tiles of one slide are alike. Where the label belongs to the slide and tiles are declared as units, folds part a slide's
tiles, and whoever recognises the slide knows the label: an untrained network passes. A column that groups units in
this way must be named on the card (as unit, batch, metadata, position, replicate or label) or listed as ``ignored``;
until then its tasks are underpowered (`reprcheck.stats.qualify`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property, reduce
from pathlib import PurePosixPath

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from reprcheck.confounds.design import list_names
from reprcheck.datasets.card.card import Card
from reprcheck.datasets.card.columns import nested, parts
from reprcheck.datasets.card.tasks import TaskCard
from reprcheck.datasets.table.plate import place
from reprcheck.datasets.table.samples import Samples, texts, to_number
from reprcheck.datasets.table.vocabulary import rank
from reprcheck.seeding import rng
from reprcheck.types import Grouping, Task

NEAR = 0.9
"""How often two units of a group must have one label, every label weighing the same, for labels to be the group's."""
CHANCE = 0.01
"""The largest share of random columns, as large and as many groups, that would agree as well with the label."""
PERMUTATIONS = 199
UNANSWERED = "Underpowered: "
"""Opens the sentence on groups that a card doesn't answer for."""

Codes = NDArray[np.int64]
"""The group of each sample, counted from 0; -1 where it isn't known."""


@dataclass(frozen=True)
class _Candidate:
    """What may group units: the column to be named, how a sentence calls it, and the group of each sample.

    ``sounds``: the name is that of a unit or a batch. ``values`` are numbers by group, where all are numbers.
    """

    columns: tuple[str, ...]
    called: str
    unit: str
    codes: Codes
    sounds: bool = False
    values: NDArray[np.float64] | None = None
    single: bool = False


@dataclass(frozen=True)
class GroupColumns:
    """The columns of a table as groups of a dataset's samples, each read once."""

    table: pd.DataFrame
    samples: Samples
    _groups: dict[str, tuple[Codes, NDArray[np.str_]]] = field(default_factory=dict)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The names of all columns."""
        return tuple(map(str, self.table.columns))

    def of(self, column: str) -> tuple[Codes, NDArray[np.str_]]:
        """Return the group of each sample, and the names of the groups, sorted."""
        if column not in self._groups:
            raw, distinct = pd.factorize(self.table[column], use_na_sentinel=False)
            self._groups[column] = _coded(texts(pd.Series(distinct, dtype=object))[raw[self.samples.position]])
        return self._groups[column]

    def joined(self, columns: Iterable[str]) -> Codes:
        """Return the group of each sample that columns make together; unknown where one is."""
        return reduce(_pair, (self.of(column)[0] for column in columns))


def unanswered(card: Card, task_card: TaskCard, task: Task, columns: GroupColumns) -> tuple[Grouping, ...]:
    """Return the groups of a task's units that its card doesn't answer for.

    Parameters
    ----------
    card : Card
    task_card : TaskCard
        One of ``card.tasks``.
    task : Task
        As resolved, before anything is aggregated or cut down.
    columns : Columns
        All columns of the table, those that the card doesn't name too.

    Returns
    -------
    tuple of Grouping
        In order of the table's columns. Columns with the same groups are one.

    Notes
    -----
    A column counts where some of its groups hold two units or more and, among the units of these groups,

    - the label is the group's: two units of a group have one label nine times in ten, every label weighing the same,
      and of random columns with groups of these sizes at most one in a hundred agrees as well (labels permuted over
      units, within batches where a group lies in one batch);
    - it isn't the label by another name: some label has several groups. In a classification more than half of the
      labels with a group each are the label, a little finer, unless the column is called like a unit or a batch;
    - it isn't a measurement: numbers that most units share with no other.

    Where every batch has one label, the card has said so: batches then take the place of units.
    """
    at = _GroupedTask.of(card, task)
    answered = [codes[task.rows] for codes in _answered(card, task_card, columns)]
    groupings: list[tuple[_Candidate, Grouping]] = []
    for candidate in _candidates(card, task_card, task, columns):
        same = next((i for i, (first, _) in enumerate(groupings) if _same(first.codes, candidate.codes)), None)
        if same is not None:
            first, grouping = groupings[same]
            if first.single and candidate.single:
                alike = (*grouping.columns, *candidate.columns)
                groupings[same] = first, replace(grouping, columns=alike, called=_called(alike))
        elif any(_same(codes, candidate.codes) for codes in answered) or _lies_in(candidate, groupings):
            continue
        elif (grouping_made := at.grouping(candidate)) is not None:
            groupings.append((candidate, grouping_made))
    return tuple(grouping for _, grouping in groupings)


def sentence(grouping: Grouping) -> str:
    """Return a sentence on groups that a card doesn't answer for, and what to do about them."""
    g, ignored = grouping, ", ".join(f'"{column}"' for column in grouping.columns)
    named = f"name that on the card: unit = {g.unit}" if g.unit else "write these as a column, and name it as `unit`"
    unit = named if g.testable else "a label of one group alone can't be asked of new ones"
    return (
        f"{UNANSWERED}{g.called}, which the card doesn't answer for, puts {g.n_units} units into {g.n_groups} groups "
        f"of one label each, so that they may not be independent; {unit}, or, where its units are independent all the "
        f"same, list it in [columns]: ignored = [{ignored}]."
    )


@dataclass(frozen=True)
class _GroupedTask:
    """A task as the rule sees it: what has one label each, and the batches that labels are permuted in."""

    task: Task
    y: Codes
    units: Codes
    things: Codes
    batches: Codes | None
    amounts: Mapping[str, None]

    @classmethod
    def of(cls, card: Card, task: Task) -> _GroupedTask:
        y, units = _index(task.y), _index(task.units)
        batches = _index(task.batches) if card.columns.batch else None
        things = units
        if batches is not None and _function(batches, y) and _function(units, batches):
            things, batches = batches, None
        amounts = {t.label[0]: None for t in card.tasks if t.kind == "regress" and len(t.label) == 1}
        return cls(task, y, units, things, batches, amounts)

    def grouping(self, candidate: _Candidate) -> Grouping | None:
        """Return the grouping that a candidate makes, or None where it makes none that matters."""
        known = candidate.codes >= 0
        codes, y = candidate.codes[known], self.y[known]
        thing, group, label = _distinct(self.things[known], codes, y)
        several = np.bincount(_distinct(thing, group)[1])[group] > 1
        share = len(np.unique(thing[several])) / max(1, len(np.unique(thing)))
        if not several.any() or (candidate.values is not None and share < 0.5 and not candidate.sounds):
            return None
        shared_groups, group = np.unique(group[several], return_inverse=True)
        label = _index(label[several])
        if self._another_name(candidate, codes, y) or _agreement(group, label) < NEAR:
            return None
        strata = None if self.batches is None else self._strata(codes, known, several)
        if _p(group, label, strata) > CHANCE:
            return None
        units = len(np.unique(self.units[known][np.isin(codes, shared_groups)]))
        fewest = int(np.bincount(_index(_distinct(y, codes)[0])).min()) if self.task.classes else 2
        return Grouping(candidate.columns, candidate.called, candidate.unit, len(shared_groups), units, fewest > 1)

    def _strata(self, codes: Codes, known: NDArray[np.bool_], several: NDArray[np.bool_]) -> Codes | None:
        """Return the batch of each thing in a group with others, where every group lies in one batch."""
        assert self.batches is not None
        batches = self.batches[known]
        if not _function(codes, batches):
            return None
        _, first = np.unique(_joint(self.things[known], codes, self.y[known]), return_index=True)
        return batches[first][several]

    def _another_name(self, candidate: _Candidate, codes: Codes, y: Codes) -> bool:
        groups_of = np.bincount(_index(_distinct(y, codes)[0]))
        if (groups_of == 1).all():
            if self.task.classes or not candidate.sounds:
                return True
            if candidate.values is None:
                return False
            values, label = candidate.values[codes], self.task.y[candidate.codes >= 0]
            order = np.lexsort((label, values))
            steps = np.diff(label[order])
            return bool((steps >= 0).all() or (steps <= 0).all())
        if not self.task.classes:
            return False
        if not candidate.sounds and 2 * np.count_nonzero(groups_of == 1) > len(groups_of):
            return True
        return self._cut_from(candidate, codes, y)

    def _cut_from(self, candidate: _Candidate, codes: Codes, y: Codes) -> bool:
        """Return whether the classes are ranges of an amount that is another task's label."""
        if candidate.values is None or not self.amounts.keys() & set(candidate.columns):
            return False
        ordered = y[np.argsort(candidate.values[codes], kind="stable")]
        return int(np.count_nonzero(np.diff(ordered))) == len(np.unique(y)) - 1


def _answered(card: Card, task_card: TaskCard, columns: GroupColumns) -> Iterator[Codes]:
    """Yield the groups that the card answers for, and so for other columns with the same groups."""
    on_card = card.columns
    for column in (*nested(task_card.unit or on_card.unit), *_roles(card, task_card), *on_card.ignored):
        if all(part in columns.names for part in parts(column)):
            yield columns.joined(parts(column))


def _roles(card: Card, task_card: TaskCard) -> tuple[str, ...]:
    """Return the columns that the card names for a task, unit and label aside."""
    on_card = card.columns
    others = (on_card.batch, task_card.replicate, *on_card.metadata, on_card.position)
    return tuple(column for column in others if column is not None)


def _candidates(card: Card, task_card: TaskCard, task: Task, columns: GroupColumns) -> Iterator[_Candidate]:
    """Yield columns that the card doesn't answer for, places with the plate they lie on, and folders of images."""
    on_card = card.columns
    folders = dict(on_card.folders)
    files = {*on_card.image, *folders.values(), on_card.frame, on_card.mask, on_card.types}
    answering = (*nested(task_card.unit or on_card.unit), *_roles(card, task_card))
    taken = {on_card.sample, *task_card.label, *answering, *on_card.ignored}
    taken |= {part for column in answering for part in parts(column) if _is_place(part, columns, task.rows)}
    free = [column for column in columns.names if column not in taken | files and not column.startswith("<")]
    for column in free:
        yield _single(column, columns, task.rows)
    for column in [*free, *([on_card.position] if on_card.position else [])]:
        if not _is_place(column, columns, task.rows, by_name=column != on_card.position):
            continue
        beside = [c for c in free if c != column and rank(c, "around") is not None]
        together = (*(parts(on_card.batch) if on_card.batch else ()), *beside, column)
        if len(together) == 1:
            if column == on_card.position:
                yield _single(column, columns, task.rows)
            continue
        called = f"columns {', '.join(together[:-1])} and {column} together"
        unit = "{ join = [" + ", ".join(f'"{c}"' for c in together) + "] }"
        yield _Candidate((column,), called, unit, columns.joined(together)[task.rows], sounds=True)
    first = on_card.image[:1]
    for column in (*(folders[name] for name in first if name in folders), *first):
        if column in columns.names and column not in on_card.ignored:
            yield from _folders(column, columns, task)


def _single(column: str, columns: GroupColumns, rows: NDArray[np.int64]) -> _Candidate:
    codes, names = columns.of(column)
    codes = codes[rows]
    used = np.unique(codes[codes >= 0])
    numbers = [to_number(str(name)) for name in names[used]]
    values = None
    if None not in numbers:
        values = np.full(len(names), np.nan)
        values[used] = np.array(numbers, np.float64)
    sounds = rank(column, "batch") is not None or rank(column, "unit") is not None
    return _Candidate((column,), f"column {column}", f'"{column}"', codes, sounds, values, single=True)


def _is_place(column: str, columns: GroupColumns, rows: NDArray[np.int64], by_name: bool = True) -> bool:
    """Return whether a column names places that another plate may have too: wells, by their names or the column's."""
    if column not in columns.names:
        return False
    if by_name and rank(column, "place") is not None:
        return True
    codes, names = columns.of(column)
    used = np.unique(codes[rows])
    places = [place(str(name)) for name in names[used[used >= 0]]]
    return bool(places) and all(at.row is not None and at.column is not None for at in places)


def _folders(column: str, columns: GroupColumns, task: Task) -> Iterator[_Candidate]:
    """Yield the folders that images lie in, level by level, and files that hold several; names of classes aside."""
    codes, names = columns.of(column)
    codes = codes[task.rows]
    paths = [PurePosixPath(str(name).replace("\\", "/")) for name in names]
    y, batches = _index(task.y), _index(task.batches)
    prefix = np.zeros(len(codes), np.int64)
    depth = max((len(path.parts) for path in paths), default=0)
    for level in range(depth):
        part = _coded(np.array([p.parts[level] if level < len(p.parts) else "" for p in paths], np.str_))[0]
        at = part[codes]
        if _function(y, at):  # the class's folder, or one folder of all
            continue
        prefix = _index(_joint(prefix, at + 1))
        if not _function(_pair(y, batches), prefix):
            yield _Candidate((column,), f"folder {level + 1} of {column}", "", prefix)


def _lies_in(candidate: _Candidate, groupings: Iterable[tuple[_Candidate, Grouping]]) -> bool:
    """Return whether a candidate made of a place or a folder lies within groups already reported."""
    return not candidate.single and any(_function(candidate.codes, outer.codes) for outer, _ in groupings)


def _called(columns: tuple[str, ...]) -> str:
    first, *others = columns
    return f"column {first}" + (f" ({list_names(others)} alike)" if others else "")


def _agreement(group: Codes, label: Codes) -> float:
    """Return how often two things of one group have one label, every label weighing the same."""
    n_labels = int(label.max()) + 1
    size, same = np.bincount(group)[group], _count(group * n_labels + label)
    share = (same - 1) / (size - 1)
    return float((np.bincount(label, share) / np.bincount(label)).mean())


def _count(codes: Codes) -> NDArray[np.int64]:
    """Return how often each code occurs."""
    if codes.max() < 50 * len(codes):
        return np.bincount(codes)[codes].astype(np.int64)
    _, index, counts = np.unique(codes, return_inverse=True, return_counts=True)
    return counts[index].astype(np.int64)


def _p(group: Codes, label: Codes, strata: Codes | None) -> float:
    """Return the share of permutations of the labels, within strata, that agree with the groups as well."""
    observed, draw = _agreement(group, label), rng("groups", group, label)
    order = np.zeros(len(label), np.int64) if strata is None else strata
    sorted_by_stratum = np.argsort(order, kind="stable")
    as_well = 0
    for _ in range(PERMUTATIONS):
        moved = np.empty_like(label)
        shuffled = np.lexsort((draw.random(len(label)), order))
        moved[sorted_by_stratum] = label[shuffled]
        as_well += _agreement(group, moved) >= observed - 1e-12
    return (1 + as_well) / (PERMUTATIONS + 1)


def _coded(cells: NDArray[np.str_]) -> tuple[Codes, NDArray[np.str_]]:
    """Return codes of cells, -1 for blank ones, and their names, sorted."""
    names, codes = np.unique(cells, return_inverse=True)
    if len(names) and names[0] == "":
        return codes.astype(np.int64) - 1, names[1:]
    return codes.astype(np.int64), names


def _index(values: NDArray[np.generic]) -> Codes:
    codes: Codes = np.unique(values, return_inverse=True)[1].astype(np.int64)
    return codes


def _joint(*codes: Codes) -> Codes:
    """Return one code for each combination of codes, in their order."""
    joint = codes[0]
    for other in codes[1:]:
        joint = _index(joint) * (int(other.max(initial=0)) + 1) + other
    return joint


def _pair(a: Codes, b: Codes) -> Codes:
    """Return the groups that two columns make together; unknown where either is."""
    return np.where((a >= 0) & (b >= 0), _joint(a, np.maximum(b, 0)), -1)


def _distinct(*codes: Codes) -> tuple[Codes, ...]:
    """Return the distinct combinations of codes, in their order."""
    _, first = np.unique(_joint(*codes), return_index=True)
    return tuple(c[first] for c in codes)


def _function(of: Codes, value: Codes) -> bool:
    """Return whether each value of ``of`` occurs with one of ``value``; unknown ones don't count."""
    known = (of >= 0) & (value >= 0)
    return len(np.unique(_joint(of[known], value[known]))) == len(np.unique(of[known]))


def _same(a: Codes, b: Codes) -> bool:
    """Return whether two columns make the same groups."""
    return bool(((a >= 0) == (b >= 0)).all()) and _function(a, b) and _function(b, a)
