"""A progress bar with a rate and a time to go, for people at a terminal; nothing for machines."""

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

from reprcheck.errors import printable


@contextmanager
def bar(total: int | None, title: str, *, in_bytes: bool = False) -> Iterator[Callable[[int], None]]:
    """Show a bar on standard error while the context lasts; its value is called with how much is done since last time.

    Silent where standard error is no terminal. Counts things, or bytes; a total of None isn't known.
    """
    console = Console(stderr=True)
    if not (console.is_terminal and sys.__stderr__ and sys.__stderr__.isatty()):
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
