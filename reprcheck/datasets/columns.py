"""The [columns] table of a card: what the columns of the sample table mean."""

from __future__ import annotations

from dataclasses import dataclass

from reprcheck.datasets.problems import attempt
from reprcheck.datasets.section import Section
from reprcheck.errors import did_you_mean

Units = str | tuple[str, ...]
"""One column, or nested columns, innermost first: the last is resampled and never split by folds."""

COLUMN_KEYS = ("sample", "image", "folders", "frame", "mask", "types", "unit", "batch", "position", "metadata")


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
        What else is known of a sample and may give its label away, such as a passage or an operator.
    folders : tuple of (str, str)
        Column of files, and column of the folder that each of them lies in, as CellProfiler writes them apart.
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


def nested(unit: Units | None) -> tuple[str, ...]:
    """Return the columns of a unit, innermost first; none for None."""
    if unit is None:
        return ()
    return (unit,) if isinstance(unit, str) else unit


def parse_columns(top: Section, channels: tuple[str, ...]) -> Columns:
    """Return the [columns] of a card with these channels. Raises UserError, here and below, by key."""
    section = top.section("columns", COLUMN_KEYS)
    image = attempt((), _image, section, channels)
    others = {key: attempt(None, section.optional_text, key) for key in ("frame", "mask", "types", "batch", "position")}
    if others["types"] and not others["mask"]:
        attempt(None, section.fail, "types", "has no effect without mask", "add mask: label images of the same cells")
    sample = attempt("", section.text, "sample")
    metadata = attempt((), section.texts, "metadata") if "metadata" in section.values else ()
    unit = attempt(None, parse_unit, section)
    files = [*image, *filter(None, (others["mask"], others["types"]))]
    folders = attempt((), _folders, section, files) if "folders" in section.values else ()
    return Columns(sample=sample, image=image, unit=unit, metadata=metadata, folders=folders, **others)


def _image(section: Section, channels: tuple[str, ...]) -> tuple[str, ...]:
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


def _folders(section: Section, files: list[str]) -> tuple[tuple[str, str], ...]:
    value = section.values["folders"]
    if not isinstance(value, dict) or not all(isinstance(column, str) and column.strip() for column in value.values()):
        section.wrong_type("folders", '{ "column of files" = "column of their folders" }')
    for column in value:
        if files and column not in files:
            section.fail("folders", f"{column!r} is no column of image, mask or types", did_you_mean(column, files))
    return tuple(value.items())


def parse_unit(section: Section) -> Units | None:
    """Return the ``unit`` of a table of the card: one column, or several that nest."""
    if not isinstance(section.values.get("unit"), list):
        return section.optional_text("unit")
    columns = section.texts("unit")
    return columns if len(columns) > 1 else columns[0]
