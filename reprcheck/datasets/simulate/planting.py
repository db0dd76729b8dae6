"""What a user plants: the causes that are labels, those that vary beside them, and those that follow something else.

A `Plan` names causes and effect sizes; `deal` turns it into the class of every cause for every unit. Labels are
crossed; each nuisance and each confound has a random stream of its own, so that adding or reordering them changes no
other.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from reprcheck.datasets.simulate.design import cross
from reprcheck.datasets.simulate.factors import CauseLevel, Factors
from reprcheck.errors import UserError, did_you_mean
from reprcheck.seeding import rng

NEUTRAL = CauseLevel("", 0.0)
"""The level of a cause that isn't planted."""


@dataclass(frozen=True)
class Compounds:
    """Perturbations in a series of doses: each compound moves some causes to a class, the further the more of it.

    Attributes
    ----------
    moves : mapping of str to float
        Causes that compounds may move, and the effect that each nears as the dose rises. Which compound moves which of
        them, and to which class, is drawn; no two compounds do the same.
    count : int
        Number of compounds, ``c1`` and so on.
    doses : tuple of float
        Every compound comes in each; at 0 it does nothing.
    half : float
        Dose of half the effect.
    steepness : float
        Hill coefficient.
    """

    moves: Mapping[str, float]
    count: int = 4
    doses: tuple[float, ...] = (0.0, 0.1, 0.3, 1.0)
    half: float = 0.2
    steepness: float = 1.5

    @property
    def names(self) -> tuple[str, ...]:
        """The compounds."""
        return tuple(f"c{k + 1}" for k in range(self.count))

    def response(self, dose: float) -> float:
        """Return the share of the effect at a dose, by Hill's equation."""
        powered = dose**self.steepness
        return float(powered / (powered + self.half**self.steepness))

    def signatures(self, factors: Factors, seed: Any) -> dict[str, dict[str, str]]:
        """Return for every compound the class that it moves each cause to, "" for causes that it leaves alone."""
        names = sorted(self.moves)
        choices = [signature for signature in product(*(("", *factors[name]) for name in names)) if any(signature)]
        if self.count > len(choices):
            raise UserError(
                "Compounds.count",
                f"{self.count} compounds, and {', '.join(names)} can be moved in {len(choices)} ways",
                "name more causes in moves, or plant fewer compounds",
            )
        order = rng("simulate/compounds", seed).permutation(len(choices))[: self.count]
        return {name: dict(zip(names, choices[k], strict=True)) for name, k in zip(self.names, order, strict=True)}


