"""``reprcheck gate``: what a run's scorecards decided, as lines and an exit status, for CI."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from reprcheck.cli.shell import show, terminal
from reprcheck.errors import printable
from reprcheck.exits import Exit

STATUS = {"released": Exit.RELEASED, "not_enough_evidence": Exit.NOT_ENOUGH_EVIDENCE}
"""Of an outcome; of any other, `Exit.BLOCKED`."""


def add_gate(commands: Any) -> None:
    """Add ``gate``: was this model released, in this run?"""
    command = commands.add_parser(
        "gate",
        help="what a scorecard decided, as an exit status",
        description="Say what the scorecards of a run decided: of a report folder all that its last run wrote, or of "
        "one scorecard.json. Every one must be a release.",
        epilog="Exit status: that of the worst scorecard: 0 released, 10 not enough evidence, 1 blocked, undecided, or "
        "of another run; 4 where there is no scorecard.",
    )
    command.add_argument("path", metavar="FILE", type=Path, help="the report folder, or a scorecard.json in it")
    command.add_argument("--run-id", metavar="ID", help="the scorecards must be of this run: the --run-id given to it")
    command.add_argument("--overview", action="store_true", help="show the verdicts too, a line for each setting")
    command.set_defaults(run=run_gate)


def run_gate(options: argparse.Namespace) -> int:
    """Print what each scorecard decided, and why, and return the worst one's status."""
    from reprcheck.reporters.overview import OverviewReport
    from reprcheck.reporters.wording import one_line, outcome
    from reprcheck.scorecard.report_folder import SEVERITY, read, read_index

    cards = read(options.path)
    worst = max((card.gate.outcome for card in cards), key=SEVERITY.index)
    lines = []
    decided = read_index(options.path).outcome
    if decided not in (None, worst):
        worst = "blocked"
        lines.append(f"run.json says {printable(str(decided))}: these aren't the scorecards that the run decided on")
    for card in cards:
        run = card.run.get("id", "unknown")
        stale = options.run_id is not None and run != options.run_id
        worst = "blocked" if stale else worst
        of_run = f"of run {run}, not of {options.run_id}" if stale else f"run {run}"
        lines.append(f"{one_line(card.model['name'])}: {outcome(card)} ({printable(of_run)})")
        lines += [f"  {one_line(reason)}" for reason in card.gate.blocked_by]
    if options.overview:
        lines += [line for card in cards for line in ("", *OverviewReport(card).lines(*terminal()))]
    show(lines)
    return STATUS.get(worst, Exit.BLOCKED)
