"""A first sample table for a folder that has none, from the names of folders and image files.

No image is read here. Whether folders are classes, plates, channels, … is decided by their names and by what recurs
inside: folders that all hold the same wells are plates. The reasons name each decision with its counts, and the
runner-up. What each column means is guessed in `columns`, as for any other table.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from reprcheck.confounds.design import list_names
from reprcheck.datasets.draft.patterns import CHANNEL, Parts, read_names
from reprcheck.datasets.images.decode import FORMATS
from reprcheck.datasets.images.vendor_formats import CONVERSIONS
from reprcheck.datasets.images.zarr import is_zarr
from reprcheck.datasets.table.plate import place
from reprcheck.datasets.table.vocabulary import rank
from reprcheck.errors import UserError
from reprcheck.plain_files import is_file, links_out

Table = dict[str, list[str]]
"""Column to cells."""

LABELS = ("label", "label2")
"""Columns that could be labels; the second has labels from file names, where folders give the first."""
RECURRING = 0.5
"""Folders are plates rather than classes if at least this share of names recurs in each."""

_MASK_FOLDERS = ("mask", "masks", "label", "labels", "segmentation", "segmentations")
_MASK_NAME = re.compile(r"(.+?)[_-](cp_masks?|masks?|labels?|seg|segmentation)", re.IGNORECASE)
_SHEET = "contact-sheet.png"  # as `data show` calls it
_SPLITS = {"train", "training", "val", "valid", "validation", "test", "testing", "holdout"}
_PLANE_FOLDERS = {"z": re.compile(r"(z|zstep)[_-]?\d+", re.I), "time": re.compile(r"(t|timepoint)[_-]?\d+", re.I)}
_WHOLE = ("plate", "well", "field", "z", "time", "label")
"""Parts that stay even if they follow the channel."""


@dataclass(frozen=True)
class Tree:
    """The table of a folder's images.

    Attributes
    ----------
    table : dict of str to list of str
        ``id``, image columns, ``label``, and the other parts of names. The label is blank if no name holds it.
    reasons : tuple of str
        A sentence for each guess.
    unit, batch : str or None
        Columns that the names of folders show to be these.
    planes : dict of str to str
        Column of slices or times that are files of their own, to the value that tasks select.
    """

    table: Table
    reasons: tuple[str, ...]
    unit: str | None = None
    batch: str | None = None
    planes: Mapping[str, str] = field(default_factory=dict)


@dataclass
class _Reading:
    """The state of reading: parts of each image's name and folders, reasons, and roles."""

    images: list[PurePosixPath]
    parts: list[Parts]
    reasons: list[str]
    microscope: bool
    unit: str | None = None
    batch: str | None = None

    def __post_init__(self) -> None:
        """Set what names an image within its folder: the parts of a microscope's name, else the name itself."""
        plain = [tuple((k, v) for k, v in part.items() if k != "plate") for part in self.parts]
        self.names: list[object] = list(plain) if self.microscope else [_get_stem(path) for path in self.images]
        self.counted = not self.microscope and all(name.startswith("part") for part in self.parts for name in part)

    def put(self, name: str, values: Sequence[str], why: str) -> None:
        for part, value in zip(self.parts, values, strict=True):
            part[name] = value
        self.reasons.append(f"{name}: {why}")


def read_tree(folder: Path) -> Tree:
    """Return a table of the images in a folder, and a sentence for each guess.

    Parameters
    ----------
    folder : Path

    Returns
    -------
    Tree

    Raises
    ------
    UserError
        For a folder without images that can be read, or with two files for one image.
    """
    paths, notes = _find_images(folder)
    images, masks = _split_masks(paths)
    if not images:
        raise _explain_no_images(folder, notes)
    shared = _find_shared_folders(images)
    inside = [path.parts[len(shared) :] for path in images]
    names = read_names([_get_stem(path) for path in images], [path.parts[:-1] for path in images])
    readable = [i for i, parts in enumerate(names.parts) if parts is not None]
    parts = _drop_constant([names.parts[i] or {} for i in readable])
    reading = _Reading([images[i] for i in readable], parts, [*notes, *names.reasons], bool(names.microscope))
    _read_folders(reading, [inside[i][:-1] for i in readable])
    table = _make_table(reading, [inside[i] for i in readable], folder)
    _name_wells_by_plate(table, reading)
    mask_names = _find_masks(table, reading, masks)
    if mask_names is not None:
        table["mask"] = mask_names
        reading.reasons.append(
            f"mask: files that go by the images' names ({sum(map(bool, mask_names))} of {len(mask_names)})"
        )
    planes = _choose_planes(table, reading)
    first = f"table: none, so one is written of {len(reading.images)} images"
    return Tree(table, (first, *reading.reasons), reading.unit, reading.batch, planes)


