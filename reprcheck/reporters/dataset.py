"""A dataset in a terminal: what was checked and what could mislead, or all there is to count in it.

`CheckReport` is for a folder without a problem: a line, and each task with its notes. `ShowReport` counts: labels,
batches and units of each task, values of each channel, sizes of the images.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.table import Table
from rich.text import Text

from reprcheck.reporters.console import lines
from reprcheck.reporters.wording import counted, one_line
from reprcheck.runs.survey import Survey, label_groups
from reprcheck.types import Task

GROUPS = 12
"""Batches or units, and sizes, that are listed one by one; of more, how they spread."""
CLASSES = 6
"""Classes that have a column each in a table of batches."""


@dataclass(frozen=True)
class CheckReport:
    """A folder in which nothing is wrong.

    Attributes
    ----------
    survey : Survey
    n_rows, n_images : int
        Rows of the table, and images decoded.
    """

    survey: Survey
    n_rows: int
    n_images: int

    def lines(self, width: int = 80, color: bool = True) -> list[str]:
        """Return the report's lines, none wider than ``width``; without colour where NO_COLOR is set."""
        return lines(self, width, color)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield the line, then each task."""
        tasks = self.survey.dataset.tasks
        what = [counted(self.n_rows, "row"), f"{counted(self.n_images, 'image')} decoded", counted(len(tasks), "task")]
        name = one_line(self.survey.dataset.name)
        yield Text.assemble((name, "bold"), f"  {', '.join(what)}: ", ("no problem", "green"), overflow="fold")
        for task in tasks.values():
            yield _heading(task)
            yield _notes(self.survey.notes[task.name])


@dataclass(frozen=True)
class TrapReport:
    """What could mislead in the tasks of a folder in which something is wrong.

    Attributes
    ----------
    tasks : mapping of str to Task
    notes : mapping of str to sequence of str
        Of each task.
    """

    tasks: Mapping[str, Task]
    notes: Mapping[str, Sequence[str]]

    def lines(self, width: int = 80, color: bool = True) -> list[str]:
        """Return the report's lines, none wider than ``width``; without colour where NO_COLOR is set."""
        return lines(self, width, color)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield each task."""
        for name, task in self.tasks.items():
            yield _heading(task)
            yield _notes(self.notes[name])


@dataclass(frozen=True)
class ShowReport:
    """A dataset, counted.

    Attributes
    ----------
    survey : Survey
    """

    survey: Survey

    def lines(self, width: int = 80, color: bool = True) -> list[str]:
        """Return the report's lines, none wider than ``width``; without colour where NO_COLOR is set."""
        return lines(self, width, color)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield the dataset, its channels and sizes, then each task."""
        dataset = self.survey.dataset
        head = f"  {dataset.kind}, {counted(len(dataset.ids), 'sample')}, {counted(len(dataset.tasks), 'task')}"
        yield Text.assemble((one_line(dataset.name), "bold"), head, overflow="fold")
        yield Text()
        yield self._channels()
        yield Text()
        yield Text(f"sizes: {self._sizes()}", overflow="fold")
        for task in dataset.tasks.values():
            yield _heading(task)
            yield from _counts(task)
            yield _notes(self.survey.notes[task.name])

    def _channels(self) -> Table:
        table = _table("channel", "lowest", "1 %", "median", "99 %", "highest")
        for name, values in zip(self.survey.dataset.channels, self.survey.quantiles, strict=True):
            table.add_row(one_line(name), *(f"{value:.3f}" for value in values))
        return table

    def _sizes(self) -> str:
        """Return the sizes of the images before they are fitted, height x width."""
        image_sizes = self.survey.sizes
        different, counts = np.unique(image_sizes, axis=0, return_counts=True)
        if len(different) <= GROUPS:
            return ", ".join(f"{h} x {w} ({n})" for (h, w), n in zip(different.tolist(), counts.tolist(), strict=True))
        low, middle, high = (np.quantile(image_sizes, q, axis=0, method="nearest").tolist() for q in (0, 0.5, 1))
        return (
            f"{len(different)} different, heights from {low[0]} to {high[0]} (median {middle[0]}), widths from "
            f"{low[1]} to {high[1]} (median {middle[1]})"
        )


def _table(*columns: str) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    for i, name in enumerate(columns):
        table.add_column(one_line(name), justify="right" if i else "left", overflow="fold")
    return table


def _heading(task: Task) -> Text:
    sizes = (len(task.rows), "sample"), (len(np.unique(task.units)), "unit"), (len(np.unique(task.batches)), "batch")
    parts = [task.kind, *(counted(n, noun) for n, noun in sizes)]
    if task.test is not None:
        parts.append(f"{int(task.test.sum())} of them judged")
    if task.holdout:
        parts.append(f"folds hold out a {task.holdout}")
    return Text.assemble("\n", (one_line(task.name), "bold"), f"  {', '.join(parts)}", overflow="fold")


def _notes(notes: Sequence[str]) -> RenderableType:
    grid = Table.grid(padding=(0, 1, 0, 0), pad_edge=False)
    grid.add_column(width=1)
    grid.add_column(overflow="fold")
    for note in notes:
        grid.add_row("-", Text(one_line(note), "yellow" if note.startswith("Confound") else ""))
    if not any(note.startswith("Confound") for note in notes):
        grid.add_row("-", Text("no confound found", "green"))
    return grid


def _counts(task: Task) -> Iterator[RenderableType]:
    names, codes = label_groups(task)
    table = _table("label", "samples", "units", "batches")
    for code, name in enumerate(names):
        mine = codes == code
        n_units, n_batches = len(np.unique(task.units[mine])), len(np.unique(task.batches[mine]))
        table.add_row(one_line(name), str(int(mine.sum())), str(n_units), str(n_batches))
    yield table
    for word, groups in (("batch", task.batches), ("unit", task.units)):
        if len(np.unique(groups)) > 1:
            yield Text()
            yield _groups(word, groups, names, codes)


def _groups(word: str, groups: NDArray[np.str_], names: list[str], codes: NDArray[np.int64]) -> RenderableType:
    """Return how many samples each batch or unit has, by label where there are few; of many, how they spread."""
    different, index = np.unique(groups, return_inverse=True)
    sizes = np.bincount(index)
    if len(different) > GROUPS:
        spread = f"{sizes.min()} to {sizes.max()} samples" if np.ptp(sizes) else counted(int(sizes[0]), "sample")
        return Text(f"{counted(len(different), word)}, {spread} each", overflow="fold")
    columns = names if len(names) <= CLASSES else []
    table = _table(word, "samples", *columns)
    for g, name in enumerate(different.tolist()):
        counts = np.bincount(codes[index == g], minlength=len(names))
        table.add_row(one_line(name), str(sizes[g]), *(str(n) for n in counts[: len(columns)]))
    return table
