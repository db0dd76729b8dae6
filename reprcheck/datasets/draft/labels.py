"""Which columns could be tasks: by their names and values, and by whether folds can be made."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import pandas as pd

from reprcheck.confounds.design import list_names
from reprcheck.datasets.card import card as cards
from reprcheck.datasets.draft.guess_log import Cells, GuessLog, distinct
from reprcheck.datasets.table.samples import sort_samples, to_number
from reprcheck.datasets.table.tasks import resolve_task
from reprcheck.datasets.table.vocabulary import rank
from reprcheck.errors import UserError
from reprcheck.registry import PROTOCOLS

CLASSES = 30
"""A column with more values than this is no label of a classification."""
FEW = 10
"""Samples below which a class is left out, where it stands in the way of folds."""

Plain = dict[str, Any]


def guess_tasks(
    raw: Plain,
    table: pd.DataFrame,
    cells: Cells,
    told: GuessLog,
    planes: Mapping[str, str],
    only: Collection[str] | None = None,
) -> dict[str, Plain]:
    """Return ``[tasks]`` of a card as plain values.

    Parameters
    ----------
    raw : dict
        All of the card but its tasks.
    table : pandas.DataFrame
    cells : mapping of str to str[N]
    told : Told
    planes : mapping of str to str
        Column to the one value that tasks ask, as ``where``.
    only : collection of str, optional
        Columns that could be labels, where the table was made here; without it any.

    Returns
    -------
    dict of str to dict
        Each column that sounds like a label and has folds; failing that the first that has folds; failing that a task
        to be completed, since a card has at least one.
    """
    columns = raw["columns"]
    where: Plain = {"where": dict(planes)} if planes else {}
    named = [*_columns_of(columns), *planes, *(name for name in cells if only is not None and name not in only)]
    kinds = {name: kind for name in cells if name not in named and (kind := _kind(name, cells))}
    sounding = [name for name, kind in kinds.items() if _sounds(name, kind)]
    found: dict[str, Plain] = {}
    for name in sounding:
        task, problem = _tried(raw, table, name, kinds[name], where)
        if task is None:
            told.reasons.append(f"task {name}: left out ({problem})")
            told.comment("[tasks]", f"{name}: no task yet, since {problem}")
        else:
            told.say(f"task {name}", task["kind"], f"its name; {_about(name, cells, task)}")
            told.guess(f"tasks.{_name(name)}")
            found[_name(name)] = task
    others = [name for name in kinds if name not in sounding and _tried(raw, table, name, kinds[name], where)[0]]
    if not found and others:
        first, *others = others
        task, _ = _tried(raw, table, first, kinds[first], where)
        assert task is not None
        told.say(f"task {first}", task["kind"], f"{_about(first, cells, task)}; its name says nothing", others)
        told.guess(f"tasks.{_name(first)}")
        told.comment(f"[tasks.{_name(first)}]", "a guess: is this what a model should know?")
        found[_name(first)] = task
    if others:
        told.comment("[tasks]", f"could be labels too: {list_names(others)}")
        told.reasons.append(f"tasks: {list_names(others)} could be labels too")
    if not found:
        label = next((name for name in cells if rank(name, "label") is not None and name not in named), "label")
        told.reasons.append(f"task {label}: to be completed (no column could be a label)")
        told.comment(f"[tasks.{_name(label)}]", f"to be completed: fill in the column {label} of the table")
        found[_name(label)] = {"kind": "classify", "label": label, **where, "protocols": _usual("classify")}
    return found


def _columns_of(columns: Plain) -> list[str]:
    """Return every column that [columns] names."""
    found: list[str] = []
    for value in columns.values():
        found += [value] if isinstance(value, str) else value if isinstance(value, list) else [*value, *value.values()]
    return found


def _kind(name: str, cells: Cells) -> str | None:
    given = cells[name][cells[name] != ""]
    numeric = all(to_number(str(cell)) is not None for cell in given)
    if numeric and rank(name, "label") is None:
        return "regress" if distinct(given) > 2 else None
    return "classify" if 2 <= distinct(given) <= max(2, min(CLASSES, len(given) // 2)) else None


def _sounds(name: str, kind: str) -> bool:
    return rank(name, "label" if kind == "classify" else "amount") is not None


def _tried(raw: Plain, table: pd.DataFrame, name: str, kind: str, where: Plain) -> tuple[Plain | None, str]:
    """Return the task with the strictest folds that can be made, or None and what stands in the way."""
    task: Plain = {"kind": kind, "label": name, **where}
    problem = ""
    rare: list[Plain] = [{}, {"min_per_class": FEW}] if kind == "classify" else [{}]
    held: list[Plain] = [{"holdout": "batch"}, {}] if "batch" in raw["columns"] else [{}]
    for keys in [a | b for a in held for b in rare]:
        try:
            made = task | keys | {"protocols": _usual(kind)}
            card = cards.of({**raw, "tasks": {"t": made}}, "")
            resolve_task(card, card.tasks[0], sort_samples(card, table, ""))
            return made, ""
        except UserError as mistake:
            problem = mistake.what
    return None, problem


def _usual(kind: str) -> list[str]:
    """Return the protocols that a drafted card asks by."""
    return [name for name, protocol in PROTOCOLS.things() if protocol.usual and kind in protocol.kinds]


def _about(name: str, cells: Cells, task: Mapping[str, Any]) -> str:
    given = cells[name][cells[name] != ""]
    words = [f"{distinct(given)} {'classes' if task['kind'] == 'classify' else 'values'}"]
    if "holdout" in task:
        words.append("folds hold out a batch")
    if "min_per_class" in task:
        words.append(f"classes below {FEW} samples left out, since they leave no folds")
    return ", ".join(words)


def _name(column: str) -> str:
    """Return a column's name as a task may be called."""
    return "".join(c if c.isalnum() or c in "-_" else "_" for c in column)
