"""The demo model's network: a small residual convolutional net over three channels.

`reprcheck.models.torch.demo` imports it only when a network is wanted, since it needs torch.
"""

from __future__ import annotations

import torch
from torch import nn

CHANNELS = 3
WIDTHS = (24, 48, 96)


class ResidualBlock(nn.Module):
    """Two 3 x 3 convolutions with batch norm around a shortcut; halves the sides where ``stride`` is 2."""

    def __init__(self, wide_in: int, wide_out: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(wide_in, wide_out, 3, stride, 1, bias=False)
        self.norm1 = nn.BatchNorm2d(wide_out)
        self.conv2 = nn.Conv2d(wide_out, wide_out, 3, 1, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(wide_out)
        self.shortcut = nn.Conv2d(wide_in, wide_out, 1, stride, bias=False) if stride > 1 else nn.Identity()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map float32[N, C, H, W] to float32[N, C', H', W']."""
        y = torch.relu(self.norm1(self.conv1(x)))
        y = self.norm2(self.conv2(y)) + self.shortcut(x)
        return torch.relu(y)


class DemoNet(nn.Module):
    """Channels standardised per image, a strided stem, three residual stages, the mean over positions."""

    def __init__(self) -> None:
        super().__init__()
        first, second, third = WIDTHS
        self.standardise = nn.InstanceNorm2d(CHANNELS)
        self.stem = nn.Conv2d(CHANNELS, first, 5, 2, 2, bias=False)
        self.norm = nn.BatchNorm2d(first)
        self.stages = nn.Sequential(
            ResidualBlock(first, first, 1), ResidualBlock(first, second, 2), ResidualBlock(second, third, 2)
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map float32[N, 3, H, W] in [0, 1], H and W at least 64, to float32[N, 96]."""
        y = torch.relu(self.norm(self.stem(self.standardise(x))))
        pooled: torch.Tensor = self.stages(y).mean(dim=(2, 3))
        return pooled
