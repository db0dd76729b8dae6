"""Finds each sample's row in a file of vectors: by its id, exactly as written, or by the order of the table.

Ids that differ in their spelling alone are never matched: what they differ by is told, and how to mend it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from reprcheck.errors import UserError, did_you_mean
from reprcheck.models.vectors.stored import IDS, INDEX, NO_IDS, VectorTable, bare, few, shown, wrong
from reprcheck.types import Dataset


@dataclass(frozen=True)
class Rows:
    """Where the samples are.

    Attributes
    ----------
    positions : int64[m]
        Row in the file of each sample asked for.
    label : str or None
        What they were found by; None for the order of the table.
    others : int
        Rows of other samples.
    """

    positions: NDArray[np.int64]
    label: str | None
    others: int

    @property
    def sentence(self) -> str:
        """How the rows were found, for a scorecard's note."""
        if self.label is None:
            return "rows in the order of the table"
        beside = f", {self.others} rows of other samples left out" if self.others else ""
        return f"rows by sample id ({self.label}){beside}"


@dataclass(frozen=True)
class _Difference:
    """A way in which two spellings of an id differ: what makes them one, its name, and what to do."""

    name: str
    plain: Callable[[str], str]
    remedy: str


def _stem(path: str) -> str:
    return re.sub(r"(\.ome)?\.[A-Za-z][A-Za-z0-9]{1,4}$", "", path)


DIFFERENCES = (
    _Difference("spaces", lambda i: "".join(i.split()), "strip them"),
    _Difference("upper and lower case", str.casefold, "write them as the table does"),
    _Difference(
        "Unicode form (NFC, NFD)", lambda i: unicodedata.normalize("NFC", i), "write both as NFC: unicodedata.normalize"
    ),
    _Difference("a decimal point", lambda i: re.sub(r"\.0+$", "", i), "write whole numbers: astype(int)"),
    _Difference("leading zeros", lambda i: re.sub(r"(?<!\d)0+(?=\d)", "", i), "keep them as text: dtype=str"),
    _Difference("a folder", lambda i: re.split(r"[/\\]", i)[-1], "write the ids of the table, not paths"),
    _Difference("a file's suffix", _stem, "write the ids of the table, not file names"),
    _Difference("separators", lambda i: re.sub(r"[-_./\\: ]+", "_", i), "write them as the table does"),
)


def locate(path: Path, stored: VectorTable, dataset: Dataset, wanted: NDArray[np.int64], ids: str | None) -> Rows:
    """Return where the wanted samples are in a file.

    Parameters
    ----------
    path : Path
    stored : Stored
    dataset : Dataset
    wanted : int64[m]
        Positions in ``dataset.ids``.
    ids : str or None
        The label that holds the ids, or `NO_IDS`, where the user says so. Else the label that bears the name of the
        dataset's own column of ids, or one of `IDS`; the index, where it is text; or text that holds every id.

    Raises
    ------
    UserError
        Where there are no ids and the rows are in no known order, a sample is missing or there twice, or two labels
        disagree.
    """
    if ids == NO_IDS:
        return _in_order(path, stored, dataset, wanted)
    if ids is not None:
        if ids not in stored.labels:
            raise wrong(path, f"has no {shown(ids)} to hold ids", did_you_mean(ids, stored.labels))
        return _by_label(path, stored, dataset, wanted, [ids])
    if known := _known(stored, dataset.key):
        return _by_label(path, stored, dataset, wanted, known)
    names = dataset.ids[wanted]
    distinct = [name for name in stored.text if len(set(stored.labels[name].tolist())) == len(stored.values) > 1]
    complete = [name for name in distinct if np.isin(names, stored.labels[name]).all()]
    if complete:
        return _by_label(path, stored, dataset, wanted, complete)
    if stored.in_order and not distinct:
        return _in_order(path, stored, dataset, wanted)
    because = f" ({stored.note})" if stored.note else ""
    if distinct:
        what = f"has no sample ids that I know{because}, though {shown(distinct[0])} may be: "
        what += f"{few(stored.labels[distinct[0]])}, where {dataset.name} has {few(names)}"
        raise wrong(path, what, f"say ?ids={distinct[0]}, or ?ids={NO_IDS} where rows are in the order of the table")
    what = f"has no sample ids{because}; {dataset.name} has {few(names)}"
    remedy = f"add them as a column {dataset.key}, or say ?ids={NO_IDS} where rows are in the order of the table"
    raise wrong(path, what, remedy)


