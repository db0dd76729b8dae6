"""The dataset card: `dataset.toml` as frozen dataclasses; its tables are parsed in `columns`, `crops`, `tasks`.

This module only parses: it checks the name and type of each key, and that keys agree, so that later layers needn't.
Whether the sample table has the columns that the card names is for `assemble`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from math import isfinite
from typing import Any, cast

from reprcheck.datasets.card.columns import COLUMN_KEYS, Columns, JointColumn, nested, parse_columns, parts
from reprcheck.datasets.card.crops import CROP_KEYS, Cropping, parse_cropping
from reprcheck.datasets.card.problems import attempt
from reprcheck.datasets.card.reading import AS_STORED, READING_KEYS, ReadingOptions, parse_reading
from reprcheck.datasets.card.section import Section, id_fault
from reprcheck.datasets.card.tasks import TASK_KEYS, TaskCard, parse_tasks
from reprcheck.datasets.images.fit import FITS, Fit
from reprcheck.errors import shown
from reprcheck.plain_files import parse_toml
from reprcheck.spelling import groups, show
from reprcheck.types import Kind

SCHEMA = 1
KINDS = ("culture", "tissue", "natural")
_TOP_KEYS = (
    *("schema", "name", "kind", "channels", "value_range", "clip", "fit", "size"),
    *("license", "citation", "source", "columns", "tiles", "tasks"),
    *(*READING_KEYS, "crops", "allow_outside", "cell_types", "root", "guessed"),
)
_TILE_KEYS = ("size", "max_white")
KEYS: Mapping[str, tuple[str, ...]] = {
    "": _TOP_KEYS,
    "[columns]": COLUMN_KEYS,
    "[tiles]": _TILE_KEYS,
    "[crops]": CROP_KEYS,
    "[tasks.NAME]": TASK_KEYS,
}
"""Every key of a card, by its table."""
IGNORED = "[columns] ignored"
"""The key of columns that nothing uses but that must exist."""
MOST_TYPES = 20
"""Types of cells that a card may name: pairs of them are columns of the structural baseline."""


@dataclass(frozen=True)
class Tiling:
    """How fields are cut: tiles of ``size`` x ``size`` pixels, dropped above a share ``max_white`` of near-white."""

    size: int
    max_white: float | None = None


@dataclass(frozen=True)
class Card:
    """A parsed `dataset.toml`.

    Attributes
    ----------
    value_range : (float, float) or None
        Stored values that become 0 and 1; None: the range of the dtype.
    clip : bool
        Whether any share of an image's values may lie outside ``value_range``; otherwise more than 1 % is an error.
    fit, size : str, (int, int) or None
        How images of several sizes become one, in (height, width) pixels.
    reading : ReadingOptions
        How image files are read.
    crops : Cropping or None
        The table of crops cut from fields, which are then fitted in place of the fields.
    allow_outside : bool
        Whether files may lie outside the folder.
    cell_types : tuple of str
        What values from 1 of type images stand for; empty where there are none.
    root : str or None
        The start of absolute paths in the table; the folder takes its place.
    guessed : tuple of str
        Keys of the card that `data init` guessed and nobody has checked since.
    """

    name: str
    kind: Kind
    channels: tuple[str, ...]
    columns: Columns
    tasks: tuple[TaskCard, ...]
    value_range: tuple[float, float] | None = None
    fit: Fit = "none"
    size: tuple[int, int] | None = None
    tiles: Tiling | None = None
    reading: ReadingOptions = AS_STORED
    crops: Cropping | None = None
    allow_outside: bool = False
    license: str = ""
    citation: str = ""
    source: str = ""
    cell_types: tuple[str, ...] = ()
    clip: bool = False
    root: str | None = None
    guessed: tuple[str, ...] = ()

    def named_columns(self) -> Iterator[tuple[str, str]]:
        """Yield (key of the card, column it names) for every column that tasks and samples need, files aside."""
        for key, column in self._list_columns():
            yield from ((key, part) for part in parts(column))

    def joined_columns(self) -> set[JointColumn]:
        """Return what several columns name together."""
        return {column for _, column in self._list_columns() if isinstance(column, JointColumn)}

    def _list_columns(self) -> Iterator[tuple[str, str]]:
        for key in ("sample", "unit", "batch", "position", "metadata", "ignored"):
            for column in nested(getattr(self.columns, key)):
                yield f"[columns] {key}", column
        for task in self.tasks:
            at = f"[tasks.{task.name}]"
            for column in task.label:
                yield f"{at} label", column
            for column in task.where or ():
                yield f"{at} where", column
            for column in nested(task.unit):
                yield f"{at} unit", column
            if task.control:
                yield f"{at} control", task.control.column
            if task.replicate:
                yield f"{at} replicate", task.replicate
            if task.test:
                yield f"{at} test", task.test.column

    def plain(self) -> dict[str, Any]:
        """Return what the card says about the data as plain values, without name and provenance.

        Where image files lie and how they are read and cut is left out too, as the content of each image reflects it.
        Keys that the card doesn't use are absent, so that a new key changes no digest of today's cards.
        """
        provenance = ("name", "license", "citation", "source", "guessed")
        omitted = (*provenance, "reading", "crops", "allow_outside", "clip", "root")
        values = asdict(self, dict_factory=lambda items: {key: v for key, v in items if v not in (None, ())})
        for key in ("distinct", "checked"):  # names are the same, whether anyone has checked them or not
            values["columns"].pop(key, None)
        return {key: value for key, value in values.items() if key not in omitted}


def parse(text: str, where: str) -> Card:
    """Parse the text of a `dataset.toml`.

    A ``unit``, of [columns] or of a task, is a column or a list of nested columns, innermost first: with
    ``unit = ["well", "donor"]`` donors are resampled and never split by folds, and each well must lie in one donor.
    Columns that name a unit together are written ``unit = { join = ["plate", "well"] }``; so with ``batch``.

    Parameters
    ----------
    text : str
        TOML.
    where : str
        The file, as the user would write it; opens every error message.

    Returns
    -------
    Card

    Raises
    ------
    UserError
        For TOML that can't be read, a key that is unknown, missing or of the wrong type, or keys at odds.

    Examples
    --------
    >>> card = parse('''
    ... schema = 1
    ... name = "toy"
    ... kind = "culture"
    ... channels = ["DNA"]
    ... columns = { sample = "id", image = "path" }
    ... tasks.state = { kind = "classify", label = "state", protocols = ["knn/1"] }
    ... ''', "toy/dataset.toml")
    >>> card.tasks[0].label
    ('state',)
    """
    return of(parse_toml(text, where), where)


def of(raw: Mapping[str, Any], where: str) -> Card:
    """Return a card from plain values, as TOML holds them. Raises UserError as `parse` does."""
    top = Section(raw, where, "", _TOP_KEYS)
    attempt(None, _check_schema, top)
    channels = attempt((), top.texts, "channels")
    fit = attempt("none", top.choice, "fit", FITS, "none")
    columns = attempt(Columns(sample=""), parse_columns, top, channels)
    return Card(
        name=attempt("", _parse_name, top),
        kind=cast(Kind, attempt("", top.choice, "kind", KINDS)),
        channels=channels,
        columns=columns,
        tasks=attempt((), parse_tasks, top, channels, columns),
        value_range=attempt(None, _parse_value_range, top),
        fit=cast(Fit, fit),
        size=attempt(None, _parse_size, top, fit),
        tiles=attempt(None, _parse_tiling, top),
        reading=attempt(AS_STORED, parse_reading, top),
        crops=attempt(None, parse_cropping, top),
        allow_outside=attempt(False, top.boolean, "allow_outside", False),
        license=attempt("", top.text, "license", ""),
        citation=attempt("", top.text, "citation", ""),
        source=attempt("", top.text, "source", ""),
        cell_types=attempt((), _parse_cell_types, top, columns),
        clip=attempt(False, _parse_clip, top),
        root=attempt(None, top.optional_text, "root"),
        guessed=attempt((), top.texts, "guessed") if top.values.get("guessed") else (),
    )


def _check_schema(top: Section) -> None:
    if (schema := top.integer("schema")) != SCHEMA:
        top.fail("schema", f"{schema} isn't a schema this version reads", f"use schema = {SCHEMA}")


def _parse_name(top: Section) -> str:
    name = top.text("name")
    if why := id_fault(name):
        top.fail("name", f"{shown(name)} {why}", "use letters, digits, - and _")
    return name


def _parse_value_range(top: Section) -> tuple[float, float] | None:
    pair = top.pair("value_range", float, "two numbers, [low, high]")
    if pair is not None and not all(map(isfinite, pair)):
        top.fail("value_range", f"[{pair[0]:g}, {pair[1]:g}] is not finite", "write two numbers, [low, high]")
    if pair is not None and not pair[0] < pair[1]:
        top.fail("value_range", f"low {pair[0]:g} is not below high {pair[1]:g}", "write [low, high]")
    return pair


def _parse_clip(top: Section) -> bool:
    clip = top.boolean("clip", False)
    if clip and "value_range" not in top.values:
        top.fail("clip", "has no effect without value_range", "add value_range = [low, high], or remove clip")
    return clip


def _parse_size(top: Section, fit: str) -> tuple[int, int] | None:
    size = top.extent("size") if "size" in top.values else None
    if fit != "none" and size is None:
        top.fail("size", f'missing, and fit = "{fit}" needs it', "add size = [height, width]")
    if fit == "none" and size is not None:
        top.fail("size", "has no effect without fit", 'add fit = "pad" (or "resize", "crop"), or remove size')
    return size


def _parse_cell_types(top: Section, columns: Columns) -> tuple[str, ...]:
    if "cell_types" not in top.values:
        if columns.types:
            top.fail("cell_types", "missing, and [columns] types needs it", "name the types of values 1, 2 and so on")
        return ()
    names = top.texts("cell_types")
    if columns.image and not columns.types:  # images that aren't listed in a table may come with types
        top.fail("cell_types", "has no effect without types", 'add types = "COLUMN" to [columns], or remove cell_types')
    if len(names) > MOST_TYPES:
        top.fail("cell_types", f"{len(names)} types, and {MOST_TYPES} are the most", "join types that are alike")
    if same := groups(names):
        top.fail(
            "cell_types", f"{' and '.join(show(same[0]))} are one name in several spellings", "name each type once"
        )
    if odd := [name for name in names if ":" in name]:
        top.fail("cell_types", f"{odd[0]!r} holds a :", "leave it out")
    return names


def _parse_tiling(top: Section) -> Tiling | None:
    if "tiles" not in top.values:
        return None
    section = top.section("tiles", _TILE_KEYS)
    max_white = section.values.get("max_white")
    if max_white is not None and (
        not isinstance(max_white, int | float) or isinstance(max_white, bool) or not 0 <= max_white <= 1
    ):
        section.wrong_type("max_white", "a share between 0 and 1")
    return Tiling(section.integer("size"), None if max_white is None else float(max_white))
