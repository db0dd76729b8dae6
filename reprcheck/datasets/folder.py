"""A dataset in a folder: `dataset.toml`, `samples.csv` or `samples.parquet`, and image files or OME-Zarr stores.

All checks that need no decoding run here, before a model is loaded: for files that are missing or lie outside the
folder, formats that can't be read, images of several sizes without a ``fit``.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from os.path import normpath
from pathlib import Path
from typing import TypeVar

import numpy as np
import pandas as pd

from reprcheck.datasets.assemble import assemble
from reprcheck.datasets.card import card as cards
from reprcheck.datasets.card.card import Card
from reprcheck.datasets.card.problems import attempt, report, report_each
from reprcheck.datasets.images import crops, tiles
from reprcheck.datasets.images import zarr as zarr_store
from reprcheck.datasets.images.decode import check_format
from reprcheck.datasets.images.file_names import FileNames, is_url, leads_out
from reprcheck.datasets.images.files import FileImages, ImageLocation, Recipe, check_one_size
from reprcheck.datasets.images.zarr import GROUP_FILES, Bring, is_there, is_zarr
from reprcheck.datasets.table.file import EXCEL, PARQUET, TEXT, read_table
from reprcheck.datasets.table.names import check_names, check_values
from reprcheck.datasets.table.samples import (
    Samples,
    cell_name,
    line_name,
    lines_of,
    require,
    sort_samples,
    texts,
    to_number,
)
from reprcheck.datasets.table.tasks import select
from reprcheck.errors import Location, UserError
from reprcheck.plain_files import is_file, is_folder, links_out, obstacle, read_toml
from reprcheck.progress import bar
from reprcheck.types import Dataset, ImageSource

T = TypeVar("T")
CARD = "dataset.toml"
TABLES = tuple(f"samples{suffix}" for suffix in (*TEXT, *PARQUET, *EXCEL))
AT_ONCE = 16
"""Remote files fetched side by side."""
NOWHERE = Path("nowhere")
BROKEN_FRAME = -1
"""Placeholders for a file and a frame whose mistake is reported, while mistakes are collected."""
LINKED, ALLOW = "is a link that leads out of the folder", "write allow_outside = true on the card"
"""What is wrong with such a link, and what allows it."""


def open_folder(path: str | Path, limit: int | None = None, bring: Bring | None = None) -> Dataset:
    """Open a dataset folder.

    Parameters
    ----------
    path : str or Path
        The folder.
    limit : int, optional
        Cut each task down to about this many samples.
    bring : callable, optional
        Where the folder mirrors a remote one (`remote`): makes the files asked for current.

    Returns
    -------
    Dataset
        Nothing is decoded yet, but for fields whose blank tiles are left out.

    Raises
    ------
    UserError
        For whatever is wrong with the card, the table or the files, by file, line and column.

    Examples
    --------
    >>> open_folder("data/bbbc013").tasks["treatment"].classes  # doctest: +SKIP
    ('untreated', 'wortmannin_150nM')
    """
    folder = Path(path)
    if bring is not None:
        bring(folder / name for name in (CARD, *TABLES))
    card = read_card(folder)
    path = find_table(folder, card.allow_outside)
    table = read_table(path)
    return open_files(card, table.rows, folder, where=str(path), limit=limit, bring=bring, notes=table.notes)


def open_files(
    card: Card,
    table: pd.DataFrame,
    folder: Path,
    *,
    where: str,
    limit: int | None = None,
    bring: Bring | None = None,
    notes: tuple[str, ...] = (),
) -> Dataset:
    """Open a dataset of image files, its card and table in hand.

    Parameters
    ----------
    card : Card
        With ``columns.image``.
    table : pandas.DataFrame
        One row per sample; see `assemble`.
    folder : Path
        What files are named relative to.
    where : str
        The table's file, as the user would write it.
    limit : int, optional
        Cut each task down to about this many samples.
    bring : callable, optional
        See `open_folder`.
    notes : tuple of str
        How the table was read, for the notes of every task.

    Raises
    ------
    UserError
        For whatever is wrong with the table or the files.
    """
    require(table, file_columns(card), where)
    if bring is not None:
        if card.allow_outside:
            raise UserError(f"{folder / CARD} allow_outside", "a remote folder can't be left", "remove it")
        _fetch_together(lambda path: bring([path]), _list_files(card, table, folder))
    if card.crops is not None:
        return _open_crops(card, table, folder, where, limit, bring, notes)
    samples = sort_samples(card, table, where)
    check_names(card, samples.columns, samples.lines, where)
    for task in card.tasks:
        check_values(card, task, samples.columns, where)
    entries, readings = find_entries(card, table, folder, where, remote=bring is not None)
    images, notes = FileImages(entries, Recipe.of(card), bring), notes + readings
    if card.tiles is not None:
        card, table, tiled, left_out = tiles.cut(card, table, images, _list_used_rows(card, samples), where)
        return _assemble(card, table, tiled, where, limit, bring, notes + left_out)
    dataset = _assemble(card, table, images, where, limit, bring, notes, images.extent if card.size else None)
    used = np.unique(np.concatenate([task.rows for task in dataset.tasks.values()]))
    check_one_size(images, samples.position[used].tolist())
    return dataset


def _open_crops(
    card: Card,
    fields: pd.DataFrame,
    folder: Path,
    where: str,
    limit: int | None,
    bring: Bring | None,
    notes: tuple[str, ...],
) -> Dataset:
    path = find_crops(card, folder, bring)
    entries, readings = find_entries(card, fields, folder, where, remote=bring is not None)
    images, crop_table = FileImages(entries, Recipe.of(card), bring), read_table(path)
    card, table, windows, clashes = crops.inherit(card, fields, crop_table.rows, where, str(path))
    rows = _list_used_rows(card, sort_samples(card, table, str(path)))
    table, cut, left_out = crops.cut(card, table, windows, images, rows, str(path))
    notes += readings + crop_table.notes + clashes + left_out
    return _assemble(card, table, cut, str(path), limit, bring, notes, cut.extent)


def find_crops(card: Card, folder: Path, bring: Bring | None = None) -> Path:
    """Return the table of a card's crops. Raises UserError where it isn't in the folder."""
    assert card.crops is not None
    path, key = folder / card.crops.table, f"{folder / CARD} [crops] table"
    if leads_out(card.crops.table) and not card.allow_outside:
        raise UserError(key, f"{card.crops.table!r} lies outside the folder", "move the table inside")
    if bring is not None:
        bring([path])
    if not os.path.lexists(path):
        raise UserError(key, f"no file {card.crops.table!r} in the folder", "write it, one row per crop")
    if why := obstacle(path):
        raise UserError(str(path), why, "write the table, one row per crop")
    if links_out(path, folder) and not card.allow_outside:
        raise UserError(str(path), LINKED, ALLOW)
    return path


def _assemble(
    card: Card,
    table: pd.DataFrame,
    images: ImageSource,
    where: str,
    limit: int | None,
    bring: Bring | None,
    notes: tuple[str, ...] = (),
    extent: Callable[[int], tuple[int, int]] | None = None,
) -> Dataset:
    if bring is not None:  # which chunks of OME-Zarr are needed is known only now
        _fetch_together(images.content, range(len(table)))
    return assemble(card, table, images, where=where, limit=limit, notes=notes, extent=extent)


def _fetch_together(fetch: Callable[[T], object], items: Sequence[T]) -> None:
    """Fetch several items at a time, with a progress bar."""
    with bar(len(items), "fetching") as advance, ThreadPoolExecutor(AT_ONCE) as pool:
        for _ in pool.map(fetch, items):
            advance(1)


def _list_used_rows(card: Card, samples: Samples) -> list[int]:
    """Return the positions in the table of the samples that any task uses."""
    rows = np.unique(np.concatenate([select(task, samples)[0] for task in card.tasks]))
    return [int(position) for position in samples.position[rows]]


def read_card(folder: Path) -> Card:
    """Return the parsed card of a folder; raises UserError for whatever is wrong with it."""
    if not is_folder(folder):
        raise UserError(str(folder), "no such folder", "name a folder that holds dataset.toml and samples.csv")
    path = folder / CARD
    if is_file(path) and links_out(path, folder):
        raise UserError(str(path), LINKED, "copy the card into the folder")
    try:
        card = cards.of(read_toml(path), str(path))
    except FileNotFoundError:
        raise UserError(str(folder), f"no {CARD}", "write the card (see the dataset guide)") from None
    if not card.columns.image:
        where = Location(str(path), column="[columns] image")
        report(UserError(where, "missing", "name the column of image files"))
    return card


def find_table(folder: Path, outside: bool = False) -> Path:
    """Return the path of a folder's sample table.

    Parameters
    ----------
    folder : Path
    outside : bool
        Whether it may be a link that leads out of the folder.

    Raises
    ------
    UserError
        Where there is none, there are two, or it is no plain file.
    """
    paths = [folder / name for name in TABLES if os.path.lexists(folder / name)]
    if not paths:
        what = f"no {TABLES[0]} ({', '.join(TABLES[1:-1])} or {TABLES[-1]})"
        raise UserError(str(folder), what, "write the sample table, one row per sample")
    if len(paths) > 1:
        raise UserError(str(folder), f"both {' and '.join(path.name for path in paths)}", "keep one")
    if why := obstacle(paths[0]):
        raise UserError(str(paths[0]), why, "write the sample table, one row per sample")
    if links_out(paths[0], folder) and not outside:
        raise UserError(str(paths[0]), LINKED, ALLOW)
    return paths[0]


def file_columns(card: Card) -> list[tuple[str, str]]:
    """Return (key of the card, column it names) for every column that locates images."""
    columns = [("[columns] image", column) for column in card.columns.image]
    columns += [(f"[columns] {key}", c) for key in ("frame", "mask", "types") if (c := getattr(card.columns, key))]
    return [*columns, *(("[columns] folders", column) for _, column in card.columns.folders)]


def file_cells(card: Card, table: pd.DataFrame, column: str) -> list[str]:
    """Return the file that a column names in each row, preceded by the folder from the column's column of folders."""
    names: list[str] = texts(table[column]).tolist()
    if (folder := dict(card.columns.folders).get(column)) is None:
        return names
    around = texts(table[folder]).tolist()
    return [f"{at}/{name}" if at and name else name for at, name in zip(around, names, strict=True)]


