"""The [crops] table of a card: which table lists the crops, and which of its columns say where each lies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, cast

from reprcheck.datasets.card.section import Section

Border = Literal["pad", "drop"]
BORDERS = ("pad", "drop")
_CENTRE = ("y", "x", "size")
_BOX = ("top", "left", "bottom", "right")
CROP_KEYS = ("table", "field", "sample", *_CENTRE, *_BOX, "border")


@dataclass(frozen=True)
class Cropping:
    """How fields are cut into crops.

    Attributes
    ----------
    table : str
        A ``.csv`` or ``.parquet`` in the folder, one row per crop.
    field : str
        Its column that holds the sample id of the crop's field.
    place : tuple of str
        Columns of the centre, (y, x), or of the box, (top, left, bottom, right).
    size : (int, int) or None
        Height and width around the centre; None with boxes.
    sample : str or None
        Column of the crops' ids; None: made of the field's id and the corner.
    border : {"pad", "drop"}
        What becomes of crops that reach over the border of their field.
    """

    table: str
    field: str
    place: tuple[str, ...]
    size: tuple[int, int] | None = None
    sample: str | None = None
    border: Border = "pad"


def parse_cropping(top: Section) -> Cropping | None:
    """Return the card's [crops], or None; raises UserError for a key that is missing, wrong or at odds with others."""
    if "crops" not in top.values:
        return None
    section = top.section("crops", CROP_KEYS)
    if "tiles" in top.values:
        top.fail("[crops]", "the card has [tiles] too, and fields are cut one way", "keep one of the two")
    table = section.text("table")
    if not table.endswith((".csv", ".parquet")):
        section.fail("table", f"{table!r} is neither .csv nor .parquet", "name a table in the folder")
    centred = [key for key in _CENTRE if key in section.values]
    boxed = [key for key in _BOX if key in section.values]
    if bool(centred) == bool(boxed):
        what = (
            f"{centred[0]} and {boxed[0]} are keys of a centre and of a box" if boxed else "doesn't say where crops are"
        )
        section.fail("", what, "name y, x and size = [height, width], or top, left, bottom and right")
    if boxed and top.values.get("fit", "none") == "none":
        section.fail(boxed[0], "boxes differ in size, and nothing fits them", 'add fit = "pad" and size to the card')
    return Cropping(
        table=table,
        field=section.text("field"),
        place=tuple(section.text(key) for key in (_BOX if boxed else _CENTRE[:2])),
        size=None if boxed else section.extent("size"),
        sample=section.optional_text("sample"),
        border=cast(Border, section.choice("border", BORDERS, "pad")),
    )
