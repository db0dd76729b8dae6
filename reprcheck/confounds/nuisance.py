"""A sample's batch, place, metadata, image size and bit depth as vectors, to be scored like any encoder's.

Where they predict the label above chance, so may a model that has only learned the batch's stain or the plate's edge.
Scoring and the test against chance are left to the protocols and to `reprcheck.stats`.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reprcheck.baselines.reference import Reference
from reprcheck.datasets.table.plate import place
from reprcheck.datasets.table.samples import to_number
from reprcheck.registry import REFERENCES
from reprcheck.spelling import is_missing
from reprcheck.types import Task


class Nuisance(Reference):
    """What the table says, or how files are stored; no pixel is read."""

    knows = "the table"

    @abstractmethod
    def vectors(self, task: Task, holds_batches_out: bool) -> NDArray[np.float32] | None:
        """Return float32[n, d] for a task's samples, or None where nothing is known."""


class Batch(Nuisance):
    """One-hot, but for a batch of one sample; nothing where what is judged is of batches never seen."""

    name = "batch"

    def vectors(self, task: Task, holds_batches_out: bool) -> NDArray[np.float32] | None:
        """Return float32[n, batches of several samples]."""
        return None if holds_batches_out else _one_hot(task.batches)


class Position(Nuisance):
    """Places on a plate, where the card names them; see `position_vectors`."""

    name, heading = "position", "posi-\ntion"

    def vectors(self, task: Task, holds_batches_out: bool) -> NDArray[np.float32] | None:
        """Return the vectors of places."""
        return None if task.positions is None else position_vectors(task.positions)


class Metadata(Nuisance):
    """Columns of the table that the card names as metadata; see `metadata_vectors`."""

    name, heading = "metadata", "meta-\ndata"

    def vectors(self, task: Task, holds_batches_out: bool) -> NDArray[np.float32] | None:
        """Return the vectors of columns."""
        return None if task.metadata is None else metadata_vectors(task.metadata)


class Size(Nuisance):
    """Sizes of stored images, where they differ; see `size_vectors`. A cell cut out is as large as it is."""

    name, knows, called, expanded = "size", "layout", "image size", False

    def vectors(self, task: Task, holds_batches_out: bool) -> NDArray[np.float32] | None:
        """Return the vectors of sizes."""
        return None if task.sizes is None else size_vectors(task.sizes)


class Depth(Nuisance):
    """How images are stored, where that differs; see `depth_vectors`."""

    name, called = "depth", "bit depth"

    def vectors(self, task: Task, holds_batches_out: bool) -> NDArray[np.float32] | None:
        """Return the vectors of depths."""
        return None if task.depths is None else depth_vectors(task.depths)


BATCH, POSITION, METADATA, SIZE, DEPTH = Batch(), Position(), Metadata(), Size(), Depth()


def nuisances(task: Task, holds_batches_out: bool = False) -> dict[Nuisance, NDArray[np.float32]]:
    """Return the vectors of each nuisance for a task's samples, but for those that are the same for all.

    Parameters
    ----------
    task : Task
    holds_batches_out : bool
        Whether judged samples are of batches never seen; then the batch says nothing.

    Returns
    -------
    dict of Nuisance to float32[n, d]
    """
    known = (reference for _, reference in REFERENCES.things() if isinstance(reference, Nuisance))
    vectors_of = {nuisance: nuisance.vectors(task, holds_batches_out) for nuisance in known}
    return {n: vectors for n, vectors in vectors_of.items() if vectors is not None and (vectors != vectors[:1]).any()}


def position_vectors(positions: NDArray[np.str_]) -> NDArray[np.float32]:
    """Return vectors of places on a plate.

    Parameters
    ----------
    positions : str[n]
        Wells, rows, columns, or any other names (see `reprcheck.datasets.table.plate`); blank is a place of its own.

    Returns
    -------
    float32[n, d]
        One-hot of row, of column and of names that are neither, where two samples share it; row and column numbers,
        standardised, and their squares; the distance in wells to the edge of the part of the plate that is in use.
        0 for what a place's name doesn't say.

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
        z = _standardise(numbers)
        parts.append(np.stack([z, z**2], axis=1))
    parts.append(_edge_distance([rows, columns])[:, None])
    return np.hstack(parts).astype(np.float32)


def size_vectors(sizes: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return vectors of the sizes of stored images, before they are fitted to one size.

    Parameters
    ----------
    sizes : float64[n, 2]
        Height and width in pixels.

    Returns
    -------
    float32[n, 4]
        Logarithms of height and of width, standardised, and their squares; 0 where all are alike.
    """
    z = np.stack([_standardise(side) for side in np.log(sizes).T], axis=1)
    return np.hstack([z, z**2]).astype(np.float32)


def depth_vectors(depths: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return vectors of how images are stored.

    Parameters
    ----------
    depths : float64[n, 3]
        Bits of a stored value, bits that the levels amount to, and a number for the kind of type.

    Returns
    -------
    float32[n, 6]
        All, standardised, and their squares; 0 where all are alike.
    """
    z = np.stack([_standardise(bits) for bits in depths.T], axis=1)
    return np.hstack([z, z**2]).astype(np.float32)


def metadata_vectors(metadata: NDArray[np.str_]) -> NDArray[np.float32]:
    """Return vectors of columns of metadata.

    Parameters
    ----------
    metadata : str[n, k]
        Blank is a value of its own, and so is ``NA``.

    Returns
    -------
    float32[n, d]
        Of each column, one-hot of values that two samples share. Of a column that holds nothing but numbers (what is
        missing aside) also the numbers, standardised, and their squares: a value not seen in training has them.

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
            z = _standardise(numbers)
            parts.append(np.stack([z, z**2], axis=1))
    return np.hstack(parts).astype(np.float32)


def _one_hot(
    values: NDArray[np.str_] | NDArray[np.float64], among: NDArray[np.bool_] | None = None
) -> NDArray[np.float32]:
    """Return a column per value that two samples share: a value of one sample alone says nothing about others."""
    among = np.ones(len(values), bool) if among is None else among
    names, index, counts = np.unique(values[among], return_inverse=True, return_counts=True)
    vectors = np.zeros((len(values), len(names)), np.float32)
    vectors[np.flatnonzero(among), index] = 1
    return vectors[:, counts > 1]


def _standardise(numbers: NDArray[np.float64]) -> NDArray[np.float64]:
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
