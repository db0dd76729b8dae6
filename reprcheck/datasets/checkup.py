"""Find everything that is wrong with a dataset folder at once: its card, its table, its files and its tasks.

The checks are those of `open_folder`, which here go on after a mistake. Checks that a mistake makes meaningless are
left out, so that no mistake is reported twice: the folds of a task aren't checked if its label is missing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from reprcheck.confounds.hints import hints
from reprcheck.datasets.card.card import Card
from reprcheck.datasets.card.columns import Columns, nested, parts
from reprcheck.datasets.card.problems import attempt, collecting
from reprcheck.datasets.card.tasks import TaskCard
from reprcheck.datasets.folder import (
    BROKEN_FRAME,
    CARD,
    file_columns,
    find_crops,
    find_entries,
    find_table,
    open_folder,
    read_card,
)
from reprcheck.datasets.images import crops, tiles
from reprcheck.datasets.images.files import FileImages, Recipe, check_one_size
from reprcheck.datasets.images.zarr import is_there
from reprcheck.datasets.table.file import read_table
from reprcheck.datasets.table.names import check_names, check_values
from reprcheck.datasets.table.samples import Samples, require, sort_samples
from reprcheck.datasets.table.tasks import resolve_task, select
from reprcheck.errors import Location, UserError
from reprcheck.plain_files import is_folder
from reprcheck.registry import PROTOCOLS
from reprcheck.types import Dataset, Image, Task

Progress = Callable[[int, str], AbstractContextManager[Callable[[int], None]]]
Look = Callable[[int, Image], None]
"""Called with each image that could be read, and the position of its row in the table."""


@dataclass(frozen=True)
class Checkup:
    """The state of a dataset folder.

    Attributes
    ----------
    problems : tuple of UserError
        In order of card, table, images.
    dataset : Dataset or None
        The opened dataset; None if there is a problem.
    n_rows, n_images : int
        Rows of the table, and decoded images: those of rows that a task uses.
    rest : TableFindings or None
        What could be read in spite of problems.
    """

    problems: tuple[UserError, ...]
    dataset: Dataset | None
    n_rows: int
    n_images: int
    rest: TableFindings | None = None


@dataclass(frozen=True)
class TableFindings:
    """What could be read of a table although something else is wrong.

    Attributes
    ----------
    tasks : mapping of str to Task
        The tasks whose labels, units and batches could be read.
    ids : str[N]
        Ids of the samples.
    channels : tuple of str
    image_rows : mapping of int to int
        Sample to the row of the table that has its image; empty where images are cut.
    """

    tasks: Mapping[str, Task]
    ids: NDArray[np.str_]
    channels: tuple[str, ...]
    image_rows: Mapping[int, int]


def check_folder(path: str | Path, progress: Progress, look: Look = lambda row, image: None) -> Checkup:
    """Find every problem of a dataset folder, and decode the image of every row that a task uses.

    Parameters
    ----------
    path : str or Path
        The folder.
    progress : callable
        Such as `reprcheck.progress.bar`.
    look : callable, optional

    Returns
    -------
    Checkup

    Raises
    ------
    UserError
        Where there is no such folder.

    Examples
    --------
    >>> from reprcheck.progress import bar
    >>> check_folder("data/bbbc013", bar).problems  # doctest: +SKIP
    ()
    """
    folder, table, n_images, rest = Path(path), None, 0, None
    if not is_folder(folder):
        read_card(folder)
    with collecting() as mistakes:
        card = attempt(None, read_card, folder)
        table_path = attempt(None, find_table, folder, card is not None and card.allow_outside)
        if table_path is not None:
            file = attempt(None, read_table, table_path)
            table = None if file is None else file.rows
        if card is not None and table is not None:
            wrong = {_find_place(mistake).column for mistake in mistakes}
            n_images, rest = _check_table(card, wrong, table, folder, str(table_path), progress, look)
    problems = tuple(_sort_mistakes(mistakes, folder / CARD, table_path))
    if problems or card is None or table is None:
        return Checkup(problems, None, 0 if table is None else len(table), n_images, rest)
    return Checkup((), open_folder(folder), len(table), n_images)  # which raises whatever was missed here


def _check_table(
    card: Card, wrong: set[str], files: pd.DataFrame, folder: Path, at: str, progress: Progress, look: Look
) -> tuple[int, TableFindings | None]:
    """Check a table, its files and its tasks; return how many images were decoded, and what could be resolved.

    A row of ``files``, read from ``at``, is a sample, or the field of crops. ``wrong`` are the keys of the card that
    are reported already.
    """
    used_columns = [*file_columns(card), *(card.named_columns() if card.crops is None else ())]
    require(files, dict.fromkeys((key, column) for key, column in used_columns if column), at)
    table, where, windows = files, at, None
    if card.crops is not None:
        without = replace(card, tasks=()), files, at, None
        card, table, where, windows = attempt(without, _inherit_crops, card, files, folder, at)
    card = _drop_absent(card, {str(column) for column in table.columns})
    if "cell_types" in wrong:
        card = replace(card, columns=replace(card.columns, types=None))
    samples = attempt(None, sort_samples, card, table, where) if card.columns.sample else None
    if samples is None:
        return 0, None
    attempt(None, check_names, card, samples.columns, samples.lines, where)
    selections = {task.name: attempt(None, _select, card, task, samples) for task in card.tasks}
    card = replace(card, tasks=tuple(task for task in card.tasks if selections[task.name] is not None))
    readable: list[int] = []
    extents: dict[int, tuple[int, int]] = {}
    if card.columns.image and card.channels:
        lenient = card if "value_range" not in wrong else replace(card, value_range=(0.0, 1.0), clip=True)
        images = FileImages(find_entries(card, files, folder, at)[0], Recipe.of(lenient))
        chosen_rows = [
            samples.position[selection[0]] for selection in selections.values() if selection is not None
        ] or [samples.position]
        rows = np.unique(np.concatenate(chosen_rows))
        image_rows = rows if windows is None else windows[rows, 0]
        readable = _decode(images, np.unique(image_rows), progress, look)
        if card.tiles is not None:
            cut = attempt(None, tiles.cut, card, table, images, readable, where)
            if cut is None:
                return len(readable), None
            card, table = cut[0], cut[1]
            samples = sort_samples(card, table, where)
        elif windows is not None:
            attempt(None, crops.cut, card, table, windows, images, rows[np.isin(image_rows, readable)].tolist(), where)
        elif card.crops is None and not wrong & {"fit", "size"}:
            attempt(None, check_one_size, images, readable)
            extents = {row: images.extent(row) for row in readable}
    tasks = {task.name: _resolve(card, task, samples, table, extents) for task in card.tasks}
    whole = card.tiles is None and windows is None
    image_rows = {sample: row for sample, row in enumerate(samples.position.tolist()) if whole}
    return len(readable), TableFindings(
        {name: task for name, task in tasks.items() if task is not None}, samples.ids, card.channels, image_rows
    )


def _resolve(
    card: Card, task: TaskCard, samples: Samples, table: pd.DataFrame, extents: Mapping[int, tuple[int, int]]
) -> Task | None:
    """Return a task with its notes; if only its folds are at fault, the task without its holdout."""
    resolved = attempt(None, resolve_task, card, task, samples)
    if resolved is None:
        with collecting():  # the mistake is reported already
            resolved = attempt(None, resolve_task, card, replace(task, holdout=None), samples)
    if resolved is None:
        return None
    rows = samples.position[resolved.rows].tolist()
    image_sizes = [extents[row] for row in rows if row in extents]
    sizes = np.array(image_sizes, float) if len(image_sizes) == len(rows) and len(set(image_sizes)) > 1 else None
    return replace(resolved, notes=(*resolved.notes, *attempt((), hints, card, task, samples, table)), sizes=sizes)


def _select(card: Card, task: TaskCard, samples: Samples) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """Return the rows of a task; report values that it selects by and no row holds."""
    check_values(card, task, samples.columns, samples.where)
    return select(task, samples)


def _inherit_crops(
    card: Card, fields: pd.DataFrame, folder: Path, at: str
) -> tuple[Card, pd.DataFrame, str, NDArray[np.int64] | None]:
    """Return the card and table of a folder's crops, the table's file, and their windows."""
    path = find_crops(card, folder)
    card, table, windows, _ = crops.inherit(card, fields, read_table(path).rows, at, str(path))
    require(table, dict.fromkeys(card.named_columns()), str(path))
    return card, table, str(path), windows


def _drop_absent(card: Card, there: set[str]) -> Card:
    """Return a card without the columns that are missing, and without the tasks that need one of them."""
    columns = card.columns
    others: dict[str, Any] = {
        key: c if (c := getattr(columns, key)) and there.issuperset(parts(c)) else None
        for key in ("frame", "mask", "types", "batch", "position")
    }
    others["types"] = others["types"] if others["mask"] else None
    present = Columns(
        sample=columns.sample if columns.sample in there else "",
        image=columns.image if there.issuperset(columns.image) else (),
        unit=columns.unit if there.issuperset(part for c in nested(columns.unit) for part in parts(c)) else None,
        metadata=tuple(column for column in columns.metadata if column in there),
        folders=columns.folders,
        distinct=tuple(column for column in columns.distinct if column in there),
        ignored=tuple(column for column in columns.ignored if column in there),
        **others,
    )
    if present.frame != columns.frame or not there.issuperset(column for _, column in columns.folders):
        present = replace(present, image=())
    reduced = replace(card, columns=present)

    def whole(task: TaskCard) -> bool:
        names = {column for _, column in replace(reduced, tasks=(task,)).named_columns()}
        by_batch = task.holdout == "batch" or any("batch" in PROTOCOLS.get(name).needs for name in task.protocols)
        return names <= there | {""} and not (by_batch and present.batch is None)

    return replace(reduced, tasks=tuple(task for task in card.tasks if whole(task)))


def _decode(images: FileImages, rows: NDArray[np.int64], progress: Progress, look: Look) -> list[int]:
    """Decode the rows whose files exist, pass each image to ``look``, and return the rows that could be read."""
    readable = []
    with progress(len(rows), "decoding") as advance:
        for row in rows.tolist():
            entry = images.entries[row]
            there = entry.frame != BROKEN_FRAME and all(map(is_there, entry.every))
            image = attempt(None, images.read, row) if there else None
            if image is not None:
                look(row, image)
                readable.append(row)
            advance(1)
    return readable


def _sort_mistakes(mistakes: Sequence[UserError], card: Path, table: Path | None) -> list[UserError]:
    """Sort mistakes by file: card, table, others; keep only the first of several in one cell, or in one key."""
    files = {str(card): 0, str(table): 1}
    first: dict[str, UserError] = {}
    for mistake in mistakes:
        at = _find_place(mistake)
        one_place = bool(at.column) and (bool(at.row) or at.file == str(card))
        first.setdefault(at if one_place else str(mistake), mistake)
    return sorted(first.values(), key=lambda mistake: files.get(_find_place(mistake).file, 2))


def _find_place(mistake: UserError) -> Location:
    return mistake.where if isinstance(mistake.where, Location) else Location(mistake.where)
