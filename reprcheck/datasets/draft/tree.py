"""A first sample table for a folder that has none: from what folders and the names of image files tell.

Only names are read here, no image is. A folder is a class, a plate, a channel, … by what it is called and by what
repeats inside: the same wells in each of several folders are plates, channels of one name in each are channels. What
was decided is told with its counts, and what came second. What each column means is guessed in `columns`, as for any
other table.
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
"""Columns that could be labels: of folders, and of names where folders tell another."""
RECURRING = 0.5
"""Share of names that lie in each of several folders, from which these are plates rather than classes."""

_MASK_FOLDERS = ("mask", "masks", "label", "labels", "segmentation", "segmentations")
_MASK_NAME = re.compile(r"(.+?)[_-](cp_masks?|masks?|labels?|seg|segmentation)", re.IGNORECASE)
_SHEET = "contact-sheet.png"  # as `data show` calls it
_SPLITS = {"train", "training", "val", "valid", "validation", "test", "testing", "holdout"}
_PLANE_FOLDERS = {"z": re.compile(r"(z|zstep)[_-]?\d+", re.I), "time": re.compile(r"(t|timepoint)[_-]?\d+", re.I)}
_WHOLE = ("plate", "well", "field", "z", "time", "label")
"""Parts that are never left out because another goes with the channel."""


@dataclass(frozen=True)
class Tree:
    """The table of a folder's images.

    Attributes
    ----------
    table : dict of str to list of str
        ``id``, image columns, ``label``, and whatever else the names tell. A label that no name tells is blank.
    reasons : tuple of str
        A sentence for each guess.
    unit, batch : str or None
        The column that folders say is one.
    planes : dict of str to str
        Column of slices or times, whose images are files of their own, to the one that is to be asked.
    """

    table: Table
    reasons: tuple[str, ...]
    unit: str | None = None
    batch: str | None = None
    planes: Mapping[str, str] = field(default_factory=dict)


@dataclass
class _Reading:
    """What has been read so far: parts of each image's name and folders, reasons, and roles."""

    images: list[PurePosixPath]
    parts: list[Parts]
    reasons: list[str]
    microscope: bool
    unit: str | None = None
    batch: str | None = None

    def __post_init__(self) -> None:
        """Keep what names an image within its folder: what a microscope's name says, else the name itself."""
        plain = [tuple((k, v) for k, v in part.items() if k != "plate") for part in self.parts]
        self.names: list[object] = list(plain) if self.microscope else [_stem(path) for path in self.images]
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
    paths, told = _image_paths(folder)
    images, masks = _masks_apart(paths)
    if not images:
        raise _nothing(folder, told)
    shared = _shared_folders(images)
    inside = [path.parts[len(shared) :] for path in images]
    names = read_names([_stem(path) for path in images], [path.parts[:-1] for path in images])
    kept = [i for i, parts in enumerate(names.parts) if parts is not None]
    parts = _varying([names.parts[i] or {} for i in kept])
    reading = _Reading([images[i] for i in kept], parts, [*told, *names.reasons], bool(names.microscope))
    _read_folders(reading, [inside[i][:-1] for i in kept])
    table = _table(reading, [inside[i] for i in kept], folder)
    _wells_by_plate(table, reading)
    found = _mask_cells(table, reading, masks)
    if found is not None:
        table["mask"] = found
        reading.reasons.append(f"mask: files that go by the images' names ({sum(map(bool, found))} of {len(found)})")
    planes = _planes(table, reading)
    first = f"table: none, so one is written of {len(reading.images)} images"
    return Tree(table, (first, *reading.reasons), reading.unit, reading.batch, planes)


def _image_paths(folder: Path) -> tuple[list[PurePosixPath], list[str]]:
    """Return what may be an image, and what is told of files that are none."""
    files = [path.relative_to(folder) for path in folder.rglob("*") if is_file(path) or is_zarr(path)]
    files = [path for path in files if not links_out(folder / path, folder)]
    if odd := [path for path in files if not str(path).isprintable()]:
        raise UserError(str(folder / odd[0]), "its name can't be printed", "give it another name")
    files = [path for path in files if not any(part.startswith(".") for part in path.parts)]
    images = [path for path in files if path.suffix.lower() in FORMATS and not is_zarr(path) and str(path) != _SHEET]
    told = []
    foreign = Counter(suffix for path in files if (suffix := path.suffix.lower()) in CONVERSIONS)
    for suffix, count in sorted(foreign.items()):
        told.append(
            f"left out: {count} {suffix} file{'s' if count > 1 else ''}, which aren't read: {CONVERSIONS[suffix]}"
        )
    if stores := sum(path.suffix.lower() == ".zarr" for path in files):
        told.append(f"left out: {stores} .zarr: name OME-Zarr images in a samples.csv")
    return [PurePosixPath(path.as_posix()) for path in sorted(images, key=lambda path: path.as_posix())], told


def _nothing(folder: Path, told: list[str]) -> UserError:
    if told:
        what, _, remedy = told[0].removeprefix("left out: ").partition(": ")
        return UserError(str(folder), f"no table, and no image that can be read but {what}", remedy)
    return UserError(str(folder), "no table and no images", "put the images there, or a samples.csv that names them")


def _stem(path: PurePosixPath) -> str:
    return path.name[: -len(path.suffix)].removesuffix(".ome")


def _masks_apart(paths: list[PurePosixPath]) -> tuple[list[PurePosixPath], dict[str, str]]:
    """Return images, and masks by the name of their image: in folders of masks, or called after one with _mask."""
    stems = {str(path.with_name(_stem(path))) for path in paths}
    images, masks = [], {}
    for path in paths:
        name = _MASK_NAME.fullmatch(_stem(path))
        if any(part.lower() in _MASK_FOLDERS for part in path.parts[:-1]):
            masks[name[1] if name else _stem(path)] = str(path)
        elif name and str(path.with_name(name[1])) in stems:
            masks[str(path.with_name(name[1]))] = str(path)
        else:
            images.append(path)
    return images, masks


def _mask_cells(table: Table, reading: _Reading, masks: dict[str, str]) -> list[str] | None:
    """Return the mask of each row: of the same name, by which images differ; None where no mask is."""
    columns = [column for column in table if set(table[column]) & {str(path) for path in reading.images}]
    for column in columns:
        whole = [
            str(PurePosixPath(name).with_name(_stem(PurePosixPath(name)))) if name else "" for name in table[column]
        ]
        short = [PurePosixPath(name).name for name in whole]
        for names in (whole, short):
            if len(set(names)) == len(names) and masks.keys() & set(names):
                return [masks.get(name, "") for name in names]
    return None


def _shared_folders(images: Sequence[PurePosixPath]) -> tuple[str, ...]:
    first, *rest = [path.parts[:-1] for path in images]
    shared = 0
    while shared < len(first) and all(len(p) > shared and p[shared] == first[shared] for p in rest):
        shared += 1
    return first[:shared]


def _varying(parts: list[Parts]) -> list[Parts]:
    """Return parts without those that are the same in all names."""
    values: dict[str, set[str]] = {}
    for part in parts:
        for name, value in part.items():
            values.setdefault(name, set()).add(value)
    return [{name: value for name, value in part.items() if len(values[name]) > 1} for part in parts]


def _read_folders(reading: _Reading, folders: Sequence[tuple[str, ...]]) -> None:
    """Give each level of folders a part: by what it is called, then by what repeats inside."""
    depths = Counter(map(len, folders))
    if len(depths) > 1:
        depth = ", ".join(f"{n} in {k} folders" if k != 1 else f"{n} in a folder" for k, n in sorted(depths.items()))
        reading.reasons.append(f"folders: not read, since images lie at several depths ({depth})")
        return
    levels = [(number, values) for number, values in enumerate(zip(*folders, strict=True), 1) if len(set(values)) > 1]
    open_levels = [level for level in levels if not _named_level(reading, *level)]
    if len(open_levels) == 1:
        _class_or_plate(reading, *open_levels[0])
    elif open_levels:
        _nested_levels(reading, open_levels)


