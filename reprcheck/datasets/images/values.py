"""Facts of stored values, channel by channel: their type, the step between levels, their range.

They are measured when an image is decoded, since scaling, clipping and fitting lose them. An image carries its facts as
an array (`reprcheck.types.Image`), the cache stores them, and `reprcheck.confounds.values` says in sentences what they
mean for a task.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reprcheck.errors import UserError
from reprcheck.types import Image

FACTS = (
    *("kind", "bits", "step"),
    *("lowest", "dark", "bright", "highest"),
    *("low", "high", "on_card", "outside", "at_top", "uniform"),
)
"""The facts of each channel of an image, in order:

``kind``: 0 unknown (not read from a file), else the position in `KINDS`, from 1. ``bits``: of a stored value.
``step``: between neighbouring levels; 257 if 8 bits were scaled to 16, 0 if there are too few levels to find it.
``lowest``, ``highest``: of the values. ``dark``, ``bright``: their 0.1 % and 99.9 % quantiles.
``low``, ``high``: the values that become 0 and 1. ``on_card``: whether these are the card's ``value_range``.
``outside``: the share of values below ``low`` or above ``high``. ``at_top``: the share at the highest value, or at
``high`` and above. ``uniform``: whether all pixels have one value, hot ones (one, or one in 10,000) aside.
"""
KINDS = ("bool", "uint", "int", "float")
TAIL = 0.001
"""Share of values beyond which ``dark`` and ``bright`` lie on either side: hot pixels and the like."""
HOT = 1e-4
"""Share of pixels that may be hot in a blank image."""
CLIPPED = 0.01
"""Share of a channel's values that may be clipped without ``clip`` on the card."""
SATURATED = 0.25
"""A channel is saturated if at least this share of its values is at the highest possible one."""
_ENDS = [2**bits - 1 for bits in (8, 10, 12, 14, 16)]
"""Highest values of detectors."""
_ROUNDING = 1e-6
"""Share of the range by which floats may lie outside it."""
_FEW_LEVELS = 16
"""With fewer levels, a step between them may be chance."""
_SURE = 14.0
"""Levels scattered by chance keep a step with a probability below exp(-14): one in a million."""

_STORED_RANGE = {"bool": (0.0, 1.0), "uint8": (0.0, 255.0), "uint16": (0.0, 65535.0)}


