"""Small networks with a trained one's look, saved as compiled graphs."""

from __future__ import annotations

import warnings
from pathlib import Path

import torch
from torch import nn

SIDE = 32
WIDTH = 24
DEPTH = 6


class Block(nn.Module):
    """A convolution with batch norm around a shortcut, as in a residual network."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm = nn.Conv2d(WIDTH, WIDTH, 3, padding=1), nn.BatchNorm2d(WIDTH)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.relu(x + self.norm(self.conv(x)))


class Mixed(nn.Module):
    """Residual convolutions, then tokens with positions, a class token and attention; the mean size at every depth."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, WIDTH, 4, 4)
        self.blocks = nn.ModuleList(Block() for _ in range(DEPTH))
        self.positions = nn.Parameter(torch.randn(1, (SIDE // 4) ** 2, WIDTH) * 0.1)
        self.token = nn.Parameter(torch.randn(1, 1, WIDTH) * 0.1)
        self.norm = nn.LayerNorm(WIDTH)
        self.qkv, self.out = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH, bias=False)
        self.gamma = nn.Parameter(torch.rand(WIDTH) + 0.5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.stem((x - 0.5) / 0.5)
        sizes = [x.abs().mean((2, 3))]
        for block in self.blocks:
            x = block(x)
            sizes.append(x.abs().mean((2, 3)))
        tokens = x.flatten(2).transpose(1, 2) + self.positions
        tokens = torch.cat([self.token.expand(x.shape[0], -1, -1), tokens], 1)
        q, k, v = self.qkv(self.norm(tokens)).chunk(3, 2)
        attended = (q @ k.transpose(1, 2) * 0.2).softmax(2) @ v
        tokens = tokens + self.gamma * self.out(attended)
        sizes.append(tokens[:, 1:].abs().mean(1))
        sizes.append(tokens[:, 0])
        return torch.cat(sizes, 1)


def trained(seed: int = 0) -> Mixed:
    """Return a network whose tensors are all off their start, as training leaves them, and whose signal is even."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = Mixed()
        for part in network.modules():
            if isinstance(part, nn.BatchNorm2d):
                nn.init.uniform_(part.running_mean, -0.2, 0.2)
                nn.init.uniform_(part.running_var, 0.2, 0.5)
                nn.init.uniform_(part.weight, 0.3, 0.8)
                nn.init.uniform_(part.bias, -0.1, 0.1)
            if isinstance(part, nn.LayerNorm):
                nn.init.uniform_(part.weight, 0.5, 1.5)
                nn.init.uniform_(part.bias, -0.1, 0.1)
    return network.eval()


def save(network: nn.Module, path: Path, kind: str, batch: int | None = None, side: int = SIDE) -> Path:
    """Save a network as a graph, of a fixed number of images where given."""
    shown = torch.rand(batch or 2, 3, side, side)
    free = None if batch else ({0: torch.export.Dim("n", min=1)},)
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        if kind == "pt2":
            torch.export.save(torch.export.export(network, (shown,), dynamic_shapes=free), path)
        elif kind == "onnx":
            axes = None if batch else {"images": {0: "n"}}
            names = {"input_names": ["images"], "output_names": ["vectors"], "dynamic_axes": axes}
            torch.onnx.export(network, (shown,), path, dynamo=False, **names)
        else:
            script = torch.jit.script(network) if kind == "scripted" else torch.jit.trace(network, shown)
            torch.jit.save(torch.jit.freeze(script) if kind == "frozen" else script, path)
    return path
