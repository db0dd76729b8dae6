"""Build timm's networks: draw or load the weights, and read how their images are prepared. Imports torch and timm."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import timm
import timm.layers
import torch

from reprcheck.errors import UserError, did_you_mean
from reprcheck.models.failure import because
from reprcheck.models.network import BuiltNetwork
from reprcheck.models.spec import Option
from reprcheck.models.torch import checkpoint
from reprcheck.models.torch.twins import seeded

PATCH = 16
"""Side in pixels of the plain ViT's patches."""


@dataclass(frozen=True)
class Blueprint:
    """A network of timm without weights.

    Attributes
    ----------
    where : str
        What an error names.
    name : str
        timm's name, with or without a tag; or the folder that it is stored in.
    in_chans : int
    size : int or None
        Side in pixels, for the architectures that are built for one.
    keywords : mapping of str to bool, int, float or str
        Of the architecture, as a SPEC has them.
    """

    where: str
    name: str
    in_chans: int
    size: int | None
    keywords: Mapping[str, Option] = field(default_factory=dict)


def build(network: Blueprint, file: Path | None, draw: int | None, prefix: str = "") -> BuiltNetwork:
    """Return a network of timm, with the weights of a file, of a draw from a seed, or else timm's own.

    Raises
    ------
    UserError
        For an unknown name, weights that can't be downloaded, a checkpoint that doesn't fit, or options that timm
        refuses.
    """
    cfg = configuration(network.name, network.where)
    if file:
        module = _loaded(network, cfg, file, prefix)
    elif draw is None:
        module = _downloaded(network, cfg)
    else:
        module = _drawn(network, cfg, network.size, draw)
    return _prepared(network, module, cfg)


def build_stored(network: Blueprint, draw: int | None) -> BuiltNetwork:
    """Return a network of timm that is stored in a folder, with its weights or a draw from a seed.

    Raises
    ------
    UserError
        For files that timm can't read, or that don't fit each other.
    """
    name = f"local-dir:{network.name}"
    options = _keywords(network)
    try:
        with seeded(0 if draw is None else draw):
            cfg = _create(name, network.in_chans, **options).pretrained_cfg
            assert isinstance(cfg, dict)
            if network.size and cfg.get("fixed_input_size"):
                options["img_size"] = network.size
        with seeded(0 if draw is None else draw):
            module = _create(name, network.in_chans, pretrained=draw is None, **options)
    except Exception as error:
        remedy = "check its files, and the keywords"
        raise UserError(network.where, f"timm raised {because(error)}", remedy) from None
    return _prepared(network, module, SimpleNamespace(**{"fixed_input_size": False, **cfg}))


def build_plain(network: Blueprint, seed: int, **options: Any) -> BuiltNetwork:
    """Return a plain untrained network, its weights drawn from ``seed``; ``options`` are timm's, of its architecture.

    A ViT takes sizes in multiples of its patch: another size is brought to the nearest. Without a size the dataset
    gives it, and the position embedding is interpolated to it, as timm does.
    """
    size = network.size
    vit = network.name.startswith("vit_")
    if vit and size:
        size = max(PATCH, round(size / PATCH) * PATCH)
        options["img_size"] = size
    elif vit:
        options.update(dynamic_img_size=True, dynamic_img_pad=True)
    with seeded(seed):
        module = _create(network.name, network.in_chans, **options)
    half = (0.5,) * network.in_chans
    return BuiltNetwork(module, half, half, size)


def configuration(name: str, where: str) -> Any:
    """Return timm's configuration of a name. Raises UserError for a name or a tag that timm doesn't know."""
    architecture, _, tag = name.partition(".")
    if not timm.is_model(architecture):
        close = get_close_matches(architecture, timm.list_models(), n=1)
        remedy = f"did you mean timm:{close[0]}?" if close else "timm.list_models() names what it has"
        raise UserError(where, f"timm has no model {name!r}", remedy)
    try:
        return timm.get_pretrained_cfg(name)
    except Exception:
        tags = [known.partition(".")[2] for known in timm.list_pretrained(f"{architecture}.*")]
        raise UserError(where, f"timm has no tag {tag!r} of {architecture}", f"tags: {', '.join(tags)}") from None


