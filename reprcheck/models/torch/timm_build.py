"""Build timm's networks: draw or load the weights, and read how their images are prepared. Imports torch and timm."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import timm
import torch

from reprcheck.errors import UserError
from reprcheck.models.failure import because
from reprcheck.models.network import BuiltNetwork
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
        timm's name, with or without a tag.
    in_chans : int
    size : int or None
        Side in pixels, for the architectures that are built for one.
    """

    where: str
    name: str
    in_chans: int
    size: int | None


def build(network: Blueprint, file: Path | None, draw: int | None) -> BuiltNetwork:
    """Return a network of timm, with the weights of a file, of a draw from a seed, or else timm's own.

    Raises
    ------
    UserError
        For an unknown name, weights that can't be downloaded, a checkpoint that doesn't fit, or options that timm
        refuses.
    """
    cfg = configuration(network.name, network.where)
    if file:
        module = _loaded(network, cfg, file)
    elif draw is None:
        module = _downloaded(network, cfg)
    else:
        module = _drawn(network, cfg, network.size, draw)
    mean, std = (_per_channel(getattr(cfg, key), network.in_chans) for key in ("mean", "std"))
    return BuiltNetwork(module, mean, std, network.size or insisted(cfg))


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


def _create(name: str, in_chans: int, pretrained: bool = False, **options: Any) -> torch.nn.Module:
    module = timm.create_model(name, pretrained=pretrained, num_classes=0, in_chans=in_chans, **options)
    assert isinstance(module, torch.nn.Module)
    return module


def _drawn(network: Blueprint, cfg: Any, size: int | None, draw: int) -> torch.nn.Module:
    options: dict[str, Any] = {"img_size": size} if size and cfg.fixed_input_size else {}
    try:
        with seeded(draw):
            return _create(network.name, network.in_chans, **options)
    except Exception as error:
        raise UserError(network.where, f"timm raised {because(error)}", "change the options") from None


def _downloaded(network: Blueprint, cfg: Any) -> torch.nn.Module:
    options: dict[str, Any] = {"img_size": network.size} if network.size and cfg.fixed_input_size else {}
    try:
        return _create(network.name, network.in_chans, pretrained=True, **options)
    except Exception as error:
        raise UserError(
            network.where,
            f"timm's weights of {network.name} can't be had: {because(error)}",
            "go online, or add ?pretrained=false&checkpoint=FILE",
        ) from None


def _loaded(network: Blueprint, cfg: Any, file: Path) -> torch.nn.Module:
    tensors = checkpoint.read(file)
    tensors = checkpoint.without(tensors, cfg.classifier)
    module = _drawn(network, cfg, network.size, 0)
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
