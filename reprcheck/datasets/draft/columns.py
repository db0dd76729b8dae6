"""Which column is what: guessed from names, and from what the cells can be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from reprcheck.datasets.draft.files import FileColumns
from reprcheck.datasets.draft.guess_log import Cells, GuessLog, distinct
from reprcheck.datasets.table.plate import place
from reprcheck.datasets.table.samples import to_number
from reprcheck.datasets.table.vocabulary import rank
from reprcheck.errors import UserError


def guess_columns(
    folder: Path, cells: Cells, files: FileColumns, log: GuessLog, unit: str | None = None, batch: str | None = None
) -> dict[str, Any]:
    """Return ``[columns]`` of a card as plain values.

    Parameters
    ----------
    folder : Path
    cells : mapping of str to str[N]
    files : FileColumns
    log : GuessLog
    unit, batch : str, optional
        Columns that folders say are these.

    Raises
    ------
    UserError
        Where no column has another value in every row, or none of the files' columns is of images.
    """
    file_columns = list(files.paths)
    types = [name for name in file_columns if rank(name, "types") is not None]
    masks = [name for name in file_columns if rank(name, "mask") is not None] if len(file_columns) > 1 else []
    if plain := [name for name in masks if name not in types]:
        masks = plain
    else:
        types = []  # without a mask there are no cells to be of a type
    images = [name for name in file_columns if name not in (*masks, *types)]
    if not images:
        what = "no column of the table names image files of this folder"
        raise UserError(str(folder), what, "add one, with names relative to the folder")
    guessed: dict[str, Any] = {"sample": _guess_sample(folder, cells, images, log)}
    guessed["image"] = images[0] if len(images) == 1 else images
    many = f"{len(images)} columns of image files: one for each channel"
    log.record("image", ", ".join(images), many if len(images) > 1 else "its cells are image files")
    if files.folders:
        guessed["folders"] = files.folders
    if frame := _guess_frame(cells, images[0], log):
        guessed["frame"] = frame
    if masks:
        guessed["mask"] = masks[0]
        log.record("mask", masks[0], "its name, and its cells are image files", masks[1:])
    if types:
        guessed["types"] = types[0]
    used = [*file_columns, *files.folders.values(), guessed["sample"], *([frame] if frame else [])]
    free = {name: values for name, values in cells.items() if name not in used}
    batch = _guess_batch(free, log, batch)
    guesses = {"unit": _guess_unit(free, batch, log, unit), "batch": batch, "position": _guess_position(free, log)}
    log.guess("unit")
    if batch:
        log.guess("batch")
    return guessed | {key: name for key, name in guesses.items() if name}


def _guess_sample(folder: Path, cells: Cells, images: list[str], log: GuessLog) -> str:
    unique = [name for name, values in cells.items() if (values != "").all() and distinct(values) == len(values)]
    if not unique:
        what = "no column of the table has another value in every row"
        raise UserError(str(folder), what, "add one, such as id, to name each sample by")
    by_name = [name for name in _rank_columns(cells, "sample") if name in unique and name not in images]
    sample = next(iter(by_name or [name for name in unique if name not in images] or unique))
    others = [name for name in unique if name != sample and name not in images]
    log.record("sample", sample, "another value in every row", others)
    return sample


def _guess_frame(cells: Cells, image: str, log: GuessLog) -> str | None:
    paths = cells[image]
    if distinct(paths) == len(paths):
        return None
    for name in _rank_columns(cells, "frame"):
        numbers = [to_number(str(cell)) for cell in cells[name]]
        whole = all(number is not None and number >= 0 and number == int(number) for number in numbers)
        if whole and len(set(zip(paths.tolist(), numbers, strict=True))) == len(paths):
            log.record("frame", name, "files are named more than once, and this numbers what is in them")
            return name
    return None


def _guess_batch(cells: Cells, log: GuessLog, by_folder: str | None) -> str | None:
    ranked = _rank_columns(cells, "batch")
    fit = [n for n in ranked if (cells[n] != "").all() and 2 <= distinct(cells[n]) <= len(cells[n]) / 2]
    if by_folder is not None:
        fit = [by_folder, *(name for name in fit if name != by_folder)]
    if not fit:
        log.reasons.append("batch: none (no other column sounds like plates, runs or dates)")
        return None
    why = "by its folders" if fit[0] == by_folder else "its name"
    log.record("batch", fit[0], f"{why}, and {distinct(cells[fit[0]])} values", _add_counts(cells, fit[1:]))
    return fit[0]


def _guess_unit(cells: Cells, batch: str | None, log: GuessLog, by_folder: str | None) -> str | None:
    fit, again = [], {}
    for name in _rank_columns(cells, "unit"):
        values = cells[name]
        if name == batch or not (values != "").all() or not 2 <= distinct(values) < len(values):
            continue
        again_in_batch = batch and len(set(zip(values.tolist(), cells[batch].tolist(), strict=True))) > distinct(values)
        if batch and again_in_batch and rank(name, "place") is not None:
            again[name] = f"a {name} of one name lies in several of {batch}; if these are others, name each for itself"
        else:
            fit.append(name)
    for name, text in again.items():
        log.comment("[columns]", f'unit = "{name}": {text}')
        log.reasons.append(f"unit: not {name} ({text})")
    if by_folder is not None:
        fit = [by_folder, *(name for name in fit if name != by_folder)]
    if not fit:
        log.reasons.append(
            "unit: each sample by itself (no other column sounds like donors, patients, slides or wells)"
        )
        return None
    why = "by its folders" if fit[0] == by_folder else "its name"
    about = f"{why}, and {distinct(cells[fit[0]])} values; verdicts are about these, not about images"
    log.record("unit", fit[0], about, _add_counts(cells, fit[1:]))
    return fit[0]


def _add_counts(cells: Cells, names: list[str]) -> list[str]:
    return [f"{name}, {distinct(cells[name])} values" for name in names]


def _guess_position(cells: Cells, log: GuessLog) -> str | None:
    for name in _rank_columns(cells, "position"):
        places = [place(str(cell)) for cell in np.unique(cells[name]) if cell]
        if len(places) > 1 and not any(at.other for at in places):
            log.record("position", name, "its name, and its values are places on a plate")
            return name
    return None


def _rank_columns(cells: Cells, role: str) -> list[str]:
    """Return the columns that sound like a role, the likeliest first."""
    ranked = [(at, i, name) for i, name in enumerate(cells) if (at := rank(name, role)) is not None]
    return [name for _, _, name in sorted(ranked)]
