"""Read the names of image files: by the patterns of common microscopes' programs, else by their parts.

Only names are read here. All names of a folder are read in the same way, and a part has the same meaning in each:
plate, well, field, channel, z (a slice of a stack), time. A part that no rule knows goes by its number.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from reprcheck.datasets.table.plate import PlatePosition, place
from reprcheck.datasets.table.vocabulary import rank

Parts = dict[str, str]
"""Part of a name to its text."""

CLASSES = 30
"""A part of a name with more values than this is no label."""

_GUID = r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"
_WELL = r"(?P<well>(?:[A-P]|A[A-F])\d{2})"
_Z_T = r"(?:_z(?P<z>\d+))?(?:_t(?P<time>\d+))?"
_Z_T = r"(?:_z(?P<z>\d+))?(?:_t(?P<time>\d+))?"
MICROSCOPES: Mapping[str, re.Pattern[str]] = {
    name: re.compile("".join(pattern))
    for name, pattern in {
        "Opera or Operetta (Harmony)": (
            r"r(?P<row>\d+)c(?P<column>\d+)f(?P<field>\d+)p(?P<z>\d+)(?:rc\d+)?",
            r"-ch(?P<channel>\d+)sk(?P<time>\d+)(?P<fk>fk\d+)?(?P<fl>fl\d+)?",
        ),
        "CellVoyager": (
            rf"(?:(?P<plate>.+)_)?{_WELL}_T(?P<time>\d+)F(?P<field>\d+)L(?P<line>\d+)A(?P<action>\d+)",
            r"Z(?P<z>\d+)C(?P<channel>\d+)",
        ),
        "MetaXpress": (
            rf"(?:(?P<plate>.+)_)?{_WELL}(?:_s(?P<field>\d+))?(?:_w(?P<channel>\d))?{_Z_T}",
            f"(?P<thumb>_thumb)?(?P<guid>{_GUID})",
        ),
        "MetaMorph": (rf"(?P<plate>.+?)_w(?P<channel>\d+[A-Za-z][^_]*)(?:_s(?P<field>\d+))?{_Z_T}",),
        "IN Cell": (
            r"(?:(?P<plate>.+) )?(?P<row>[A-P]|A[A-F]) - (?P<column>\d+)\(fld (?P<field>\d+)",
            r"(?: wv (?P<channel>.+?))?(?: z (?P<z>\d+))?(?: tm (?P<time>\d+))?(?: ?ms)?\)",
        ),
        "ArrayScan (Cellomics)": (rf"(?:(?P<plate>.+)_)?{_WELL}f(?P<field>\d+)(?:o\d+)?d(?P<channel>\d+)",),
    }.items()
}
"""Program to the pattern of its file names, without suffix, from the documentation of makers and readers."""
MANY = 12
"""Channels, or slices, that images may have at most, where only their names show it."""
MOST = 0.8
"""Share of names that a microscope's pattern must fit (a reason counts the others), or that have each channel."""

CHANNEL = re.compile(
    r"(ch|c|w|d|wv|channel)\d+|dapi|dna|hoechst\d*|draq5|[a-z]*[gryc]fp|mcherry|tdtomato|cy[357]|fitc|tritc|pe|er|rna|"
    r"agp|mito|actin|tubulin|golgi|nuclei|nucleus|brightfield|bf|phase|dic|darkfield|(alexa|af)[-_ ]?\d{3}|txred|"
    r"texas[-_ ]?red|red|green|blue|yellow",
    re.IGNORECASE,
)
_FIELD = re.compile(r"(f|s|fld|field|site|fov|pos|position|xy|tile)\d+|p\d{3,}", re.IGNORECASE)
_A_WELL = re.compile(r"([A-Z]|A[A-F])\d{1,2}", re.IGNORECASE)
_WELL_NUMBER = re.compile(r"w\d{3,}", re.IGNORECASE)
_Z = re.compile(r"(z|zstep|slice|plane|stack)\d+", re.IGNORECASE)
_TIME = re.compile(r"(t|tp|time|timepoint)\d+|\d\dd\d\dh\d\dm", re.IGNORECASE)
_DATE = re.compile(r"(19|20)\d\d-?(0[1-9]|1[0-2])-?(0[1-9]|[12]\d|3[01])")
_RUN = re.compile(r"[A-Za-z]+\d+")
_COMPOUND = re.compile(r"(?:[A-Za-z]{1,9}\d+){2,}")
_ROW, _COLUMN = (re.compile(rf"{words}0*(\d+)", re.IGNORECASE) for words in ("(?:r|row)", "(?:c|col|column)"))
_NUMBERED = re.compile(r"([A-Za-z]+)[-_ ]?\d+")


