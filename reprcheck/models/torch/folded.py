"""The demo network without normalisation layers: batch norm is folded into the convolutions, as for inference."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.fx.experimental.optimization import fuse

from reprcheck.models.torch import demo


def fold(seed: int, pixels: NDArray[np.float32]) -> nn.Module:
    """Return an untrained draw of the demo network whose batch norm was set to images, and folded.

    Parameters
    ----------
    seed : int
    pixels : float32[N, 3, H, W] in [0, 1]

    Returns
    -------
    torch.nn.Module
        In evaluation mode; float32[N, 3, H, W] to float32[N, 96].
    """
    network = demo.build(seed)
    for part in network.modules():
        if isinstance(part, nn.BatchNorm2d):
            part.momentum = None  # the statistics of these images alone
    with torch.inference_mode(False), torch.no_grad():
        network.train()(torch.from_numpy(pixels))
        folded: nn.Module = fuse(network.eval())
    return folded.eval()
