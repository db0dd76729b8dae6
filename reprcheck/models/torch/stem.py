"""Change a network's first layer to take another number of channels. Imports torch."""

from __future__ import annotations

import torch
from torch import nn

from reprcheck.errors import UserError


def change_stem(module: nn.Module, before: int, after: int, where: str) -> None:
    """Make the first convolution that takes ``before`` channels take ``after``, in place.

    Its weights for the old channels are repeated in their order as often as is needed, and divided by how many channels
    there are more, so that sums keep their size; as timm does for other numbers of channels than three.

    Parameters
    ----------
    module : torch.nn.Module
    before, after : int
    where : str
        What an error names.

    Raises
    ------
    UserError
        For a network without such a convolution, or one that takes channels apart.
    """
    first = next((name for name, layer in module.named_modules() if _takes(layer, before)), None)
    if first is None:
        what = f"channels=stem, but {type(module).__name__} has no convolution of {before} channels"
        raise UserError(where, what, "write channels=replicate")
    layer, parent = module.get_submodule(first), module.get_submodule(first.rpartition(".")[0])
    assert isinstance(layer, nn.Conv2d)
    order = torch.arange(after) % before
    with torch.no_grad():
        layer.weight = nn.Parameter(layer.weight[:, order] * (before / after), requires_grad=False)
    layer.in_channels = after
    if getattr(parent, "num_channels", None) == before:  # which transformers compares with its images
        parent.num_channels = after  # type: ignore[assignment]


def _takes(layer: nn.Module, channels: int) -> bool:
    return isinstance(layer, nn.Conv2d) and layer.in_channels == channels and layer.groups == 1
