"""What all commands have in common: their exit statuses, the terminal they print to, and printing itself."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence

FINE, BAD, USAGE, STOPPED = 0, 1, 4, 130
"""Exit statuses."""


def terminal() -> tuple[int, bool]:
    """Return how wide standard output is, and whether it takes colour."""
    return shutil.get_terminal_size().columns, sys.stdout.isatty()


def show(lines: Sequence[str]) -> None:
    """Print lines; a reader that has seen enough (``| head``) may go."""
    try:
        for line in lines:
            print(line)
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
