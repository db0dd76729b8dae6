"""From a file's numbers to float32, or which sample and column holds one that can't be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reprcheck.errors import UserError
from reprcheck.models.vectors.stored import few, shown, wrong

LARGEST = float(np.finfo(np.float32).max)
FAITHFUL = 1e-3
"""Largest error of rounding to float32 that is let pass, over a column's standard deviation."""
MOST_COLUMNS = 3
"""Columns named in a message."""


def single(path: Path, values: NDArray[Any], names: list[str], ids: NDArray[np.str_]) -> NDArray[np.float32]:
    """Return numbers as float32.

    Parameters
    ----------
    path : Path
    values : float32[n, D] or float64[n, D]
    names : list of str
        Of the D columns.
    ids : str[n]

    Returns
    -------
    float32[n, D]
        All finite.

    Raises
    ------
    UserError
        For numbers that are missing, infinite, or beyond float32; by column and sample. For a column that varies by
        less than float32 tells apart.
    """
    fits = np.abs(values) <= LARGEST
    if not fits.all():
        raise _not_finite(path, values, fits, names, ids)
    if values.dtype == np.float32:
        return values
    found = values.astype(np.float32)
    error = np.abs(found - values).max(0, initial=0.0)
    spread = values.std(0)
    for j in np.flatnonzero((error > FAITHFUL * spread) & (np.ptp(values, axis=0) > 0)):
        what = f"column {shown(names[j])} varies by {spread[j]:.2g} around {values[:, j].mean():.2g}"
        raise wrong(path, f"{what}, less than float32 tells apart", "subtract its mean, or scale it")
    return found


def _not_finite(
    path: Path, values: NDArray[Any], fits: NDArray[np.bool_], names: list[str], ids: NDArray[np.str_]
) -> UserError:
    wanting = ~fits
    columns = np.flatnonzero(wanting.any(0))
    parts = []
    for j in columns[:MOST_COLUMNS]:
        rows = np.flatnonzero(wanting[:, j])
        at = values[rows, j]
        kinds = {"NaN": np.isnan(at), "infinite": np.isinf(at), "beyond float32": np.isfinite(at)}
        what = " and ".join(kind for kind, hit in kinds.items() if hit.any())
        parts.append(f"{shown(names[j])} is {what} for {len(rows)} of {len(ids)} samples ({few(ids[rows])})")
    more = f" and {len(columns) - MOST_COLUMNS} more columns" if len(columns) > MOST_COLUMNS else ""
    what = f"{int(wanting.sum())} values aren't finite numbers: {'; '.join(parts)}{more}"
    return wrong(path, what, "leave these columns or samples out, or fill the values in, as you would for users")
