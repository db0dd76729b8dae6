"""Fields cut into tiles: a tile inherits its field's row, and tiles that are mostly blank slide are left out.

A pixel is near-white if every channel is above 220 of 255: this definition reproduces the 839 of 960 tiles (256 px,
under 80 % white) listed with the osteosarcoma set. Tiles don't overlap; the rest at the right and bottom of a field is
not used. Unless the card names a unit, the unit of a tile is its field.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from reprcheck.datasets.card.card import Card, Tiling
from reprcheck.datasets.images.files import FileImages
from reprcheck.datasets.images.windows import WindowImages
from reprcheck.datasets.table.samples import cell_name, lines_of, texts
from reprcheck.digest import digest
from reprcheck.errors import UserError

MOST_TILES = 10**6
"""Tiles of one field, at most."""
NEAR_WHITE = 220.5 / 255
"""Above this in every channel, a pixel is near-white: more than 220 of 255."""

TILE_ID = "<tile>"
"""Column of the tiles' ids in the table that `cut` returns; no user's column has that name."""

_shares: dict[str, NDArray[np.float64]] = {}
"""Near-white share of each tile of a field, by digest of the field's content and the tile size."""


def white_shares(pixels: NDArray[np.float32], size: int) -> NDArray[np.float64]:
    """Return the near-white share of each tile of a field.

    Parameters
    ----------
    pixels : float32[C, H, W]
        Values in [0, 1].
    size : int
        Height and width of a tile in pixels.

    Returns
    -------
    float64[H // size, W // size]
    """
    rows, columns = pixels.shape[1] // size, pixels.shape[2] // size
    white = (pixels[:, : rows * size, : columns * size] > NEAR_WHITE).all(axis=0)
    shares: NDArray[np.float64] = white.reshape(rows, size, columns, size).mean(axis=(1, 3))
    return shares


def cut(
    card: Card, table: pd.DataFrame, fields: FileImages, rows: Iterable[int], where: str
) -> tuple[Card, pd.DataFrame, WindowImages, tuple[str, ...]]:
    """Return the card, table and images of the tiles of a dataset of fields.

    Parameters
    ----------
    card : Card
        With ``tiles``.
    table : pandas.DataFrame
        One row per field.
    fields : FileImages
        Indexed by position in ``table``.
    rows : iterable of int
        Positions of the fields to cut; others are not decoded. Without ``max_white`` none is.
    where : str
        The table's file.

    Returns
    -------
    card : Card
        With the tiles' ids, ``<field>/y<row>x<column>`` counted from 0, as sample and, by default, the field as unit.
    table : pandas.DataFrame
        One row per tile, in the order of the fields' rows, then top to bottom and left to right; the index is the
        field's.
    images : WindowImages
    notes : tuple of str
        How many tiles were left out.

    Raises
    ------
    UserError
        For a field smaller than a tile, or where no tile is left.
    """
    tiling = card.tiles
    assert tiling is not None
    ids, lines = texts(table[card.columns.sample]), lines_of(table)
    corners, names, n_tiles = [], [], 0
    for row in sorted(rows):
        shares = _measure_field(fields, row, tiling)
        if not shares.size:
            raise UserError(
                cell_name(where, int(lines[row]), card.columns.sample),
                f"field {ids[row]} is smaller than a tile of {tiling.size} pixels",
                "lower [tiles] size, or remove the row",
            )
        n_tiles += shares.size
        for y, x in zip(*np.nonzero(shares <= (1.0 if tiling.max_white is None else tiling.max_white)), strict=True):
            corners.append((row, int(y) * tiling.size, int(x) * tiling.size, tiling.size, tiling.size))
            names.append(f"{ids[row]}/y{y}x{x}")
    if not names:
        what = f"no tile left: all {n_tiles} are above max_white = {tiling.max_white}"
        raise UserError(where, what, "raise [tiles] max_white, or leave it out where blank is not white")
    field = card.columns.sample
    columns = replace(card.columns, sample=TILE_ID, unit=card.columns.unit or field, checked=tuple(table.columns))
    tiles = table.iloc[[row for row, *_ in corners]].assign(**{TILE_ID: names})
    n_left_out = n_tiles - len(names)
    note = (f"{n_left_out} of {n_tiles} tiles left out: over {tiling.max_white:.0%} near-white.",) if n_left_out else ()
    return replace(card, columns=columns), tiles, WindowImages(fields, np.array(corners, dtype=np.int64)), note


def _measure_field(fields: FileImages, row: int, tiling: Tiling) -> NDArray[np.float64]:
    if tiling.max_white is None:
        height, width = fields.recipe.size or fields.extent(row)
        grid = height // tiling.size, width // tiling.size
        if grid[0] * grid[1] > MOST_TILES:
            what = f"{grid[0]:,} x {grid[1]:,} tiles of one field, and {MOST_TILES:,} are the most"
            raise UserError(fields.entries[row].name(fields.entries[row].files[0]), what, "raise [tiles] size")
        return np.zeros(grid)
    key = digest("white", fields.content(row), tiling.size)
    if key not in _shares:
        _shares[key] = white_shares(fields.read(row).pixels, tiling.size)
    return _shares[key]
