"""Sentences on images' stored values: blank, saturated and clipped images, ranges, bit depths.

The facts are those of `reprcheck.datasets.images.values`. Each kind is reported once, with its count, an example and
the number of each class: what is found in one class only gives that class away. Bit depth is scored as well, as image
size is.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from reprcheck.confounds.design import list_names
from reprcheck.datasets.images.values import KINDS, Values
from reprcheck.types import Task

NARROW = 0.02
"""A channel whose values span less of the range than this is one grey to a network."""
NEARLY_BLANK = 0.02
"""An image that spans less than this share of what the dataset's images do in the median shows nothing."""
UNUSED = 0.25
"""Where no value exceeds this share of its type's range, the camera had fewer bits than the type."""
SATURATED = "{are} saturated, with a quarter or more of a channel's values at the highest there is"
ALONE = 0.25
"""All images in question are of one class where chance would have them so no more often than this."""
UNLIKELY = 0.01
"""Classes differ where chance would rarely give one as many of the images in question."""


def describe_values(task: Task, values: Values, channels: Sequence[str], names: Sequence[str]) -> list[str]:
    """Return the sentences on a task's images.

    Parameters
    ----------
    task : Task
    values : Values
        Of the task's samples, in its channels.
    channels : sequence of str
        Names of these channels.
    names : sequence of str
        Ids of the samples, for people.
    """
    blank = values.blank
    return [
        *_blank(task, values, channels, names),
        *_describe(task, np.asarray(values.saturated.any(axis=1)), names, SATURATED),
        *_outside(task, values, names),
        *_ranges(values, blank, channels),
        *_depths(task, values, names),
    ]


def _blank(task: Task, values: Values, channels: Sequence[str], names: Sequence[str]) -> list[str]:
    """Return sentences on blank images, blank channels of others, and images that are nearly blank."""
    blank = values.blank
    whole = np.asarray(blank.all(axis=1))
    sentences = _describe(task, whole, names, "{are} blank, one value throughout")
    spans = [values.span[~blank[:, c], c] for c in range(len(channels))]
    usual = np.array([np.median(span) if span.size else 0.0 for span in spans])
    lit = ~whole & ~values.saturated.any(axis=1)
    dim = np.asarray(lit & (np.where(blank, 0, values.span) < NEARLY_BLANK * usual).all(axis=1))
    sentences += _describe(
        task, dim, names, "{are} nearly blank, with less than 2 % of the contrast that is usual here"
    )
    counts = {}
    for c, channel in enumerate(channels):
        mine = np.asarray(blank[:, c] & ~whole)
        if _given_away(task, mine, among=len(channels)):
            sentences += _describe(task, mine, names, f"{{are}} blank in channel {channel}")
        elif mine.any():
            counts[channel] = int(mine.sum())
    if counts:
        by_count = sorted(counts.items(), key=lambda one: -one[1])
        examples = list_names(f"{name} in {count} of {len(names)}" for name, count in by_count)
        sentences.append(f"Values: channels that are blank in some images: {examples}.")
    return sentences


def _outside(task: Task, values: Values, names: Sequence[str]) -> list[str]:
    outside = values["outside"]
    mine = outside.max(axis=1) > 0
    if not mine.any():
        return []
    low, high = values["low"].min(), values["high"].max()
    span = f"{values['lowest'][mine].min():g} to {values['highest'][mine].max():g}"
    what = f"{{have}} values outside value_range = [{low:g}, {high:g}], which are clipped: they go from {span}, "
    return _describe(task, mine, names, f"{what}{_percent(outside.max())} of a channel at most")


def _ranges(values: Values, blank: NDArray[np.bool_], channels: Sequence[str]) -> list[str]:
    """Return sentences on channels that are nearly one grey, and types that are wider than their values."""
    width = values["high"] - values["low"]
    darkest = np.where(blank, np.inf, (values["dark"] - values["low"]) / width).min(axis=0)
    brightest = np.where(blank, -np.inf, (values["bright"] - values["low"]) / width).max(axis=0)
    narrow = [c for c in range(len(channels)) if 0 <= brightest[c] - darkest[c] < NARROW]
    if narrow:
        narrow_channels = list_names(f"{channels[c]} ({_percent(brightest[c] - darkest[c])})" for c in narrow)
        span = "spans" if len(narrow) == 1 else "span"
        whose = "value_range" if values["on_card"].all() else "the range of the type"
        remedy = "narrow value_range" if values["on_card"].all() else "set value_range"
        what = f"channel{'' if len(narrow) == 1 else 's'} {narrow_channels} {span} less than 2 % of {whose}"
        return [f"Values: {what}, one grey to a network: {remedy} on the card if it is wider than it need be."]
    sentences = []
    unsaid = (values["on_card"] == 0) & (values["kind"] == KINDS.index("uint") + 1)
    for white in np.unique(values["high"][unsaid]).astype(int).tolist():
        mine = unsaid & (values["high"] == white)
        highest, bits = int(values["highest"][mine].max()), int(values["bits"][mine].max())
        if 0 < highest <= UNUSED * white:
            used = highest.bit_length()
            sentences.append(
                f"Values: none of uint{bits} exceeds {highest}, {used} bits, and {white} becomes 1: set "
                f"value_range = [0, {2**used - 1}] on the card if that is what the camera gives."
            )
    return sentences