@dataclass(frozen=True)
class FileNamePattern:
    """What was read from the names of images.

    Attributes
    ----------
    parts : tuple of (dict or None)
        One for each name; None for a name of another pattern, which isn't read.
    reasons : tuple of str
        A sentence for each guess.
    microscope : str
        "" where no microscope's pattern fits.
    """

    parts: tuple[Parts | None, ...]
    reasons: tuple[str, ...]
    microscope: str = ""


def read_names(stems: Sequence[str], folders: Sequence[object] = ()) -> FileNamePattern:
    """Read the names of a folder's images.

    Parameters
    ----------
    stems : sequence of str
        Names of files, without folder and suffix.
    folders : sequence, optional
        The folder of each, since a name may recur in other folders.

    Returns
    -------
    FileNamePattern

    Examples
    --------
    >>> names = read_names(["r01c02f01p01-ch1sk1fk1fl1", "r01c02f01p01-ch2sk1fk1fl1"])
    >>> names.microscope, names.parts[1]["well"], names.parts[1]["channel"]
    ('Opera or Operetta (Harmony)', 'A02', 'ch2')
    """
    for microscope, pattern in MICROSCOPES.items():
        matches = [pattern.fullmatch(stem) for stem in stems]
        if sum(map(bool, matches)) >= MOST * len(stems):
            return _read_by_microscope(microscope, stems, [match and match.groupdict() for match in matches])
    return _read_by_parts(stems, folders or [None] * len(stems))


def _read_by_microscope(
    microscope: str, stems: Sequence[str], matches: Sequence[dict[str, str | None] | None]
) -> FileNamePattern:
    parts: list[Parts | None] = []
    for groups in matches:
        if groups is None or groups.get("thumb"):
            parts.append(None)
            continue
        part = {key: value for key, value in groups.items() if value is not None and key not in ("guid", "thumb")}
        if "row" in part:
            row, column = part.pop("row"), int(part.pop("column"))
            letter = row if row.isalpha() else PlatePosition(row=int(row)).letters
            part = {"well": f"{letter}{column:02}"} | part
        if "channel" in part:
            part["channel"] = _channel_name(microscope, part["channel"])
        parts.append(part)
    reasons = [f"names: as {microscope} writes them ({sum(part is not None for part in parts)} of {len(stems)} images)"]
    if thumbs := sum(bool(groups and groups.get("thumb")) for groups in matches):
        reasons.append(f"left out: {thumbs} thumbnails")
    if others := [stem for stem, groups in zip(stems, matches, strict=True) if groups is None]:
        reasons.append(f"left out: {len(others)} images of other names, such as {others[0]}")
    return FileNamePattern(tuple(parts), tuple(reasons), microscope)


def _channel_name(microscope: str, name: str) -> str:
    """Return a channel's name, with a prefix if it is a number: ch1, w2, C01, d0. "DAPI - DAPI" becomes "DAPI"."""
    ex, dash, em = name.partition(" - ")
    if dash and ex == em:
        return ex
    prefix = {"MetaXpress": "w", "CellVoyager": "C", "ArrayScan (Cellomics)": "d"}.get(microscope, "ch")
    return prefix + name if name.isdigit() else name


