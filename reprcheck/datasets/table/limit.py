"""`--limit N`, and `sample = N` of a policy: a smaller task that asks the same question.

Samples, or whole units, are ranked once, by stratum (label x batch) and the digest of their name; the first stay. The
choice doesn't depend on the order of rows, a larger N includes the samples of a smaller one, and no class vanishes.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from reprcheck.digest import digest

BINS = 5
"""Quantile bins that stand for the label of a regression."""


def bin_labels(y: NDArray[np.float64], bins: int = BINS) -> NDArray[np.int64]:
    """Return the quantile bin of each value, int64[n]; ties share a bin."""
    edges = np.unique(np.quantile(y, np.linspace(0, 1, bins + 1)[1:-1]))
    return np.searchsorted(edges, y, side="left").astype(np.int64)


def cut(
    ids: NDArray[np.str_],
    labels: NDArray[np.int64],
    batches: NDArray[np.str_],
    groups: NDArray[np.str_],
    limit: int,
    sizes: NDArray[np.int64] | None = None,
) -> NDArray[np.int64]:
    """Return which samples to keep.

    Parameters
    ----------
    ids : str[n]
    labels : int64[n]
        Class codes, or bins of a regression's label.
    batches : str[n]
        Strata are label x batch, cut in proportion.
    groups : str[n]
        What folds hold out: each label keeps two of its groups.
    limit : int
        Samples to keep; more are kept where each label's two groups need it.
    sizes : int64[n], optional
        What each counts for; 1 without.

    Returns
    -------
    int64[m]
        Sorted positions; all where ``limit`` is not below their number.
    """
    sizes = np.ones(len(ids), np.int64) if sizes is None else sizes
    if limit >= sizes.sum():
        return np.arange(len(ids))
    keys = np.array([digest("limit", name) for name in ids.tolist()])
    by_key = np.argsort(keys)
    share = _rank_within_strata(labels, batches, by_key)
    tier = _assign_tiers(labels, batches, groups, by_key)
    order = np.lexsort((keys, share, tier))
    keep = max(int(np.searchsorted(np.cumsum(sizes[order]), limit, "right")), int((tier == 0).sum()))
    return np.sort(order[:keep])


def cut_units(
    units: NDArray[np.str_],
    labels: NDArray[np.int64],
    batches: NDArray[np.str_],
    groups: NDArray[np.str_],
    limit: int,
) -> NDArray[np.int64]:
    """Return which samples to keep so that every unit stays whole or goes, int64[m]; as `cut` otherwise.

    A unit's stratum is its rarest label, so that none vanishes, and the batch of its first sample.
    """
    names, first, codes, sizes = np.unique(units, return_index=True, return_inverse=True, return_counts=True)
    rank = np.argsort(np.argsort(-np.bincount(labels), kind="stable"))  # the rarest label has the highest
    label = np.zeros(len(names), np.int64)
    np.maximum.at(label, codes, rank[labels])
    kept = np.zeros(len(names), bool)
    kept[cut(names, label, batches[first], groups[first], limit, sizes)] = True
    return np.flatnonzero(kept[codes])


def _rank_within_strata(
    labels: NDArray[np.int64], batches: NDArray[np.str_], by_key: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return each sample's relative rank in its stratum, in (0, 1): taking the lowest cuts all strata in proportion."""
    share = np.empty(len(labels))
    for members in _members(_code_strata(labels, batches), by_key):
        share[members] = (np.arange(len(members)) + 0.5) / len(members)
    return share


def _assign_tiers(
    labels: NDArray[np.int64], batches: NDArray[np.str_], groups: NDArray[np.str_], by_key: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return 0 for two samples of each label, from two groups where it has them; 1 for each stratum's first; else 2."""
    tier = np.full(len(labels), 2)
    codes = _code_strata(labels, batches)
    for members in _members(labels, by_key):
        first = members[0]
        others = members[groups[members] != groups[first]]
        elsewhere = others[batches[others] != batches[first]]
        tier[[first, *elsewhere[:1]] if len(elsewhere) else [first, *others[:1]]] = 0
    unseen = by_key[~np.isin(codes[by_key], codes[tier == 0])]
    tier[unseen[np.unique(codes[unseen], return_index=True)[1]]] = 1
    return tier


def _members(codes: NDArray[np.int64], by_key: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """Return the positions that share each code, in the order of their keys."""
    ordered = by_key[np.argsort(codes[by_key], kind="stable")]
    return np.split(ordered, np.flatnonzero(np.diff(codes[ordered])) + 1)


def _code_strata(labels: NDArray[np.int64], batches: NDArray[np.str_]) -> NDArray[np.int64]:
    names, codes = np.unique(batches, return_inverse=True)
    return labels * len(names) + codes.astype(np.int64)


def find_smallest_limit(labels: NDArray[np.int64], batches: NDArray[np.str_]) -> int:
    """Return the limit that keeps a sample of every stratum, and two of every label."""
    return sum(max(2, len(np.unique(batches[labels == label]))) for label in np.unique(labels))
