"""A torch module in memory as a network: of a factory, or handed to `reprcheck.check`. Imports torch.

The module is copied at once and the copy is what runs, so that the caller's own is neither moved nor changed, and its
digest stays true. A module with timm's ``pretrained_cfg`` is normalised as that says, and resized if it insists on a
size; any other gets pixels in [0, 1] as they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from functools import cached_property
from types import ModuleType
from typing import Any

import torch

from reprcheck.digest import digest, installed
from reprcheck.errors import UserError
from reprcheck.models.failure import users_code
from reprcheck.models.identity import Identity, identity
from reprcheck.models.network import BuiltNetwork, Network
from reprcheck.models.second_build import SecondBuild
from reprcheck.models.torch.twins import reinitialised, seeded
from reprcheck.seeding import seed


class ModuleNetwork(Network):
    """A torch module in memory.

    Parameters
    ----------
    where : str
    module : torch.nn.Module
        float32[N, C, H, W] to float32[N, D].
    in_chans : int, optional
        Channels it takes; else those of its first convolution, else 3.
    arguments : mapping, optional
        What its factory was given: part of the identity.
    notes : tuple of str
    factory : module, optional
        Where it was made: part of the identity.
    again : SecondBuild, optional
        What makes it once more, to know that it is the same.
    """

    def __init__(
        self,
        where: str,
        module: torch.nn.Module,
        in_chans: int | None = None,
        arguments: Mapping[str, Any] | None = None,
        notes: tuple[str, ...] = (),
        factory: ModuleType | None = None,
        again: SecondBuild | None = None,
    ) -> None:
        self.where, self.arguments, self._notes, self.factory = where, arguments or {}, notes, factory
        self.module = _copied(module, where).cpu().eval()
        self.channels = in_chans or _first_convolution(self.module) or 3
        self._again = again
        self._twins: dict[int, ModuleNetwork] = {}

    @property
    def in_chans(self) -> int:
        """Number of channels the network takes."""
        return self.channels

    @property
    def notes(self) -> tuple[str, ...]:
        """What was not drawn honestly, for a twin."""
        return self._notes

    def identity(self) -> str:
        """Return the digest of what the module is made of, and of the factory's arguments."""
        return self._digest

    @property
    def made_of(self) -> Identity:
        """What the module is made of."""
        return self._made_of

    @cached_property
    def _made_of(self) -> Identity:
        return identity(self.module, self.where, self.factory)

    @cached_property
    def _digest(self) -> str:
        mean, std, size = _preparation(self.module, self.channels)
        libraries = installed("torch", "timm", "torchvision")
        return digest("module", libraries, self._made_of.digest, self.channels, mean, std, size, self.arguments)

    def build(self) -> BuiltNetwork:
        """Return a copy of the module; the first time only if its factory makes the same one again."""
        if self._again is not None:
            self._again.check_module(self.module)
        mean, std, size = _preparation(self.module, self.channels)
        return BuiltNetwork(_copied(self.module, self.where), mean, std, size)

    def twin(self, k: int) -> ModuleNetwork:
        """Return the ``k``-th twin: by the module's own ``untrained(seed)``, else reset module by module."""
        if k not in self._twins:
            module, notes = self._fresh(seed("twin", k))
            self._twins[k] = ModuleNetwork(self.where, module, self.channels, self.arguments, notes, self.factory)
        return self._twins[k]

    def _fresh(self, draw: int) -> tuple[torch.nn.Module, tuple[str, ...]]:
        own = getattr(self.module, "untrained", None)
        with users_code(
            self.where, "making the untrained twin", "give the module a method untrained(seed) that returns a new one"
        ):
            if not callable(own):
                return reinitialised(self.module, draw)
            with seeded(draw):
                module = own(draw)
        if not isinstance(module, torch.nn.Module):
            what = f"untrained(seed) returned {type(module).__name__}"
            raise UserError(self.where, what, "return a torch.nn.Module")
        return module, ()


def _copied(module: torch.nn.Module, where: str) -> torch.nn.Module:
    with users_code(
        where, "copying the module", "write a factory py:FILE.py:FACTORY that makes it without what can't be copied"
    ):
        return deepcopy(module)


def _first_convolution(module: torch.nn.Module) -> int | None:
    for part in module.modules():
        if isinstance(part, torch.nn.Conv2d):
            return part.in_channels
    return None


def _preparation(module: torch.nn.Module, in_chans: int) -> tuple[tuple[float, ...], tuple[float, ...], int | None]:
    """Return mean, standard deviation and the size insisted on, from timm's configuration where there is one."""
    found = getattr(module, "pretrained_cfg", None)
    cfg = found if isinstance(found, Mapping) else vars(found) if hasattr(found, "__dict__") else {}
    mean, std = _values(cfg.get("mean"), in_chans, 0.0), _values(cfg.get("std"), in_chans, 1.0)
    if not cfg.get("fixed_input_size"):
        return mean, std, None
    size = getattr(getattr(module, "patch_embed", None), "img_size", None) or cfg["input_size"][-2:]
    return mean, std, int(size[-1])


def _values(given: Any, in_chans: int, default: float) -> tuple[float, ...]:
    values = tuple(float(value) for value in given) if given else (default,)
    return values if len(values) == in_chans else (sum(values) / len(values),) * in_chans
