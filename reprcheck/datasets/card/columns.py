"""The [columns] table of a card: what the columns of the sample table mean."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from reprcheck.datasets.card.problems import attempt
from reprcheck.datasets.card.section import Section
from reprcheck.errors import did_you_mean

Units = str | tuple[str, ...]
"""One column, or nested columns, innermost first: the last is resampled and never split by folds."""

COLUMN_KEYS = (
    "sample",
    "image",
    "folders",
    "frame",
    "mask",
    "types",
    "unit",
    "batch",
    "position",
    "metadata",
    "ignored",
    "distinct",
)


class JointColumn(str):
    """Columns that name a unit or a batch together, as plate and well do; the text is for messages.

    Parameters
    ----------
    parts : tuple of str
        Columns of the table, two or more.

    Examples
    --------
    >>> JointColumn(("plate", "well")), JointColumn(("plate", "well")).parts
    ('plate + well', ('plate', 'well'))
    """

    parts: tuple[str, ...]

    def __new__(cls, parts: tuple[str, ...]) -> JointColumn:
        """Join the names to the text, and keep the columns."""
        joint = super().__new__(cls, " + ".join(parts))
        joint.parts = parts
        return joint

    def __reduce__(self) -> tuple[type[JointColumn], tuple[tuple[str, ...]]]:
        """Pickle by the columns."""
        return JointColumn, (self.parts,)


@dataclass(frozen=True)
class Columns:
    """The columns of the sample table that the card names.

    Attributes
    ----------
    sample : str
    image : tuple of str
        One column: one file that holds all channels. Several: one file per channel, in order of ``Card.channels``.
        Empty where the images don't come from files.
    frame, mask, types, batch, position : str or None
    unit : str, tuple of str, or None
        Nested units, innermost first, where there are several.
    metadata : tuple of str
        Other facts about a sample that may give its label away, such as a passage or an operator.
    folders : tuple of (str, str)
        Column of files, and column of the folder that each of them lies in, as CellProfiler writes them apart.
    distinct : tuple of str
        Columns in which names that look like two spellings of one are different things.
    checked : tuple of str
        Columns whose names are checked in the table of fields, or are its ids; not a key of the card.
    ignored : tuple of str
        Columns that may group units of one label although these are independent; see `groups`.
    """

    sample: str
    image: tuple[str, ...] = ()
    frame: str | None = None
    mask: str | None = None
    unit: Units | None = None
    batch: str | None = None
    position: str | None = None
    metadata: tuple[str, ...] = ()
    types: str | None = None
    folders: tuple[tuple[str, str], ...] = ()
    distinct: tuple[str, ...] = ()
    checked: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()


def nested(unit: Units | None) -> tuple[str, ...]:
    """Return the columns of a unit, innermost first; none for None."""
    if unit is None:
        return ()
    return (unit,) if isinstance(unit, str) else unit


def parts(column: str) -> tuple[str, ...]:
    """Return the columns of the table that name a unit or a batch together."""
    return column.parts if isinstance(column, JointColumn) else (column,)


def parse_columns(top: Section, channels: tuple[str, ...]) -> Columns:
    """Return the [columns] of a card with these channels. Raises UserError, here and below, by key."""
    section = top.section("columns", COLUMN_KEYS)
    image = attempt((), _parse_image, section, channels)
    others = {key: attempt(None, section.optional_text, key) for key in ("frame", "mask", "types", "position")}
    if others["types"] and not others["mask"]:
        attempt(None, section.fail, "types", "has no effect without mask", "add mask: label images of the same cells")
    sample = attempt("", section.text, "sample")
    metadata, distinct, ignored = (
        attempt((), section.texts, key) if key in section.values else () for key in ("metadata", "distinct", "ignored")
    )
    files = [*image, *filter(None, (others["mask"], others["types"]))]
    folders = attempt((), _parse_folders, section, files) if "folders" in section.values else ()
    unit, batch = attempt(None, parse_unit, section), attempt(None, _parse_batch, section)
    roles = {"sample": sample, "unit": unit, "batch": batch, "position": others["position"], "metadata": metadata}
    for key, columns in roles.items():
        if both := [column for column in ignored if column in nested(columns)]:
            attempt(None, section.fail, "ignored", f"{both[0]!r} is named as {key} too", "name it once")
    return Columns(
        sample=sample,
        image=image,
        frame=others["frame"],
        mask=others["mask"],
        types=others["types"],
        unit=unit,
        batch=batch,
        metadata=metadata,
        folders=folders,
        distinct=distinct,
        ignored=ignored,
        position=others["position"],
    )


def _parse_image(section: Section, channels: tuple[str, ...]) -> tuple[str, ...]:
    if not isinstance(section.values.get("image"), list):
        return (section.text("image"),) if "image" in section.values else ()
    image = section.texts("image")
    if channels and len(image) != len(channels):
        section.fail(
            "image",
            f"{len(image)} columns for {len(channels)} channels",
            "name one column per channel, or one column (no list) of files that hold them all",
        )
    return image


def _parse_folders(section: Section, files: list[str]) -> tuple[tuple[str, str], ...]:
    value = section.values["folders"]
    if not isinstance(value, dict) or not all(isinstance(column, str) and column.strip() for column in value.values()):
        section.wrong_type("folders", '{ "column of files" = "column of their folders" }')
    for column in value:
        if files and column not in files:
            section.fail("folders", f"{column!r} is no column of image, mask or types", did_you_mean(column, files))
    return tuple(value.items())


def parse_unit(section: Section) -> Units | None:
    """Return the ``unit`` of a table of the card: one column, or several that nest; each may be joined of several."""
    unit = section.values.get("unit")
    if isinstance(unit, list) and any(isinstance(column, dict) for column in unit):
        columns = tuple(
            _parse_joint(section, "unit", column) if isinstance(column, dict) else column for column in unit
        )
        if not all(isinstance(column, str) and column.strip() for column in columns):
            section.wrong_type("unit", "a list of columns")
    elif isinstance(unit, list):
        columns = section.texts("unit")
    else:
        return _parse_joint(section, "unit", unit) if isinstance(unit, dict) else section.optional_text("unit")
    return columns if len(columns) > 1 else columns[0]


def _parse_batch(section: Section) -> str | None:
    batch = section.values.get("batch")
    return _parse_joint(section, "batch", batch) if isinstance(batch, dict) else section.optional_text("batch")


def _parse_joint(section: Section, key: str, value: dict[str, Any]) -> JointColumn:
    table = Section(value, section.file, f"{section.title} {key}", ("join",))
    columns = table.texts("join")
    if len(columns) < 2:
        table.fail("join", "one column", f'name two or more, or write {key} = "{columns[0]}"')
    return JointColumn(columns)
