"""The card's keys for reading image files that don't describe themselves, or do so wrongly."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Literal, cast

from reprcheck.datasets.card.section import Section

Project = Literal["max", "mean"]
PROJECTS = ("max", "mean")
AXES = "TZCYX"
"""What an axis may be: frames, slices, channels, rows, columns."""

READING_KEYS = ("series", "level", "project", "axes")


@dataclass(frozen=True)
class ReadingOptions:
    """What a reader may choose in an image file.

    Attributes
    ----------
    names : tuple of str
        The channels wanted, as the card names them; empty where names don't matter.
    series : int or None
        Series of a TIFF, from 0; None: the largest, and of several the first.
    level : int
        Level of a pyramid, from 0: full resolution.
    project : {"max", "mean"} or None
        How a stack of slices becomes one plane.
    axes : str or None
        Axes of the stored arrays, such as ``"ZCYX"``, in place of what files say or don't say.
    """

    names: tuple[str, ...] = ()
    series: int | None = None
    level: int = 0
    project: Project | None = None
    axes: str | None = None

    def chosen(self) -> dict[str, Any]:
        """Return the options that differ from their defaults, without names, so that a new key changes no identity.

        Examples
        --------
        >>> ReadingOptions(("DNA",), level=2).chosen()
        {'level': 2}
        """
        return {
            f.name: value for f in fields(self) if (value := getattr(self, f.name)) != f.default and f.name != "names"
        }


AS_STORED = ReadingOptions()
"""Read files as they describe themselves."""


def parse_reading(top: Section) -> ReadingOptions:
    """Return the card's reading options; raises UserError for a value that is not as expected."""
    axes = top.optional_text("axes")
    if axes is not None and not (set("YX") <= set(axes) <= set(AXES) and len(set(axes)) == len(axes)):
        top.fail("axes", f"{axes!r} are no axes of an image", f"write Y, X and others of {AXES}, each once, in order")
    return ReadingOptions(
        series=top.integer("series", 0) if "series" in top.values else None,
        level=top.integer("level", 0) if "level" in top.values else 0,
        project=cast(Project, top.choice("project", PROJECTS)) if "project" in top.values else None,
        axes=axes,
    )
