"""``reprcheck cache``: what the cache holds, whether it is intact, what may go, and to carry it elsewhere."""

from __future__ import annotations

import argparse
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reprcheck.cli.shell import show
from reprcheck.errors import UserError
from reprcheck.exits import Exit

if TYPE_CHECKING:
    from reprcheck.embed.cache import Cache

_SIZES = {"": 1, "kb": 1e3, "mb": 1e6, "gb": 1e9, "tb": 1e12, "kib": 2**10, "mib": 2**20, "gib": 2**30, "tib": 2**40}
_AGES = {"h": 3600, "d": 86400, "w": 7 * 86400}


def add_ls(commands: Any) -> None:
    """Add ``ls``: what is cached?"""
    command = commands.add_parser(
        "ls",
        help="what is cached, by key",
        description="List what is cached, the least recently used first: kind, key, shards, size, and when it was last "
        "used. vectors are of one encoder each, decoded of one version of the readers, scores of one contest.",
    )
    add_cache_dir(command)
    command.set_defaults(run=run_ls)


def run_ls(options: argparse.Namespace) -> int:
    """Print a line for each key."""
    from datetime import datetime

    from rich.filesize import decimal

    from reprcheck.embed.upkeep import list_keys
    from reprcheck.reporters.wording import counted

    for key in list_keys(open_cache(options)):
        used = datetime.fromtimestamp(key.used).strftime("%Y-%m-%d %H:%M")
        size = f"{counted(len(key.shards), 'shard'):>12}  {decimal(key.size):>10}"
        show([f"{key.kind:8}  {key.key}  {size}  used {used}"])
    return Exit.FINE


def add_du(commands: Any) -> None:
    """Add ``du``: how large is the cache?"""
    command = commands.add_parser(
        "du", help="how large the cache is", description="Print the size of the cache, by kind and in all."
    )
    add_cache_dir(command)
    command.set_defaults(run=run_du)


def run_du(options: argparse.Namespace) -> int:
    """Print a line for each kind, and one for all."""
    from rich.filesize import decimal

    from reprcheck.embed.upkeep import KINDS, list_keys
    from reprcheck.reporters.wording import counted

    cache = open_cache(options)
    keys = list_keys(cache)
    kinds = {kind: [key for key in keys if key.kind == kind] for kind in KINDS}
    for name, members in {**kinds, "all": keys}.items():
        show([f"{name:8}  {decimal(sum(key.size for key in members)):>10}  {counted(len(members), 'key')}"])
    show([f"in {cache.folder}"])
    return Exit.FINE


def add_verify(commands: Any) -> None:
    """Add ``verify``: is the cache intact?"""
    command = commands.add_parser(
        "verify",
        help="is every shard intact?",
        description="Compare the bytes of every shard with its name. What doesn't match is set aside and computed "
        "again by the next run; reprcheck cache gc removes it.",
        epilog="Exit status: 0 if all is intact, else 1.",
    )
    add_cache_dir(command)
    command.set_defaults(run=run_verify)


def run_verify(options: argparse.Namespace) -> int:
    """Print a line for each shard that isn't intact, and how many there are."""
    from reprcheck.embed.upkeep import verify
    from reprcheck.reporters.wording import counted

    n_damaged = 0
    for path, problem in verify(open_cache(options)):
        show([f"{path}: {problem}"])
        n_damaged += 1
    show([f"{counted(n_damaged, 'damaged shard')}" if n_damaged else "every shard is intact"])
    return Exit.BLOCKED if n_damaged else Exit.FINE


def add_gc(commands: Any) -> None:
    """Add ``gc``: remove what isn't used any more."""
    command = commands.add_parser(
        "gc",
        help="remove what wasn't used for long",
        description="Remove keys from the cache, the least recently used first, and what was damaged or left half "
        "written. What a run uses now stays.",
    )
    add_cache_dir(command)
    command.add_argument("--older-than", type=age, metavar="AGE", help="what wasn't used for so long: 12h, 30d, 8w")
    command.add_argument("--max-size", type=size, metavar="SIZE", help="until so much is left: 500MB, 20GB, 1TiB")
    command.set_defaults(run=run_gc)


def run_gc(options: argparse.Namespace) -> int:
    """Remove keys, and print how much that was.

    Raises
    ------
    UserError
        Without a limit.
    """
    from rich.filesize import decimal

    from reprcheck.embed.upkeep import remove
    from reprcheck.reporters.wording import counted

    if options.older_than is None and options.max_size is None:
        raise UserError("cache gc", "no limit given", "add --older-than=30d, or --max-size=20GB")
    removal = remove(open_cache(options), options.older_than, options.max_size)
    show([f"removed {counted(removal.n_keys, 'key')}, {decimal(removal.size)}"])
    if removal.n_in_use:
        show([f"kept {counted(removal.n_in_use, 'key')} that a run uses now"])
    return Exit.FINE


def add_export(commands: Any) -> None:
    """Add ``export``: the cache as one file."""
    command = commands.add_parser(
        "export",
        help="write the cache to one file",
        description="Write every intact shard to a tar file, for reprcheck cache import on another machine.",
    )
    command.add_argument("file", metavar="FILE", type=Path)
    add_cache_dir(command)
    command.set_defaults(run=run_export)


def run_export(options: argparse.Namespace) -> int:
    """Write the file, and print how many shards it holds."""
    from reprcheck.embed.transfer import export_cache
    from reprcheck.reporters.wording import counted

    n_shards = export_cache(open_cache(options), options.file)
    show([f"{options.file}: {counted(n_shards, 'shard')}"])
    return Exit.FINE


def add_import(commands: Any) -> None:
    """Add ``import``: add an exported cache to this one."""
    command = commands.add_parser(
        "import",
        help="add an exported cache to this one",
        description="Add the shards of a file that reprcheck cache export wrote. Each is checked against its name; "
        "that says that it is whole, not who made it: import what you trust.",
    )
    command.add_argument("file", metavar="FILE", type=Path)
    add_cache_dir(command)
    command.set_defaults(run=run_import)


def run_import(options: argparse.Namespace) -> int:
    """Read the file, and print how many shards are new."""
    from reprcheck.embed.transfer import import_cache
    from reprcheck.reporters.wording import counted

    n_added = import_cache(open_cache(options), options.file)
    show([f"{counted(n_added, 'new shard')}"])
    return Exit.FINE


def add_cache_dir(command: argparse.ArgumentParser) -> None:
    """Add the option that names the cache."""
    command.add_argument("--cache-dir", metavar="DIR", help="default: $REPRCHECK_CACHE, else the user's cache")


def open_cache(options: argparse.Namespace) -> Cache:
    """Return the cache that is meant.

    Raises
    ------
    UserError
        For a folder that isn't usable.
    """
    from reprcheck.embed.cache import Cache, default_folder

    return Cache(Path(options.cache_dir) if options.cache_dir else default_folder())


def size(text: str) -> int:
    """Return bytes, for argparse: ``size("1.5 GB") == 1_500_000_000``."""
    return int(_amount(text, _SIZES, "a size such as 20GB"))


def age(text: str) -> float:
    """Return seconds, for argparse: ``age("2d") == 172_800``."""
    return _amount(text, _AGES, "an age such as 12h, 30d or 8w")


def _amount(text: str, units: Mapping[str, float], what: str) -> float:
    match = re.fullmatch(r"([0-9]{1,15}(?:\.[0-9]{1,9})?) ?([A-Za-z]*)", text)
    if not match or match[2].lower() not in units:
        raise argparse.ArgumentTypeError(f"{text!r} is not {what}")
    return float(match[1]) * units[match[2].lower()]
