"""Folders of images as microscopes and people lay them out, every image of a value of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import numpy as np

from tests.minisets import write_image


@dataclass(frozen=True)
class Shot:
    """One plane, as a microscope saves it; all but the well counted from 1."""

    row: int
    column: int
    field: int
    channel: int
    z: int = 1
    time: int = 1

    @property
    def well(self) -> str:
        return f"{chr(64 + self.row)}{self.column:02}"

    @property
    def guid(self) -> UUID:
        """Another in every file, as MetaXpress has it: it begins with a digit, right behind the channel."""
        return UUID(int=hash((self.row, self.column, self.field, self.channel, self.z)) % 2**128 | 0x1 << 124)


DYES = ("DAPI", "FITC", "Cy5", "TRITC")


def dye(shot: Shot) -> str:
    return DYES[shot.channel - 1]


MICROSCOPES: Mapping[str, tuple[Callable[[Shot], str], Callable[[int], str]]] = {
    "Opera or Operetta (Harmony)": (
        lambda s: f"r{s.row:02}c{s.column:02}f{s.field:02}p{s.z:02}-ch{s.channel}sk{s.time}fk1fl1.tiff",
        lambda channel: f"ch{channel}",
    ),
    "CellVoyager": (
        lambda s: f"Assay_1_{s.well}_T{s.time:04}F{s.field:03}L01A{s.channel:02}Z{s.z:02}C{s.channel:02}.tif",
        lambda channel: f"C{channel:02}",
    ),
    "MetaXpress": (
        lambda s: f"Week1_15_{s.well}_s{s.field}_w{s.channel}_z{s.z}_t{s.time}{s.guid}.tif",
        lambda channel: f"w{channel}",
    ),
    "IN Cell": (
        lambda s: f"{s.well[0]} - {s.column}(fld {s.field} wv {dye(s)} - {dye(s)} z {s.z} tm {s.time}).tif",
        lambda channel: DYES[channel - 1],
    ),
    "": (  # plain names, read by their parts
        lambda s: f"run1_{s.well}_{s.field}_{DYES[s.channel - 1]}_z{s.z}_t{s.time}.tif",
        lambda channel: DYES[channel - 1],
    ),
}
"""Microscope to the name of a shot's file, and to what its channels are called in the table."""


def write(folder: Path, names: Mapping[str, int]) -> Path:
    """Write an image of the value asked for at each name."""
    for name, value in names.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        write_image(folder / name, np.full((8, 8), value, np.uint8))
    return folder


def touch(folder: Path, names: list[str]) -> Path:
    """Write empty files."""
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder
