"""CHAMMI: crops of single cells from three sources, the channels of a crop side by side in one image.

The three sources are sets of their own here, since they differ in their channels; `source` reads the table of one, and
`SideBySide` its images.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from reprcheck.code import code_digest
from reprcheck.datasets.card.card import Card
from reprcheck.datasets.images.files import FileImages, ImageLocation, Recipe, check_one_size
from reprcheck.datasets.public import checks as layout
from reprcheck.digest import digest
from reprcheck.errors import UserError
from reprcheck.types import Image


def source(root: Path, name: str, *groups: str) -> pd.DataFrame:
    """Return the crops of one source.

    Parameters
    ----------
    root : Path
        Holds ``Allen/``, ``HPA/`` or ``CP/`` with its ``enriched_meta.csv``, or these in ``CHAMMI/``.
    name : str
        One of the three folders.
    *groups : str
        Columns whose values, together, are the group that folds hold out.

    Returns
    -------
    pandas.DataFrame
        With ``crop``, ``path``, ``group`` and ``label``, which is blank where it is found in one group only.

    Raises
    ------
    UserError
        For a table, column or folder that isn't there.
    """
    top = layout.inside(root, "CHAMMI")
    folder = layout.need(top / name)
    crops = layout.text_table(folder / "enriched_meta.csv", "file_path", "Label", *groups)
    group: pd.Series[str] = crops[list(groups)].agg("/".join, axis=1)
    return pd.DataFrame(
        {
            "crop": crops["file_path"],
            "path": (top.relative_to(root).as_posix() + "/" + crops["file_path"]).str.removeprefix("./"),
            "group": group,
            "label": layout.in_two(crops["Label"], group),
        }
    )


@dataclass(frozen=True)
class SideBySide:
    """An `ImageSource` of images whose channels lie side by side in files of one channel: (H, C x W) is (C, H, W).

    Attributes
    ----------
    strips : FileImages
        The files as they are.
    channels : int
    """

    strips: FileImages
    channels: int

    @classmethod
    def of(cls, root: Path, table: pd.DataFrame, card: Card) -> SideBySide:
        """Return the images of a table's ``path``; raises UserError for a file that isn't there, or of another size."""
        entries = [
            ImageLocation((root / path,), None, None, f"crop {crop}")
            for path, crop in zip(table["path"], table["crop"], strict=True)
        ]
        strips = FileImages(entries, Recipe(1, card.value_range))
        check_one_size(strips, range(len(entries)))
        return cls(strips, len(card.channels))

    def content(self, index: int) -> str:
        """Return the digest of a sample's file and of the code that takes it apart."""
        return digest("side by side", code_digest(__name__), self.strips.content(index), self.channels)

    def read(self, index: int) -> Image:
        """Decode a sample; raises UserError for a width that the channels don't share evenly."""
        strip = self.strips.read(index).pixels[0]
        height, width = strip.shape
        if width % self.channels:
            entry = self.strips.entries[index]
            what = f"{width} pixels wide, which isn't {self.channels} channels side by side"
            raise UserError(entry.name(entry.files[0]), what, layout.REMEDY)
        folded = strip.reshape(height, self.channels, width // self.channels)
        return Image(np.ascontiguousarray(np.moveaxis(folded, 1, 0)))