def _named_level(reading: _Reading, number: int, values: Sequence[str]) -> bool:
    """Give a level of folders a part by what these are called; return whether one fits."""
    different = sorted(set(values))
    told = f"folders {list_names(different)}"
    if all(map(CHANNEL.fullmatch, different)) and not any("channel" in part for part in reading.parts):
        same, of = _recurring(reading.names, values)
        if same >= RECURRING * of:
            for part, path in zip(reading.parts, reading.images, strict=True):
                part.setdefault("name", _stem(path))
            reading.put("channel", values, f"{told} ({same} of {of} names in each; runner-up: classes)")
            return True
    for name, pattern in _PLANE_FOLDERS.items():
        if all(map(pattern.fullmatch, different)):
            reading.put(name, values, told)
            return True
    if set(map(str.lower, different)) <= _SPLITS:
        judged = next((value for value in different if value.lower().startswith(("test", "hold"))), different[0])
        asks = f'to ask by this split, write test = {{ column = "split", equals = "{judged}" }} in the task'
        reading.put("split", values, f"{told}; {asks}")
        return True
    if all((at := place(value)).row and at.column for value in different) and "well" not in reading.parts[0]:
        reading.put("well", values, told)
        return True
    words = [re.sub(r"[\d_\- ]+", " ", value).strip() for value in different]
    if all(rank(word, "unit") is not None for word in words):
        reading.unit = f"folder{number}"
        reading.put(reading.unit, values, f"{told}, called after units")
        return True
    if all(rank(word, "batch") is not None for word in words) or all(
        re.fullmatch(r"20\d{6}|20\d\d-\d\d-\d\d", v) for v in different
    ):
        _put_batch(reading, number, values, f"{told}, called after plates or runs")
        return True
    return False


def _put_batch(reading: _Reading, number: int, values: Sequence[str], why: str) -> None:
    if reading.batch is None:
        reading.batch = f"folder{number}" if any("plate" in part for part in reading.parts) else "plate"
        reading.put(reading.batch, values, why)
    else:
        reading.put(f"folder{number}", values, why)


def _class_or_plate(reading: _Reading, number: int, values: Sequence[str]) -> None:
    """Decide by what repeats inside: the same wells in each folder make plates, whatever else makes classes."""
    different = sorted(set(values))
    same, of = _recurring(reading.names, values)
    told = f"the folder that an image lies in ({len(different)} folders: {list_names(different)}; "
    told += f"{same} of {of} names recur in each"
    if same >= RECURRING * of and not reading.counted:
        _put_batch(reading, number, values, f"{told}, as on plates; runner-up: classes)")
        return
    why = ", but only count" if same and reading.counted else ""
    for part in reading.parts:
        if "label" in part:
            part["label2"] = part.pop("label")
    reading.put("label", values, f"{told}{why}; runner-up: plates)")


def _recurring(names: Sequence[object], folders: Sequence[str]) -> tuple[int, int]:
    """Return how many names are found in each of the folders, and how many there are."""
    inside: dict[str, set[object]] = {}
    for name, at in zip(names, folders, strict=True):
        inside.setdefault(at, set()).add(name)
    return len(set.intersection(*inside.values())), len(set.union(*inside.values()))