def _find_images(folder: Path) -> tuple[list[PurePosixPath], list[str]]:
    """Return the files that may be images, and notes on those left out."""
    files = [path.relative_to(folder) for path in folder.rglob("*") if is_file(path) or is_zarr(path)]
    files = [path for path in files if not links_out(folder / path, folder)]
    if odd := [path for path in files if not str(path).isprintable()]:
        raise UserError(str(folder / odd[0]), "its name can't be printed", "give it another name")
    files = [path for path in files if not any(part.startswith(".") for part in path.parts)]
    images = [path for path in files if path.suffix.lower() in FORMATS and not is_zarr(path) and str(path) != _SHEET]
    notes = []
    foreign = Counter(suffix for path in files if (suffix := path.suffix.lower()) in CONVERSIONS)
    for suffix, count in sorted(foreign.items()):
        notes.append(
            f"left out: {count} {suffix} file{'s' if count > 1 else ''}, which aren't read: {CONVERSIONS[suffix]}"
        )
    if stores := sum(path.suffix.lower() == ".zarr" for path in files):
        notes.append(f"left out: {stores} .zarr: name OME-Zarr images in a samples.csv")
    return [PurePosixPath(path.as_posix()) for path in sorted(images, key=lambda path: path.as_posix())], notes


def _explain_no_images(folder: Path, notes: list[str]) -> UserError:
    if notes:
        what, _, remedy = notes[0].removeprefix("left out: ").partition(": ")
        return UserError(str(folder), f"no table, and no image that can be read but {what}", remedy)
    return UserError(str(folder), "no table and no images", "put the images there, or a samples.csv that names them")


def _get_stem(path: PurePosixPath) -> str:
    return path.name[: -len(path.suffix)].removesuffix(".ome")


def _split_masks(paths: list[PurePosixPath]) -> tuple[list[PurePosixPath], dict[str, str]]:
    """Return images, and masks by the name of their image: files in folders of masks, or called IMAGE_mask."""
    stems = {str(path.with_name(_get_stem(path))) for path in paths}
    images, masks = [], {}
    for path in paths:
        name = _MASK_NAME.fullmatch(_get_stem(path))
        if any(part.lower() in _MASK_FOLDERS for part in path.parts[:-1]):
            masks[name[1] if name else _get_stem(path)] = str(path)
        elif name and str(path.with_name(name[1])) in stems:
            masks[str(path.with_name(name[1]))] = str(path)
        else:
            images.append(path)
    return images, masks


def _find_masks(table: Table, reading: _Reading, masks: dict[str, str]) -> list[str] | None:
    """Return the mask of each row, the one with the image's name; None if no image has one."""
    columns = [column for column in table if set(table[column]) & {str(path) for path in reading.images}]
    for column in columns:
        whole = [
            str(PurePosixPath(name).with_name(_get_stem(PurePosixPath(name)))) if name else "" for name in table[column]
        ]
        short = [PurePosixPath(name).name for name in whole]
        for names in (whole, short):
            if len(set(names)) == len(names) and masks.keys() & set(names):
                return [masks.get(name, "") for name in names]
    return None


def _find_shared_folders(images: Sequence[PurePosixPath]) -> tuple[str, ...]:
    first, *rest = [path.parts[:-1] for path in images]
    shared = 0
    while shared < len(first) and all(len(p) > shared and p[shared] == first[shared] for p in rest):
        shared += 1
    return first[:shared]


def _drop_constant(parts: list[Parts]) -> list[Parts]:
    """Return parts without those that are the same in all names."""
    values: dict[str, set[str]] = {}
    for part in parts:
        for name, value in part.items():
            values.setdefault(name, set()).add(value)
    return [{name: value for name, value in part.items() if len(values[name]) > 1} for part in parts]


def _read_folders(reading: _Reading, folders: Sequence[tuple[str, ...]]) -> None:
    """Make each level of folders a part: by the folders' names, then by what recurs inside."""
    depths = Counter(map(len, folders))
    if len(depths) > 1:
        depth = ", ".join(f"{n} in {k} folders" if k != 1 else f"{n} in a folder" for k, n in sorted(depths.items()))
        reading.reasons.append(f"folders: not read, since images lie at several depths ({depth})")
        return
    levels = [(number, values) for number, values in enumerate(zip(*folders, strict=True), 1) if len(set(values)) > 1]
    open_levels = [level for level in levels if not _read_named_level(reading, *level)]
    if len(open_levels) == 1:
        _read_only_level(reading, *open_levels[0])
    elif open_levels:
        _read_nested_levels(reading, open_levels)


