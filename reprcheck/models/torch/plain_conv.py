"""The plain convolutional net: an untrained texture filter that sees every pixel, cheap enough for every image.

What nobody trained reads from images it reads from fine grain above all, which strides and wide pooling throw away. So
this net has no stride before the third layer and few channels, and gives the mean and the standard deviation over
positions after each layer, not after the last alone: of nets that cost as much, that was the strongest on blood cells,
single cells and simulated fields (`docs/statistics.md`).
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

LAYERS = ((16, 1), (16, 1), (32, 2), (32, 1))
"""Channels and stride of each 3 x 3 convolution."""
GROUP = 4
"""Channels that are normalised together."""
LONGEST_SIDE = 256
"""Larger images are reduced so that the longer side has as many pixels: time grows with the area."""


class PlainConv(nn.Module):
    """Convolutions with He's initialisation (2015), group norm and ReLU; the statistics of each layer, joined."""

    def __init__(self, in_chans: int) -> None:
        super().__init__()
        wide_in = [in_chans, *(width for width, _ in LAYERS)]
        self.layers = nn.ModuleList(
            _layer(before, width, stride) for before, (width, stride) in zip(wide_in, LAYERS, strict=False)
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map float32[N, C, H, W] to float32[N, D], D being 192: twice the channels of all layers."""
        if (longest := max(x.shape[-2:])) > LONGEST_SIDE:
            sides = [max(1, round(side * LONGEST_SIDE / longest)) for side in x.shape[-2:]]
            x = functional.interpolate(x, sides, mode="bilinear", antialias=True, align_corners=False)
        statistics = []
        for layer in self.layers:
            x = layer(x)
            values = x.flatten(2)
            mean = values.mean(2)
            statistics += [mean, (values - mean[..., None]).square().mean(2).sqrt()]
        return torch.cat(statistics, 1)


def _layer(wide_in: int, wide_out: int, stride: int) -> nn.Module:
    conv = nn.Conv2d(wide_in, wide_out, 3, stride, 1, bias=False)
    nn.init.kaiming_normal_(conv.weight, nonlinearity="relu")
    return nn.Sequential(conv, nn.GroupNorm(wide_out // GROUP, wide_out), nn.ReLU())
