"""The registry of what each cause touches: the families of features it changes, may change, and must not change.

The tables of ``docs/simulators.md`` are made from it, and `causality` holds the simulators to it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

Family = Literal[
    "intensity", "per cell", "count", "size", "shape", "layout", "placement", "sides", "texture", "company"
]
Relation = Literal["changes", "may", "never"]

FAMILIES: Mapping[Family, str] = {
    "intensity": "the `intensity` baseline: moments, quantiles and histogram of each channel",
    "per cell": "each channel's mean per cell (DNA: per nucleus): its average over cells, and its spread",
    "count": "of the `structure` baseline: how many nuclei, and how much of the field they cover",
    "size": "of the `structure` baseline: area and diameter of nuclei",
    "shape": "of the `structure` baseline: eccentricity, solidity, axes, perimeter, orientation",
    "layout": "of the `structure` baseline: where nuclei lie in the field and among each other",
    "placement": "where in its cell the second channel lies: ranks in nucleus, rim and cytoplasm",
    "sides": "how far the second channel and DNA lean to the same side of their cell",
    "texture": "culture: on which scales the third channel varies within cells",
    "company": "tissue: how alike cells and their neighbours are in the third channel",
}


@dataclass(frozen=True)
class Touches:
    """What a cause changes, what it may change as well, and why; all else it must leave alone."""

    changes: tuple[Family, ...] = ()
    may: tuple[Family, ...] = ()
    why: str = ""

    def relation(self, family: Family) -> Relation:
        """Return how the cause stands to a family of features."""
        return "changes" if family in self.changes else "may" if family in self.may else "never"


_CROWDED = "cells that meet bound each other: nuclei are cut, and more of a cell is rim"
_NOISE = "dimmer cells are noisier"
_WHERE = "what lies in the middle of its cell leans less"
_AXES = "long nuclei lean along their length"

TOUCHES: Mapping[str, Mapping[str, Touches]] = {
    "sim-culture": {
        "localisation": Touches(("placement",), ("sides",), _WHERE),
        "texture": Touches(("texture",)),
        "polarity": Touches(("sides",)),
        "count": Touches(
            ("intensity", "count", "layout"), ("size", "shape", "placement", "sides", "texture"), _CROWDED
        ),
        "shape": Touches(("shape",), ("sides",), _AXES),
        "brightness": Touches(("intensity", "per cell"), ("sides", "texture"), _NOISE),
        "nothing": Touches(),
    },
    "sim-tissue": {
        "arrangement": Touches(("company",)),
        "localisation": Touches(("placement",), ("sides",), _WHERE),
        "polarity": Touches(("sides",)),
        "count": Touches(("intensity", "count", "layout"), ("size", "shape", "placement", "sides"), _CROWDED),
        "shape": Touches(("shape",), ("sides",), _AXES),
        "brightness": Touches(("intensity", "per cell"), ("placement", "sides"), _NOISE),
        "nothing": Touches(),
    },
}
"""Simulator → cause → what it touches."""


def families(simulator: str) -> tuple[Family, ...]:
    """Return the families of features that a simulator's causes are judged by."""
    foreign = "company" if simulator == "sim-culture" else "texture"
    return tuple(family for family in FAMILIES if family != foreign)


def markdown(simulator: str) -> str:
    """Return the registry of a simulator as a table for `docs/simulators.md`."""
    columns = families(simulator)

    def rows() -> Iterator[tuple[str, ...]]:
        yield ("cause", *columns, "why it may")
        yield ("---",) * (len(columns) + 2)
        for cause, touches in TOUCHES[simulator].items():
            yield (cause, *(touches.relation(family) for family in columns), touches.why)

    return "".join(f"| {' | '.join(row)} |\n".replace("  |", " |") for row in rows())
