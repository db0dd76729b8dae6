"""A dataset in a folder: `dataset.toml`, `samples.csv` or `samples.parquet`, and image files.

Everything that can be wrong short of decoding is found here, before a model is loaded: files that are missing or lie
outside the folder, formats nobody reads, images of several sizes that nothing fits to one.
"""

from __future__ import annotations

from os.path import normpath
from pathlib import Path, PurePath

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from reprcheck.datasets import card as cards
from reprcheck.datasets import tiles
from reprcheck.datasets.assemble import assemble
from reprcheck.datasets.card import Card
from reprcheck.datasets.decode import check_format
from reprcheck.datasets.files import Entry, FileImages, Recipe, check_one_size
from reprcheck.datasets.table import cell_name, line_name, lines_of, read_table, require, sort_samples, texts, to_number
from reprcheck.datasets.tasks import select
from reprcheck.errors import UserError
from reprcheck.types import Dataset

CARD = "dataset.toml"
TABLES = ("samples.csv", "samples.parquet")


def open_folder(path: str | Path, limit: int | None = None) -> Dataset:
    """Open a dataset folder.

    Parameters
    ----------
    path : str or Path
        The folder.
    limit : int, optional
        Cut each task down to about this many samples.

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
    card = _read_card(folder)
    table_path = _find_table(folder)
    if not card.columns.image:
        raise UserError(f"{folder / CARD} [columns] image", "missing", "name the column of image files")
    return open_files(card, read_table(table_path), folder, where=str(table_path), limit=limit)


def open_files(card: Card, table: pd.DataFrame, folder: Path, *, where: str, limit: int | None = None) -> Dataset:
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

    Raises
    ------
    UserError
        For whatever is wrong with the table or the files.
    """
    require(table, _file_columns(card), where)
    samples = sort_samples(card, table, where)
    asked = samples.position[_any_task([select(task, samples)[0] for task in card.tasks])]
    images = FileImages(_entries(card, table, folder, where), Recipe.of(card))
    if card.tiles is not None:
        card, table, tiled, notes = tiles.cut(card, table, images, asked.tolist(), where)
        return assemble(card, table, tiled, where=where, limit=limit, notes=notes)
    dataset = assemble(card, table, images, where=where, limit=limit)
    used = _any_task([task.rows for task in dataset.tasks.values()])
    check_one_size(images, samples.position[used].tolist())
    return dataset


def _any_task(rows: list[NDArray[np.int64]]) -> NDArray[np.int64]:
    return np.unique(np.concatenate(rows))


def _read_card(folder: Path) -> Card:
    if not folder.is_dir():
        raise UserError(str(folder), "no such folder", "name a folder that holds dataset.toml and samples.csv")
    path = folder / CARD
    try:
        return cards.parse(path.read_text(encoding="utf-8"), str(path))
    except FileNotFoundError:
        raise UserError(str(folder), f"no {CARD}", "write the card (see the dataset guide)") from None
    except UnicodeDecodeError as error:
        raise UserError(str(path), f"isn't UTF-8 text ({error.reason})", "save it as UTF-8") from None


def _find_table(folder: Path) -> Path:
    found = [folder / name for name in TABLES if (folder / name).is_file()]
    if not found:
        raise UserError(str(folder), f"no {' or '.join(TABLES)}", "write the sample table, one row per sample")
    if len(found) > 1:
        raise UserError(str(folder), f"both {' and '.join(TABLES)}", "keep one")
    return found[0]


def _file_columns(card: Card) -> list[tuple[str, str]]:
    named = [("[columns] image", column) for column in card.columns.image]
    named += [(f"[columns] {key}", c) for key in ("frame", "mask") if (c := getattr(card.columns, key))]
    return named


def _entries(card: Card, table: pd.DataFrame, folder: Path, where: str) -> list[Entry]:
    """Return where each sample's image is, in order of the table, after a look at every file's place and name."""
    lines = lines_of(table)
    images = [texts(table[column]) for column in card.columns.image]
    masks = texts(table[card.columns.mask]) if card.columns.mask else None
    frames = _frames(card.columns.frame, table, where)
    places = _Places(folder, where)
    entries = []
    for row, line in enumerate(lines.tolist()):
        files = [
            places.find(str(cells[row]), line, column) for cells, column in zip(images, card.columns.image, strict=True)
        ]
        mask = places.find(str(masks[row]), line, str(card.columns.mask)) if masks is not None and masks[row] else None
        entries.append(Entry(tuple(files), frames[row], mask, f"{where} {line_name(where, line)}"))
    places.refuse_missing()
    return entries


def _frames(column: str | None, table: pd.DataFrame, where: str) -> list[int | None]:
    if column is None:
        return [None] * len(table)
    frames: list[int | None] = []
    for cell, line in zip(texts(table[column]), lines_of(table), strict=True):
        number = to_number(str(cell))
        if number is None or number < 0 or number != int(number):
            raise UserError(
                cell_name(where, int(line), column), f"{str(cell)!r} is no frame number", "count frames from 0"
            )
        frames.append(int(number))
    return frames


class _Places:
    """Looks up files relative to the folder, each once, and remembers the rows of those that are missing."""

    def __init__(self, folder: Path, where: str) -> None:
        self.folder, self.where = folder, where
        self.known: dict[str, Path] = {}
        self.missing: dict[str, str] = {}

    def find(self, name: str, line: int, column: str) -> Path:
        if name in self.known:
            return self.known[name]
        cell = cell_name(self.where, line, column)
        if not name:
            raise UserError(cell, "no image file", "name the file, relative to the folder")
        relative = PurePath(normpath(name))
        if relative.is_absolute() or relative.parts[:1] == ("..",):
            raise UserError(cell, f"{name!r} lies outside the folder", "move the image inside, or link it from there")
        path = self.folder / relative
        check_format(path, f"{path} ({self.where} {line_name(self.where, line)})")
        if not path.is_file():
            self.missing[name] = cell
        self.known[name] = path
        return path

    def refuse_missing(self) -> None:
        if not self.missing:
            return
        name, cell = next(iter(self.missing.items()))
        others = len(self.missing) - 1
        more = f" (and {others} more {'file is' if others == 1 else 'files are'} missing)" if others else ""
        raise UserError(cell, f"no file {name!r} in the folder{more}", "put the images back, or remove the rows")
