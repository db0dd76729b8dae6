"""The commands of ``reprcheck data`` that are about the field's public sets: what there is, fetch it, where is it."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from reprcheck.cli.shell import show, terminal
from reprcheck.errors import UserError
from reprcheck.exits import Exit

if TYPE_CHECKING:
    from reprcheck.datasets.public import PublicSet, RemoteFile
    from reprcheck.reporters.public_sets import SetStatus


def add_list(commands: Any) -> None:
    """Add ``list``: which public sets are there?"""
    command = commands.add_parser(
        "list",
        help="the public sets that can be fetched",
        description="Show the catalogue of public sets, or everything that is known of those named: licence, files, "
        "tasks, splits, what misleads in them, and what of it was verified.",
    )
    command.add_argument("name", nargs="*", metavar="NAME", help="tell all about these sets")
    command.add_argument("--json", action="store_true", help="print JSON to standard output")
    command.set_defaults(run=run_list)


def run_list(options: argparse.Namespace) -> int:
    """Print the catalogue, or what is known of some sets."""
    from reprcheck.datasets import public
    from reprcheck.datasets.catalogue import extension_names
    from reprcheck.registry import DATASETS
    from reprcheck.reporters.public_sets import Catalogue, SetDetails

    sets = [set_status(name) for name in options.name or public.names()]
    if options.json:
        show(json.dumps([one.plain() for one in sets], indent=2).splitlines())
    elif options.name:
        show([line for one in sets for line in [*SetDetails(one).lines(*terminal()), ""]][:-1])
    else:
        show(Catalogue(sets, {name: DATASETS.origin(name) for name in extension_names()}).lines(*terminal()))
    return Exit.FINE


def add_fetch(commands: Any) -> None:
    """Add ``fetch``: bring public sets here."""
    command = commands.add_parser(
        "fetch",
        help="download public sets",
        description="Download what is missing of public sets, check it and unpack it. What is here and intact isn't "
        "fetched again; a download that was stopped is gone on with. An archive is removed once it is unpacked.",
        epilog="Sets lie in $REPRCHECK_DATA, else in the user's cache. To bring one to a machine without a network, "
        "fetch it elsewhere and copy its folder; or copy its published files into that folder and fetch here. "
        "Exit status: 0 if all is here, else 4.",
    )
    command.add_argument("name", nargs="+", metavar="NAME", help="a public set, as in reprcheck data list")
    command.add_argument(
        "--file", action="append", default=[], metavar="FILE", help="only this file of the set; may be repeated"
    )
    command.add_argument(
        "--accept-license", action="store_true", help="agree to licences that forbid commercial use, unasked"
    )
    command.set_defaults(run=run_fetch)


def run_fetch(options: argparse.Namespace) -> int:
    """Fetch sets, one after the other.

    Raises
    ------
    UserError
        For a set there isn't, before anything is fetched; a licence that isn't agreed to; whatever goes wrong.
    """
    from reprcheck.datasets import public
    from reprcheck.datasets.public.fetching import choose, fetch

    entries = [public.public_set(name) for name in dict.fromkeys(options.name)]
    if options.file and len(entries) > 1:
        raise UserError("--file", "names a file of one set, and several sets are named", "fetch the sets one by one")
    for entry in entries:
        choose(entry, options.file)
    try:
        for entry in entries:
            agreed = partial(agree, accepted=options.accept_license)
            fetch(entry, public.root(entry.name), options.file, agree=agreed, say=say)
    except KeyboardInterrupt:
        print("stopped; what came is kept, and running again goes on from there", file=sys.stderr)
        return Exit.INTERRUPTED
    return Exit.FINE


def say(line: str) -> None:
    """Print a line at once: what follows may take hours."""
    show([line])


def agree(entry: PublicSet, missing: Sequence[RemoteFile], accepted: bool) -> None:
    """Show what will be downloaded and its licence, and have one agreed to that forbids commercial use.

    Raises
    ------
    UserError
        Where it isn't, or nobody can be asked.
    """
    from reprcheck.reporters.public_sets import licence, size
    from reprcheck.reporters.wording import counted

    say(f"{entry.name}: {entry.title}, {entry.homepage}")
    say(f"to download: {counted(len(missing), 'file')}, {size(missing)}")
    say(f"licence: {licence(entry)}")
    if not entry.noncommercial or accepted:
        return
    if sys.stdin.isatty() and sys.stdout.isatty():
        print("This licence forbids commercial use. Do you agree to it? [y/N] ", end="", flush=True)
        if sys.stdin.readline().strip().lower() in ("y", "yes"):
            return
    raise UserError(entry.name, "its licence forbids commercial use", "if you agree to it, add --accept-license")


def add_where(commands: Any) -> None:
    """Add ``where``: the folder of a public set."""
    command = commands.add_parser(
        "where",
        help="the folder of a public set",
        description="Print the folder that a public set is in, or would be, and nothing else.",
        epilog="Exit status: 0 if the set is there, 1 if it isn't, or only in part; 4 for a set there isn't.",
    )
    command.add_argument("name", metavar="NAME", help="a public set, as in reprcheck data list")
    command.set_defaults(run=run_where)


def run_where(options: argparse.Namespace) -> int:
    """Print a set's folder."""
    one = set_status(options.name)
    show([str(one.folder)])
    return Exit.FINE if one.state == "here" else Exit.BLOCKED


def set_status(name: str) -> SetStatus:
    """Return a set's entry and what is here of it."""
    from reprcheck.datasets import public
    from reprcheck.datasets.public.record import state
    from reprcheck.reporters.public_sets import SetStatus

    return SetStatus(public.public_set(name), public.root(name), state(public.root(name)))