def _read_named_level(reading: _Reading, number: int, values: Sequence[str]) -> bool:
    """Make a level of folders a part by the folders' names; return whether one fits."""
    different = sorted(set(values))
    reason = f"folders {list_names(different)}"
    if all(map(CHANNEL.fullmatch, different)) and not any("channel" in part for part in reading.parts):
        same, of = _count_recurring(reading.names, values)
        if same >= RECURRING * of:
            for part, path in zip(reading.parts, reading.images, strict=True):
                part.setdefault("name", _get_stem(path))
            reading.put("channel", values, f"{reason} ({same} of {of} names in each; runner-up: classes)")
            return True
    for name, pattern in _PLANE_FOLDERS.items():
        if all(map(pattern.fullmatch, different)):
            reading.put(name, values, reason)
            return True
    if set(map(str.lower, different)) <= _SPLITS:
        judged = next((value for value in different if value.lower().startswith(("test", "hold"))), different[0])
        asks = f'to ask by this split, write test = {{ column = "split", equals = "{judged}" }} in the task'
        reading.put("split", values, f"{reason}; {asks}")
        return True
    if all((at := place(value)).row and at.column for value in different) and "well" not in reading.parts[0]:
        reading.put("well", values, reason)
        return True
    words = [re.sub(r"[\d_\- ]+", " ", value).strip() for value in different]
    if all(rank(word, "unit") is not None for word in words):
        reading.unit = f"folder{number}"
        reading.put(reading.unit, values, f"{reason}, called after units")
        return True
    if all(rank(word, "batch") is not None for word in words) or all(
        re.fullmatch(r"20\d{6}|20\d\d-\d\d-\d\d", v) for v in different
    ):
        _put_batch(reading, number, values, f"{reason}, called after plates or runs")
        return True
    return False


def _put_batch(reading: _Reading, number: int, values: Sequence[str], why: str) -> None:
    if reading.batch is None:
        reading.batch = f"folder{number}" if any("plate" in part for part in reading.parts) else "plate"
        reading.put(reading.batch, values, why)
    else:
        reading.put(f"folder{number}", values, why)


def _read_only_level(reading: _Reading, number: int, values: Sequence[str]) -> None:
    """Decide by what recurs inside: folders with the same wells are plates, all others classes."""
    different = sorted(set(values))
    same, of = _count_recurring(reading.names, values)
    reason = f"the folder that an image lies in ({len(different)} folders: {list_names(different)}; "
    reason += f"{same} of {of} names recur in each"
    if same >= RECURRING * of and not reading.counted:
        _put_batch(reading, number, values, f"{reason}, as on plates; runner-up: classes)")
        return
    why = ", but only count" if same and reading.counted else ""
    for part in reading.parts:
        if "label" in part:
            part["label2"] = part.pop("label")
    reading.put("label", values, f"{reason}{why}; runner-up: plates)")


def _count_recurring(names: Sequence[object], folders: Sequence[str]) -> tuple[int, int]:
    """Return how many names lie in all of the folders, and how many there are."""
    inside: dict[str, set[object]] = {}
    for name, at in zip(names, folders, strict=True):
        inside.setdefault(at, set()).add(name)
    return len(set.intersection(*inside.values())), len(set.union(*inside.values()))


def _read_nested_levels(reading: _Reading, levels: Sequence[tuple[int, Sequence[str]]]) -> None:
    """Decide what nested folders are: inner ones that recur in several outer ones are classes, others units."""
    (outer_at, outer), (inner_at, inner) = levels[-2:]
    for number, values in levels[:-2]:
        reading.put(f"folder{number}", values, f"folders {list_names(sorted(set(values)))}")
    around: dict[str, set[str]] = {}
    for value, holder in zip(inner, outer, strict=True):
        around.setdefault(value, set()).add(holder)
    several = sum(len(holders) > 1 for holders in around.values())
    reason = f"{several} of {len(around)} folders {list_names(sorted(around))} recur in several of "
    reason += list_names(sorted(set(outer)))
    if several * 2 > len(around):
        _put_batch(reading, outer_at, outer, f"the outer folder ({reason}; runner-up: the label)")
        reading.put("label", inner, f"the inner folder ({reason}; runner-up: the outer one)")
    else:
        reading.unit = f"folder{inner_at}"
        reading.put("label", outer, f"the outer folder ({reason}; runner-up: the inner one)")
        reading.put(reading.unit, inner, f"the inner folder, each in one of the others ({reason}): the unit")