def insisted(cfg: Any) -> int | None:
    """Return the side in pixels that an architecture insists on, or None."""
    return int(cfg.input_size[-1]) if cfg.fixed_input_size else None


def _prepared(network: Blueprint, module: torch.nn.Module, cfg: Any) -> BuiltNetwork:
    mean, std = (_per_channel(getattr(cfg, key), network.in_chans) for key in ("mean", "std"))
    return BuiltNetwork(module, mean, std, network.size or insisted(cfg))


def _keywords(network: Blueprint) -> dict[str, Any]:
    """Return the keywords of an architecture as timm takes them: numbers, tuples, and classes by their names."""
    return {key: _keyword(key, value, network.where) for key, value in network.keywords.items()}


def _keyword(key: str, value: Option, where: str) -> Any:
    if not isinstance(value, str):
        return value
    if re.fullmatch(r"-?[\d.]+(e[+-]?\d+)?", value):
        return float(value)
    if re.fullmatch(r"\d+(,\d+)+", value):
        return tuple(map(int, value.split(",")))
    if not value[:1].isupper():
        return value
    every = {name: found for library in (torch.nn, timm.layers) for name, found in vars(library).items()}
    classes = {name: found for name, found in every.items() if _is_layer(found)}
    if value not in classes:
        raise UserError(where, f"{key}={value} is no class of timm.layers or torch.nn", did_you_mean(value, classes))
    return classes[value]


def _is_layer(thing: object) -> bool:
    kind = thing.func if isinstance(thing, partial) else thing
    return isinstance(kind, type) and issubclass(kind, torch.nn.Module)


def _create(name: str, in_chans: int, pretrained: bool = False, **options: Any) -> torch.nn.Module:
    module = timm.create_model(name, pretrained=pretrained, num_classes=0, in_chans=in_chans, **options)
    assert isinstance(module, torch.nn.Module)
    return module


def _drawn(network: Blueprint, cfg: Any, size: int | None, draw: int) -> torch.nn.Module:
    options = _keywords(network) | ({"img_size": size} if size and cfg.fixed_input_size else {})
    try:
        with seeded(draw):
            return _create(network.name, network.in_chans, **options)
    except Exception as error:
        raise UserError(network.where, f"timm raised {because(error)}", "change the options") from None


def _downloaded(network: Blueprint, cfg: Any) -> torch.nn.Module:
    options = _keywords(network) | ({"img_size": network.size} if network.size and cfg.fixed_input_size else {})
    try:
        return _create(network.name, network.in_chans, pretrained=True, **options)
    except Exception as error:
        raise UserError(
            network.where,
            f"timm's weights of {network.name} can't be had: {because(error)}",
            "go online, or add ?pretrained=false&checkpoint=FILE",
        ) from None


def _loaded(network: Blueprint, cfg: Any, file: Path, prefix: str) -> torch.nn.Module:
    module = _drawn(network, cfg, network.size, 0)
    tensors = checkpoint.below(checkpoint.read(file), prefix, module, file)
    tensors = checkpoint.without(tensors, cfg.classifier)
    if network.size and cfg.fixed_input_size and checkpoint.misfits(module, tensors):
        native = _drawn(network, cfg, None, 0)  # the checkpoint may be of timm's own size: resample its positions
        resample = getattr(native, "set_input_size", None)
        if callable(resample) and not checkpoint.misfits(native, tensors):
            checkpoint.load(native, tensors, file, network.name)
            resample(img_size=(network.size, network.size))
            return native
    checkpoint.load(module, tensors, file, network.name)
    return module


def _per_channel(values: tuple[float, ...], in_chans: int) -> tuple[float, ...]:
    """Return a value per channel; their mean for each, where the network was made for another number of channels."""
    values = tuple(float(value) for value in values)
    return values if len(values) == in_chans else (sum(values) / len(values),) * in_chans
