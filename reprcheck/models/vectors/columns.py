"""Which columns of a file are features: none of the dataset's own table, by name or by what it holds; never the label.

Names are taken as people vary them (case, ``Metadata_`` before them). What a column holds is compared exactly: it is
left out where it repeats the numbers of a column of the table, or has one value for each of its groups, or for the
label has one value throughout each class. Real features do that only where they were measured once for a whole group,
so groups count that hold several units each; beyond, only codes do (whole numbers in a row).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from reprcheck.datasets.table import to_number
from reprcheck.models.vectors.stored import IDS, Stored, bare, few, shown, wrong
from reprcheck.types import Dataset, Task

GLANCE = 1000
"""Rows that most columns can be cleared by."""
TOLERANCE = 1e-6
"""Relative difference of numbers that one is the other as float32."""


def features(
    path: Path, stored: Stored, dataset: Dataset, wanted: NDArray[np.int64], values: NDArray[np.float64], label: str
) -> tuple[NDArray[np.int64], Mapping[str, tuple[str, ...]]]:
    """Return which columns are features, and the names of those left out, by reason.

    Parameters
    ----------
    path : Path
    stored : Stored
    dataset : Dataset
    wanted : int64[m]
        The samples looked at, as positions in ``dataset.ids``.
    values : float64[m, D]
        Theirs.
    label : str
        The column of ids.

    Raises
    ------
    UserError
        Where no column is left.
    """
    reasons = _by_name(stored, dataset, label)
    rest = np.array([j for j in range(values.shape[1]) if j not in reasons], dtype=np.int64)
    reasons |= {int(rest[j]): reason for j, reason in _by_content(dataset, wanted, values[:, rest]).items()}
    left_out = {reason: [name for name in names if name != label] for reason, names in stored.left_out.items()}
    for j, reason in sorted(reasons.items()):
        name = stored.names[j] if stored.names else str(j)
        if name != label:
            left_out.setdefault(reason, []).append(name)
    used = np.array([j for j in range(values.shape[1]) if j not in reasons], dtype=np.int64)
    told = {reason: tuple(names) for reason, names in left_out.items() if names}
    if not len(used):
        why = "; ".join(f"{few(names)}: {reason}" for reason, names in told.items())
        raise wrong(path, f"has no column of features for {dataset.name} ({why})", "add features of the images")
    return used, told


def _by_name(stored: Stored, dataset: Dataset, label: str) -> dict[int, str]:
    table = {bare(name) for name in dataset.columns} | {bare(dataset.key)}
    reasons = {}
    for j, name in enumerate(stored.names):
        if name == label or bare(name) in IDS:
            reasons[j] = "ids"
        elif bare(name) in table:
            reasons[j] = f"a column of {dataset.name}'s own table, by name"
    return reasons


def _by_content(dataset: Dataset, wanted: NDArray[np.int64], values: NDArray[np.float64]) -> dict[int, str]:
    """Return the columns that hold what the table does, and the reason of each."""
    reasons: dict[int, str] = {}
    asked = [task for task in dataset.tasks.values() if task.kind == "classify"]
    found = [(f"the label of {task.name}, by what it holds", _of_label(task, wanted, values)) for task in asked]
    units = min((len(np.unique(task.units)) for task in dataset.tasks.values()), default=len(wanted))
    for name in dataset.columns:
        hit = _of_column(dataset.columns[name][wanted], units, values)
        found.append((f"column {shown(name)} of {dataset.name}'s own table, by what it holds", hit))
    found.append(("a count of rows", _counting(values)))
    for reason, columns in found:
        for j in columns:
            reasons.setdefault(int(j), reason)
    return reasons


def _of_label(task: Task, wanted: NDArray[np.int64], values: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the columns that have one value throughout each class, of a task whose classes hold several units each."""
    pairs = {(unit, label) for unit, label in zip(task.units.tolist(), task.y.tolist(), strict=True)}
    if 2 * len(np.unique(task.y)) > len(pairs):
        return np.zeros(0, np.int64)
    return _constant_within(task.y.astype(np.int64), values[np.searchsorted(wanted, task.rows)])


def _of_column(cells: NDArray[np.str_], units: int, values: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the columns that repeat the numbers of a table's column, or tell its groups one by one."""
    groups, codes = np.unique(cells, return_inverse=True)
    if len(groups) < 2:
        return np.zeros(0, np.int64)
    same = _equal(groups, codes, values)
    if len(groups) == len(cells):
        return same
    constant = _constant_within(codes, values)
    first = np.unique(codes, return_index=True)[1]
    each = [j for j in constant.tolist() if len(np.unique(values[first, j])) == len(groups)]
    if 2 * len(groups) > units:
        each = [j for j in each if _in_a_row(values[first, j])]
    return np.union1d(same, np.array(each, np.int64))


def _equal(groups: NDArray[np.str_], codes: NDArray[np.int64], values: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the columns that hold the numbers of a table's column, blank cells aside."""
    numbers = [to_number(str(cell)) if cell else np.nan for cell in groups]
    if None in numbers or np.isfinite(np.array(numbers, float)).sum() < 2:
        return np.zeros(0, np.int64)
    theirs = np.array(numbers, float)[codes]
    told = np.isfinite(theirs)
    live = np.arange(values.shape[1])
    for rows in (np.flatnonzero(told)[:GLANCE], np.flatnonzero(told)):
        close = np.abs(values[np.ix_(rows, live)] - theirs[rows, None]) <= TOLERANCE * np.abs(theirs[rows, None])
        live = live[close.all(0)]
    return live


def _constant_within(codes: NDArray[np.int64], values: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the columns that have one value throughout each group, and not one throughout."""
    live = np.arange(values.shape[1])
    for rows in (slice(0, GLANCE), slice(None)):
        order = np.argsort(codes[rows], kind="stable")
        starts = np.flatnonzero(np.diff(codes[rows][order], prepend=-1))
        part = values[rows][np.ix_(order, live)]
        live = live[(np.maximum.reduceat(part, starts) == np.minimum.reduceat(part, starts)).all(0)]
    return live[values[:, live].max(0) > values[:, live].min(0)] if len(live) else live


def _counting(values: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the columns that hold whole numbers in a row, each once, in whatever order."""
    likely = np.flatnonzero(np.ptp(values, axis=0) == len(values) - 1) if len(values) > 2 else ()
    return np.array([j for j in likely if _in_a_row(values[:, j])], np.int64)


def _in_a_row(values: NDArray[np.float64]) -> bool:
    distinct = np.unique(values)
    return len(distinct) == len(values) and bool((np.diff(distinct) == 1).all())
