"""What ``--model=…`` accepts, for a terminal and for ``docs/models.md``: a table made from the registry."""

from __future__ import annotations

from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table

from reprcheck.registry import SOURCES
from reprcheck.reporters import wording
from reprcheck.reporters.console import lines

HEADINGS = ("source", "an example", "what it is", "untrained twins")


@dataclass(frozen=True)
class SourceRow:
    """A source of models."""

    name: str
    example: str
    what: str
    twins: str


class SourceTable:
    """Sources of models; rich can print it as it is.

    Parameters
    ----------
    shipped : bool
        Leave out those of extensions.
    """

    def __init__(self, *, shipped: bool = False) -> None:
        self.rows = [
            SourceRow(
                f"{name}:" if source.target else name,
                source.example or f"{name}:{source.target}".rstrip(":"),
                source.what or f"of the extension {wording.one_line(SOURCES.origin(name))}",
                source.twins or "none",
            )
            for name, source in SOURCES.things()
            if not shipped or name in SOURCES.own
        ]

    def lines(self, width: int = 80, color: bool = True) -> list[str]:
        """Return the table's lines, none wider than ``width``; without colour where NO_COLOR is set."""
        return lines(self, width, color)

    def markdown(self) -> list[str]:
        """Return the lines of the table in the docs."""
        rows = [(f"`{row.name}`", f"`{row.example}`", row.what, row.twins) for row in self.rows]
        return [f"| {' | '.join(cells)} |" for cells in (HEADINGS, ("---",) * len(HEADINGS), *rows)]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield the table."""
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
        table.add_column(HEADINGS[0], no_wrap=True, style="bold")
        for heading in HEADINGS[1:]:
            table.add_column(heading, overflow="fold", ratio=1)
        for row in self.rows:
            table.add_row(row.name, row.example, row.what.replace("`", ""), row.twins.replace("`", ""))
        yield table
