"""Pixels in, vectors out: resizing, normalising and the forward pass. The one place that runs a network.

Batches have a fixed size, the last one padded with zeros, so that a vector doesn't depend on how many images came
along. Everything is float32: on CUDA, TF32 is off and algorithms are deterministic.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from reprcheck.errors import UserError
from reprcheck.models.failure import because
from reprcheck.models.model import Feed
from reprcheck.models.network import Network
from reprcheck.models.torch_encoder import DEVICE

BATCH = 32
"""Images per forward pass, always."""
FLAT = 1e-6
"""Standard deviation under which an image counts as constant."""


class Runner:
    """A built network on its device.

    Parameters
    ----------
    network : Network
    feed : Feed

    Raises
    ------
    UserError
        For a network that can't be built, or a device that isn't there.
    """

    def __init__(self, network: Network, feed: Feed) -> None:
        self.where, self.in_chans, self.image_wise = network.where, network.in_chans, feed.normalise == "image"
        built = network.build()
        self.device = device()
        self.size = feed.size or built.size
        self.module = built.module.eval().float().to(self.device)
        self.mean = torch.tensor(built.mean, dtype=torch.float32, device=self.device).view(1, -1, 1, 1)
        self.std = torch.tensor(built.std, dtype=torch.float32, device=self.device).view(1, -1, 1, 1)

    @torch.inference_mode()
    def __call__(self, planes: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
        """Return float32[N, D] for N planes float32[1 or in_chans, H, W]."""
        with torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=False):
            vectors = [self._batch(planes[i : i + BATCH]) for i in range(0, len(planes), BATCH)]
        return np.concatenate(vectors)

    def _batch(self, planes: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
        pixels = np.zeros((BATCH, *planes[0].shape), np.float32)
        pixels[: len(planes)] = planes
        try:
            out = self.module(self._prepared(torch.from_numpy(pixels).to(self.device)))
        except Exception as error:
            raise UserError(self.where, f"the model raised {because(error)}", "run it on one image by hand") from error
        return _checked(out, self.where)[: len(planes)]

    def _prepared(self, x: torch.Tensor) -> torch.Tensor:
        if self.size and x.shape[-2:] != (self.size, self.size):
            x = functional.interpolate(x, (self.size, self.size), mode="bilinear", antialias=True, align_corners=False)
        if self.image_wise:
            sd, mean = torch.std_mean(x, dim=(1, 2, 3), keepdim=True, correction=0)
            x = (x - mean) / sd.clamp_min(FLAT)
        x = x.expand(-1, self.in_chans, -1, -1) if x.shape[1] == 1 else x
        return (x if self.image_wise else (x - self.mean) / self.std).contiguous()


def device() -> torch.device:
    """Return the device that networks run on. Raises UserError for one that isn't there."""
    asked = os.environ.get(DEVICE) or ("cuda" if torch.cuda.is_available() else "cpu")
    try:
        torch.empty(0, device=asked)
        return torch.device(asked)
    except Exception as error:
        raise UserError(f"{DEVICE}={asked}", f"no such device: {because(error)}", "use cpu, cuda or cuda:1") from error


def _checked(out: object, where: str) -> NDArray[np.float32]:
    if not isinstance(out, torch.Tensor):
        found, remedy = f"{type(out).__name__}, not a tensor", "return one tensor of pooled features"
    elif out.ndim == 4:
        found, remedy = f"{list(out.shape)}, a feature map", "pool it over height and width: x.mean((2, 3))"
    elif out.ndim != 2 or len(out) != BATCH or not out.shape[1]:
        found, remedy = f"{list(out.shape)}", "return one vector per image"
    else:
        return out.float().cpu().numpy()
    raise UserError(where, f"wrong output shape: {found}; expected [{BATCH}, D] for {BATCH} images", remedy)
