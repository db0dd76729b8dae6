"""Suggested margins in a terminal: a table, and lines to paste into a policy."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

from reprcheck.diagnostics.beats_untrained import BEATS_UNTRAINED
from reprcheck.reporters import wording
from reprcheck.reporters.console import lines
from reprcheck.reporters.wording import one_line

if TYPE_CHECKING:
    from reprcheck.policy import Policy
    from reprcheck.runs.margins import Suggestion

_NO_FLOOR = "no noise floor (it takes two untrained networks that tell images apart, and four units)"


@dataclass(frozen=True)
class MarginReport:
    """Suggested margins, ready to be printed; rich can print it as it is.

    Attributes
    ----------
    suggestions : sequence of Suggestion
    policy : Policy
    """

    suggestions: Sequence[Suggestion]
    policy: Policy

    def lines(self, width: int = 80, color: bool = True) -> list[str]:
        """Return the report's lines; only a line to paste, which must stay whole, may be wider than ``width``."""
        return [*lines(self, width, color), "", *toml(self.suggestions)]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield the table and what it means."""
        yield _table(self.suggestions, self.policy, options.max_width)
        yield Text(
            "\nNoise: the difference between untrained networks that the choice of units alone explains. A margin "
            "below it asks for less than chance gives. Units for: about how many would allow such a margin.",
            style="dim",
        )


def _table(suggestions: Sequence[Suggestion], policy: Policy, width: int) -> Table:
    names = [one_line(suggestion.setting.id) for suggestion in suggestions]
    head = ("units", "noise", "margin", "units for\nhalf of it", f"units for\n{policy.margin:g}")
    room = max(8, width - 46)
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    table.add_column("setting", overflow="fold", max_width=room)
    for name in head:
        table.add_column(Text(name), justify="right")
    for name, suggestion in zip(names, suggestions, strict=True):
        label = name if cell_len(name) <= room else name.replace(":", ":\n ", 1)
        numbers = (suggestion.noise, suggestion.margin)
        counts = ("–" if n is None else str(n) for n in (suggestion.for_half, suggestion.for_default))
        table.add_row(Text(label), str(suggestion.setting.n_units), *map(wording.score, numbers), *counts)
    return table


def toml(suggestions: Sequence[Suggestion]) -> list[str]:
    """Return the lines of a ``[margins]`` table: the largest margin of each protocol, and where it comes from."""
    from reprcheck.runs.margins import by_protocol

    lines = ["[margins]"]
    for protocol, suggestion in by_protocol(suggestions).items():
        members = [s for s in suggestions if s.setting.protocol == protocol]
        if suggestion is None:
            lines.append(f"# {protocol}: no margin to suggest")
        else:
            lines.append(
                f'"{BEATS_UNTRAINED.name}@{protocol}" = {suggestion.margin:g}  # {one_line(suggestion.setting.id)}'
            )
        lines += [f"# {one_line(s.setting.id)}: {_explain_missing(s)}" for s in members if s.margin is None]
    return lines


def _explain_missing(suggestion: Suggestion) -> str:
    if math.isfinite(suggestion.noise):
        return f"a noise floor of {suggestion.noise:.3f} is beyond any margin"
    return _NO_FLOOR