def _known(stored: VectorTable, key: str) -> list[str]:
    """Return the labels that hold ids by their names, the dataset's own name for them before all others."""
    if key in stored.labels:
        return [key]
    found = [name for wanted in (bare(key), *IDS) for name in stored.labels if bare(name) == wanted]
    return list(dict.fromkeys([*found, *([INDEX] if INDEX in stored.text else [])]))


def _by_label(path: Path, stored: VectorTable, dataset: Dataset, wanted: NDArray[np.int64], labels: list[str]) -> Rows:
    names = dataset.ids[wanted]
    found = {label: pd.Index(stored.labels[label]) for label in labels}
    at = {label: index.drop_duplicates().get_indexer(pd.Index(names)) for label, index in found.items()}
    complete = [label for label in labels if (at[label] >= 0).all()]
    label = complete[0] if complete else max(labels, key=lambda label: int((at[label] >= 0).sum()))
    index = found[label]
    twice = np.unique(index[index.duplicated() & index.isin(names)].to_numpy(dtype=str))
    if len(twice):
        what = f"has {len(twice)} samples more than once, by {label}: {few(twice)}"
        if len(twice) == 1:
            what = f"has sample {shown(twice[0])} {int((index == twice[0]).sum())} times, by {label}"
        raise wrong(path, what, "keep one row per sample, such as the mean of its rows")
    if not complete:
        raise _missing(path, dataset, names, stored.labels[label], label)
    positions = index.get_indexer_for(pd.Index(names)).astype(np.int64)
    for other in complete[1:]:
        if found[other].has_duplicates or (found[other].get_indexer(pd.Index(names)) != positions).any():
            what = f"{label} and {other} both hold every sample id, and disagree"
            raise wrong(path, what, f"say ?ids={label} or ?ids={other}")
    return Rows(positions, label, len(index) - int(np.isin(stored.labels[label], dataset.ids).sum()))


def _missing(path: Path, dataset: Dataset, names: NDArray[np.str_], held: NDArray[np.str_], label: str) -> UserError:
    """Return the mistake of samples without a row: ids of both sides, and what they seem to differ by."""
    missing, samples = names[~np.isin(names, held)], set(dataset.ids.tolist())
    spare = [name for name in dict.fromkeys(held.tolist()) if name not in samples]
    what = f"lacks {len(missing)} of {len(names)} samples of {dataset.name}: {few(missing)}"
    what += f"; its {label} holds {few(spare or held)}" + ("" if spare else ", all of them samples")
    differences, pairs = _spelling(missing.tolist(), spare)
    if not pairs:
        return wrong(path, what, f"write one row per sample, its id as in column {dataset.key} of the table")
    here, there = next(iter(pairs.items()))
    by = " and ".join(difference.name for difference in differences)
    what += f"; {len(pairs)} differ by {by} alone, as {shown(here)} here and {shown(there)} in the table"
    return wrong(path, what, "; ".join(dict.fromkeys(difference.remedy for difference in differences)))


def _spelling(missing: list[str], spare: list[str]) -> tuple[tuple[_Difference, ...], dict[str, str]]:
    """Return the fewest differences that, taken away, find a row of its own for most samples; and (file's id: sample).

    Nothing, where they find fewer than half, or make two ids one.
    """
    best: tuple[tuple[_Difference, ...], dict[str, str]] = (), {}
    fewest = (min(len(missing), len(spare)) + 1) // 2
    for many in range(1, 4):
        for differences in combinations(DIFFERENCES, many):
            theirs, ours = _plain(spare, differences), _plain(missing, differences)
            shared = [key for key in ours if key in theirs]
            if len(shared) < max(fewest, len(best[1]) + 1) or any(len(theirs[k]) + len(ours[k]) > 2 for k in shared):
                continue
            best = differences, {theirs[key][0]: ours[key][0] for key in shared}
        if len(best[1]) == min(len(missing), len(spare)):
            break
    return best


def _plain(names: list[str], differences: tuple[_Difference, ...]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name in names:
        key = name
        for difference in differences:
            key = difference.plain(key)
        found.setdefault(key, []).append(name)
    return found


def _in_order(path: Path, stored: VectorTable, dataset: Dataset, wanted: NDArray[np.int64]) -> Rows:
    rows, n = int(dataset.table_row.max()) + 1, len(stored.values)
    if n == rows:
        return Rows(dataset.table_row[wanted], None, 0)
    what = f"has {n} rows; the table of {dataset.name} has {rows}"
    if stored.values.shape[1] == rows:
        raise wrong(path, what, f"it has {rows} columns: transpose it")
    if len(wanted) < rows:
        what += f" ({len(wanted)} are judged)"
    raise wrong(path, what, "save one vector per row of the table, in its order, or beside ids")