def _list_files(card: Card, table: pd.DataFrame, folder: Path) -> list[Path]:
    """Return the files in the folder that the table names; of an OME-Zarr image its metadata files."""
    columns = [*card.columns.image, *filter(None, (card.columns.mask, card.columns.types))]
    usual = FileNames(folder, card.root, remote=True)
    names = {usual.find(name, "") for column in columns for name in file_cells(card, table, column) if name}
    paths = [folder / normpath(name) for name in sorted(names) if not leads_out(name) and not is_url(name)]
    return [file for path in paths for file in ([path / name for name in GROUP_FILES] if is_zarr(path) else [path])]


def find_entries(
    card: Card, table: pd.DataFrame, folder: Path, where: str, *, remote: bool = False
) -> tuple[list[ImageLocation], tuple[str, ...]]:
    """Locate each sample's image, and check that its files exist, lie in the folder and have a readable format.

    Returns
    -------
    entries : list of ImageLocation
        In order of the table.
    notes : tuple of str
        How names were read that no file has exactly.
    """
    lines = lines_of(table)
    images = [file_cells(card, table, column) for column in card.columns.image]
    labels = {key: file_cells(card, table, c) for key in ("mask", "types") if (c := getattr(card.columns, key))}
    frames = _read_frames(card.columns.frame, table, where)
    places = _Places(FileNames(folder, card.root, remote=remote), where, card.allow_outside)
    entries = []
    for row, line in enumerate(lines.tolist()):
        files = [
            attempt(NOWHERE, places.find, cells[row], line, column)
            for cells, column in zip(images, card.columns.image, strict=True)
        ]
        beside: dict[str, Path] = {}
        for key, cells in labels.items():
            if cells[row]:
                beside[key] = attempt(NOWHERE, places.find, cells[row], line, getattr(card.columns, key))
        if "types" in beside and "mask" not in beside:
            what, remedy = "types without a mask to say which cells have them", "name the mask, or leave the cell blank"
            report(UserError(cell_name(where, line, str(card.columns.types)), what, remedy))
        at = f"{where} {line_name(where, line)}"
        entries.append(ImageLocation(tuple(files), frames[row], beside.get("mask"), at, beside.get("types")))
    places.refuse_missing()
    return entries, places.names.notes()


