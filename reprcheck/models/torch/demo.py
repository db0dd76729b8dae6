"""The demo model: a small network trained on simulated fields, so that the gate can be tried without a download.

It was trained by ``tools/train_demo.py`` to tell the causes of the simulators apart, on experiments other than the ones
the gate shows. Its constants are here for whoever only needs a digest: torch is imported by `build` and not before.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

CHANNELS = 3
"""Input channels; values in [0, 1], sides of 64 pixels at least."""

DIMENSION = 96
"""Length of an embedding."""

WEIGHTS = Path(__file__).with_name("demo.safetensors")
"""The trained weights."""


def build(seed: int | None = None) -> torch.nn.Module:
    """Return the demo network, ready to embed.

    Parameters
    ----------
    seed : int, optional
        Draw fresh weights from this seed: an untrained twin. Without it, the trained weights are loaded. The caller's
        random state stays as it is.

    Returns
    -------
    torch.nn.Module
        In evaluation mode; maps float32[N, 3, H, W] in [0, 1] to float32[N, 96].

    Examples
    --------
    >>> import torch
    >>> build()(torch.zeros(2, 3, 96, 96)).shape
    torch.Size([2, 96])
    """
    import torch
    from safetensors.torch import load_file

    from reprcheck.models.torch.demo_net import DemoNet

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0 if seed is None else seed)
        network = DemoNet()
    if seed is None:
        network.load_state_dict(load_file(WEIGHTS))
    return network.eval()