def _depths(task: Task, values: Values, names: Sequence[str]) -> list[str]:
    """Return a sentence where images are stored in several ways, or all with fewer levels than their type has."""
    if not values["kind"].all():
        return []
    ways = np.array([" and ".join(dict.fromkeys(map(_way, *row))) for row in _rows(values)])
    different, index, counts = np.unique(ways, return_inverse=True, return_counts=True)
    if len(different) > 1:
        order = np.argsort(-counts, kind="stable")
        parts = (f"{counts[w]} as {different[w]} ({names[int(np.argmax(index == w))]}" for w in order)
        examples = list_names(
            f"{part}{', ' + of if (of := _classes(task, index == w)) else ''})"
            for part, w in zip(parts, order, strict=True)
        )
        return [f"Values: images are stored in {len(different)} ways: {examples}."]
    if (values.step > 1).any():
        step = np.unique(values.step)
        apart = f"{step[0]:g}" if len(step) == 1 else f"{step[0]:g} to {step[-1]:g}"
        return [f"Values: all images are {different[0]}: neighbouring levels lie {apart} apart."]
    return []


def _rows(values: Values) -> list[tuple[list[int], list[int], list[int]]]:
    kind, bits, depth = values["kind"].astype(int), values["bits"].astype(int), values.depth
    return list(zip(kind.tolist(), bits.tolist(), depth.tolist(), strict=True))


def _way(kind: int, bits: int, depth: int) -> str:
    name = KINDS[kind - 1] + ("" if kind == 1 else str(bits))
    return name if depth >= bits else f"{name} of {depth} bits"


def _describe(task: Task, mine: NDArray[np.bool_], names: Sequence[str], what: str) -> list[str]:
    """Return a sentence on some of a task's images, none where there are none; ``what`` has {are} or {have} for a verb.

    Examples
    --------
    "Confound: 8 of 48 images (such as s006) are blank, one value throughout: 8 of 24 taxol."
    """
    count = int(mine.sum())
    if not count:
        return []
    for many, verb in (("are", "is"), ("have", "has")):
        what = what.replace(f"{{{many}}}", verb if count == 1 else many)
    classes = _classes(task, mine)
    if count == len(mine) > 1:
        return [f"Values: all {count} images {what}."]
    example = f"{'' if count == 1 else 'such as '}{names[int(np.argmax(mine))]}"
    opening = "Confound" if _given_away(task, mine) else "Values"
    return [f"{opening}: {count} of {len(mine)} images ({example}) {what}{': ' + classes if classes else ''}."]


def _classes(task: Task, mine: NDArray[np.bool_]) -> str:
    """Return the number of these images in each class, the largest share first."""
    if not task.classes or mine.all():
        return ""
    sizes, counts = _by_class(task, mine)
    some = sorted(np.flatnonzero(counts), key=lambda c: -counts[c] / sizes[c])
    return list_names(f"{counts[c]} of {sizes[c]} {task.classes[c]}" for c in some)


def _given_away(task: Task, mine: NDArray[np.bool_], among: int = 1) -> bool:
    """Return whether one class has more of these images than chance would give it, corrected for ``among`` kinds.

    Of a single kind it is enough that one class has all of them, unless most images are of that class.
    """
    if not task.classes or mine.all() or not mine.any():
        return False
    from scipy.stats import hypergeom  # half a second, which a run without such images doesn't need

    sizes, counts = _by_class(task, mine)
    n = int(mine.sum())
    by_chance = np.asarray(hypergeom.sf(counts - 1, len(mine), n, sizes))
    alone = among == 1 and bool((by_chance[counts == n] <= ALONE).any())
    return alone or bool(by_chance.min() * len(task.classes) * among <= UNLIKELY)


def _by_class(task: Task, mine: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    of_all, of_mine = (np.bincount(codes, minlength=len(task.classes)) for codes in (task.y, task.y[mine]))
    return of_all.astype(np.int64), of_mine.astype(np.int64)


def _percent(share: float) -> str:
    return f"{100 * share:.{2 if share < 0.99 else 3}g} %"
