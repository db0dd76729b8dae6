"""BBBC013v1, the whole plate: 96 wells of U2OS cells, one field each, two BMP files to a field.

The plate map is a list of doses, row by row; the drug of each row is only on the set's page: wortmannin in A to D (in
nM), LY294002 in E to H (in uM).
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from reprcheck.datasets.card.card import Card
from reprcheck.datasets.images.files import FileImages, ImageLocation, Recipe
from reprcheck.datasets.public import checks as layout

PLATEMAP, FOLDER = "BBBC013_v1_platemap_all.txt", "BBBC013_v1_images_bmp"
ROWS, COLUMNS = "ABCDEFGH", 12
HIGHEST = {"wortmannin": 150.0, "LY294002": 80.0}
"""The dose of each drug's positive controls."""


def table(root: Path) -> pd.DataFrame:
    """Return one row per well.

    Parameters
    ----------
    root : Path
        Holds the plate map and the folder of images, ``BBBC013_v1_images_bmp/Channel1-01-A-01.BMP``.

    Returns
    -------
    pandas.DataFrame

    Raises
    ------
    UserError
        For a plate map that isn't 96 doses under a heading, or an image folder or image that isn't there.
    """
    doses = _read_doses(root / PLATEMAP)
    folder = layout.need(root / FOLDER)
    wells = []
    for index, dose in enumerate(doses):
        row, column = ROWS[index // COLUMNS], index % COLUMNS + 1
        name = f"{index + 1:02}-{row}-{column:02}.BMP"
        for channel in (1, 2):
            layout.need(folder / f"Channel{channel}-{name}")
        drug = "wortmannin" if row < "E" else "LY294002"
        state = {0.0: "untreated", HIGHEST[drug]: "treated"}.get(dose, "")
        files = [f"{FOLDER}/Channel{channel}-{name}" for channel in (1, 2)]
        wells.append((f"{row}{column:02}", *files, row, drug, dose, state))
    return pd.DataFrame(wells, columns=["well", "gfp", "dna", "row", "drug", "dose", "state"])


def images(root: Path, table: pd.DataFrame, card: Card) -> FileImages:
    """Return the wells' images, in order of the table; BMP is no format of a dataset folder, so the files come here."""
    entries = [
        ImageLocation((root / gfp, root / dna), None, None, f"well {well}")
        for gfp, dna, well in zip(table["gfp"], table["dna"], table["well"], strict=True)
    ]
    return FileImages(entries, Recipe.of(card))


def _read_doses(path: Path) -> list[float]:
    heading, *cells = layout.need(path).read_text(encoding="utf-8").split("\n", 1)
    try:
        doses = [float(cell) for cell in " ".join(cells).split()]
    except ValueError:
        doses = []
    if not heading.startswith("DESCRIPTION") or len(doses) != len(ROWS) * COLUMNS:
        raise layout.not_as_published(path, "not a heading DESCRIPTION and the doses of 96 wells")
    return doses
