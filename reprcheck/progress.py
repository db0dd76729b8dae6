"""Progress bars with a rate and a time to go, for people at a terminal; of a run, a machine's log gets lines."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.table import Column

from reprcheck.errors import printable


@contextmanager
def bar(total: int | None, title: str, *, in_bytes: bool = False) -> Iterator[Callable[[int], None]]:
    """Show a bar on standard error while the context lasts; its value is called with how much is done since last time.

    Silent where standard error is no terminal. Counts things, or bytes; a total of None isn't known.
    """
    console = Console(stderr=True)
    if not _is_watched(console):
        yield lambda _: None
        return
    counted: tuple[ProgressColumn, ...] = (MofNCompleteColumn(), TextColumn("{task.fields[rate]}"))
    if in_bytes:
        counted = (DownloadColumn(), TransferSpeedColumn())
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=None),
        *counted,
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task(printable(title), total=total, rate="")

        def advance(done: int) -> None:
            speed = progress.tasks[0].speed
            progress.update(task, advance=done, rate=f"{speed:.1f}/s" if speed else "")

        yield advance


class Screen:
    """Standard error during a run: lines, and at a terminal one bar below them.

    Parameters
    ----------
    below : callable
        Called before anything is written, where no bar is shown: another process may be in the middle of a line.
    """

    def __init__(self, below: Callable[[], None] = lambda: None) -> None:
        self._below, self._console = below, Console(stderr=True)
        self.is_terminal = _is_watched(self._console)
        self._bar: Progress | None = None

    def say(self, line: str) -> None:
        """Write a line."""
        if self._bar is None:
            self._below()
        self._console.print(printable(line), markup=False, highlight=False, soft_wrap=not self.is_terminal)

    def show(self, doing: str, share: float | None, rate: str, to_go: str) -> None:
        """Show the bar, or what is new on it: what is done, the share of the run that is, its rate and time to go."""
        if self._bar is None:
            self._below()
            doing_column = TextColumn("{task.description}", markup=False, table_column=Column(ratio=3, no_wrap=True))
            bar_column = BarColumn(bar_width=None, table_column=Column(ratio=1, min_width=10))
            figures = TextColumn("{task.fields[numbers]}", markup=False, table_column=Column(no_wrap=True))
            self._bar = Progress(doing_column, bar_column, figures, console=self._console, transient=True, expand=True)
            self._bar.add_task("", total=None, numbers="")
            self._bar.start()
        percent = "" if share is None else f"{share:.0%}"
        numbers = "  ".join(part for part in (percent, rate, to_go) if part)
        task = self._bar.task_ids[0]
        total = None if share is None else 1.0
        self._bar.update(task, description=printable(doing), total=total, completed=share or 0.0, numbers=numbers)

    def hide(self) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None


def _is_watched(console: Console) -> bool:
    return console.is_terminal and bool(sys.__stderr__ and sys.__stderr__.isatty())
