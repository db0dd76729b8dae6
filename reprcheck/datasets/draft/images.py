"""Guess a card's channels, range of values and size from the images.

Images that can't be read are passed over; `data check` reports them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from reprcheck.datasets.card.card import MOST_TYPES
from reprcheck.datasets.card.reading import AXES, Project, ReadingOptions
from reprcheck.datasets.draft.files import FileColumns
from reprcheck.datasets.draft.guess_log import Cells, GuessLog, distinct
from reprcheck.datasets.images import axes, decode
from reprcheck.datasets.images.axes import StoredArray, stored_bytes
from reprcheck.datasets.images.files import STACK_BYTES
from reprcheck.datasets.images.interpretation import upright_extent
from reprcheck.datasets.images.recent import RecentCache
from reprcheck.datasets.table.samples import to_number
from reprcheck.errors import UserError
from reprcheck.plain_files import is_file

LOOKED_AT = 32
"""Images whose values are read, evenly spread; all where values are floats."""
_KNOWN_BY_DTYPE = {"bool", "uint8", "uint16"}


@dataclass(frozen=True)
class _Picture:
    path: Path
    frame: int | None

    def stored(self, stacks: RecentCache[StoredArray], channels: int | None = 3) -> StoredArray | None:
        try:
            return decode.read(self.path, self.frame, channels, str(self.path), stacks)
        except UserError:
            return None


def guess_images(
    folder: Path, cells: Cells, files: FileColumns, columns: Mapping[str, Any], log: GuessLog
) -> dict[str, Any]:
    """Return ``channels``, and where need be ``value_range``, ``fit`` and ``size``, of a card as plain values.

    Raises
    ------
    UserError
        Where no image can be decoded.
    """
    several = not isinstance(columns["image"], str)
    pictures = list(_list_pictures(files, cells, columns, "image"))
    stacks: RecentCache[StoredArray] = RecentCache(STACK_BYTES, stored_bytes)
    if several:
        channels = _shorten_names(columns["image"])
        log.record("channels", ", ".join(channels), "the columns of image files")
        if any(re.fullmatch(r"[A-Za-z]{1,2}\d+", channel) for channel in channels):
            log.comment("channels", "write their names, in the order of image")
            log.guess("channels")
    else:
        first = next(((p, s) for p in pictures if (s := p.stored(stacks)) is not None), None)
        if first is None:
            raise UserError(str(folder), "no image can be decoded", "write the images again")
        channels = _guess_channels(*first, cells, log)
    in_file = 1 if several else len(channels)
    project = _guess_project(pictures, stacks, log)
    reading = ReadingOptions(project=project)
    return {
        "channels": channels,
        **({"project": project} if project else {}),
        **_guess_value_range(pictures, in_file, reading, stacks, log),
        **_guess_fit(pictures, in_file, reading, log),
    }


def _shorten_names(columns: Sequence[str]) -> list[str]:
    """Return the names of columns of files, short where CellProfiler made them: FileName_DNA is DNA."""
    short = [re.sub(r"^(Image_)?(FileName|URL)_(Orig)?", "", column) for column in columns]
    return short if all(short) and len(set(short)) == len(short) else list(columns)


def guess_types(files: FileColumns, cells: Cells, columns: Mapping[str, Any], log: GuessLog) -> dict[str, Any]:
    """Return ``cell_types`` of a card as plain values: one for each value of the type images, if these can be types."""
    if "types" not in columns:
        return {}
    pictures, stacks = (
        list(_list_pictures(files, cells, columns, "types")),
        RecentCache[StoredArray](STACK_BYTES, stored_bytes),
    )
    type_images = [picture.stored(stacks, None) for picture in pictures[:: max(1, len(pictures) // LOOKED_AT)]]
    values = [np.asarray(stored.array) for stored in type_images if stored is not None]
    whole = all(array.dtype.kind in "bui" for array in values)
    highest = max((int(array.max(initial=0)) for array in values), default=0) if whole else 0
    if not 1 <= highest <= MOST_TYPES:
        log.reasons.append(f"types: none (the values of {columns['types']} aren't whole numbers up to {MOST_TYPES})")
        return {}
    log.record("types", columns["types"], "its name, beside a mask, and its cells are image files")
    log.record("cell_types", highest, "the highest value seen, and nothing tells their names")
    log.comment("cell_types", "write the names of the types that values 1, 2 and so on stand for")
    return {"cell_types": [f"type{number}" for number in range(1, highest + 1)]}


def _list_pictures(files: FileColumns, cells: Cells, columns: Mapping[str, Any], key: str) -> Iterator[_Picture]:
    """Yield the files that exist, with their frames; those of all columns where the key names several."""
    names = [columns[key]] if isinstance(columns[key], str) else columns[key]
    for name in names:
        for row, path in enumerate(files.paths[name]):
            frame = to_number(str(cells[columns["frame"]][row])) if "frame" in columns else None
            if path is not None and is_file(path):
                yield _Picture(path, None if frame is None else int(frame))


def _guess_channels(picture: _Picture, stored: StoredArray, cells: Cells, log: GuessLog) -> list[str]:
    shape = stored.shape[1:] if picture.frame is not None and len(stored.shape) > 2 else stored.shape
    colour_last = len(shape) > 2 and (stored.colour_last or shape[-1] <= 4 < shape[-3])
    n = 1 if len(shape) < 3 else shape[-1] if colour_last else shape[-3]
    if sizes := _read_axes(stored):
        n = sizes.get("C", 1)
    elif n > 1 and not colour_last:
        log.comment("channels", 'are they slices? then one channel, and axes = "ZYX" and project = "max"')
    n -= 1 if stored.alpha == "transparency" else 0
    count = f"{picture.path.name} has {n}"
    for column, values in cells.items():
        names = str(values[0]).split("|")
        if "channel" in column.lower() and distinct(values) == 1 and len(set(names)) == n and all(names):
            log.record("channels", ", ".join(names), f"the column {column}, and {count}")
            return names
    if n == 3 and colour_last:
        log.record("channels", "R, G, B", f"{picture.path.name} is a colour image")
        return ["R", "G", "B"]
    names = ["grey"] if n == 1 else [f"c{i}" for i in range(n)]
    log.record("channels", ", ".join(names), f"{count}, and nothing tells their names")
    log.comment("channels", "write their names")
    log.guess("channels")
    return names


def _read_axes(stored: StoredArray) -> dict[str, int]:
    """Return the sizes of a file's axes longer than 1, if it names them all as `AXES` does."""
    names = stored.axes.replace("S", "C")
    sized_axes = [(letter, size) for letter, size in zip(names, stored.shape, strict=False) if size > 1]
    letters = [letter for letter, _ in sized_axes]
    return dict(sized_axes) if set(letters) <= set(AXES) and len(set(letters)) == len(letters) else {}


