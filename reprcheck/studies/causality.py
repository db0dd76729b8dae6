"""What each cause touches, measured: each is changed alone, in fields that stay the same in everything else.

The judges are the features of the baselines `Intensity` and `Structure`, and a few that know which pixel belongs to
which cell. What should come out is in `touches`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import combinations, pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from reprcheck.baselines.intensity import channel_statistics, feature_names
from reprcheck.baselines.structure.features import measure_objects
from reprcheck.baselines.structure.spatial import delaunay_edges
from reprcheck.datasets.simulate.amounts import rank_within
from reprcheck.datasets.simulate.placement import Cells
from reprcheck.datasets.simulate.simulation import Simulation
from reprcheck.datasets.simulate.touches import TOUCHES, Family, Relation, families
from reprcheck.errors import UserError
from reprcheck.seeding import rng
from reprcheck.types import Image

NEGLIGIBLE = 0.2
"""Effects below it, in standard deviations between fields, are let pass: Cohen's (1988) small effect."""

ALPHA = 0.01
"""Error rate of the bounds, over all features of a family at once."""

FLIPS = 999
"""Draws of random signs."""

_OF_STRUCTURE: Mapping[str, Family] = {
    **dict.fromkeys(("count", "coverage"), "count"),
    **dict.fromkeys(("area", "diameter"), "size"),
    **dict.fromkeys(("eccentricity", "solidity", "extent", "form_factor", "orientation"), "shape"),
    **dict.fromkeys(("axis_major", "axis_minor", "perimeter"), "shape"),
}
"""Families of structural features, by the first part of their names; all others are of the layout."""

Floats = NDArray[np.float64]
Features = dict[Family, dict[str, float]]
"""Family, then name, then value."""


@dataclass(frozen=True)
class CauseEffect:
    """What a cause did to a family of features.

    Attributes
    ----------
    cause : str
    family : str
    relation : {"changes", "may", "never"}
        What was meant.
    effect : float
        Of the feature that moved most surely: mean difference between two classes, in the same fields, over the
        standard deviation between fields.
    low : float
        What that effect is at least, all features of the family and pairs of classes considered; at least 0.
    feature : str
        Its name; "" where no feature moved at all.
    """

    cause: str
    family: Family
    relation: Relation
    effect: float
    low: float
    feature: str

    @property
    def seen(self) -> bool:
        """Whether there is an effect beyond chance."""
        return self.low > 0

    @property
    def forbidden(self) -> bool:
        """Whether the cause touches what it must not."""
        return self.relation == "never" and self.low > NEGLIGIBLE


def causality(
    simulation: Simulation, fields: int = 48, advance: Callable[[int], None] = lambda _: None
) -> tuple[CauseEffect, ...]:
    """Measure what each planted cause touches.

    Parameters
    ----------
    simulation : Simulation
        Its plan says which causes, at which effects: without one, all of the simulator at effect 1. Compounds aside.
    fields : int
        Number of units of which one field is looked at, at least 8; fewer where there are fewer.
    advance : callable
        Told how many fields were looked at since last time.

    Returns
    -------
    tuple of Touch
        Cause by cause, family by family. Bounds come from the largest t statistic under random signs of the fields'
        differences (Westfall and Young 1993).

    Raises
    ------
    UserError
        For fewer than 8 fields.

    Examples
    --------
    >>> found = causality(Culture(), fields=8)  # doctest: +SKIP
    >>> [(one.cause, one.family) for one in found if one.forbidden]  # doctest: +SKIP
    []
    """
    table = simulation.table().drop_duplicates("unit")
    if min(fields, len(table)) < 8:
        raise UserError(f"fields={fields}", "too few to show an effect beyond chance", "use 8 or more, one to a unit")
    chosen = np.sort(rng("causality", simulation.seed).permutation(len(table))[:fields])
    rows = [{str(k): str(v) for k, v in row.items()} for row in table.iloc[chosen].to_dict("records")]
    planted = simulation.planted
    found: dict[tuple[str, str], list[Features]] = {}
    for row in rows:
        as_it_is = features(*simulation.scene(row))
        for cause, classes in planted.items():
            for name in classes:
                changed = features(*simulation.scene({**row, cause: name})) if row[cause] != name else as_it_is
                found.setdefault((cause, name), []).append(changed)
        advance(1)
    return tuple(
        _judge(cause, family, TOUCHES[simulation.name][cause].relation(family), [found[cause, c] for c in classes])
        for cause, classes in planted.items()
        for family in families(simulation.name)
    )


def features(image: Image, cells: Cells) -> Features:
    """Return the features of one field."""
    assert image.mask is not None
    intensity = np.concatenate([channel_statistics(channel) for channel in image.pixels])
    found: Features = {"intensity": dict(zip(feature_names("012"), intensity.tolist(), strict=True))}
    for name, value in measure_objects(image.mask).items():
        found.setdefault(_OF_STRUCTURE.get(name.split(".")[0], "layout"), {})[name] = value
    stained = cells.depth > -1.5
    zones = (image.mask > 0, stained, stained)
    means = np.stack([_per_cell(channel, cells, where) for channel, where in zip(image.pixels, zones, strict=True)])
    average = {f"{channel}.mean": float(value) for channel, value in enumerate(np.nanmean(means, axis=1))}
    found["per cell"] = average | {f"{channel}.sd": float(v) for channel, v in enumerate(np.nanstd(means, axis=1))}
    found["placement"] = _placement(image.pixels[1], cells, stained)
    found["sides"] = _sides(image, cells, stained)
    found["texture"] = _texture(image.pixels[2], cells, stained)
    found["company"] = _company(means[2], cells)
    return found


