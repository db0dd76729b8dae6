"""Rows of one key of the cache, by id: those of its shards stay in their files until they are asked for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reprcheck.embed.shards import Shard, UnusableShard, report

Places = NDArray[np.int64]


class Rows(Mapping[str, NDArray[Any]]):
    """Rows by id.

    A shard is checked when the first row of it is looked for; one that is damaged is set aside, and its rows aren't
    here. Where an id is in several shards, the last by name counts.

    Parameters
    ----------
    shards : sequence of Shard
        Of vectors, whose width is that of the images' channels; or of texts, padded within each shard.
    """

    def __init__(self, shards: Sequence[Shard]) -> None:
        self._index(shards)

    def _index(self, shards: Sequence[Shard]) -> None:
        self._shards = list(shards)
        ids = np.concatenate([np.empty(0, "S1"), *(shard.ids for shard in shards)])
        order = np.argsort(ids, kind="stable")
        counts = [len(shard.ids) for shard in shards]
        self._ids = ids[order]
        self._shard = np.repeat(np.arange(len(shards)), counts)[order]
        self._row = np.concatenate([np.empty(0, np.int64), *map(np.arange, counts)])[order]

    def __len__(self) -> int:
        return len(set(self))

    def __iter__(self) -> Iterator[str]:
        for shard in list(self._shards):
            self._check(shard)
        return iter(dict.fromkeys(row_id.decode() for row_id in self._ids.tolist()))

    def __contains__(self, row_id: object) -> bool:
        return isinstance(row_id, str) and bool(self._find([row_id])[0] >= 0)

    def __getitem__(self, row_id: str) -> NDArray[Any]:
        if row_id not in self:
            raise KeyError(row_id)
        return next(rows[0] for _, rows in self.parts([row_id]))

    def width(self, ids: Sequence[str]) -> int | None:
        """Return how many numbers the rows of some ids have; None where none of them is here."""
        here = self._shard[(at := self._find(ids))[at >= 0]]
        return int(self._shards[int(here[0])].rows.shape[1]) if len(here) else None

    def has(self, ids: Sequence[str]) -> NDArray[np.bool_]:
        """Return which of some ids are here, bool[n]."""
        return self._find(ids) >= 0

    def parts(self, ids: Sequence[str]) -> Iterator[tuple[Places, NDArray[Any]]]:
        """Yield the rows of those ids that are here, a shard at a time: positions in ``ids``, and their rows."""
        at = self._find(ids)
        here = np.flatnonzero(at >= 0)
        numbers = self._shard[at[here]]
        by_shard = np.argsort(numbers, kind="stable")
        for places in np.split(here[by_shard], np.flatnonzero(np.diff(numbers[by_shard])) + 1):
            if len(places):
                shard = self._shards[int(self._shard[at[places[0]]])]
                yield places, np.asarray(shard.rows)[self._row[at[places]]]

    def stack(self, ids: Sequence[str]) -> NDArray[Any]:
        """Return rows in the order of ``ids``, [n, D].

        Raises
        ------
        KeyError
            For an id that isn't here.
        """
        stacked, n_found = np.empty((0, 0), np.float32), 0
        for places, rows in self.parts(ids):
            if not n_found:
                stacked = np.empty((len(ids), rows.shape[1]), rows.dtype)
            stacked[places] = rows
            n_found += len(places)
        if n_found < len(ids):
            raise KeyError(ids[int(np.argmin(self.has(ids)))])
        return stacked

    def _find(self, ids: Sequence[str]) -> Places:
        """Return the place of each id in the index, -1 for one that isn't in an intact shard."""
        wanted = np.array([row_id.encode() for row_id in ids], np.bytes_)
        order, at = np.argsort(wanted, kind="stable"), np.empty(len(ids), np.int64)
        while len(self._ids):
            at[order] = np.searchsorted(self._ids, wanted[order], side="right") - 1  # thrice as fast as out of order
            at[(at < 0) | (self._ids[at] != wanted)] = -1
            used = Counter(self._shard[at[at >= 0]].tolist())
            shards = {self._shards[number]: count for number, count in used.items()}
            if all(map(self._check, shards)) and self._are_alike(shards):
                return at
        return np.full(len(ids), -1)

    def _are_alike(self, used: Mapping[Shard, int]) -> bool:
        """Return whether vectors asked for together have one width; shards of a rarer one are left out."""
        widths = Counter[int]()
        for shard, count in used.items():
            widths[shard.rows.shape[1]] += count
        if len(widths) < 2 or next(iter(used)).rows.dtype == np.uint8:
            return True
        usual = widths.most_common(1)[0][0]
        others = [shard for shard in used if shard.rows.shape[1] != usual]
        for shard in others:
            why = f"its vectors have {shard.rows.shape[1]} numbers, where others have {usual}"
            report(shard.path, UnusableShard(why, intact=True))
        self._index([shard for shard in self._shards if shard not in others])
        return False

    def _check(self, shard: Shard) -> bool:
        """Return whether a shard is intact; one that isn't is set aside."""
        if not shard.is_intact:
            report(shard.path, UnusableShard("damaged"))
            self._index([other for other in self._shards if other is not shard])
        return shard.is_intact