def _read_by_parts(stems: Sequence[str], folders: Sequence[object]) -> FileNamePattern:
    """Read names by their parts between ``_``, ``-``, points and blanks; the values of a part show its meaning."""
    split = [[part for part in re.split(r"[_\-. ()]+", stem) if part] for stem in stems]
    if len({len(parts) for parts in split}) > 1 or not split[0]:
        return _read_by_last_part(split, folders)
    split = _join_wells(_split_runs(split))
    columns = [list(values) for values in zip(*split, strict=True)]
    names = _name_parts(columns, _find_channel(split, folders))
    parts = tuple({name: row[i] for i, name in names.items()} for row in split)
    reasons = []
    for number, name in names.items():
        n_values, at = len(set(columns[number])), f"part {number + 1} of the names"
        if not name.startswith("part"):
            reasons += [f"{name}: {at} ({n_values} different)"] if name != "channel" else []
        elif all(map(CHANNEL.fullmatch, columns[number])):
            reasons.append(f"{name}: {at} sounds like channels, but most images don't have each, so it is none")
        elif (
            all(map(str.isdigit, columns[number]))
            and 2 <= n_values <= MANY
            and _measure_crossing(split, folders, number) == 1
        ):
            what = f"{n_values} numbers, each with all other parts, an image of its own"
            reasons.append(f"{name}: {at} ({what}; if it is the channel or a slice, write a column for each)")
    return FileNamePattern(parts, tuple(reasons))


def _may_be_channel(values: Sequence[str], n_parts: int) -> bool:
    """Return whether a part could number channels or slices, rather than images."""
    return n_parts > 1 and all(map(str.isdigit, values)) and len(set(values)) <= MANY


def _name_parts(columns: Sequence[Sequence[str]], channel: int | None) -> dict[int, str]:
    """Return a name for each part that differs between file names: by its values, then by its neighbours."""
    names: dict[int, str] = {}
    beside = () if channel is None else _find_followers(columns, channel)
    n_images = len(columns[0]) // (1 if channel is None else len(set(columns[channel])))
    for number, values in enumerate(columns):
        if len(set(values)) > 1:
            name = "channel" if number == channel else "" if number in beside else _name_part(values, n_images)
            names[number] = name if name and name not in names.values() else f"part{number + 1}"
    for number in names:
        if "well" not in names.values() and number != channel and all(map(_WELL_NUMBER.fullmatch, columns[number])):
            names[number] = "well"
    well = next((number for number, name in names.items() if name == "well"), None)
    if well is not None:
        before, after = names.get(well - 1, ""), names.get(well + 1, "")
        if before.startswith("part") and well - 1 not in beside and "plate" not in names.values():
            names[well - 1] = "plate"
        counts = after.startswith("part") and well + 1 not in beside and all(map(str.isdigit, columns[well + 1]))
        if counts and "field" not in names.values():
            names[well + 1] = "field"
    return names


def _find_followers(columns: Sequence[Sequence[str]], channel: int) -> set[int]:
    """Return the parts that number the channels: several numbers, and only one for each channel."""
    followers = set()
    for number, values in enumerate(columns):
        pairs = set(zip(columns[channel], values, strict=True))
        several = len(set(values)) > 1 and all(map(str.isdigit, values))
        if number != channel and several and len(pairs) == len(set(columns[channel])):
            followers.add(number)
    return followers


def _read_by_last_part(split: Sequence[Sequence[str]], folders: Sequence[object]) -> FileNamePattern:
    """Read names of several lengths by their last part if it is a channel in all; otherwise don't read them."""
    rest_and_last = [["_".join(parts[:-1]), *parts[-1:]] for parts in split]
    if all(len(parts) > 1 for parts in split) and _find_channel(rest_and_last, folders) == 1:
        reason = "names: of several lengths, whose last part alone is read"
        return FileNamePattern(tuple({"name": rest, "channel": last} for rest, last in rest_and_last), (reason,))
    return FileNamePattern(tuple({} for _ in split), ("names: follow no pattern, so that nothing is read from them",))