def _make_table(reading: _Reading, inside: Sequence[tuple[str, ...]], folder: Path) -> Table:
    """Return a table with a row for each image; files that differ only in their channel are one image."""
    channels = sorted({part["channel"] for part in reading.parts if "channel" in part})
    if len(channels) > 1 and all("channel" in part for part in reading.parts):
        table = _make_channel_table(reading, inside, channels, folder)
    else:
        ids = [str(PurePosixPath(*parts).with_name(_get_stem(PurePosixPath(*parts)))) for parts in inside]
        if twice := [name for name, count in Counter(ids).items() if count > 1]:
            raise UserError(str(folder), f"{twice[0]} is there in several formats", "keep one file for each image")
        table = {"id": ids, "path": [str(path) for path in reading.images]}
        for name in dict.fromkeys(name for part in reading.parts for name in part):
            table[name] = [part.get(name, "") for part in reading.parts]
    fixed = ("id", "label", "path", *channels)
    table = {name: cells for name, cells in table.items() if name in fixed or len(set(cells)) > 1}
    if "label" not in table:
        table["label"] = [""] * len(table["id"])
        reading.reasons.append("label: not known, no name tells it; fill in the column of samples.csv")
    return table


def _make_channel_table(
    reading: _Reading, inside: Sequence[tuple[str, ...]], channels: list[str], folder: Path
) -> Table:
    with_channel = [
        name for name in reading.parts[0] if name not in (*_WHOLE, "channel") and _follows_channel(name, reading.parts)
    ]
    if with_channel:
        reading.reasons.append(f"left out: {', '.join(with_channel)} of the names, which goes with the channel")
    keys = [tuple((k, v) for k, v in part.items() if k not in ("channel", *with_channel)) for part in reading.parts]
    files: dict[tuple[object, str], str] = {}
    for key, part, path in zip(keys, reading.parts, reading.images, strict=True):
        if (other := files.setdefault((key, part["channel"]), str(path))) != str(path):
            what = f"{other} and {path} are of one place and channel"
            raise UserError(str(folder), what, "keep one, or write a samples.csv")
    rows = sorted(set(keys))
    columns = list(dict.fromkeys(name for key in rows for name, _ in key))
    cells = {name: [dict(key).get(name, "") for key in rows] for name in columns}
    telling = [name for name in columns if len(set(cells[name])) > 1] or columns[:1]
    table: Table = {"id": [f"image{number}" for number in range(1, len(rows) + 1)]}
    for id_columns in (["name"], telling):
        if set(id_columns) <= set(columns) and len(set(zip(*(cells[name] for name in id_columns), strict=True))) == len(
            rows
        ):
            table["id"] = ["_".join(values) for values in zip(*(cells[name] for name in id_columns), strict=True)]
            break
    table |= {channel: [files.get((key, channel), "") for key in rows] for channel in channels}
    lacking = sum(not name for channel in channels for name in table[channel])
    blank = f"; {lacking} files are not there, and `data check` names their rows" if lacking else ""
    reading.reasons.append(
        f"channels: {', '.join(channels)}, a file each ({len(rows)} images of {len(files)} files{blank})"
    )
    return table | {name: values for name, values in cells.items() if name not in table}


def _follows_channel(name: str, parts: Sequence[Parts]) -> bool:
    """Return whether a part numbers the channels: one number for each, and several in all."""
    by_channel: dict[str, set[str]] = {}
    for part in parts:
        by_channel.setdefault(part["channel"], set()).add(part.get(name, ""))
    different = set.union(*by_channel.values())
    return (
        all(len(values) == 1 for values in by_channel.values())
        and len(different) > 1
        and all(map(str.isdigit, different))
    )


def _name_wells_by_plate(table: Table, reading: _Reading) -> None:
    """Add the plate to the names of wells if several plates have wells of one name: a unit lies on one plate."""
    batch = reading.batch or ("plate" if "plate" in table else None)
    if batch in table and "well" in table and "position" not in table:
        both = [f"{plate}-{well}" for plate, well in zip(table[batch], table["well"], strict=True)]
        if len(set(both)) > len(set(table["well"])):
            table["position"], table["well"] = table["well"], both
            reading.reasons.append(
                f"well: named by {batch} and well, since several have one of a name; position: the well"
            )


def _choose_planes(table: Table, reading: _Reading) -> dict[str, str]:
    """Return the middle slice and the first time, if these are files of their own: they aren't independent samples."""
    planes = {}
    for name, word in (("z", "slices"), ("time", "times")):
        if name in table:
            values = sorted(set(table[name]), key=_natural_key)
            planes[name] = values[len(values) // 2 if name == "z" else 0]
            reading.reasons.append(
                f"{name}: {len(values)} {word} of an image, a file and a row each ({list_names(values)}); tasks ask "
                f"{planes[name]} alone, since they aren't independent: see `where` on the card"
            )
    return planes


def _natural_key(text: str) -> list[tuple[int, str]]:
    return [(int(run), "") if run.isdigit() else (-1, run) for run in re.findall(r"\d+|\D+", text)]
