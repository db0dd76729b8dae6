"""The scorecard on one screen: a line for each setting, with its verdicts and its weakest comparison.

What is left out, numbers above all, is in `reprcheck.reporters.terminal`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

from reprcheck.reporters import wording
from reprcheck.reporters.console import lines
from reprcheck.reporters.terminal import STYLES, headline
from reprcheck.reporters.wording import one_line
from reprcheck.types import Cell, Scorecard, Setting


@dataclass(frozen=True)
class OverviewReport:
    """A scorecard's overview, ready to be printed.

    Attributes
    ----------
    scorecard : Scorecard

    Examples
    --------
    ::

        for line in OverviewReport(scorecard).lines(width=80, color=False):
            print(line)
    """

    scorecard: Scorecard

    def lines(self, width: int = 80, color: bool = True) -> list[str]:
        """Return the overview's lines, none wider than ``width``; without colour where NO_COLOR is set."""
        return lines(self, width, color)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield the header, the table, with bounds where they fit, and what it means."""
        yield from headline(self.scorecard)
        if not self.scorecard.cells:
            return
        yield Text()
        full = _table(self.scorecard, bounds=True)
        needed = console.measure(full, options=options.update_width(10_000)).maximum
        yield full if needed <= options.max_width else _table(self.scorecard, bounds=False)
        margins = sorted({wording.score(cell.margin) for cell in self.scorecard.cells if cell.margin is not None})
        of = f" of {', '.join(margins)}" if margins else ""
        weakest = f"Weakest: the effect whose lower bound is least above its margin{of}."
        yield Text(f"\n{weakest} {wording.legend(self.scorecard.cells)}", style="dim")


def _table(card: Scorecard, bounds: bool) -> Table:
    groups = wording.by_dataset(card)
    diagnostics = dict.fromkeys(
        cell.diagnostic for group in groups.values() for cells in group.values() for cell in cells
    )
    names = wording.short_names(card.cells)
    short = {diagnostic: names[diagnostic] for diagnostic in diagnostics}
    settings = {setting.id: setting for setting in card.settings}
    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, header_style="dim")
    for title in ("", *short.values(), "weakest"):
        table.add_column(one_line(title), overflow="fold")
    for dataset, by_setting in groups.items():
        table.add_row(Text(one_line(dataset), style="bold"))
        for name, cells in by_setting.items():
            verdicts = {cell.diagnostic: cell.status for cell in cells}
            table.add_row(
                Text(f" {one_line(wording.within(dataset, name))}"),
                *(Text(wording.spaced(verdicts[d]), STYLES[verdicts[d]]) if d in verdicts else "" for d in short),
                one_line(_weakest(cells, short, bounds) or _qualification(settings.get(name))),
            )
    return table


def _weakest(cells: Sequence[Cell], short: Mapping[str, str], bounds: bool) -> str:
    """Return the comparison whose lower bound is least above its margin; blank where nothing was compared."""
    spare = [c.low - c.margin if c.low is not None and c.margin is not None else math.inf for c in cells]
    cell = cells[spare.index(min(spare))]
    if cell.effect is None:
        return ""
    return f"{short[cell.diagnostic]} {wording.effect(cell) if bounds else wording.signed(cell.effect)}"


def _qualification(setting: Setting | None) -> str:
    return "not described" if setting is None else wording.spaced(setting.qualification)
