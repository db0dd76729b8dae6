"""From things that rich can print to lines of text, none wider than asked for, and all of them safe to print.

What a name holds is never taken for rich's markup, for an emoji's name, or for a code that a terminal obeys.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterable

from rich.cells import cell_len
from rich.console import Console, RenderableType

from reprcheck.errors import printable


def lines(report: RenderableType, width: int, color: bool) -> list[str]:
    """Return a report's lines, none wider than ``width``; without colour where NO_COLOR is set."""
    colored = color and not os.environ.get("NO_COLOR")
    text = io.StringIO()
    console = Console(
        file=text,
        width=width,
        force_terminal=colored,
        force_jupyter=False,
        color_system="standard" if colored else None,
        legacy_windows=False,
        markup=False,
        emoji=False,
        highlight=False,
        _environ={},
    )
    console.print(report)
    return [printable(line.rstrip(), colours=bool(colored)) for line in text.getvalue().split("\n")[:-1]]


def lay_out(words: Iterable[str], width: int) -> list[str]:
    """Return words laid out in lines, two spaces apart, none of them broken that fits a line."""
    laid: list[str] = []
    for word in words:
        if laid and cell_len(laid[-1]) + 2 + cell_len(word) <= width:
            laid[-1] += f"  {word}"
        else:
            laid.append(word)
    return laid