@dataclass(frozen=True)
class Values:
    """The facts of several images, by name.

    Attributes
    ----------
    facts : float32[n, C, len(FACTS)]

    Examples
    --------
    >>> Values(np.zeros((5, 2, len(FACTS)), np.float32))["outside"].shape
    (5, 2)
    """

    facts: NDArray[np.float32]

    def __getitem__(self, name: str) -> NDArray[np.float32]:
        """Return one fact of each image and channel, float32[n, C]."""
        fact: NDArray[np.float32] = self.facts[..., FACTS.index(name)]
        return fact

    @property
    def blank(self) -> NDArray[np.bool_]:
        """Whether a channel has one value, hot pixels aside, below the highest possible one: bool[n, C]."""
        same: NDArray[np.bool_] = ((self["uniform"] > 0) | self.constant) & (self["bright"] < self["high"])
        return same

    @property
    def constant(self) -> NDArray[np.bool_]:
        """Whether a channel has one value only, after clipping: bool[n, C]."""
        lowest, highest = (np.clip(self[name], self["low"], self["high"]) for name in ("lowest", "highest"))
        same: NDArray[np.bool_] = lowest == highest
        return same

    @property
    def saturated(self) -> NDArray[np.bool_]:
        """Whether a large share of a channel is at the highest value of a detector or of the range: bool[n, C].

        Never so for channels of one bit.
        """
        highest = self["highest"]
        ends = (highest >= self["high"]) | (np.isin(highest, _ENDS) & (self["kind"] == KINDS.index("uint") + 1))
        full: NDArray[np.bool_] = ends & (self["at_top"] >= SATURATED) & (self["kind"] != KINDS.index("bool") + 1)
        return full

    @property
    def span(self) -> NDArray[np.float32]:
        """Share of the range between ``dark`` and ``bright``: float32[n, C]."""
        share: NDArray[np.float32] = (self["bright"] - self["dark"]) / (self["high"] - self["low"])
        return share

    @property
    def step(self) -> NDArray[np.float32]:
        """The step of each channel; where it is unknown, the commonest in images of its type. float32[n, C]."""
        step = self["step"].copy()
        for kind, bits in {(k, b) for k, b in zip(self["kind"].flat, self["bits"].flat, strict=True)}:
            mine = (self["kind"] == kind) & (self["bits"] == bits)
            steps, counts = np.unique(step[mine & (step > 0)], return_counts=True)
            step[mine & (step == 0)] = steps[counts.argmax()] if len(steps) else 1
        return step

    @property
    def depth(self) -> NDArray[np.int64]:
        """Bits that the levels of each channel need: 8 of 16 if all are multiples of 257. int64[n, C].

        If the file declares the bits of its values, they are the most.
        """
        declared = np.where(self["on_card"] == 0, np.log2(self["high"] - self["low"] + 1), np.inf)
        bits = np.where(self["kind"] == KINDS.index("uint") + 1, np.minimum(self["bits"], declared), self["bits"])
        return np.round(bits - np.log2(self.step.astype(np.float64))).astype(np.int64)

    @property
    def depths(self) -> NDArray[np.float64] | None:
        """The values of `Task.depths`: float64[n, 3], means over channels; None where all are equal or unknown."""
        facts = (self["bits"], self.depth, self["kind"])
        means = np.stack([fact.mean(axis=1) for fact in facts], axis=1).astype(np.float64)
        return means if (means != means[:1]).any() and self["kind"].all() else None


def stored_range(dtype: np.dtype[np.generic]) -> tuple[float, float] | None:
    """Return the values of a type that become 0 and 1 by default, or None if the card must give them."""
    return _STORED_RANGE.get(dtype.name)


def facts_of(image: Image) -> NDArray[np.float32]:
    """Return the facts that an image carries, else those measured from its pixels: float32[C, len(FACTS)]."""
    return image.values if image.values is not None else _measure_pixels(image.pixels)


def measure(
    stored: NDArray[np.generic],
    value_range: tuple[float, float] | None,
    dtype: np.dtype[np.generic] | None = None,
    on_card: bool = True,
) -> NDArray[np.float32]:
    """Return the facts of stored values.

    Parameters
    ----------
    stored : ndarray (C, Y, X)
        Numbers, all finite.
    value_range : (float, float) or None
        The values that become 0 and 1; None: the range of the dtype, or [0, 1].
    dtype : numpy.dtype, optional
        The dtype in the file, if ``stored`` has another.
    on_card : bool
        Whether ``value_range`` is from the card, not from the file.

    Returns
    -------
    float32[C, len(FACTS)]

    Examples
    --------
    >>> deep = np.arange(256, dtype=np.uint16).reshape(1, 16, 16) * 257
    >>> Values(measure(deep, None)[None]).depth
    array([[8]])
    """
    dtype = dtype or stored.dtype
    low, high = value_range or stored_range(dtype) or (0.0, 1.0)
    kind = {"b": 1, "u": 2, "i": 3, "f": 4}.get(dtype.kind, 0)
    bits = 1 if kind == 1 else 8 * dtype.itemsize
    rows = [(kind, bits, *_measure_plane(plane, low, high, on_card and value_range is not None)) for plane in stored]
    return np.array(rows, np.float32).reshape(len(stored), len(FACTS))


