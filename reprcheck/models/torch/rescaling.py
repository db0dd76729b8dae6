"""Untrained networks whose signal fades or explodes from layer to layer, rescaled until each passes it on.

A module's own initialisation needs the normalisation between layers. Where that was folded into the convolutions for
inference, or never was, the differences between images shrink from layer to layer until biases outweigh them and
float32 has few values left for them, or grow until they overflow. So each layer's weights are divided by the standard
deviation of what they make of some unlabelled images, in the order in which layers run: the layer-sequential
unit-variance initialisation of Mishkin and Matas (2016, arXiv 1511.06422), without its orthogonal matrices and its
iterations. Nothing is trained.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn
from torch.nn.modules.conv import _ConvNd


@contextmanager
def rescaling(module: nn.Module) -> Iterator[list[nn.Module]]:
    """Rescale each convolution and linear layer when it first runs, inside; the value lists those that have.

    The standard deviation is that over images and positions, within each output channel, and its root mean square over
    channels: what biases add differs between channels, not between images, and isn't signal. Weights that aren't
    parameters of the layer itself (normalised weights, a scripted graph's) stay as they are, as do those of a layer
    whose output doesn't vary.
    """
    done: list[nn.Module] = []

    def rescale(layer: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any) -> Any:
        if layer in done or not isinstance(output, torch.Tensor):
            return None
        done.append(layer)
        spread = _spread(layer, output)
        if not (spread > 0 and torch.isfinite(spread)):
            return None
        weight = layer.weight
        assert isinstance(weight, torch.Tensor)
        weight.div_(spread.to(weight.dtype))
        return layer.forward(*args, **kwargs)

    hooks = [layer.register_forward_hook(rescale, with_kwargs=True) for layer in weight_layers(module)]
    try:
        yield done
    finally:
        for hook in hooks:
            hook.remove()


def weight_layers(module: nn.Module) -> list[nn.Module]:
    """Return the layers that can be rescaled: convolutions and linear ones with weights of their own."""
    return [part for part in module.modules() if isinstance(part, _ConvNd | nn.Linear) and "weight" in part._parameters]


def _spread(layer: nn.Module, output: torch.Tensor) -> torch.Tensor:
    """Return the root mean square, over output channels, of the standard deviation over all else."""
    values = output.double()
    where = 1 if isinstance(layer, _ConvNd) and values.ndim == layer.weight.ndim else -1
    values = values.movedim(where, 0).flatten(1)
    return values.var(1, correction=0).mean().sqrt()
