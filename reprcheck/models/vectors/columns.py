"""Which columns of a file are features: none of the dataset's own table, by name or by what it holds; never the label.

Names are taken as people vary them (case, ``Metadata_`` before them). What a column holds is compared exactly. It is
left out where it repeats the numbers of a column of the table or rises with them, where it has one value throughout
each group of such a column, or class of a label, and where it counts rows or groups. Real features do that only where
they were measured once for a whole unit, so one value throughout counts in groups that hold several units.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reprcheck.datasets.table.samples import to_number
from reprcheck.models.vectors.stored import IDS, VectorTable, bare, few, shown, wrong
from reprcheck.types import Dataset

GLANCE = 1000
"""Rows that most columns can be cleared by."""
FEWEST_STEPS = 10
"""Distinct numbers whose order no feature repeats by chance: one in 10!/2."""
TOLERANCE = 1e-6
"""Relative difference of numbers that one is the other as float32."""


def features(
    path: Path, stored: VectorTable, dataset: Dataset, wanted: NDArray[np.int64], values: NDArray[Any], label: str
) -> tuple[NDArray[np.int64], Mapping[str, tuple[str, ...]]]:
    """Return which columns are features, and the names of those left out, by reason.

    Parameters
    ----------
    path : Path
    stored : Stored
    dataset : Dataset
    wanted : int64[m]
        The samples looked at, as positions in ``dataset.ids``.
    values : float32[m, D] or float64[m, D]
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
    reasons |= {int(rest[j]): reason for j, reason in _by_content(dataset, wanted, taken(values, rest)).items()}
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


def taken(values: NDArray[Any], columns: NDArray[np.int64]) -> NDArray[Any]:
    """Return some columns, without a copy where they are all."""
    return values if len(columns) == values.shape[1] else values[:, columns]


def _by_name(stored: VectorTable, dataset: Dataset, label: str) -> dict[int, str]:
    table = {bare(name) for name in dataset.columns} | {bare(dataset.key)}
    reasons = {}
    for j, name in enumerate(stored.names):
        if name == label or bare(name) in IDS:
            reasons[j] = "ids"
        elif bare(name) in table:
            reasons[j] = f"a column of {dataset.name}'s own table, by name"
    return reasons


def _by_content(dataset: Dataset, wanted: NDArray[np.int64], values: NDArray[Any]) -> dict[int, str]:
    """Return the columns that hold what the table does, and the reason of each."""
    units, known = _units(dataset, wanted), []
    for task in dataset.tasks.values():
        at = np.searchsorted(wanted, task.rows)
        told = {"units": task.units, "batches": task.batches}
        if task.kind == "classify":
            told = {"label": np.array(task.classes)[task.y]} | told
        known += [(f"the {what} of {task.name}, by what it holds", at, cells) for what, cells in told.items()]
    everywhere = np.arange(len(wanted))
    for name in dataset.columns:
        reason = f"column {shown(name)} of {dataset.name}'s own table, by what it holds"
        known.append((reason, everywhere, dataset.columns[name][wanted]))
    reasons: dict[int, str] = {}
    for reason, at, cells in known:
        for j in _of_column(cells, units[at], values if len(at) == len(values) else values[at]).tolist():
            reasons.setdefault(j, reason)
    return reasons | {j: "a count of rows" for j in _counting(values).tolist() if j not in reasons}


def _units(dataset: Dataset, wanted: NDArray[np.int64]) -> NDArray[np.str_]:
    """Return the unit of each sample, in the first task that asks for it; else its id."""
    units = dict(zip(wanted.tolist(), dataset.ids[wanted].tolist(), strict=True))
    for task in reversed(list(dataset.tasks.values())):
        units.update(zip(task.rows.tolist(), task.units.tolist(), strict=True))
    return np.array([units[row] for row in wanted.tolist()], dtype=np.str_)


def _of_column(cells: NDArray[np.str_], units: NDArray[np.str_], values: NDArray[Any]) -> NDArray[np.int64]:
    """Return the columns that hold what a column of the table does, in whatever numbers."""
    groups, codes = np.unique(cells, return_inverse=True)
    if len(groups) < 2:
        return np.zeros(0, np.int64)
    found = [_equal(groups, codes, values), _rising_with(groups, codes, values)]
    if len(groups) < len(cells):
        constant = _constant_within(codes, values)
        pairs = np.unique(np.array([f"{c}/{unit}" for c, unit in zip(codes.tolist(), units.tolist(), strict=True)]))
        several = np.bincount([int(pair.split("/")[0]) for pair in pairs.tolist()], minlength=len(groups)) > 1
        first = np.unique(codes, return_index=True)[1]
        each = values[np.ix_(first, constant)]
        found.append(constant[np.ptp(each[several], axis=0) > 0] if several.any() else constant[:0])
        found.append(constant[[_in_a_row(numbers) for numbers in each.T]] if len(constant) else constant)
    return np.unique(np.concatenate(found))


def _equal(groups: NDArray[np.str_], codes: NDArray[np.int64], values: NDArray[Any]) -> NDArray[np.int64]:
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


def _rising_with(groups: NDArray[np.str_], codes: NDArray[np.int64], values: NDArray[Any]) -> NDArray[np.int64]:
    """Return the columns that rise or fall wherever a table's column of numbers does: that column in another unit."""
    numbers = np.array([np.nan if (n := to_number(str(cell))) is None else n for cell in groups])
    if np.isnan(numbers).any() or len(np.unique(numbers)) < FEWEST_STEPS:
        return np.zeros(0, np.int64)
    first, live = np.unique(codes, return_index=True)[1][np.argsort(numbers)], np.arange(values.shape[1])
    for rows in (first[:GLANCE], first):
        steps = np.diff(values[np.ix_(rows, live)], axis=0)
        live = live[(steps > 0).all(0) | (steps < 0).all(0)]
    return live[_constant_within(codes, values[:, live])]


def _constant_within(codes: NDArray[np.int64], values: NDArray[Any]) -> NDArray[np.int64]:
    """Return the columns that have one value throughout each group, and not one throughout."""
    live = np.arange(values.shape[1])
    for rows in (slice(0, GLANCE), slice(None)):
        order = np.argsort(codes[rows], kind="stable")
        starts = np.flatnonzero(np.diff(codes[rows][order], prepend=-1))
        part = values[rows][np.ix_(order, live)]
        live = live[(np.maximum.reduceat(part, starts) == np.minimum.reduceat(part, starts)).all(0)]
    return live[values[:, live].max(0) > values[:, live].min(0)] if len(live) else live


def _counting(values: NDArray[Any]) -> NDArray[np.int64]:
    """Return the columns that hold whole numbers in a row, each once, in whatever order."""
    likely = np.flatnonzero(np.ptp(values, axis=0) == len(values) - 1) if len(values) > 2 else ()
    return np.array([j for j in likely if _in_a_row(values[:, j])], np.int64)


def _in_a_row(values: NDArray[Any]) -> bool:
    distinct = np.unique(values)
    return len(distinct) == len(values) and bool((np.diff(distinct) == 1).all())
