"""Which column is what: guessed from names, and from what the cells can be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from reprcheck.datasets.decode import FORMATS
from reprcheck.datasets.draft.told import Cells, Told, distinct
from reprcheck.datasets.plate import place
from reprcheck.datasets.table import to_number
from reprcheck.datasets.vocabulary import rank
from reprcheck.errors import UserError


def guess_columns(folder: Path, cells: Cells, told: Told) -> dict[str, Any]:
    """Return ``[columns]`` of a card as plain values.

    Raises
    ------
    UserError
        Where no column names files of the folder, or none has another value in every row.
    """
    files = [name for name in cells if _names_files(folder, cells, name)]
    types = [name for name in files if rank(name, "types") is not None]
    masks = [name for name in files if rank(name, "mask") is not None] if len(files) > 1 else []
    if plain := [name for name in masks if name not in types]:
        masks = plain
    else:
        types = []  # without a mask there are no cells to be of a type
    images = [name for name in files if name not in (*masks, *types)]
    if not images:
        what = "no column of the table names image files of this folder"
        raise UserError(str(folder), what, "add one, with names relative to the folder")
    found: dict[str, Any] = {"sample": _sample(folder, cells, images, told)}
    found["image"] = images[0] if len(images) == 1 else images
    many = "columns of image files: one for each channel"
    told.say("image", ", ".join(images), many if len(images) > 1 else "its cells are image files")
    if frame := _frame(cells, images[0], told):
        found["frame"] = frame
    if masks:
        found["mask"] = masks[0]
        told.say("mask", masks[0], "its name, and its cells are image files")
    if types:
        found["types"] = types[0]
    taken = [*files, found["sample"], *([frame] if frame else [])]
    free = {name: values for name, values in cells.items() if name not in taken}
    batch = _batch(free, told)
    guesses = {"unit": _unit(free, batch, told), "batch": batch, "position": _position(free, told)}
    return found | {key: name for key, name in guesses.items() if name}


def _names_files(folder: Path, cells: Cells, name: str) -> bool:
    """Return whether all cells look like image files, and at least half of them are there."""
    given = [str(cell) for cell in cells[name] if cell]
    if not given or any(Path(cell).suffix.lower() not in FORMATS for cell in given):
        return False
    return sum((folder / cell).is_file() for cell in given) * 2 >= len(given)


def _sample(folder: Path, cells: Cells, images: list[str], told: Told) -> str:
    unique = [name for name, values in cells.items() if (values != "").all() and distinct(values) == len(values)]
    if not unique:
        what = "no column of the table has another value in every row"
        raise UserError(str(folder), what, "add one, such as id, to name each sample by")
    named = [name for name in _ranked(cells, "sample") if name in unique and name not in images]
    chosen = next(iter(named or [name for name in unique if name not in images] or unique))
    told.say("sample", chosen, "another value in every row")
    return chosen


def _frame(cells: Cells, image: str, told: Told) -> str | None:
    paths = cells[image]
    if distinct(paths) == len(paths):
        return None
    for name in _ranked(cells, "frame"):
        numbers = [to_number(str(cell)) for cell in cells[name]]
        whole = all(number is not None and number >= 0 and number == int(number) for number in numbers)
        if whole and len(set(zip(paths.tolist(), numbers, strict=True))) == len(paths):
            told.say("frame", name, "files are named more than once, and this numbers what is in them")
            return name
    return None


def _batch(cells: Cells, told: Told) -> str | None:
    for name in _ranked(cells, "batch"):
        if (cells[name] != "").all() and 2 <= distinct(cells[name]) <= len(cells[name]) / 2:
            told.say("batch", name, f"its name, and {distinct(cells[name])} values")
            return name
    return None


def _unit(cells: Cells, batch: str | None, told: Told) -> str | None:
    for name in _ranked(cells, "unit"):
        values = cells[name]
        if name == batch or not (values != "").all() or not 2 <= distinct(values) < len(values):
            continue
        again_in_batch = batch and len(set(zip(values.tolist(), cells[batch].tolist(), strict=True))) > distinct(values)
        if batch and again_in_batch and rank(name, "place") is not None:
            again = f"a {name} of one name lies in several of {batch}; if these are others, name each for itself"
            told.comment("[columns]", f'unit = "{name}": {again}')
            told.reasons.append(f"unit: not {name} ({again})")
            continue
        told.say("unit", name, f"its name, and {distinct(values)} values; verdicts are about these, not about images")
        return name
    told.reasons.append("unit: each sample by itself (no other column sounds like donors, patients, slides or wells)")
    return None


def _position(cells: Cells, told: Told) -> str | None:
    for name in _ranked(cells, "position"):
        known = [place(str(cell)) for cell in np.unique(cells[name]) if cell]
        if len(known) > 1 and not any(at.other for at in known):
            told.say("position", name, "its name, and its values are places on a plate")
            return name
    return None


def _ranked(cells: Cells, role: str) -> list[str]:
    """Return the columns that sound like a role, the likeliest first."""
    found = [(at, i, name) for i, name in enumerate(cells) if (at := rank(name, role)) is not None]
    return [name for _, _, name in sorted(found)]
