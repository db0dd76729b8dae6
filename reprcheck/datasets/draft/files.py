"""Which columns name files of the folder, in whatever way: alone, beside a column of folders, or below an old root."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from reprcheck.datasets.draft.guess_log import Cells, GuessLog
from reprcheck.datasets.images.decode import FORMATS
from reprcheck.datasets.images.file_names import FileNames, is_url, leads_out, slashed
from reprcheck.datasets.images.vendor_formats import CONVERSIONS
from reprcheck.datasets.images.zarr import is_there, is_zarr
from reprcheck.errors import UserError

LOOKED_AT = 50
"""Names of a column, evenly spread, by which the root of its paths is found."""


@dataclass(frozen=True)
class FileColumns:
    """The columns that name files, and where these are.

    Attributes
    ----------
    paths : dict of str to list of (Path or None)
        Column to the file of each row; None where a cell is blank or its file isn't there.
    folders : dict of str to str
        Column of files to the column of their folders.
    root : str or None
        What absolute paths begin with, and the folder stands for.
    """

    paths: dict[str, list[Path | None]]
    folders: dict[str, str] = field(default_factory=dict)
    root: str | None = None


def find_files(folder: Path, cells: Cells, told: GuessLog) -> FileColumns:
    """Find the columns that name files of a folder.

    Raises
    ------
    UserError
        Where none does; says what the likeliest one names instead.
    """
    folders = _folder_columns(cells)
    names = {
        column: _joined(cells, column, folders.get(column)) for column in cells if _looks_like_files(cells[column])
    }
    root = _root(folder, [name for column in names for name in names[column]])
    finder, paths = FileNames(folder, root), dict[str, list[Path | None]]()
    for column, given in names.items():
        found = [_path(finder, name) for name in given]
        n_given, n_found = sum(map(bool, given)), sum(path is not None for path in found)
        if (same := next((other for other in paths if paths[other] == found), None)) and n_found:
            told.reasons.append(f"{column}: left out, since it names the files of {same}")
        elif n_found * 2 >= n_given:
            paths[column] = found
            if n_found < n_given:
                told.reasons.append(f"{column}: {n_found} of {n_given} files are there")
        else:
            told.reasons.append(f"{column}: not taken for images ({n_found} of {n_given} files are there)")
    if not paths:
        raise _no_files(folder, cells, names)
    if used := {column: folders[column] for column in paths if column in folders}:
        told.say("folders", ", ".join(f"{at} before {name}" for name, at in used.items()), "as CellProfiler names them")
    if root is not None:
        told.say("root", root, "what the table's paths begin with, and this folder stands for: their ends are here")
    told.reasons += finder.notes()
    return FileColumns(paths, used, root)


def _looks_like_files(given: NDArray[np.str_]) -> bool:
    """Tell whether all cells are names of image files."""
    suffixes = [PurePosixPath(slashed(str(cell))) for cell in given if cell]
    return bool(suffixes) and all(path.suffix.lower() in FORMATS or is_zarr(path) for path in suffixes)


def _folder_columns(cells: Cells) -> dict[str, str]:
    """Return the column of folders of each column of file names: PathName_DNA of FileName_DNA, as in CellProfiler."""
    return {
        column: beside
        for column in cells
        if "FileName_" in column and (beside := column.replace("FileName_", "PathName_")) in cells
    }


def _joined(cells: Cells, column: str, folders: str | None) -> list[str]:
    names = [str(cell) for cell in cells[column]]
    if folders is None:
        return names
    return [f"{at}/{name}" if at and name else name for at, name in zip(map(str, cells[folders]), names, strict=True)]


def _root(folder: Path, names: Sequence[str]) -> str | None:
    """Return the beginning of absolute paths that stands for the folder: that after which most are there."""
    finder = FileNames(folder)
    absolute = [name for name in dict.fromkeys(names) if name and leads_out(slashed(name)) and not is_url(name)]
    some = absolute[:: max(1, len(absolute) // LOOKED_AT)]
    found = Counter(root for name in some if (root := finder.root_of(name)) is not None)
    return found.most_common(1)[0][0] if found else None


def _path(finder: FileNames, name: str) -> Path | None:
    if not name or is_url(name):
        return None
    found = finder.find(name, str(finder.folder))
    path = finder.folder / found
    return path if not leads_out(found) and is_there(path) else None


def _no_files(folder: Path, cells: Cells, names: dict[str, list[str]]) -> UserError:
    what = "no column of the table names image files of this folder"
    remedy = "add one, with names relative to the folder"
    for column, given in names.items():
        first = next(name for name in given if name)
        if is_url(first):
            return UserError(str(folder), f"{what} (column {column} holds URLs)", "put the files in the folder")
        return UserError(str(folder), f"{what} (column {column} names {first!r}, and no such file is here)", remedy)
    for column, values in cells.items():
        suffixes = {PurePosixPath(slashed(str(cell))).suffix.lower() for cell in values if cell}
        if suffixes and suffixes <= CONVERSIONS.keys():
            what += f" that are read (column {column} names {', '.join(sorted(suffixes))})"
            return UserError(str(folder), what, CONVERSIONS[min(suffixes)])
    return UserError(str(folder), what, remedy)
