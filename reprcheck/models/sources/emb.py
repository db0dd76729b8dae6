"""``emb:FILE``: vectors that somebody computed elsewhere, by sample id, or as plain arrays in the order of the table.

There is no network behind them, so no untrained twins and no other images: only plain untrained networks to compare
with. How a file is read, and which of its columns are judged, is in `vectors`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from reprcheck.errors import UserError
from reprcheck.models import options
from reprcheck.models.model import Model
from reprcheck.models.sources.source import Source
from reprcheck.models.spec import Spec
from reprcheck.models.vectors import columns, files, numbers, suffixes
from reprcheck.models.vectors.ids import Rows, locate
from reprcheck.models.vectors.signs import signs
from reprcheck.models.vectors.stored import FileOptions, VectorTable
from reprcheck.types import Dataset, Encoder, Task


class Emb(Source):
    """Models by the file of their vectors."""

    target = "FILE.npy"
    what = "vectors computed elsewhere"
    example = "emb:vectors.npy"
    options = ("key", "ids", "obsm")

    def open(self, spec: Spec) -> VectorFile:
        """Return the model; reads nothing. Raises UserError for a file that isn't there, or of another format."""
        return VectorFile(spec, self.name_of(spec))

    def short_name(self, spec: Spec) -> str:
        """Return the file's name without its ending."""
        return Path(spec.target).stem

    def suggestion(self, text: str) -> str:
        """Return a remedy for the bare name of a file of vectors."""
        return f"for a file of vectors write emb:{text}" if suffixes.suffix(Path(text)) in suffixes.SUFFIXES else ""


EMB = Emb()


@dataclass(frozen=True)
class Selection:
    """The vectors of a dataset's samples.

    Attributes
    ----------
    dataset : Dataset
    wanted : int64[m]
        Sorted positions in ``dataset.ids`` of the samples that some task asks for.
    values : float32[m, D]
    names : tuple of str
        Of the columns; empty where the file names none.
    left_out : mapping of str to tuple of str
        Columns that weren't used, by reason.
    rows : Rows
    """

    dataset: Dataset
    wanted: NDArray[np.int64]
    values: NDArray[np.float32]
    names: tuple[str, ...]
    left_out: dict[str, tuple[str, ...]]
    rows: Rows


class VectorFile(Model):
    """Vectors from a file.

    Parameters
    ----------
    spec : Spec
        Options: ``key``, which part of the file holds the vectors (``obsm=NAME`` for ``key=obsm/NAME``); ``ids``,
        which column or array holds the sample ids, or ``none`` where rows are in the order of the table.
    name : str

    Raises
    ------
    UserError
        For a file that isn't there, or of another format.
    """

    embeds_images = False

    def __init__(self, spec: Spec, name: str) -> None:
        self.spec, self.name, self.where = str(spec), name, spec.where
        self.path = Path(spec.target).expanduser()
        suffix = suffixes.suffix(self.path)
        if suffix not in suffixes.SUFFIXES:
            remedy = suffixes.REMEDIES.get(suffix, f"use one of {', '.join(suffixes.SUFFIXES)}")
            raise UserError(spec.where, f"can't read vectors from {self.path.name}", remedy)
        if not self.path.exists():
            raise UserError(spec.where, f"no file {spec.target}", "check the path")
        key, obsm = options.text(spec, "key"), options.text(spec, "obsm")
        if key is not None and obsm is not None:
            raise UserError(spec.where, "key and obsm both say where the vectors are", "keep one")
        self.choice = FileOptions(f"obsm/{obsm}" if obsm else key, options.text(spec, "ids"))
        self._selection: Selection | None = None

    @cached_property
    def digest(self) -> str:
        """Digest of what the file holds: the numbers of its columns and what names its rows, in whatever order."""
        return self._stored.digest(self.choice.ids)

    @cached_property
    def _stored(self) -> VectorTable:
        return files.read(self.path, self.choice)

    def encoder(self, n_channels: int) -> Encoder:
        """Raise UserError: a file of vectors can't embed images."""
        raise UserError(self.where, "holds vectors, and no network to embed images with", "name a model instead")

    def untrained(self, n_channels: int, k: int) -> None:
        """Return None: there is no architecture to initialise."""
        return None

    def vectors(self, dataset: Dataset) -> NDArray[np.float32]:
        """Return the dataset's vectors.

        Parameters
        ----------
        dataset : Dataset
            N samples.

        Returns
        -------
        float32[N, D]
            Aligned with ``dataset.ids``: the columns of the file that are features. Finite for samples that some task
            asks for (for all, where there is no task); NaN for the others, which the file needn't hold.

        Raises
        ------
        UserError
            For a file that can't be read, without one of the samples, without features, or with numbers that aren't
            finite.
        """
        selection = self._select(dataset)
        found = np.full((len(dataset.ids), selection.values.shape[1]), np.nan, np.float32)
        found[selection.wanted] = selection.values
        return found

    def notes_on(self, dataset: Dataset, task: Task) -> tuple[str, ...]:
        """Return what must be told of the vectors of a task: columns, rank, how rows were found, and warning signs."""
        selection = self._select(dataset)
        values = selection.values[np.searchsorted(selection.wanted, task.rows)]
        told = signs(values, selection.names, selection.left_out, selection.rows.sentence, task)
        return (*self._stored.notes, *told)

    def _select(self, dataset: Dataset) -> Selection:
        if self._selection is None or self._selection.dataset is not dataset:
            self._selection = self._selected(dataset)
        return self._selection

    def _selected(self, dataset: Dataset) -> Selection:
        tasks = [task.rows for task in dataset.tasks.values()]
        wanted = np.unique(np.concatenate(tasks)) if tasks else np.arange(len(dataset.ids))
        stored = self._stored
        rows = locate(self.path, stored, dataset, wanted, self.choice.ids)
        values = stored.values[rows.positions]
        values = values if values.dtype == np.float32 else values.astype(np.float64)
        used, left_out = columns.features(self.path, stored, dataset, wanted, values, rows.label or "")
        names = [stored.names[j] if stored.names else str(j) for j in used.tolist()]
        single = numbers.single(self.path, columns.taken(values, used), names, dataset.ids[wanted])
        return Selection(dataset, wanted, single, tuple(names) if stored.names else (), dict(left_out), rows)