def _read_frames(column: str | None, table: pd.DataFrame, where: str) -> list[int | None]:
    if column is None:
        return [None] * len(table)
    frames: list[int | None] = []
    for cell, line in zip(texts(table[column]), lines_of(table), strict=True):
        number = to_number(str(cell))
        if number is None or number < 0 or number != int(number):
            what = f"{str(cell)!r} is no frame number"
            report(UserError(cell_name(where, int(line), column), what, "count frames from 0"))
            number = BROKEN_FRAME
        frames.append(int(number))
    return frames


class _Places:
    """Looks up files relative to the folder, each once, and remembers the rows of those that are missing."""

    def __init__(self, names: FileNames, where: str, outside: bool) -> None:
        self.names, self.where, self.outside = names, where, outside
        self.known: dict[str, Path] = {}
        self.missing: dict[str, Location] = {}

    def find(self, name: str, line: int, column: str) -> Path:
        if name in self.known:
            return self.known[name]
        cell = cell_name(self.where, line, column)
        if not name:
            raise UserError(cell, "no image file", "name the file, relative to the folder")
        if is_url(name):
            raise UserError(
                cell, f"{name!r} is a URL, and images aren't fetched one by one", "put the file in the folder"
            )
        real_name = self.names.find(name, cell)
        if leads_out(real_name) and not self.outside:
            raise UserError(cell, f"{name!r} lies outside the folder", self._remedy(real_name))
        path, row = self.names.folder / normpath(real_name), f"{self.where} {line_name(self.where, line)}"
        if is_zarr(path):
            zarr_store.check_installed(Location(str(path), within=row))
        else:
            check_format(path, Location(str(path), within=row))
        if not is_there(path):
            if os.path.lexists(path):
                why = "is a file, not a folder" if is_file(path) else obstacle(path)
                raise UserError(cell, f"{name!r} {why}", "put the image there, or remove the row")
            self.missing[name] = cell
        elif not self.outside and links_out(path, self.names.folder):
            raise UserError(cell, f"{name!r} {LINKED}", f"copy the image into the folder, or {ALLOW}")
        self.known[name] = path
        return path

    def _remedy(self, name: str) -> str:
        """Return the remedy for a path that leads out: the card's ``root``, if the end of the path is in the folder."""
        if root := self.names.root_of(name):
            return f"the folder has its end: say on the card what stands for the folder, root = {json.dumps(root)}"
        return f"move the image inside, or {ALLOW}"

    def refuse_missing(self) -> None:
        remedy = "put the images back, or remove the rows"
        mistakes = [UserError(cell, f"no file {name!r} in the folder", remedy) for name, cell in self.missing.items()]
        report_each(mistakes, lambda n: f"(and {n} more {'file is' if n == 1 else 'files are'} missing)")
