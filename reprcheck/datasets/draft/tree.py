"""A first sample table for a folder that has none: from folders named after their class, or from a pattern of names.

Only names are read here, no image is. What each column means is guessed in `draft`, as for any other table.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath

from reprcheck.datasets.decode import FORMATS
from reprcheck.datasets.plate import place
from reprcheck.errors import UserError

Table = dict[str, list[str]]
"""Column to cells."""

CLASSES = 30
"""A part of a name with more values than this is no label."""

_MASK_FOLDERS = ("mask", "masks", "label", "labels", "segmentation", "segmentations")
_SHEET = "contact-sheet.png"  # as `data show` calls it
_CHANNEL = re.compile(
    r"(ch?|w|d)\d+|dapi|dna|hoechst|[a-z]*[gryc]fp|cy[357]|fitc|tritc|pe|er|rna|agp|mito|actin|tubulin|golgi|nuclei|"
    r"brightfield|bf|phase|dic|darkfield",
    re.IGNORECASE,
)
_FIELD = re.compile(r"(f|s|field|site)\d+", re.IGNORECASE)


def table_of(folder: Path) -> tuple[Table, tuple[str, ...]]:
    """Return a table of the images in a folder, and a sentence for each guess.

    Parameters
    ----------
    folder : Path

    Returns
    -------
    table : dict of str to list of str
        ``id``, image columns, ``label``, and whatever else the names tell. A label that no name tells is blank.
    reasons : tuple of str

    Raises
    ------
    UserError
        For a folder without images.
    """
    found = sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.suffix.lower() in FORMATS)
    paths = [PurePosixPath(name) for name in found if not any(part.startswith(".") for part in Path(name).parts)]
    in_mask_folder = [any(part.lower() in _MASK_FOLDERS for part in path.parts[:-1]) for path in paths]
    masks = {path.stem: str(path) for path, mask in zip(paths, in_mask_folder, strict=True) if mask}
    images = [path for path, mask in zip(paths, in_mask_folder, strict=True) if not mask and str(path) != _SHEET]
    if not images:
        raise UserError(str(folder), "no table and no images", "put the images there, or a samples.csv that names them")
    shared = _shared_folders(images)
    inside = [path.parts[len(shared) :] for path in images]
    if len({len(parts) for parts in inside}) == 1 and len(inside[0]) > 1:
        table, reasons = _by_folder(images, inside)
    else:
        table, reasons = _by_name(images)
    stems = [PurePosixPath(name).stem for name in next(table[c] for c in table if c not in ("id", "label"))]
    if masks and len(set(stems)) == len(stems) and masks.keys() & set(stems):
        table["mask"] = [masks.get(stem, "") for stem in stems]
        reasons = (*reasons, "mask: files of the same name in a folder of masks")
    return table, (f"table: none, so one is written of {len(images)} images", *reasons)


def _shared_folders(images: Sequence[PurePosixPath]) -> tuple[str, ...]:
    first, *rest = [path.parts[:-1] for path in images]
    shared = 0
    while shared < len(first) and all(len(p) > shared and p[shared] == first[shared] for p in rest):
        shared += 1
    return first[:shared]


def _by_folder(images: Sequence[PurePosixPath], inside: Sequence[tuple[str, ...]]) -> tuple[Table, tuple[str, ...]]:
    """Return a table whose label is the name of each image's folder; folders around that one are columns too."""
    table: Table = {
        "id": [str(PurePosixPath(*parts).with_suffix("")) for parts in inside],
        "path": [str(path) for path in images],
        "label": [parts[-2] for parts in inside],
    }
    for level in range(len(inside[0]) - 2):
        table[f"folder{level + 1}"] = [parts[level] for parts in inside]
    return table, (f"label: the folder that an image lies in ({len(set(table['label']))} folders)",)


def _by_name(images: Sequence[PurePosixPath]) -> tuple[Table, tuple[str, ...]]:
    """Return a table of what the names' parts tell: channels, wells, fields, a label."""
    parts = [re.split(r"[_\-. ]+", path.stem) for path in images]
    if len({len(p) for p in parts}) > 1:
        table: Table = {"id": _ids(images), "path": [str(path) for path in images], "label": [""] * len(images)}
        return table, ("label: not known, names follow no pattern; fill in the column of samples.csv",)
    columns = list(zip(*parts, strict=True))
    channel = _channel_part(parts)
    if channel is None:
        table = {"id": _ids(images), "path": [str(path) for path in images]}
        reasons, kept = [], list(range(len(images)))
    else:
        names = sorted(set(columns[channel]))
        keys = [tuple(p[:channel] + p[channel + 1 :]) for p in parts]
        kept = [keys.index(key) for key in sorted(set(keys))]
        files = {(key, p[channel]): str(path) for key, p, path in zip(keys, parts, images, strict=True)}
        table = {"id": ["_".join(keys[i]) for i in kept]}
        table |= {name: [files[keys[i], name] for i in kept] for name in names}
        reasons = [f"channels: part {channel + 1} of the names, one file each: {', '.join(names)}"]
    for number, column in enumerate(columns):
        if number == channel or len(set(column)) == 1:
            continue
        values = [column[i] for i in kept]
        name = _part_name(values)
        if name and name not in table:
            reasons.append(f"{name}: part {number + 1} of the names ({len(set(values))} different)")
            table[name] = values
        else:
            table[f"part{number + 1}"] = values
    if "label" not in table:
        table["label"] = [""] * len(kept)
        reasons.append("label: not known, no part of the names tells it; fill in the column of samples.csv")
    return table, tuple(reasons)


def _ids(images: Sequence[PurePosixPath]) -> list[str]:
    """Return the images' names without suffix where these differ, else their whole paths."""
    stems = [path.stem for path in images]
    return stems if len(set(stems)) == len(stems) else [str(path) for path in images]


def _channel_part(parts: Sequence[Sequence[str]]) -> int | None:
    """Return which part of the names tells the channel: each combination of the others comes with all its values."""
    for number in reversed(range(len(parts[0]))):
        values = {p[number] for p in parts}
        keys = {(*p[:number], *p[number + 1 :]) for p in parts}
        crossed = len(parts) == len(values) * len(keys) == len({tuple(p) for p in parts})
        if 2 <= len(values) <= 12 and crossed and all(_CHANNEL.fullmatch(value) for value in values):
            return number
    return None


def _part_name(values: Iterable[str]) -> str:
    """Return what a part of names is, by its values; "" where they don't tell."""
    different = set(values)
    if all(_FIELD.fullmatch(value) for value in different):
        return "field"
    places = [place(value) for value in different]
    if all(at.row is not None and at.column is not None for at in places):
        return "well"
    return "label" if 2 <= len(different) <= CLASSES and not any(value.isdigit() for value in different) else ""
