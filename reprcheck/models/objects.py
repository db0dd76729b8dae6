"""From an object to its model: a torch module, an encoder, or a callable on numpy arrays."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

from reprcheck.digest import digest
from reprcheck.errors import UserError
from reprcheck.models.functions import CallableModel, EncoderModel, is_encoder
from reprcheck.models.identity import code_identity, identity
from reprcheck.models.model import Model
from reprcheck.models.network_model import NetworkModel
from reprcheck.models.preprocessing import Preprocessing
from reprcheck.models.readout import Readout
from reprcheck.models.second_build import SecondBuild


@dataclass(frozen=True)
class Origin:
    """Where an object comes from, and what was asked for.

    Attributes
    ----------
    spec, name, where : str
    feed : Preprocessing
    readout : Readout
        What is taken from a torch module.
    again : SecondBuild or None
        What makes it once more.
    in_chans : int or None
    factory : module or None
        The module whose factory made it; None for an object that came without one.
    arguments : mapping
        What the factory was given; a file by the digest of its bytes.
    fixed : tuple of str
        Options given that only a torch module can follow, and that the factory didn't take.
    """

    spec: str
    name: str
    where: str
    feed: Preprocessing = field(default_factory=Preprocessing)
    in_chans: int | None = None
    factory: ModuleType | None = None
    arguments: Mapping[str, Any] = field(default_factory=dict)
    fixed: tuple[str, ...] = ()
    readout: Readout = field(default_factory=Readout)
    again: SecondBuild | None = None


def model_of(thing: Any, origin: Origin) -> Model:
    """Return the model of an object.

    Raises
    ------
    UserError
        For an object that is none of the three, or options that it can't follow.
    """
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(thing, torch.nn.Module) and not is_encoder(thing):
        from reprcheck.models.torch.module import ModuleNetwork

        network = ModuleNetwork(
            origin.where, thing, origin.in_chans, origin.arguments, factory=origin.factory, again=origin.again
        )
        return NetworkModel(origin.spec, origin.name, network, origin.feed, origin.readout)
    if not is_encoder(thing) and (not callable(thing) or isinstance(thing, type)):
        raise UserError(
            origin.where,
            f"{_described(thing)} is no model",
            "give a torch.nn.Module, a callable float32[N, C, H, W] -> [N, D], or an object with encode and digest",
        )
    if origin.fixed:
        what = f"{' and '.join(origin.fixed)} can be asked of a torch module only, not of a {type(thing).__name__}"
        raise UserError(origin.where, what, "prepare the images inside the model")
    if origin.feed.channels == "stem":
        raise UserError(origin.where, "channels=stem changes a layer of a torch module", "write channels=replicate")
    asked = (origin.in_chans, origin.feed.channels, origin.feed.roles)
    if is_encoder(thing):
        code = code_identity(thing, origin.where, origin.factory)
        return EncoderModel(
            origin.spec, origin.name, origin.where, thing, digest(code.digest, origin.arguments), *asked
        )
    made_of = identity(thing, origin.where, origin.factory)
    told = digest(made_of.digest, origin.arguments)
    return CallableModel(
        origin.spec, origin.name, origin.where, thing, told, *asked, made_of=made_of, again=origin.again
    )


def _described(thing: object) -> str:
    return f"the class {thing.__name__}" if isinstance(thing, type) else f"a {type(thing).__name__}"
