"""The network that the positive controls train: a small residual one, and how its training images are varied."""

from __future__ import annotations

import torch
from torch import nn


class Block(nn.Module):
    """Two 3 x 3 convolutions with batch norm around a shortcut; halves the sides where ``stride`` is 2."""

    def __init__(self, wide_in: int, wide_out: int, stride: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(wide_in, wide_out, 3, stride, 1, bias=False),
            nn.BatchNorm2d(wide_out),
            nn.ReLU(),
            nn.Conv2d(wide_out, wide_out, 3, 1, 1, bias=False),
            nn.BatchNorm2d(wide_out),
        )
        same = wide_in == wide_out and stride == 1
        self.shortcut = nn.Identity() if same else nn.Conv2d(wide_in, wide_out, 1, stride, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map float32[N, C, H, W] to float32[N, C', H', W']."""
        return torch.relu(self.body(x) + self.shortcut(x))


class PositiveNet(nn.Module):
    """A stem, four residual blocks, the mean over positions: float32[N, channels, H, W] to float32[N, 128]."""

    WIDTH = 128

    def __init__(self, channels: int, stride: int) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(channels, 32, 3, stride, 1, bias=False), nn.BatchNorm2d(32), nn.ReLU(), Block(32, 32, 1)
        )
        self.blocks = nn.Sequential(Block(32, 64, 2), Block(64, 96, 2), Block(96, self.WIDTH, 1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map float32[N, channels, H, W] in [0, 1] to float32[N, 128]."""
        vectors: torch.Tensor = self.blocks(self.stem(x)).mean((2, 3))
        return vectors


def vary(pixels: torch.Tensor, draw: torch.Generator) -> torch.Tensor:
    """Turn, mirror and re-expose images, each channel by itself, so that neither direction nor brightness is learned.

    Parameters
    ----------
    pixels : float32[N, C, H, H] in [0, 1]
    draw : torch.Generator
    """
    if torch.rand((), generator=draw) < 0.5:
        pixels = pixels.flip(3)
    pixels = torch.rot90(pixels, int(torch.randint(4, (), generator=draw)), (2, 3))
    shape = (*pixels.shape[:2], 1, 1)
    gain = 0.6 + 0.8 * torch.rand(shape, generator=draw)
    offset = 0.2 * torch.rand(shape, generator=draw) - 0.1
    centre = pixels.mean((2, 3), keepdim=True)
    return ((pixels - centre) * gain + centre * (1 + offset)).clamp(0, 1)
