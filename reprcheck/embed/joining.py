"""Many small shards of one key become few: a million rows that came 512 at a time are two thousand files."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np

from reprcheck.embed.shards import Shard, pack_rows, write_shard

SMALL = 2**26
"""Bytes up to which a shard is joined with others, and of what they become."""
MANY = 32
"""Small shards of a key that are left as they are."""


def list_small(shards: Sequence[Shard]) -> list[Shard]:
    """Return those of a key's shards that are to be joined: none, unless there are many."""
    small = [shard for shard in shards if len(shard.raw) < SMALL]
    return small if len(small) > MANY else []


def join(folder: Path, shards: Sequence[Shard]) -> None:
    """Write the rows of small shards as few large ones and remove the small ones; the caller holds the key's lock.

    The large ones are on the disk before the first small one is removed, so that no row is ever missing. Damaged shards
    stay as they are.

    Raises
    ------
    OSError
    """
    intact = [shard for shard in shards if shard.is_intact]
    written = {_write(folder, group) for group in _group(intact)}
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    for shard in intact:
        if shard.path not in written:
            with suppress(FileNotFoundError):
                shard.path.unlink()


def _group(shards: Sequence[Shard]) -> Iterator[list[Shard]]:
    """Yield shards that become one: vectors of one width, or texts; up to `SMALL` bytes, or a shard more."""
    group, size, last = list[Shard](), 0, None
    for shard in sorted(shards, key=lambda shard: (_kind(shard), shard.path.name)):
        if group and (size >= SMALL or _kind(shard) != last):
            yield group
            group, size = [], 0
        group, size, last = [*group, shard], size + len(shard.raw), _kind(shard)
    if group:
        yield group


def _kind(shard: Shard) -> int:
    return -1 if shard.rows.dtype == np.uint8 else int(shard.rows.shape[1])


def _write(folder: Path, group: Sequence[Shard]) -> Path:
    """Write the rows of a group as one shard; where an id comes twice, the last counts, as in `Rows`."""
    width = max(shard.rows.shape[1] for shard in group)
    blanks = [((0, 0), (0, width - shard.rows.shape[1])) for shard in group]  # none for vectors
    rows = np.concatenate([np.pad(s.rows, b, constant_values=ord(" ")) for s, b in zip(group, blanks, strict=True)])
    ids = np.concatenate([shard.ids for shard in group])
    last = len(ids) - 1 - np.unique(ids[::-1], return_index=True)[1]
    return write_shard(folder, pack_rows(ids[last], rows[last]))
