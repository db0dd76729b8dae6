"""Find the columns that name files of the folder: by themselves, with a column of folders, or below an old root."""

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
"""Names of a column, evenly spread, from which the root of its paths is found."""


@dataclass(frozen=True)
class FileColumns:
    """The columns that name files, and the paths of these files.

    Attributes
    ----------
    paths : dict of str to list of (Path or None)
        Column to the file of each row; None where a cell is blank or its file isn't there.
    folders : dict of str to str
        Column of files to the column of their folders.
    root : str or None
        The start of absolute paths; the folder takes its place.
    """

    paths: dict[str, list[Path | None]]
    folders: dict[str, str] = field(default_factory=dict)
    root: str | None = None


def find_files(folder: Path, cells: Cells, log: GuessLog) -> FileColumns:
    """Find the columns that name files of a folder.

    Raises
    ------
    UserError
        Where none does; the message shows what the likeliest column names instead.
    """
    folders = _find_folder_columns(cells)
    names = {
        column: _join_folders(cells, column, folders.get(column))
        for column in cells
        if _looks_like_files(cells[column])
    }
    root = _find_root(folder, [name for column in names for name in names[column]])
    finder, paths = FileNames(folder, root), dict[str, list[Path | None]]()
    for column, column_names in names.items():
        column_paths = [_find_path(finder, name) for name in column_names]
        n_names, n_paths = sum(map(bool, column_names)), sum(path is not None for path in column_paths)
        if (same := next((other for other in paths if paths[other] == column_paths), None)) and n_paths:
            log.reasons.append(f"{column}: left out, since it names the files of {same}")
        elif n_paths * 2 >= n_names:
            paths[column] = column_paths
            if n_paths < n_names:
                log.reasons.append(f"{column}: {n_paths} of {n_names} files are there")
        else:
            log.reasons.append(f"{column}: not taken for images ({n_paths} of {n_names} files are there)")
    if not paths:
        raise _explain_no_files(folder, cells, names)
    if used := {column: folders[column] for column in paths if column in folders}:
        log.record(
            "folders", ", ".join(f"{at} before {name}" for name, at in used.items()), "as CellProfiler names them"
        )
    if root is not None:
        log.record("root", root, "what the table's paths begin with, and this folder stands for: their ends are here")
    log.reasons += finder.notes()
    return FileColumns(paths, used, root)


def _looks_like_files(cells: NDArray[np.str_]) -> bool:
    """Return whether all cells are names of image files."""
    suffixes = [PurePosixPath(slashed(str(cell))) for cell in cells if cell]
    return bool(suffixes) and all(path.suffix.lower() in FORMATS or is_zarr(path) for path in suffixes)


def _find_folder_columns(cells: Cells) -> dict[str, str]:
    """Return the column of folders of each column of file names: PathName_DNA of FileName_DNA, as in CellProfiler."""
    return {
        column: beside
        for column in cells
        if "FileName_" in column and (beside := column.replace("FileName_", "PathName_")) in cells
    }


def _join_folders(cells: Cells, column: str, folders: str | None) -> list[str]:
    names = [str(cell) for cell in cells[column]]
    if folders is None:
        return names
    return [f"{at}/{name}" if at and name else name for at, name in zip(map(str, cells[folders]), names, strict=True)]


def _find_root(folder: Path, names: Sequence[str]) -> str | None:
    """Return the start of absolute paths whose place the folder takes: the one that leads to most files."""
    finder = FileNames(folder)
    absolute = [name for name in dict.fromkeys(names) if name and leads_out(slashed(name)) and not is_url(name)]
    some = absolute[:: max(1, len(absolute) // LOOKED_AT)]
    roots = Counter(root for name in some if (root := finder.root_of(name)) is not None)
    return roots.most_common(1)[0][0] if roots else None


def _find_path(finder: FileNames, name: str) -> Path | None:
    if not name or is_url(name):
        return None
    real_name = finder.find(name, str(finder.folder))
    path = finder.folder / real_name
    return path if not leads_out(real_name) and is_there(path) else None


def _explain_no_files(folder: Path, cells: Cells, names: dict[str, list[str]]) -> UserError:
    what = "no column of the table names image files of this folder"
    remedy = "add one, with names relative to the folder"
    for column, column_names in names.items():
        first = next(name for name in column_names if name)
        if is_url(first):
            return UserError(str(folder), f"{what} (column {column} holds URLs)", "put the files in the folder")
        return UserError(str(folder), f"{what} (column {column} names {first!r}, and no such file is here)", remedy)
    for column, values in cells.items():
        suffixes = {PurePosixPath(slashed(str(cell))).suffix.lower() for cell in values if cell}
        if suffixes and suffixes <= CONVERSIONS.keys():
            what += f" that are read (column {column} names {', '.join(sorted(suffixes))})"
            return UserError(str(folder), what, CONVERSIONS[min(suffixes)])
    return UserError(str(folder), what, remedy)
