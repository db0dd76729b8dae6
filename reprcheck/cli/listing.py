"""``reprcheck list models``: what can be asked for by name."""

from __future__ import annotations

import argparse
from typing import Any

from reprcheck.cli.shell import show, terminal
from reprcheck.exits import Exit


def add_list(commands: Any) -> None:
    """Add ``list``: what does ``--model=`` accept?"""
    command = commands.add_parser(
        "list",
        help="what --model= accepts",
        description="Show every source of models, those of installed extensions among them: an example, what it is, "
        "and how untrained twins of its models are drawn. Options and what they mean: docs/models.md.",
        epilog="Exit status: 0; 4 for a mistake in what was asked.",
    )
    command.add_argument("what", choices=["models"], metavar="models", help="sources of models")
    command.set_defaults(run=run_list)


def run_list(options: argparse.Namespace) -> int:
    """Print the table."""
    from reprcheck.reporters.sources import SourceTable

    show(SourceTable().lines(*terminal()))
    return Exit.FINE
