"""Confounds between label, unit, batch and position: named in the notes, refused where they leave no honest fold.

A class found in one batch only can't be separated from that batch. With folds that hold a batch (or unit) out, such a
design has no answer at all, so it is an error before a single image is decoded.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reprcheck.datasets.card.problems import report
from reprcheck.datasets.card.tasks import Holdout
from reprcheck.datasets.table.plate import PlatePosition, place
from reprcheck.errors import UserError, Words
from reprcheck.registry import PROTOCOLS

SHOWN = 3
"""Names listed in a sentence before the rest is counted."""


def list_names(names: Iterable[str]) -> str:
    """Return names as a list for a sentence, the first few in full.

    Examples
    --------
    >>> list_names(["a", "b", "c", "d", "e"])
    'a, b, c and 2 more'
    """
    names = [str(name) for name in names]
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more


def notes(
    y: NDArray[np.int64] | None,
    classes: tuple[str, ...],
    units: NDArray[np.str_],
    batches: NDArray[np.str_],
    positions: NDArray[np.str_] | None = None,
    test: NDArray[np.bool_] | None = None,
) -> tuple[str, ...]:
    """Return a sentence for each kind of confound.

    Parameters
    ----------
    y : int64[n] or None
        Class codes; None for a regression.
    classes : tuple of str
    units, batches : str[n]
    positions : str[n], optional
        Blank where not known.
    test : bool[n], optional
        The samples judged, of a fixed split.
    """
    sentences = []
    batch_names = np.unique(batches)
    if y is not None and len(batch_names) > 1:
        counts = _crosstab(y, len(classes), batches)
        nested = [f"{classes[c]} ({batch_names[counts[c] > 0][0]})" for c in np.flatnonzero((counts > 0).sum(1) == 1)]
        if nested:
            sentences.append(f"Confound: classes found in one batch only: {list_names(nested)}.")
        single = [
            f"{batch_names[b]} ({classes[int(counts[:, b].argmax())]})"
            for b in np.flatnonzero((counts > 0).sum(0) == 1)
        ]
        if single:
            sentences.append(f"Confound: batches with one class only: {list_names(single)}.")
    if shared := _shared_units(units, batches):
        sentences.append(f"Confound: units found in several batches: {list_names(shared)}.")
    if test is not None and (both := np.intersect1d(units[test], units[~test])).size:
        judged = f"{np.isin(units[test], both).sum()} of {test.sum()} judged samples"
        sentences.append(
            f"Confound: {_units(len(both))} on both sides of the split, with {judged}: {list_names(both)}."
        )
    if y is not None and positions is not None:
        sentences.extend(_nested_in_position(y, classes, units, positions))
    return tuple(sentences)


def _units(n: int) -> str:
    return "1 unit lies" if n == 1 else f"{n} units lie"


def _nested_in_position(
    y: NDArray[np.int64], classes: tuple[str, ...], units: NDArray[np.str_], positions: NDArray[np.str_]
) -> list[str]:
    """Return a sentence each for rows, columns and other places, where classes have some to themselves.

    A class counts only where its units share places, two or more to each: where each unit has its own place, so has
    each class, whatever the design. Nor does a class count where the place of a sample is unknown.
    """
    names, index = np.unique(positions, return_inverse=True)
    places = [place(str(name)) for name in names]
    sentences = []
    for name_of in (_row, _column, _other):
        at = np.array([name_of(p) for p in places])[index]
        own = {c: sorted(set(at[y == c].tolist())) for c in range(len(classes)) if (at[y == c] != "").all()}
        own = {
            c: theirs
            for c, theirs in own.items()
            if not np.isin(at[y != c], theirs).any() and len(np.unique(units[y == c])) >= 2 * len(theirs)
        }
        if own:
            classes_named = list_names(f"{classes[c]} ({list_names(theirs)})" for c, theirs in own.items())
            whose = "each class lies in its own positions" if len(own) == len(classes) else "classes with own positions"
            sentences.append(f"Confound: {whose}: {classes_named}.")
    return sentences


def _row(at: PlatePosition) -> str:
    return f"row {at.letters}" if at.row is not None else ""


def _column(at: PlatePosition) -> str:
    return f"column {at.column}" if at.column is not None else ""


def _other(at: PlatePosition) -> str:
    return at.other


def refuse(
    y: NDArray[np.int64] | None,
    classes: tuple[str, ...],
    units: NDArray[np.str_],
    batches: NDArray[np.str_],
    *,
    holdout: Holdout | None,
    test: NDArray[np.bool_] | None = None,
    where: str,
    remedy: Words | None = None,
) -> None:
    """Report, as a UserError, a design that leaves no fold that could be both learned from and tested on.

    Parameters
    ----------
    y : int64[n] or None
        Class codes; None for a regression.
    classes : tuple of str
    units, batches : str[n]
    holdout : {"batch", "unit"} or None
        None is folds over units, and is treated as "unit".
    test : bool[n], optional
        The samples judged, of a fixed split, which has no folds.
    where : str
        Opens the message.
    remedy : str or tuple of str, optional
        In place of the one that fits the confound.
    """
    if test is not None:
        return _refuse_split(y, classes, units, test, where, remedy)
    groups, word = (batches, "batch") if holdout == "batch" else (units, "unit")
    names = np.unique(groups)
    rule = f'holdout = "{word}"' if holdout else "folds over units"
    if len(names) < 2:
        what = f"all samples are in one {word} ({names[0]}), and {rule} needs two or more"
        within = ', or use holdout = "unit": verdicts then cover this batch alone' if word == "batch" else ""
        raise UserError(where, what, remedy or f"add samples of another {word}{within}")
    if y is None:
        return
    counts = _crosstab(y, len(classes), groups)
    for c in np.flatnonzero((counts > 0).sum(1) == 1):
        only = names[counts[c] > 0][0]
        what = f"class {classes[c]} is found in one {word} only ({only}), so {rule} can't both learn and test it"
        report(UserError(where, what, remedy or f"exclude the class, or add it in another {word}"))
    if word == "unit":
        return
    single = np.flatnonzero((counts > 0).sum(0) == 1)
    if len(single) == len(names) and not ((counts > 0).sum(1) == 1).any():
        what = "every batch has one class only, so holding one out tests no contrast"
        way_out = "add other classes to the batches, or name the column as unit, where labels belong to its values"
        report(UserError(where, what, remedy or way_out))
        return
    for b in single:
        only = classes[int(counts[:, b].argmax())]
        what = f"batch {names[b]} has one class only ({only}), so holding it out tests no contrast"
        report(UserError(where, what, remedy or "leave the batch out by `where`, or add other classes to it"))


def refuse_matching(
    protocol: Any,
    y: NDArray[np.int64],
    classes: tuple[str, ...],
    units: NDArray[np.str_],
    batches: NDArray[np.str_],
    *,
    where: str,
    by_batch: str,
    remedy: Words | None = None,
) -> None:
    """Report, as a UserError, classes without samples to match in another unit, or in another unit and batch.

    Parameters
    ----------
    protocol : reprcheck.protocols.Protocol
        One that matches.
    y : int64[n]
        Class codes.
    classes : tuple of str
    units, batches : str[n]
    where, by_batch : str
        Opens the message: ``where`` if units are at fault, ``by_batch`` if batches are.
    remedy : str or tuple of str, optional
        In place of the one that fits.
    """
    names, counts = np.unique(units), _crosstab(y, len(classes), units)
    for c in np.flatnonzero((counts > 0).sum(1) == 1):
        only = names[counts[c] > 0][0]
        what = f"class {classes[c]} is found in one unit only ({only}), so {protocol.id} has nothing to match it with"
        report(UserError(where, what, remedy or "exclude the class, or add it in another unit"))
    if "batch" not in protocol.outside or (counts > 0).sum(1).min() == 1:
        return
    spread = (_crosstab(y, len(classes), batches) > 0).sum(1)
    if len(np.unique(batches)) < 2:
        what = f"all samples are in one batch ({batches[0]}), and {protocol.id} matches across batches"
        within = next(name for name, other in PROTOCOLS.things() if other.outside == ("unit",))
        way_out = f"add samples of other batches, or ask by {within}"
    elif spread.max() < 2:
        what = f"no class is found in two batches, so {protocol.id} has nothing to match across batches"
        way_out = "add classes in other batches"
    else:
        return
    report(UserError(by_batch, what, remedy or way_out))


def _refuse_split(
    y: NDArray[np.int64] | None,
    classes: tuple[str, ...],
    units: NDArray[np.str_],
    test: NDArray[np.bool_],
    where: str,
    remedy: Words | None,
) -> None:
    if len(np.unique(units[test])) < 2:
        what = f"all judged samples are of one unit ({units[test][0]}), and an interval needs two or more"
        raise UserError(where, what, remedy or "judge samples of another unit too")
    if y is None:
        return
    for c in range(len(classes)):
        for side, other, verb in ((test, "judged", "learn"), (~test, "trained on", "test")):
            if not (y[~side] == c).any():
                what = f"class {classes[c]} is {other} only, so the split can't {verb} it"
                report(UserError(where, what, remedy or "exclude the class, or split otherwise"))


def _crosstab(y: NDArray[np.int64], n_classes: int, groups: NDArray[np.str_]) -> NDArray[np.int64]:
    """Return counts int64[classes, groups], groups sorted by name."""
    names, codes = np.unique(groups, return_inverse=True)
    return np.bincount(y * len(names) + codes, minlength=n_classes * len(names)).reshape(n_classes, len(names))


def _shared_units(units: NDArray[np.str_], batches: NDArray[np.str_]) -> list[str]:
    names, codes = np.unique(units, return_inverse=True)
    batch_codes = np.unique(batches, return_inverse=True)[1]
    pairs = np.unique(np.stack([codes, batch_codes]), axis=1)
    return [str(name) for name in names[np.bincount(pairs[0], minlength=len(names)) > 1]]
