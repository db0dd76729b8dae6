"""``reprcheck data``: a dataset of one's own, without code: begun, checked and shown.

Each command here is added to the group by `add_data` in `cli`.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reprcheck.cli.shell import show, terminal
from reprcheck.errors import Option, UserError
from reprcheck.exits import Exit
from reprcheck.plain_files import is_file, is_folder

if TYPE_CHECKING:
    from reprcheck.datasets.checkup import Checkup
    from reprcheck.runs.survey import Survey


def add_init(commands: Any) -> None:
    """Add ``data init``: a first card, from a table or a folder of images."""
    command = commands.add_parser(
        "init",
        help="write a first dataset.toml for a folder",
        description="Guess a dataset card from what is in a folder: a sample table, folders of images named after "
        "their class, or images whose names share a pattern. Every guess is told; what is uncertain is written as a "
        "comment on the card.",
        epilog="Exit status: 0, or 4 where there is nothing to guess from, or something would be overwritten.",
    )
    command.add_argument("folder", metavar="FOLDER", help="holds the images, and the table where there is one")
    command.add_argument("--force", action="store_true", help="overwrite dataset.toml")
    command.set_defaults(run=run_init)


def run_init(options: argparse.Namespace) -> int:
    """Write the card, and the table where it isn't there, and print each guess and why.

    Raises
    ------
    UserError
        Where there is nothing to guess from, or something would be overwritten.
    """
    from reprcheck.datasets.draft import draft
    from reprcheck.datasets.folder import CARD
    from reprcheck.scorecard.atomic import replace_text

    folder = Path(options.folder)
    if os.path.lexists(folder / CARD) and not options.force:
        raise UserError(str(folder / CARD), "is there already", "add --force to overwrite it")
    card_draft = draft(folder)
    files = (
        {CARD: card_draft.card}
        if card_draft.table is None
        else {"samples.csv": card_draft.table, CARD: card_draft.card}
    )
    for name, text in files.items():
        replace_text(folder / name, text, remedy="make the folder one that can be written to")
    written = f"written: {' and '.join(files)} in {folder}"
    show([*card_draft.reasons, written, f"next: reprcheck data check {folder}"])
    return Exit.FINE


def add_check(commands: Any) -> None:
    """Add ``data check``: everything that is wrong with a folder, at once."""
    command = commands.add_parser(
        "check",
        help="every problem of a dataset folder, at once",
        description="Find every problem of a dataset folder: its card, its table, its files and its tasks. Every image "
        "that a task uses is decoded. Where there is none, name what could mislead.",
        epilog="Exit status: 0, or 4 where there is a problem.",
    )
    command.add_argument("folder", metavar="FOLDER", help="holds dataset.toml, the table and the images")
    command.add_argument("--json", action="store_true", help="print JSON to standard output")
    command.set_defaults(run=run_check)


def run_check(options: argparse.Namespace) -> int:
    """Print every problem, or what was checked and what could mislead."""
    from reprcheck.reporters.dataset import CheckReport, TrapReport
    from reprcheck.reporters.problems import ProblemReport, plain

    folder = _folder(options.folder)
    checkup, result, notes = _survey_folder(folder)
    if options.json:
        document = {
            "schema": 1,
            "folder": str(folder),
            "problems": [plain(problem) for problem in checkup.problems],
            "checked": {"rows": checkup.n_rows, "images": checkup.n_images},
            "notes": notes,
        }
        show(json.dumps(document, indent=2).splitlines())
    elif result is None:
        tasks = {} if checkup.rest is None else checkup.rest.tasks
        show(
            [
                *ProblemReport(str(folder), checkup.problems).lines(*terminal()),
                *TrapReport(tasks, notes).lines(*terminal()),
            ]
        )
    else:
        show(CheckReport(result, checkup.n_rows, checkup.n_images).lines(*terminal()))
    return Exit.MISTAKE if checkup.problems else Exit.FINE


def add_show(commands: Any) -> None:
    """Add ``data show``: counts, and a picture."""
    command = commands.add_parser(
        "show",
        help="count a dataset, and draw some of its images",
        description="Count the labels, batches and units of each task, name what could mislead, tell the values of "
        "each channel and the sizes of the images, and draw a few images of each label on a contact sheet.",
        epilog="Exit status: 0, or 4 where the dataset can't be opened.",
    )
    command.add_argument("dataset", metavar="DATASET", help="a folder, or a dataset's name")
    command.add_argument(
        "--out", metavar="FILE.png", default="contact-sheet.png", help="the contact sheet (default: %(default)s)"
    )
    command.set_defaults(run=run_show)


def run_show(options: argparse.Namespace) -> int:
    """Print the counts and write the contact sheet.

    Raises
    ------
    UserError
        Where the dataset can't be opened, or the sheet not be written.
    """
    from reprcheck.datasets.catalogue import load
    from reprcheck.progress import bar
    from reprcheck.reporters.contact_sheet import contact_sheet
    from reprcheck.reporters.dataset import ShowReport
    from reprcheck.reporters.problems import ProblemReport
    from reprcheck.runs.survey import survey
    from reprcheck.scorecard.atomic import replace_bytes

    if Path(options.out).suffix.lower() != ".png":
        raise UserError(Option("out", options.out), "not the name of a PNG file", "let it end in .png")
    folder = _folder(options.dataset)
    if is_folder(folder):
        checkup, result, _ = _survey_folder(folder)
        if result is None:
            show(ProblemReport(str(folder), checkup.problems).lines(*terminal()))
            return Exit.MISTAKE
    else:
        result = survey(load(options.dataset), bar)
    sheet = replace_bytes(Path(options.out), contact_sheet(result.dataset), remedy=("choose another ", Option("out")))
    show([*ShowReport(result).lines(*terminal()), "", f"contact sheet: {sheet}"])
    return Exit.FINE


def _survey_folder(folder: Path) -> tuple[Checkup, Survey | None, Mapping[str, Sequence[str]]]:
    """Check a folder, and survey it by what was seen of its images while they were decoded.

    Where something is wrong there is no survey, but what could mislead is reported for every task that can be surveyed.
    """
    from threadpoolctl import threadpool_limits

    from reprcheck.datasets.checkup import check_folder
    from reprcheck.progress import bar
    from reprcheck.runs.survey import ImageFacts, survey, traps

    facts = ImageFacts()
    with threadpool_limits(1):  # thumbnails are small: more threads only wait for each other
        checkup = check_folder(folder, bar, facts.look)
        if checkup.dataset is not None:
            result = survey(checkup.dataset, bar, facts)
            return checkup, result, result.notes
        if (rest := checkup.rest) is None:
            return checkup, None, {}
        rest_facts = facts.renumber({sample: row for sample, row in rest.image_rows.items() if row in facts.digests})
        return (
            checkup,
            None,
            {name: traps(task, rest.ids, rest.channels, rest_facts) for name, task in rest.tasks.items()},
        )


def _folder(text: str) -> Path:
    """Return a folder that was named itself, or by its card."""
    path = Path(text)
    return path.parent if path.name == "dataset.toml" and is_file(path) else path
