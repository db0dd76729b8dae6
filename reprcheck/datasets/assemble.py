"""Assemble a `Dataset` from a card, a table and a source of images.

Samples are sorted by id, tasks resolved, and the dataset gets a digest. Folders, public datasets and the simulator all
end here; file names and the order of rows don't change the result.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from reprcheck.confounds import groups
from reprcheck.confounds.hints import hints
from reprcheck.datasets.card.card import Card
from reprcheck.datasets.table.cutting import limit_task
from reprcheck.datasets.table.guesses import describe_guesses
from reprcheck.datasets.table.names import check_names
from reprcheck.datasets.table.samples import Samples, Texts, sort_samples
from reprcheck.datasets.table.tasks import resolve_task
from reprcheck.digest import digest
from reprcheck.errors import Option, UserError
from reprcheck.types import Dataset, Image, ImageSource, Task


@dataclass(frozen=True)
class ReorderedImages:
    """An image source in another order: sample ``i`` is sample ``order[i]`` of ``images``."""

    images: ImageSource
    order: NDArray[np.int64]

    def content(self, index: int) -> str:
        """Return the digest of a sample's image."""
        return self.images.content(int(self.order[index]))

    def read(self, index: int) -> Image:
        """Decode a sample's image."""
        return self.images.read(int(self.order[index]))


def assemble(
    card: Card,
    table: pd.DataFrame,
    images: ImageSource,
    *,
    where: str,
    limit: int | None = None,
    notes: tuple[str, ...] = (),
    extent: Callable[[int], tuple[int, int]] | None = None,
) -> Dataset:
    """Return the dataset of a card, a table and its images.

    Parameters
    ----------
    card : Card
    table : pandas.DataFrame
        One row per sample. An integer index counts the rows of the file from 0, so that messages can name lines.
    images : ImageSource
        Indexed by position in ``table``.
    where : str
        The table's file, as the user would write it.
    limit : int, optional
        Cut each task down to about this many samples (see `limit.cut`).
    notes : tuple of str
        Put before the notes of every task.
    extent : callable, optional
        Returns the stored height and width of the image at a position in ``table``; given where a fit changes sizes.

    Returns
    -------
    Dataset
        Its digest covers the card (without name and provenance), the columns that the card names, and every image.

    Raises
    ------
    UserError
        For whatever is wrong in the table, by line and column, or a confound that leaves no honest fold.
    """
    if limit is not None and limit < 1:
        raise UserError(Option("limit", limit), "not a number of samples", "use a whole number of at least 1")
    samples = sort_samples(card, table, where)
    check_names(card, samples.columns, samples.lines, where)
    tasks = {task.name: resolve_task(card, task, samples) for task in card.tasks}
    notes += describe_guesses(card, table)
    columns = groups.GroupColumns(table, samples)
    group_columns = {task.name: groups.unanswered(card, task, tasks[task.name], columns) for task in card.tasks}
    task_notes = {
        task.name: (
            *notes,
            *tasks[task.name].notes,
            *map(groups.sentence, group_columns[task.name]),
            *hints(card, task, samples, table, group_columns[task.name]),
        )
        for task in card.tasks
    }
    sizes = {} if extent is None else _measure_sizes(tasks.values(), samples, extent)
    tasks = {
        name: replace(task, notes=task_notes[name], sizes=sizes.get(name), groups=group_columns[name])
        for name, task in tasks.items()
    }
    if limit is not None:
        tasks = {name: limit_task(task, samples.ids, limit) for name, task in tasks.items()}
    source = ReorderedImages(images, samples.position)
    return Dataset(
        name=card.name,
        kind=card.kind,
        channels=card.channels,
        ids=samples.ids,
        table_row=samples.position,
        images=source,
        tasks=tasks,
        digest=_compute_digest(card, samples, source),
        limit=limit,
        license=card.license,
        citation=card.citation,
        source=card.source,
        cell_types=card.cell_types,
        key=card.columns.sample,
        columns=Texts(table, samples.position),
    )


def _measure_sizes(
    tasks: Iterable[Task], samples: Samples, extent: Callable[[int], tuple[int, int]]
) -> dict[str, NDArray[np.float64]]:
    """Return the image sizes of each task that has more than one size."""
    task_sizes = {
        task.name: np.array([extent(i) for i in samples.position[task.rows].tolist()], float) for task in tasks
    }
    return {name: sizes for name, sizes in task_sizes.items() if (sizes != sizes[0]).any()}


def _compute_digest(card: Card, samples: Samples, images: ImageSource) -> str:
    contents = [images.content(i) for i in range(len(samples.ids))]
    return digest("dataset", card.plain(), samples.columns, contents)
