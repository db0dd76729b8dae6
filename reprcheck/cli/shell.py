"""What all commands have in common: numbers that are typed, the terminal they print to, and printing itself."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from collections.abc import Sequence

from reprcheck.errors import Option, on_command_line, printable


def terminal() -> tuple[int, bool]:
    """Return how wide standard output is, and whether it takes colour."""
    return shutil.get_terminal_size().columns, sys.stdout.isatty()


def spelled(option: Option) -> str:
    """Return an option as a command has it: a dataset is an argument without a name."""
    if option.name == "dataset":
        return option.value if option.value is not None else "DATASET"
    return on_command_line(option)


def show(lines: Sequence[str]) -> None:
    """Print lines; a reader that has seen enough (``| head``) may go."""
    try:
        for line in lines:
            print(printable(line, colours=sys.stdout.isatty()))
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def positive(text: str) -> int:
    """Return a number above 0, for argparse."""
    from reprcheck.spelling import whole_number

    try:
        number = whole_number(text)
    except ValueError:
        number = 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number above 0")
    return number


def add_run_options(command: argparse.ArgumentParser) -> None:
    """Add the options of every command that embeds datasets."""
    command.add_argument("--policy", metavar="FILE", help="TOML file with what a release requires")
    command.add_argument("--limit", type=positive, metavar="N", help="cut each task down to N samples")
    command.add_argument(
        "--cache-dir", metavar="DIR", help="embedding cache (default: $REPRCHECK_CACHE, else the user's cache)"
    )
    command.add_argument(
        "--cache-remote",
        metavar="URL",
        help="a cache shared with other machines, such as s3://bucket/folder (default: $REPRCHECK_CACHE_REMOTE)",
    )
    command.add_argument(
        "--batch-timeout",
        type=positive,
        metavar="SECONDS",
        help="a batch of images that a model hasn't returned after it ends the run (default: an hour)",
    )
    command.add_argument("--rehash", action="store_true", help="read every image file again, whatever its time says")