def _guess_project(pictures: list[_Picture], stacks: RecentCache[StoredArray], log: GuessLog) -> Project | None:
    """Return how slices become one plane, if files declare slices and the table picks no frame."""
    picture = next((p for p in pictures if p.frame is None), None)
    stored = picture.stored(stacks) if picture else None
    if picture is None or stored is None or (slices := _read_axes(stored).get("Z", 1)) == 1:
        return None
    log.record("project", "max", f"{picture.path.name} is a stack of {slices} slices")
    log.comment("project", 'or "mean"')
    return "max"


def _guess_value_range(
    pictures: list[_Picture], in_file: int, reading: ReadingOptions, stacks: RecentCache[StoredArray], log: GuessLog
) -> dict[str, Any]:
    """Return the stored values that become 0 and 1, if the dtype doesn't decide."""
    low, high = np.inf, -np.inf
    dtypes: set[str] = set()
    every = max(1, len(pictures) // LOOKED_AT)
    for i, picture in enumerate(pictures):
        if i % every and dtypes <= _KNOWN_BY_DTYPE:
            continue
        try:
            stored = picture.stored(stacks, in_file)
            if stored is None:
                continue
            at = str(picture.path)
            arranged = axes.arrange(stored, in_file, picture.frame, at, reading)
            values = axes.planes(stored, arranged, reading.project, where=at)
        except UserError:
            continue
        if values.size and values.dtype.kind in "buif" and np.isfinite(values).all():
            dtypes.add(values.dtype.name)
            low, high = min(low, float(values.min())), max(high, float(values.max()))
    if dtypes <= _KNOWN_BY_DTYPE:
        if dtypes == {"uint16"} and high < 2**15:
            bits = next(bits for bits in (8, 10, 12, 14, 15) if high < 2**bits)
            log.comment("channels", f"value_range = [0, {2**bits - 1}], if the camera has {bits} bits")
            log.reasons.append(f"value_range: that of 16 bits (the highest value seen is {high:g}: see the card)")
        return {}
    if all(name.startswith("float") for name in dtypes) and low >= 0 and high <= 1:
        return {}
    log.record("value_range", f"{low:g} to {high:g}", f"lowest and highest value of {', '.join(sorted(dtypes))} seen")
    log.comment("value_range", "lowest and highest value seen")
    log.guess("value_range")
    return {"value_range": [low, high if high > low else low + 1]}


def _guess_fit(pictures: list[_Picture], in_file: int, reading: ReadingOptions, log: GuessLog) -> dict[str, Any]:
    """Return how images of several sizes become one: padded, so that nothing is lost or blurred."""
    sizes = set()
    for picture in {picture.path: picture for picture in pictures}.values():
        try:
            stored = decode.header(picture.path, in_file, str(picture.path))
            if picture.path.suffix.lower() in decode.PILLOW:
                sizes.add(upright_extent(stored.shape[0], stored.shape[1], stored.orientation))
            else:
                sizes.add(axes.arrange(stored, in_file, picture.frame, str(picture.path), reading).extent)
        except UserError:
            continue
    if len(sizes) < 2:
        return {}
    size = [max(height for height, _ in sizes), max(width for _, width in sizes)]
    log.record("fit", f"pad to {size[0]} x {size[1]}", f"{len(sizes)} sizes; the largest height and width")
    log.comment("fit", 'or "resize", or "crop"')
    return {"fit": "pad", "size": size}
