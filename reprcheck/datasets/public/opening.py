"""Open a fetched public set as a `Dataset`.

A set's reader is the module of its name. It has ``table(root) -> pandas.DataFrame``, one row per sample in the columns
that the card names, with files relative to ``root``; and, if images aren't files of their own,
``images(root, table, card) -> ImageSource`` in the order of the table. Both raise UserError for files that aren't laid
out as published.
"""

from __future__ import annotations

import os
from dataclasses import replace
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pandas as pd

from reprcheck.datasets.assemble import assemble
from reprcheck.datasets.card.card import Card
from reprcheck.datasets.card.tasks import TaskCard
from reprcheck.datasets.folder import open_files
from reprcheck.datasets.public.entry import SETS, public_set
from reprcheck.datasets.public.record import state
from reprcheck.errors import Option, UserError
from reprcheck.types import Dataset


def root(name: str) -> Path:
    """Return the folder of a public set: in ``$REPRCHECK_DATA``, else in ``reprcheck-data`` of the user's cache."""
    data_folder = os.environ.get("REPRCHECK_DATA")
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return (Path(data_folder).expanduser() if data_folder else cache / "reprcheck-data") / name


def open_public(name: str, folder: Path | None = None, limit: int | None = None) -> Dataset:
    """Open a public set.

    Parameters
    ----------
    name : str
        One of `names`.
    folder : Path, optional
        Where its published files are; without it, `root`.
    limit : int, optional
        Cut each task down to about this many samples.

    Raises
    ------
    UserError
        For a set that hasn't been fetched, or only in part; a package that its reader lacks; or files that aren't laid
        out as published.
    """
    entry, folder = public_set(name), folder if folder is not None else root(name)
    if (status := state(folder)) != "here":
        what = f"not here yet (nothing in {folder})" if status == "absent" else f"fetched in part ({folder})"
        raise UserError(
            Option("dataset", name), what, f"run: reprcheck data fetch {name}" if entry.usual else entry.how
        )
    if entry.extra and find_spec(entry.extra) is None:
        raise UserError(
            Option("dataset", name),
            f"its reader needs {entry.extra}, which isn't installed",
            f"pip install 'reprcheck[{entry.extra}]'",
        )
    reader: Any = import_module(f"{SETS}.{name.replace('-', '_')}")
    table = reader.table(folder)
    card = _drop_split_tasks(entry.card, table)
    where = f"{name} in {folder}"
    if not hasattr(reader, "images"):
        return open_files(card, table, folder, where=where, limit=limit)
    return assemble(card, table, reader.images(folder, table, card), where=where, limit=limit)


def _drop_split_tasks(card: Card, table: pd.DataFrame) -> Card:
    """Return a card without the tasks whose fixed split lacks a side here; unchanged if no task would be left."""

    def both(task: TaskCard) -> bool:
        if task.test is None:
            return True
        here = set(table[task.test.column]) & {*(task.where or {}).get(task.test.column, table[task.test.column])}
        return here > here & {*task.test.equals} > set()

    tasks = tuple(task for task in card.tasks if both(task))
    return replace(card, tasks=tasks) if tasks else card
