"""A model's embedding beside the untrained families that saw the same images, and which of these can be compared."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from reprcheck.embed.engine import Block
from reprcheck.stats.collapse import INDISTINCT, SEPARATE, collapse, separation

Family = tuple[Block, ...]
"""Draws of one kind of reference that differ in their seed alone; a single reference is a family of one."""


@dataclass(frozen=True)
class Contestants:
    """The model's embedding and the untrained families that saw the same images.

    Attributes
    ----------
    embedding : Block
    untrained : mapping of str to Family
    units : str[n] or None
        Of the samples, where `separation` is wanted.
    notes : tuple of str
        What must be reported of how the untrained families were made.
    """

    embedding: Block
    untrained: Mapping[str, Family]
    units: NDArray[np.str_] | None = None
    notes: tuple[str, ...] = ()

    @cached_property
    def problem(self) -> str | None:
        """What is wrong with the model's embedding, if anything; see `collapse`."""
        return collapse(self.embedding.vectors)

    @cached_property
    def separation(self) -> Mapping[str, float]:
        """How well each untrained encoder tells samples of one unit from others; see `separation`."""
        if self.units is None:
            return {}
        aurocs = {name: separation(block.vectors, self.units) for name, block in self._draws.items()}
        return {name: auroc for name, auroc in aurocs.items() if auroc is not None}

    @cached_property
    def collapsed(self) -> Mapping[str, str]:
        """Untrained encoders that can't tell images apart, easy opponents all, and what is wrong with each.

        An encoder that doesn't tell units apart counts as collapsed where another untrained one clearly does.
        """
        problems = {name: collapse(block.vectors) for name, block in self._draws.items()}
        if max(self.separation.values(), default=0.0) >= SEPARATE:
            problems |= {name: problems[name] or "indistinct" for name, a in self.separation.items() if a < INDISTINCT}
        return {name: problem for name, problem in problems.items() if problem}

    @property
    def _draws(self) -> Mapping[str, Block]:
        return {f"{name}-{k}": block for name, family in self.untrained.items() for k, block in enumerate(family)}

    @cached_property
    def opponents(self) -> Mapping[str, Family]:
        """The untrained families without their collapsed members."""
        families = {
            name: tuple(block for k, block in enumerate(family) if f"{name}-{k}" not in self.collapsed)
            for name, family in self.untrained.items()
        }
        return {name: family for name, family in families.items() if family}

    def mapped(self, take: Callable[[Block], Block], units: NDArray[np.str_] | None = None) -> Contestants:
        """Return the same contestants with other blocks, such as those of one task, of samples in these units."""
        untrained = {name: tuple(take(block) for block in family) for name, family in self.untrained.items()}
        return Contestants(take(self.embedding), untrained, units, self.notes)