def _nested_levels(reading: _Reading, levels: Sequence[tuple[int, Sequence[str]]]) -> None:
    """Of folders in folders, decide by whether the inner ones recur: then they are classes, else units of a class."""
    (outer_at, outer), (inner_at, inner) = levels[-2:]
    for number, values in levels[:-2]:
        reading.put(f"folder{number}", values, f"folders {list_names(sorted(set(values)))}")
    around: dict[str, set[str]] = {}
    for value, holder in zip(inner, outer, strict=True):
        around.setdefault(value, set()).add(holder)
    several = sum(len(holders) > 1 for holders in around.values())
    told = f"{several} of {len(around)} folders {list_names(sorted(around))} recur in several of "
    told += list_names(sorted(set(outer)))
    if several * 2 > len(around):
        _put_batch(reading, outer_at, outer, f"the outer folder ({told}; runner-up: the label)")
        reading.put("label", inner, f"the inner folder ({told}; runner-up: the outer one)")
    else:
        reading.unit = f"folder{inner_at}"
        reading.put("label", outer, f"the outer folder ({told}; runner-up: the inner one)")
        reading.put(reading.unit, inner, f"the inner folder, each in one of the others ({told}): the unit")


def _table(reading: _Reading, inside: Sequence[tuple[str, ...]], folder: Path) -> Table:
    """Return a row for each image: for each group of files that differ in their channel alone, where names tell it."""
    channels = sorted({part["channel"] for part in reading.parts if "channel" in part})
    if len(channels) > 1 and all("channel" in part for part in reading.parts):
        table = _by_channel(reading, inside, channels, folder)
    else:
        ids = [str(PurePosixPath(*parts).with_name(_stem(PurePosixPath(*parts)))) for parts in inside]
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


def _by_channel(reading: _Reading, inside: Sequence[tuple[str, ...]], channels: list[str], folder: Path) -> Table:
    with_channel = [
        name for name in reading.parts[0] if name not in (*_WHOLE, "channel") and _follows(name, reading.parts)
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
    for chosen in (["name"], telling):
        if set(chosen) <= set(columns) and len(set(zip(*(cells[name] for name in chosen), strict=True))) == len(rows):
            table["id"] = ["_".join(values) for values in zip(*(cells[name] for name in chosen), strict=True)]
            break
    table |= {channel: [files.get((key, channel), "") for key in rows] for channel in channels}
    lacking = sum(not name for channel in channels for name in table[channel])
    blank = f"; {lacking} files are not there, and `data check` names their rows" if lacking else ""
    reading.reasons.append(
        f"channels: {', '.join(channels)}, a file each ({len(rows)} images of {len(files)} files{blank})"
    )
    return table | {name: values for name, values in cells.items() if name not in table}


def _follows(name: str, parts: Sequence[Parts]) -> bool:
    """Tell whether a part has one number for each channel, and several in all."""
    found: dict[str, set[str]] = {}
    for part in parts:
        found.setdefault(part["channel"], set()).add(part.get(name, ""))
    different = set.union(*found.values())
    return (
        all(len(values) == 1 for values in found.values()) and len(different) > 1 and all(map(str.isdigit, different))
    )


def _wells_by_plate(table: Table, reading: _Reading) -> None:
    """Name wells by their plate too, where several have one of a name: a unit lies on one plate."""
    batch = reading.batch or ("plate" if "plate" in table else None)
    if batch in table and "well" in table and "position" not in table:
        both = [f"{plate}-{well}" for plate, well in zip(table[batch], table["well"], strict=True)]
        if len(set(both)) > len(set(table["well"])):
            table["position"], table["well"] = table["well"], both
            reading.reasons.append(
                f"well: named by {batch} and well, since several have one of a name; position: the well"
            )


def _planes(table: Table, reading: _Reading) -> dict[str, str]:
    """Return the slice in the middle and the first time, where each is a file: neither channels, nor independent."""
    planes = {}
    for name, word in (("z", "slices"), ("time", "times")):
        if name in table:
            values = sorted(set(table[name]), key=_natural)
            planes[name] = values[len(values) // 2 if name == "z" else 0]
            reading.reasons.append(
                f"{name}: {len(values)} {word} of an image, a file and a row each ({list_names(values)}); tasks ask "
                f"{planes[name]} alone, since they aren't independent: see `where` on the card"
            )
    return planes


def _natural(text: str) -> list[tuple[int, str]]:
    return [(int(run), "") if run.isdigit() else (-1, run) for run in re.findall(r"\d+|\D+", text)]
