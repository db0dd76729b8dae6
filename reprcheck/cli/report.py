"""``reprcheck report``: a scorecard as a page, a picture, a table, or in the form that another tool reads."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from reprcheck.cli.shell import show
from reprcheck.errors import Option, UserError, printable
from reprcheck.exits import Exit
from reprcheck.registry import REPORTERS


def add_report(commands: Any) -> None:
    """Add ``report``: a scorecard in another form."""
    command = commands.add_parser(
        "report",
        help="a scorecard as a page, a picture, a table, JUnit, a badge",
        description="Draw a scorecard that is there already. The file is written beside it; in a report folder of the "
        "gate's it goes when the next run takes the folder.",
        epilog="Exit status: 0, whatever was decided; 4 for a mistake in what was asked.",
    )
    command.add_argument(
        "path",
        nargs="+",
        metavar="SCORECARD",
        type=Path,
        help="a report folder, or a scorecard.json; several in one file",
    )
    command.add_argument(
        "--format",
        required=True,
        metavar="NAMES",
        help=f"commas between, of: {', '.join(REPORTERS.own)}; and those of installed extensions",
    )
    command.add_argument(
        "--out", metavar="FILE", help="write there, all scorecards named in one file; - for standard output"
    )
    command.set_defaults(run=run_report)


def run_report(options: argparse.Namespace) -> int:
    """Write the reports, and print where they are."""
    from reprcheck.reporters.reporter import choose_reports
    from reprcheck.scorecard import document
    from reprcheck.scorecard.atomic import replace_bytes
    from reprcheck.scorecard.report_folder import scorecard_files, write_beside

    reports = choose_reports(options.format, "format")
    if not reports:
        raise UserError(Option("format", options.format), "names no format", "name one, such as --format=svg")
    files = [file for path in options.path for file in scorecard_files(path)]
    if options.out is None:
        show([printable(str(written)) for file in files for written in write_beside(file, reports)])
        return Exit.FINE
    if len(reports) > 1:
        raise UserError(Option("out", options.out), f"is one file, and {len(reports)} are asked for", "name one format")
    content = reports[0].render_together([document.read(file) for file in files])
    if options.out == "-":
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
    else:
        show([printable(str(replace_bytes(Path(options.out), content, ("choose another ", Option("out")))))])
    return Exit.FINE
