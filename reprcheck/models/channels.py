"""The channel policy: how images of any number of channels enter a network that takes a certain number.

``native``: all channels at once, as they are. ``replicate``: each channel alone, repeated to as many as the network
takes, and the vectors of an image's channels concatenated in channel order. The policy is part of an encoder's digest.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from reprcheck.errors import UserError
from reprcheck.types import Image

ChannelPolicy = Literal["native", "replicate"]
POLICIES: tuple[ChannelPolicy, ...] = ("native", "replicate")


def choose(in_chans: int | None, n_channels: int, asked: ChannelPolicy | None, where: str) -> ChannelPolicy:
    """Return the policy for a network that takes ``in_chans`` channels (None: any) on images of ``n_channels``.

    Raises
    ------
    UserError
        Where ``native`` is asked for and the numbers disagree.

    Examples
    --------
    >>> choose(3, 3, None, "m"), choose(3, 2, None, "m"), choose(None, 5, None, "m")
    ('native', 'replicate', 'native')
    """
    agree = in_chans in (None, n_channels)
    if asked == "native" and not agree:
        raise UserError(
            where,
            f"channels=native, but the model takes {in_chans} channels and the images have {n_channels}",
            f"write channels=replicate, or in_chans={n_channels} where the weights allow it",
        )
    return asked or ("native" if agree else "replicate")


def planes(images: Sequence[Image], policy: ChannelPolicy) -> list[NDArray[np.float32]]:
    """Return what enters the network one by one: views float32[C, H, W], or float32[1, H, W] under ``replicate``."""
    if policy == "native":
        return [image.pixels for image in images]
    return [image.pixels[c : c + 1] for image in images for c in range(len(image.pixels))]


def joined(vectors: NDArray[np.float32], n_images: int) -> NDArray[np.float32]:
    """Return float32[N, C * D] from the planes' vectors float32[N * C, D], channels in order."""
    return np.ascontiguousarray(vectors).reshape(n_images, -1)
