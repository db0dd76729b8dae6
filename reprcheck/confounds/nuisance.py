"""What a sample's batch, place, metadata, image size and bit depth tell, as vectors to be scored like any encoder's.

Where they predict the label above chance, so may a model that has only learned the batch's stain or the plate's edge.
Scoring and the test against chance are left to the protocols and to `reprcheck.stats`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reprcheck.datasets.plate import place
from reprcheck.datasets.table import to_number
from reprcheck.spelling import is_missing
from reprcheck.types import Task


def nuisance(task: Task, holds_batches_out: bool = False) -> dict[str, NDArray[np.float32]]:
    """Return vectors of a task's samples that know nothing but batch, position, metadata, size or depth.

    Parameters
    ----------
    task : Task
    holds_batches_out : bool
        Whether what is judged is of batches never seen, which then tell nothing.

    Returns
    -------
    dict of str to float32[n, d]
        ``batch``: one-hot, but for a batch of one sample. Absent with one batch, and where folds hold batches out: a
        batch never seen tells nothing. ``position``: see `position_vectors`. Absent where the card names no position,
        or all samples share one. ``metadata``: see `metadata_vectors`. Absent where the card names no metadata, or
        they tell no samples apart. ``size``: see `size_vectors`. Absent where all images are of one size. ``depth``:
        see `depth_vectors`. Absent where all are stored in one way.
    """
    found = {}
    if not holds_batches_out:
        found["batch"] = _one_hot(task.batches)
    if task.positions is not None:
        found["position"] = position_vectors(task.positions)
    if task.metadata is not None:
        found["metadata"] = metadata_vectors(task.metadata)
    if task.sizes is not None:
        found["size"] = size_vectors(task.sizes)
    if task.depths is not None:
        found["depth"] = depth_vectors(task.depths)
    return {name: vectors for name, vectors in found.items() if (vectors != vectors[:1]).any()}


def position_vectors(positions: NDArray[np.str_]) -> NDArray[np.float32]:
    """Return what places on a plate tell.

    Parameters
    ----------
    positions : str[n]
        Wells, rows, columns, or any other names (see `reprcheck.datasets.plate`); blank is a place of its own.

    Returns
    -------
    float32[n, d]
        One-hot of row, of column and of names that are neither, where two samples share it; row and column numbers,
        standardised, and their squares; the distance in wells to the edge of the part of the plate that is in use.
        What a place doesn't tell is 0.

    Examples
    --------
    >>> position_vectors(np.array(["B03", "b3", "A04", "A04"]))[:, :4]  # rows A and B, columns 3 and 4
    array([[0., 1., 1., 0.],
           [0., 1., 1., 0.],
           [1., 0., 0., 1.],
           [1., 0., 0., 1.]], dtype=float32)
    """
    names, index = np.unique(positions, return_inverse=True)
    places = [place(str(name)) for name in names]
    rows = np.array([np.nan if p.row is None else p.row for p in places])[index]
    columns = np.array([np.nan if p.column is None else p.column for p in places])[index]
    known = ~np.isnan(rows) | ~np.isnan(columns)
    parts: list[NDArray[Any]] = [
        _one_hot(rows, ~np.isnan(rows)),
        _one_hot(columns, ~np.isnan(columns)),
        _one_hot(positions, ~known),
    ]
    for numbers in (rows, columns):
        z = _standardised(numbers)
        parts.append(np.stack([z, z**2], axis=1))
    parts.append(_edge_distance([rows, columns])[:, None])
    return np.hstack(parts).astype(np.float32)


def size_vectors(sizes: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return what the size of stored images tells, before they are fitted to one.

    Parameters
    ----------
    sizes : float64[n, 2]
        Height and width in pixels.

    Returns
    -------
    float32[n, 4]
        Logarithms of height and of width, standardised, and their squares; 0 where all are alike.
    """
    z = np.stack([_standardised(side) for side in np.log(sizes).T], axis=1)
    return np.hstack([z, z**2]).astype(np.float32)


def depth_vectors(depths: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return what the way images are stored tells.

    Parameters
    ----------
    depths : float64[n, 3]
        Bits of a stored value, bits that the levels amount to, and a number for the kind of type.

    Returns
    -------
    float32[n, 6]
        All, standardised, and their squares; 0 where all are alike.
    """
    z = np.stack([_standardised(bits) for bits in depths.T], axis=1)
    return np.hstack([z, z**2]).astype(np.float32)


def metadata_vectors(metadata: NDArray[np.str_]) -> NDArray[np.float32]:
    """Return what columns of metadata tell.

    Parameters
    ----------
    metadata : str[n, k]
        Blank is a value of its own, and so is ``NA``.

    Returns
    -------
    float32[n, d]
        Of each column, one-hot of values that two samples share. Of a column that holds nothing but numbers (what is
        missing aside) also the numbers, standardised, and their squares: a value not seen in training tells something.

    Examples
    --------
    >>> metadata_vectors(np.array([["ann"], ["ann"], ["bob"], ["bob"]]))
    array([[1., 0.],
           [1., 0.],
           [0., 1.],
           [0., 1.]], dtype=float32)
    """
    parts: list[NDArray[Any]] = []
    for column in metadata.T:
        parts.append(_one_hot(column))
        known = np.array([cell != "" and not is_missing(cell) for cell in column.tolist()])
        numbers = np.array([to_number(str(cell)) if here else np.nan for cell, here in zip(column, known, strict=True)])
        numbers = numbers.astype(np.float64)
        if not np.isnan(numbers[known]).any():
            z = _standardised(numbers)
            parts.append(np.stack([z, z**2], axis=1))
    return np.hstack(parts).astype(np.float32)


def _one_hot(
    values: NDArray[np.str_] | NDArray[np.float64], among: NDArray[np.bool_] | None = None
) -> NDArray[np.float32]:
    """Return a column per value that two samples share: a value of one sample alone tells nothing of another."""
    among = np.ones(len(values), bool) if among is None else among
    names, index, counts = np.unique(values[among], return_inverse=True, return_counts=True)
    vectors = np.zeros((len(values), len(names)), np.float32)
    vectors[np.flatnonzero(among), index] = 1
    return vectors[:, counts > 1]


def _standardised(numbers: NDArray[np.float64]) -> NDArray[np.float64]:
    known = numbers[~np.isnan(numbers)]
    spread = known.std() if len(known) else 0.0
    return np.nan_to_num((numbers - known.mean()) / spread) if spread else np.zeros(len(numbers))


def _edge_distance(axes: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Return wells to the nearest edge, along axes that vary."""
    distance = np.full(len(axes[0]), np.inf)
    for numbers in axes:
        if (~np.isnan(numbers)).any() and np.nanmin(numbers) < np.nanmax(numbers):
            to_edge = np.minimum(numbers - np.nanmin(numbers), np.nanmax(numbers) - numbers)
            distance = np.fmin(distance, to_edge)
    return np.where(np.isfinite(distance), distance, 0)