def _split_runs(split: Sequence[Sequence[str]]) -> list[list[str]]:
    """Split parts such as A01f00d0 into runs, where all names have the same letters there."""
    columns: list[list[str]] = []
    for values in zip(*split, strict=True):
        runs = [_RUN.findall(value) if _COMPOUND.fullmatch(value) else [value] for value in values]
        keys = {tuple(re.sub(r"\d", "", run) for run in value_runs) for value_runs in runs}
        wells = all(len(value_runs) > 1 and place(value_runs[0]).row for value_runs in runs)  # whose letters differ
        if len(runs[0]) > 1 and (len(keys) == 1 or (wells and len({key[1:] for key in keys}) == 1)):
            columns += [list(column) for column in zip(*runs, strict=True)]
        else:
            columns.append(list(values))
    return [list(row) for row in zip(*columns, strict=True)]


def _join_wells(split: Sequence[Sequence[str]]) -> list[list[str]]:
    """Join neighbouring parts such as r02 and c03 to the well B03, if all names have them."""
    columns = [list(values) for values in zip(*split, strict=True)]
    for number in reversed(range(len(columns) - 1)):
        rows, beside = (list(map(p.fullmatch, columns[number + i])) for i, p in enumerate((_ROW, _COLUMN)))
        if all(rows) and all(beside):
            pairs = [(int(row[1]), int(column[1])) for row, column in zip(rows, beside, strict=True) if row and column]
            columns[number : number + 2] = [[f"{PlatePosition(row=row).letters}{column:02}" for row, column in pairs]]
    return [list(row) for row in zip(*columns, strict=True)]


def _find_channel(split: Sequence[Sequence[str]], folders: Sequence[object]) -> int | None:
    """Return which part is the channel: its words are channels, and the rest of most names recurs with each of them."""
    for number in reversed(range(len(split[0]))):
        values = {parts[number] for parts in split}
        sound = 2 <= len(values) <= MANY and all(map(CHANNEL.fullmatch, values))
        if sound and _measure_crossing(split, folders, number) >= MOST:
            return number
    return None


def _measure_crossing(split: Sequence[Sequence[str]], folders: Sequence[object], number: int) -> float:
    """Return the share of all combinations of one part and the rest of the name that exist.

    The rest excludes parts that follow that one, as the number of a channel follows its name.
    """
    beside = {number, *_find_followers(list(zip(*split, strict=True)), number)}
    rest = [
        (at, *(p for i, p in enumerate(parts) if i not in beside)) for at, parts in zip(folders, split, strict=True)
    ]
    rows = {(key, parts[number]) for key, parts in zip(rest, split, strict=True)}
    values = {parts[number] for parts in split}
    return len(rows) / (len(values) * len(set(rest))) if len(rows) == len(split) else 0.0


def _are_wells(different: Sequence[str]) -> bool:
    """Return whether all are wells; p1, p2, … are more likely plates, passages or patients."""
    letters = {value.rstrip("0123456789") for value in different}
    padded = all(len(value) > 2 for value in different)
    row = next(iter(letters))
    rows = len(letters) > 1 or (row.upper() <= "P" and (padded or row.isupper()))
    return rows and all(map(_A_WELL.fullmatch, different))


def _name_part(values: Sequence[str], n_images: int) -> str:
    """Return a name for a part of file names by its values; "" if they don't fit any."""
    different = sorted(set(values))
    for name, pattern in (("z", _Z), ("time", _TIME), ("field", _FIELD), ("date", _DATE)):
        if all(map(pattern.fullmatch, different)):
            return name
    if _are_wells(different):
        return "well"
    words = {match[1].lower() if (match := _NUMBERED.fullmatch(value)) else "" for value in different}
    if len(words) == 1 and (word := words.pop()):
        return word if any(rank(word, role) is not None for role in ("unit", "batch")) else ""
    few = 2 <= len(different) <= min(CLASSES, n_images // 2)
    return "label" if few and not any(v.isdigit() or CHANNEL.fullmatch(v) for v in different) else ""
