"""From pixels in [0, 1] to what a network gets: stretched, fitted to its size, in its range and normalised.

Imports torch.
"""

from __future__ import annotations

import numpy as np
import torch
from torch.nn import functional

from reprcheck.errors import UserError
from reprcheck.models.network import BuiltNetwork
from reprcheck.models.preprocessing import Preprocessing

FLAT = 1e-6
"""Standard deviation, or span of percentiles, under which an image or a channel counts as constant."""


class Preparation:
    """Prepares images for a network.

    Parameters
    ----------
    feed : Preprocessing
    built : BuiltNetwork
        Whose mean, standard deviation and size are used where the feed says nothing.
    repeats : int
        How often a lone channel is repeated.
    in_chans : int
    device : torch.device
    where : str
        What an error names.

    Raises
    ------
    UserError
        For means of another number of channels, and a crop or tiles of no size.
    """

    def __init__(
        self,
        feed: Preprocessing,
        built: BuiltNetwork,
        repeats: int,
        in_chans: int,
        device: torch.device,
        where: str,
    ) -> None:
        self.feed, self.repeats, self.size = feed, repeats, feed.size or built.size
        if feed.fit != "resize" and not self.size:
            raise UserError(where, f"fit={feed.fit} needs a size", "add size=224, say")
        low, high = feed.range or (0.0, 1.0)
        self.low, self.span = low, high - low
        identity = (0.0,), (1.0,)
        mean, std = identity if feed.range else (built.mean, built.std)
        mean, std = feed.mean or mean, feed.std or std
        for name, values in (("mean", feed.mean or ()), ("std", feed.std or ())):
            if len(values) not in (0, 1, in_chans):
                what = f"{name} has {len(values)} values, and the network takes {in_chans} channels"
                raise UserError(where, what, "give one for all channels, or one each")
        self.mean, self.std = (
            torch.tensor(v, dtype=torch.float32, device=device).view(1, -1, 1, 1) for v in (mean, std)
        )

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        """Return float32[N * T, in_chans, size, size] of N images float32[N, C, H, W]; T tiles each, one as a rule."""
        x = self._fitted(self._stretched(x))
        if self.feed.normalise != "model":
            over = (1, 2, 3) if self.feed.normalise == "image" else (2, 3)
            sd, mean = torch.std_mean(x, dim=over, keepdim=True, correction=0)
            return ((x - mean) / sd.clamp_min(FLAT)).repeat(1, self.repeats, 1, 1)
        x = x.repeat(1, self.repeats, 1, 1)
        x = x if self.feed.range is None else x * self.span + self.low
        return (x - self.mean) / self.std

    def _stretched(self, x: torch.Tensor) -> torch.Tensor:
        if self.feed.percentiles is None:
            return x
        pixels = x.cpu().numpy()
        low, high = np.percentile(pixels, self.feed.percentiles, axis=(2, 3), keepdims=True).astype(np.float32)
        return torch.from_numpy(((pixels - low) / np.maximum(high - low, FLAT)).clip(0, 1)).to(x.device)

    def _fitted(self, x: torch.Tensor) -> torch.Tensor:
        if not self.size:
            return x
        if self.feed.fit == "resize":
            return self._resized(x, (self.size, self.size))
        least = self.size if self.feed.fit == "crop" else max(self.size, min(x.shape[-2:]))
        x = self._resized(x, _sides(x, max(self.feed.resize or least, self.size)))
        return _middle(x, self.size) if self.feed.fit == "crop" else _tiles(x, self.size)

    def _resized(self, x: torch.Tensor, sides: tuple[int, int]) -> torch.Tensor:
        if tuple(x.shape[-2:]) == sides:
            return x
        if self.feed.interpolation == "nearest":
            return functional.interpolate(x, sides, mode="nearest-exact")
        mode = self.feed.interpolation
        x = functional.interpolate(x, sides, mode=mode, antialias=True, align_corners=False)
        return x if mode == "bilinear" else x.clamp(0, 1)  # a cubic overshoots, and no image has such values


def _sides(x: torch.Tensor, shorter: int) -> tuple[int, int]:
    height, width = x.shape[-2:]
    scale = shorter / min(height, width)
    return max(shorter, round(height * scale)), max(shorter, round(width * scale))


def _middle(x: torch.Tensor, size: int) -> torch.Tensor:
    top, left = ((side - size) // 2 for side in x.shape[-2:])
    return x[..., top : top + size, left : left + size]


def _tiles(x: torch.Tensor, size: int) -> torch.Tensor:
    """Return float32[N * T, C, size, size]: as many whole tiles as fit, in the middle, those of one image in a row."""
    rows, columns = (side // size for side in x.shape[-2:])
    top, left = ((side - n * size) // 2 for side, n in zip(x.shape[-2:], (rows, columns), strict=True))
    x = x[..., top : top + rows * size, left : left + columns * size]
    tiles = x.unfold(2, size, size).unfold(3, size, size)  # N, C, rows, columns, size, size
    return tiles.permute(0, 2, 3, 1, 4, 5).reshape(-1, x.shape[1], size, size)