def _per_cell(values: NDArray[np.float32], cells: Cells, where: NDArray[np.bool_]) -> Floats:
    """Return the mean of ``values`` in each cell; not a number where it has no such pixels."""
    own, n = cells.own[where], len(cells.centres)
    size = np.bincount(own, minlength=n)
    total = np.bincount(own, values[where].astype(float), n)
    mean: Floats = np.divide(total, size, out=np.full(n, np.nan), where=size > 0)
    return mean


def _placement(values: NDArray[np.float32], cells: Cells, stained: NDArray[np.bool_]) -> dict[str, float]:
    """Return the mean rank, within its cell, of what lies in each zone."""
    rank = rank_within(values.astype(float), cells.own, stained)
    nucleus, rim = stained & (cells.nuclear < 0.8), stained & (cells.depth < 2.5)
    zones = {"nucleus": nucleus, "rim": rim, "cytoplasm": stained & ~nucleus & ~rim}
    return {name: float(rank[zone].mean()) for name, zone in zones.items()}


def _sides(image: Image, cells: Cells, stained: NDArray[np.bool_]) -> dict[str, float]:
    """Return the mean cosine, over cells, of the angle between where DNA and the second channel lean to."""
    assert image.mask is not None
    leanings = []
    for values, where in ((image.pixels[0], image.mask > 0), (image.pixels[1], stained)):
        n, own = len(cells.centres), cells.own[where]
        rank = rank_within(values.astype(float), cells.own, where)[where] - 0.5
        offset = np.argwhere(where) - cells.centres[own]
        leanings.append([np.bincount(own, rank * offset[:, axis], n) for axis in (0, 1)])
    dna, other = np.array(leanings)
    lengths = np.hypot(*dna) * np.hypot(*other)
    known = lengths > 0
    return {"cosine": float(np.mean((dna * other).sum(0)[known] / lengths[known]))}


def _texture(values: NDArray[np.float32], cells: Cells, stained: NDArray[np.bool_]) -> dict[str, float]:
    """Return the share of the variance of ranks within cells at each scale."""
    rank = rank_within(values.astype(float), cells.own, stained)
    smooth = [gaussian_filter(rank, scale) for scale in (0.7, 1.4, 2.8, 5.6)]
    bands = np.array([np.var((fine - coarse)[stained]) for fine, coarse in pairwise(smooth)])
    return {f"band{k}": float(share) for k, share in enumerate(bands / bands.sum())}


def _company(means: Floats, cells: Cells) -> dict[str, float]:
    """Return the correlation between neighbours' intensities (Moran's I over the Delaunay triangulation)."""
    deviation = np.nan_to_num(np.log(means) - np.nanmean(np.log(means)))
    a, b = delaunay_edges(cells.centres).T
    return {"neighbours": float(np.mean(deviation[a] * deviation[b]) / np.mean(deviation**2))}


def _judge(cause: str, family: Family, relation: Relation, classes: list[list[Features]]) -> CauseEffect:
    """Compare every pair of classes, field by field."""
    names = list(classes[0][0][family])
    values = np.array([[[field[family][name] for name in names] for field in fields] for fields in classes])
    pairs = list(combinations(range(len(classes)), 2))
    difference = np.concatenate([values[b] - values[a] for a, b in pairs], axis=1)
    spread = np.concatenate([np.sqrt((values[a].var(0) + values[b].var(0)) / 2) for a, b in pairs])
    moved = np.abs(difference).max(0) > 1e-9
    if not moved.any():
        return CauseEffect(cause, family, relation, 0.0, 0.0, "")
    difference, spread = difference[:, moved], np.maximum(spread[moved], 1e-9)
    n = len(difference)
    square = np.square(difference).sum(0)

    def t(mean: Floats) -> Floats:
        """Return t from means, given that signs leave the sum of squares as it is."""
        return np.asarray(mean / np.sqrt(np.maximum(square - n * mean**2, 1e-12 * square) / (n * (n - 1))))

    signs = rng("causality/signs", cause, family).choice([-1.0, 1.0], (FLIPS, n))
    critical = np.quantile(np.abs(t(signs @ difference / n)).max(1), 1 - ALPHA)
    mean = difference.mean(0)
    effect, certainty = np.abs(mean) / spread, np.abs(t(mean))
    low = effect * np.maximum(1 - critical / np.maximum(certainty, 1e-12), 0)
    k = int(low.argmax() if low.max() > 0 else certainty.argmax())
    feature = [name for _ in pairs for name in names][int(np.flatnonzero(moved)[k])]
    return CauseEffect(cause, family, relation, float(effect[k]), float(low[k]), feature)
