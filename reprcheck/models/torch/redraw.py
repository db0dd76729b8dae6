"""Weights of a compiled graph drawn afresh, tensor by tensor, from what each is used for.

A graph has no layers that could reset themselves, only operators and the tensors they take. So the weights of
convolutions and linear layers are drawn from a normal distribution of variance 1 / fan-in; tables, positions and tokens
from one of standard deviation 0.02; what is added becomes 0, what is multiplied 1, and running statistics mean 0 and
variance 1. Then noise is shown to the graph once, and each layer's weights are divided by the spread of what they make
of it, in the order in which layers run (the layer-sequential unit-variance initialisation of Mishkin and Matas, 2016):
where normalisation was folded into the weights nothing else would keep activations at the order of magnitude that a
trained network has. A power of two is what they are divided by, so that the twin is the same on every machine.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch

from reprcheck.models.network import BuiltNetwork
from reprcheck.models.preprocessing import Preprocessing
from reprcheck.models.torch.preparation import Preparation
from reprcheck.models.torch.twins import note, seeded
from reprcheck.models.weight_use import Use
from reprcheck.seeding import rng, seed

TABLE_SD = 0.02
"""Standard deviation of embeddings, as it is usual."""
LEVELS = 4
"""Distinct values of a mask or of flags, at most."""
NOISE_SIDE = 224
"""Side in pixels of the noise that a graph is shown, where it takes any: what most were traced at."""
NOISE = "the graph, shown noise to draw its untrained twin,"
NOISE_REMEDY = "add size=, the side in pixels that it was made for"
"""Of the mistake that a graph makes of noise."""


def redraw(weights: Mapping[str, torch.Tensor], uses: Mapping[str, Use], draw: int) -> tuple[str, ...]:
    """Draw weights in place, and return notes on what wasn't drawn honestly.

    Parameters
    ----------
    weights : mapping of str to Tensor
        All that a graph holds, on the CPU.
    uses : mapping of str to Use
        What those are for of which it is known. The others, and those of whole numbers, are redrawn with their own mean
        and standard deviation; what has a few values only is a mask or a flag, and stays.
    draw : int
        The seed. A tensor's values depend on it and on the tensor's name.

    Returns
    -------
    tuple of str
        Sentences; empty where every weight was drawn from what it is used for.
    """
    alike = []
    with torch.no_grad():
        for name, tensor in weights.items():
            use, is_float = uses.get(name), tensor.is_floating_point()
            if use is None and (not is_float or _has_few_values(tensor)):
                continue
            if use is not None and use.role == "embedding" and _has_few_values(tensor):
                continue
            if use is not None and is_float:
                _draw(tensor, use, seed(draw, name))
            else:
                _draw_alike(tensor, seed(draw, name))
                alike.append(name)
    unclear = "redrawn with the trained tensor's mean and standard deviation, no operator says how it is drawn"
    return tuple(filter(None, [note(alike, unclear)]))


def noise(built: BuiltNetwork, feed: Preprocessing, in_chans: int, draw: int, where: str) -> torch.Tensor:
    """Return two images of noise, coarse and fine, prepared for a network as all images are; more of tiles."""
    side, generator = feed.size or built.size or NOISE_SIDE, rng("noise", draw)
    coarse = generator.random((2, in_chans, -(-side // 16), -(-side // 16)))
    coarse = coarse.repeat(16, axis=2).repeat(16, axis=3)[:, :, :side, :side]
    pixels = torch.from_numpy(((coarse + generator.random(coarse.shape)) / 2).astype(np.float32))
    return Preparation(feed, built, 1, in_chans, torch.device("cpu"), where)(pixels)


def step(spread: float) -> float:
    """Return the power of two nearest to a spread; 1 for one that says nothing.

    Examples
    --------
    >>> step(5.0), step(0.26), step(0.0)
    (4.0, 0.25, 1.0)
    """
    return float(2.0 ** np.round(np.log2(spread))) if np.isfinite(spread) and spread > 0 else 1.0


def _draw(tensor: torch.Tensor, use: Use, draw: int) -> None:
    if use.role in ("weight", "embedding"):
        sd = use.fan_in**-0.5 if use.role == "weight" else TABLE_SD
        with seeded(draw):
            tensor.copy_(torch.randn(tensor.shape) * sd)
    else:
        tensor.fill_(1.0 if use.role in ("scale", "variance") else 0.0)


def _draw_alike(tensor: torch.Tensor, draw: int) -> None:
    """Redraw a tensor with its own mean and standard deviation; one of whole numbers within its own range."""
    values = tensor.float()
    with seeded(draw):
        drawn = torch.randn(tensor.shape) * values.std() + values.mean()
    if not tensor.is_floating_point():
        drawn = drawn.round().clamp(values.min(), values.max())
    tensor.copy_(drawn)


def _has_few_values(tensor: torch.Tensor) -> bool:
    return tensor.numel() <= LEVELS or len(torch.unique(tensor)) <= LEVELS