def cut(facts: NDArray[np.float32], pixels: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the facts of a window of an image: its range is measured from its pixels, the rest is the image's.

    Parameters
    ----------
    facts : float32[C, len(FACTS)]
        Of the whole image.
    pixels : float32[C, h, w]
        Of the window, scaled to [0, 1].
    """
    if not pixels.size:
        return facts
    window_facts, whole = _measure_pixels(pixels), Values(facts)
    low, width = whole["low"], whole["high"] - whole["low"]
    new_facts = facts.copy()
    for name in ("lowest", "dark", "bright", "highest"):
        new_facts[:, FACTS.index(name)] = low + width * Values(window_facts)[name]
    for name in ("at_top", "uniform"):
        new_facts[:, FACTS.index(name)] = Values(window_facts)[name]
    return new_facts


def refuse_clipping(stored: NDArray[np.generic], value_range: tuple[float, float], where: str) -> None:
    """Raise UserError where more than 1 % of a channel's values lie outside the card's range.

    Parameters
    ----------
    stored : ndarray (C, Y, X), or of any other shape for one channel
    value_range : (float, float)
    where : str
    """
    planes = stored if stored.ndim == 3 else stored[None]
    for number, plane in enumerate(planes, 1):
        share = float(np.mean(_find_outside(plane, *value_range))) if plane.size else 0.0
        if share > CLIPPED:
            of = f" of channel {number}" if len(planes) > 1 else ""
            low, high = value_range
            extremes = f"they go from {plane.min():g} to {plane.max():g}"
            raise UserError(
                where,
                f"{100 * share:.3g} % of values{of} lie outside value_range = [{low:g}, {high:g}]: {extremes}",
                "put value_range right on the card, or add clip = true to it to have them clipped",
            )


def _measure_pixels(pixels: NDArray[np.float32]) -> NDArray[np.float32]:
    facts = measure(pixels, None)
    facts[:, : FACTS.index("step")] = 0
    return facts


def _find_outside(plane: NDArray[np.generic], low: float, high: float) -> NDArray[np.bool_]:
    by = _ROUNDING * (high - low) if plane.dtype.kind == "f" else 0.0
    outside: NDArray[np.bool_] = (plane < low - by) | (plane > high + by)  # type: ignore[operator]
    return outside


def _measure_plane(plane: NDArray[np.generic], low: float, high: float, on_card: bool) -> tuple[float, ...]:
    """Return the facts of one channel from ``step`` on."""
    levels, counts = _count_levels(plane)
    total = counts.sum()
    if not total:
        return (0, low, low, low, low, low, high, on_card, 0, 0, 1)
    upto = np.cumsum(counts)
    dark, bright = (levels[np.searchsorted(upto, q * total)] for q in (TAIL, 1 - TAIL))
    top = counts[levels >= min(levels[-1], high)].sum() / total
    outside = counts[_find_outside(levels, low, high)].sum() / total if on_card else 0
    uniform = total - counts.max() <= max(1, HOT * total)
    return (_find_step(levels), levels[0], dark, bright, levels[-1], low, high, on_card, outside, top, uniform)


def _count_levels(plane: NDArray[np.generic]) -> tuple[NDArray[np.generic], NDArray[np.int64]]:
    """Return the distinct values of a plane, sorted, and how often each occurs."""
    if plane.dtype.kind == "b":
        plane = plane.astype(np.uint8)
    if plane.dtype.kind == "u" and plane.dtype.itemsize <= 2 and plane.size >= 2**14:
        counts = np.bincount(plane.ravel())
        levels = np.flatnonzero(counts)
        return levels, counts[levels]
    levels, counts = np.unique(plane, return_counts=True)
    return levels, counts


def _find_step(levels: NDArray[np.generic]) -> float:
    """Return the step between whole numbers: their common divisor, or a gap too wide to be chance."""
    if levels.dtype.kind not in "ui":
        return 1.0
    if len(levels) < _FEW_LEVELS:
        return 0.0
    gaps = np.diff(levels.astype(np.int64))
    divisor, least = int(np.gcd.reduce(gaps)), int(gaps.min())
    by_chance = len(levels) ** 2 * (least - 1) / int(gaps.sum())  # minus the log of how probable it is
    return float(max(divisor, least if by_chance > _SURE else 1))
