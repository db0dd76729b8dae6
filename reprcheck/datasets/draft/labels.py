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
"""Classes with fewer samples are left out where they prevent folds."""

Plain = dict[str, Any]


def guess_tasks(
    raw: Plain,
    table: pd.DataFrame,
    cells: Cells,
    log: GuessLog,
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
    log : GuessLog
    planes : mapping of str to str
        Column to the one value that tasks select, as ``where``.
    only : collection of str, optional
        Columns that could be labels, where the table was made here; by default any.

    Returns
    -------
    dict of str to dict
        A task for each column that sounds like a label and has folds; if there is none, for the first column that has
        folds; if there is none, a task to complete by hand, since a card needs one.
    """
    columns = raw["columns"]
    where: Plain = {"where": dict(planes)} if planes else {}
    used = [*_list_columns(columns), *planes, *(name for name in cells if only is not None and name not in only)]
    kinds = {name: kind for name in cells if name not in used and (kind := _guess_kind(name, cells))}
    sounding = [name for name, kind in kinds.items() if _sounds_like(name, kind)]
    tasks: dict[str, Plain] = {}
    for name in sounding:
        task, problem = _try_task(raw, table, name, kinds[name], where)
        if task is None:
            log.reasons.append(f"task {name}: left out ({problem})")
            log.comment("[tasks]", f"{name}: no task yet, since {problem}")
        else:
            log.record(f"task {name}", task["kind"], f"its name; {_describe(name, cells, task)}")
            log.guess(f"tasks.{_to_task_name(name)}")
            tasks[_to_task_name(name)] = task
    others = [name for name in kinds if name not in sounding and _try_task(raw, table, name, kinds[name], where)[0]]
    if not tasks and others:
        first, *others = others
        task, _ = _try_task(raw, table, first, kinds[first], where)
        assert task is not None
        log.record(f"task {first}", task["kind"], f"{_describe(first, cells, task)}; its name says nothing", others)
        log.guess(f"tasks.{_to_task_name(first)}")
        log.comment(f"[tasks.{_to_task_name(first)}]", "a guess: is this what a model should know?")
        tasks[_to_task_name(first)] = task
    if others:
        log.comment("[tasks]", f"could be labels too: {list_names(others)}")
        log.reasons.append(f"tasks: {list_names(others)} could be labels too")
    if not tasks:
        label = next((name for name in cells if rank(name, "label") is not None and name not in used), "label")
        log.reasons.append(f"task {label}: to be completed (no column could be a label)")
        log.comment(f"[tasks.{_to_task_name(label)}]", f"to be completed: fill in the column {label} of the table")
        tasks[_to_task_name(label)] = {
            "kind": "classify",
            "label": label,
            **where,
            "protocols": _list_usual_protocols("classify"),
        }
    return tasks


def _list_columns(columns: Plain) -> list[str]:
    """Return every column that [columns] names."""
    names: list[str] = []
    for value in columns.values():
        names += [value] if isinstance(value, str) else value if isinstance(value, list) else [*value, *value.values()]
    return names


def _guess_kind(name: str, cells: Cells) -> str | None:
    values = cells[name][cells[name] != ""]
    numeric = all(to_number(str(cell)) is not None for cell in values)
    if numeric and rank(name, "label") is None:
        return "regress" if distinct(values) > 2 else None
    return "classify" if 2 <= distinct(values) <= max(2, min(CLASSES, len(values) // 2)) else None


def _sounds_like(name: str, kind: str) -> bool:
    return rank(name, "label" if kind == "classify" else "amount") is not None


def _try_task(raw: Plain, table: pd.DataFrame, name: str, kind: str, where: Plain) -> tuple[Plain | None, str]:
    """Return the task with the strictest folds that can be made, or None and what prevents folds."""
    task: Plain = {"kind": kind, "label": name, **where}
    problem = ""
    rare: list[Plain] = [{}, {"min_per_class": FEW}] if kind == "classify" else [{}]
    holdouts: list[Plain] = [{"holdout": "batch"}, {}] if "batch" in raw["columns"] else [{}]
    for keys in [a | b for a in holdouts for b in rare]:
        try:
            candidate = task | keys | {"protocols": _list_usual_protocols(kind)}
            card = cards.of({**raw, "tasks": {"t": candidate}}, "")
            resolve_task(card, card.tasks[0], sort_samples(card, table, ""))
            return candidate, ""
        except UserError as mistake:
            problem = mistake.what
    return None, problem


def _list_usual_protocols(kind: str) -> list[str]:
    """Return the protocols of a drafted card."""
    return [name for name, protocol in PROTOCOLS.things() if protocol.usual and kind in protocol.kinds]


def _describe(name: str, cells: Cells, task: Mapping[str, Any]) -> str:
    values = cells[name][cells[name] != ""]
    words = [f"{distinct(values)} {'classes' if task['kind'] == 'classify' else 'values'}"]
    if "holdout" in task:
        words.append("folds hold out a batch")
    if "min_per_class" in task:
        words.append(f"classes below {FEW} samples left out, since they leave no folds")
    return ", ".join(words)


def _to_task_name(column: str) -> str:
    """Turn a column's name into one that a task may have."""
    return "".join(c if c.isalnum() or c in "-_" else "_" for c in column)