@dataclass(frozen=True)
class Plan:
    """The causes to plant, their roles and effects; a cause that isn't named has no effect.

    Effects are at least 0: at 0 the classes of a cause look alike, at 1 they differ as in the embedded sets.

    Attributes
    ----------
    label : mapping of str to float
        Causes to ask about and their effects: each is a task. They are crossed with each other in every batch.
    nuisance : mapping of str to float
        Causes that vary at random between units, whatever the labels are, and their effects.
    confound : mapping of str to (str, float) or (str, float, float)
        Causes that go with something else: another cause that is a label or a nuisance, ``"compound"``, ``"well"`` (the
        columns of the plate) or ``"batch"``; the share of units, in [0, 1], whose class is the other's (counted through
        where the numbers of classes differ), the rest being dealt at random; and the effect, by default 1. A label may
        be confounded, too: its effect is the label's.
    compounds : Compounds, optional
        Tasks ``compound`` and ``dose``; crossed with the labels.

    Examples
    --------
    >>> shortcut = Plan(label={"texture": 1.0}, nuisance={"shape": 0.5}, confound={"count": ("texture", 0.8)})
    >>> shortcut.effects
    {'count': 1.0, 'shape': 0.5, 'texture': 1.0}
    """

    label: Mapping[str, float] = field(default_factory=dict)
    nuisance: Mapping[str, float] = field(default_factory=dict)
    confound: Mapping[str, tuple[str, float] | tuple[str, float, float]] = field(default_factory=dict)
    compounds: Compounds | None = None

    @property
    def effects(self) -> dict[str, float]:
        """Cause to effect, compounds aside; sorted."""
        tied = {name: tie[2] if len(tie) > 2 else 1.0 for name, tie in self.confound.items()}
        return dict(sorted({**tied, **self.nuisance, **self.label}.items()))

    def level(self, cause: str, row: Mapping[str, str]) -> CauseLevel:
        """Return how far a row of the table moves a cause."""
        effect = self.effects.get(cause, 0.0)
        if self.compounds and cause in self.compounds.moves:
            effect = self.compounds.moves[cause] * self.compounds.response(float(row["dose"]))
        return CauseLevel(row[cause], effect) if effect and row[cause] else NEUTRAL

    def check(self, simulator: str, factors: Factors, plate: bool) -> None:
        """Raise UserError for what can't be planted in a simulator with these causes, with or without a plate."""
        if not self.label and not self.compounds:
            raise UserError("Plan", "nothing to ask: no label and no compounds", 'add label={"texture": 1.0}')
        roles: dict[str, str] = {}
        for role, cause, effect in self._roles():
            where = f"Plan.{role}"
            if cause not in factors:
                raise UserError(where, f"{simulator} has no cause {cause!r}", did_you_mean(cause, factors))
            if not (np.isfinite(effect) and effect >= 0):
                raise UserError(where, f"the effect of {cause}, {effect!r}, isn't a number of at least 0", "use 1.0")
            if cause in roles and (roles[cause], role) != ("label", "confound"):
                raise UserError(where, f"{cause} is planted as {roles[cause]} too", "plant it once")
            roles[cause] = role
        doses = self.compounds.doses if self.compounds else (0.0,)
        if 0 not in doses or min(doses) < 0 or len({f"{dose:g}" for dose in doses}) < len(doses):
            raise UserError("Compounds.doses", f"{doses} aren't 0, the control, and doses above it", "use (0, 0.1, 1)")
        sources = {*self.label, *self.nuisance} - {*self.confound} | {"batch"}
        sources |= {"well"} if plate else set()
        sources |= {"compound"} if self.compounds else set()
        for cause, (source, share, *_) in self.confound.items():
            if source not in sources:
                raise UserError(f"Plan.confound {cause}", f"can't go with {source!r}", did_you_mean(source, sources))
            if not 0 <= share <= 1:
                raise UserError(f"Plan.confound {cause}", f"{share!r} isn't a share of units", "use 0 to 1")

    def _roles(self) -> Iterator[tuple[str, str, float]]:
        yield from (("label", cause, effect) for cause, effect in self.label.items())
        yield from (("nuisance", cause, effect) for cause, effect in self.nuisance.items())
        yield from (("confound", cause, self.effects[cause]) for cause in self.confound)
        if self.compounds:
            yield from (("compounds", cause, effect) for cause, effect in self.compounds.moves.items())


def deal(plan: Plan, factors: Factors, batches: int, units: int, columns: NDArray[np.int64], seed: Any) -> pd.DataFrame:
    """Return the class of every planted cause for every unit of every batch.

    Parameters
    ----------
    plan : Plan
    factors : mapping of str to tuple of str
        The simulator's causes.
    batches, units : int
        Number of batches, and of units in each. A multiple of the number of combinations of labels, compounds and doses
        is exactly balanced.
    columns : int64[batches * units]
        Column of the plate that each unit lies in; not used where nothing goes with it.
    seed : int, str or nested sequence of these

    Returns
    -------
    pandas.DataFrame
        As from `design.cross`: integer columns ``batch`` and ``unit``, then causes by name, ``compound`` and ``dose``.
    """
    crossed = {cause: factors[cause] for cause in sorted(plan.label) if cause not in plan.confound}
    if plan.compounds:
        crossed |= {"compound": plan.compounds.names, "dose": tuple(f"{dose:g}" for dose in plan.compounds.doses)}
    table = cross(crossed, {}, batches, units, seed)

    def dealt(purpose: str, cause: str) -> NDArray[np.int64]:
        """Return the numbers of each batch's units in random order."""
        orders = [rng(f"simulate/{purpose}", seed, cause, batch).permutation(units) for batch in range(batches)]
        return np.concatenate(orders)

    for cause in sorted(plan.nuisance):
        table[cause] = np.array(factors[cause])[dealt("deal", cause) % len(factors[cause])]
    for cause in sorted(plan.confound):
        source, share = plan.confound[cause][:2]
        code = columns if source == "well" else np.unique(table[source], return_inverse=True)[1]
        codes = np.where(dealt("tie", cause) < share * units, code, dealt("deal", cause))
        table[cause] = np.array(factors[cause])[codes % len(factors[cause])]
    if plan.compounds:
        signatures = plan.compounds.signatures(factors, seed)
        for cause in sorted(plan.compounds.moves):
            table[cause] = [signatures[compound][cause] for compound in table["compound"]]
    first, last = ["batch", "unit"], [name for name in ("compound", "dose") if name in table]
    return table[[*first, *sorted(cause for cause in factors if cause in table), *last]]
