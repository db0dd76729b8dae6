"""``reprcheck data segmentation``: how good is the segmentation behind the structural baseline on these images?"""

from __future__ import annotations

import argparse
from typing import Any

from reprcheck.exits import Exit


def add_segmentation(commands: Any) -> None:
    """Add ``segmentation`` to the commands of ``reprcheck data``."""
    from reprcheck.cli.shell import positive

    command = commands.add_parser(
        "segmentation",
        help="how good is the structural baseline's segmentation here?",
        description="Segment every image of a dataset that has masks as if it had none, and compare the objects found "
        "with those of the masks: overall, by batch, and in the worst and the slowest images.",
        epilog="Exit status: 0; 4 for a mistake in what was asked, such as a dataset without masks.",
    )
    command.add_argument("dataset", metavar="FOLDER", help="a dataset whose card names masks")
    command.add_argument("--limit", type=positive, metavar="N", help="cut each task down to N samples")
    command.add_argument("--json", action="store_true", help="print JSON to standard output")
    command.set_defaults(run=run_segmentation)


def run_segmentation(options: argparse.Namespace) -> int:
    """Print how good the segmentation of a dataset is.

    Raises
    ------
    UserError
        For a dataset that can't be opened or has no masks.
    """
    from reprcheck.cli.shell import show, terminal
    from reprcheck.datasets.catalogue import load
    from reprcheck.reporters.segmentation import SegmentationReport, to_json
    from reprcheck.runs.segmentation import assess_segmentation

    result = assess_segmentation(load(options.dataset, limit=options.limit))
    show(to_json(result).splitlines() if options.json else SegmentationReport(result).lines(*terminal()))
    return Exit.FINE
