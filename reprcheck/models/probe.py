"""What a model does with images made for the purpose: whether it answers as what its SPEC declares would have it.

Each probe asks one thing and needs no data: is an image's vector its own, do images differ at all, does brightness move
a vector as the declared range and normalisation imply, does the order of channels matter.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from reprcheck.errors import UserError
from reprcheck.models.model import PLAIN_SIZE, Model
from reprcheck.seeding import rng
from reprcheck.types import Encoder, Image

N_IMAGES = 4
DIMMER = 0.1
"""By which an image is multiplied to ask what brightness does."""
BLIND = 1e-3
"""Share of a vector's length: less is no answer to another image."""
STEADY = 0.05
"""Share of a vector's length that another brightness may move it where brightness was normalised away."""
LOUD = 0.2
"""Share of a vector's length that another brightness must move it before another range is proposed."""
CALMER = 5
"""How many times less another range must let brightness move a vector to be proposed."""


@dataclass(frozen=True)
class Finding:
    """What one look found.

    Attributes
    ----------
    text : str
        What was seen.
    remedy : str
        What to do about it; empty where it is fine.
    """

    text: str
    remedy: str = ""


def probe_images(n_channels: int, side: int) -> list[Image]:
    """Return `N_IMAGES` images float32[C, side, side] of soft blobs, the same wherever they are made.

    Channels differ in brightness and in the size of their blobs; the brightest value is 0.6.
    """
    generator = rng("probe", n_channels, side)
    return [Image(np.stack([_blobs(generator, c, side) for c in range(n_channels)])) for _ in range(N_IMAGES)]


def probe(model: Model, channels: Sequence[str]) -> Iterator[Finding]:
    """Yield what is found of a model that is shown images with these channels.

    Parameters
    ----------
    model : Model
    channels : sequence of str
    """
    try:
        yield from _answers(model.on(channels), len(channels))
    except UserError as error:
        yield Finding(f"{error.where}: {error.what}", error.remedy or "repair the model")


def side_of(encoder: Encoder) -> int:
    """Return the side in pixels that an encoder's images should have: what its network insists on, if anything."""
    return getattr(getattr(encoder, "runner", None), "size", None) or PLAIN_SIZE


def _answers(model: Model, n_channels: int) -> Iterator[Finding]:
    encoder = model.encoder(n_channels)
    images = probe_images(n_channels, side_of(encoder))
    vectors = encoder.encode(images)
    side = images[0].pixels.shape[1]
    yield Finding(f"gives {vectors.shape[1]} numbers for images of {n_channels} channels and {side} pixels")
    yield _company(vectors, encoder.encode(images[::-1])[::-1])
    yield _spread(vectors)
    yield from _brightness(model, n_channels, images, vectors)
    if n_channels > 1:
        yield _order(encoder, images, vectors)


def _company(vectors: NDArray[np.float32], others: NDArray[np.float32]) -> Finding:
    if _moved(vectors, others) < BLIND:
        return Finding("an image has one vector, whatever comes with it and however often it is asked")
    remedy = "call eval() on the network: no dropout, no statistics of the batch"
    return Finding("an image's vector depends on the images beside it", remedy)


def _spread(vectors: NDArray[np.float32]) -> Finding:
    if not np.isfinite(vectors).all():
        return Finding("vectors aren't finite", "see which layer overflows; without precision=, where it is given")
    if _moved(vectors, np.roll(vectors, 1, axis=0)) < BLIND:
        return Finding("all images have one vector", "see that weights were loaded, and what range= the network takes")
    return Finding("images have different vectors")


def _brightness(
    model: Model, n_channels: int, images: Sequence[Image], vectors: NDArray[np.float32]
) -> Iterator[Finding]:
    moved = _moved(vectors, model.encoder(n_channels).encode(_dimmed(images)))
    seen = f"images of a tenth of the brightness move vectors by {moved:.0%} of their length"
    if model.evens_brightness and moved > STEADY:
        yield Finding(f"{seen}, though brightness is normalised", "see that the network doesn't undo it")
        return
    other = None if model.evens_brightness else model.in_range(0, 255)
    if other is not None:
        encoder = other.encoder(n_channels)
        calmer = _moved(encoder.encode(images), encoder.encode(_dimmed(images)))
        if moved > LOUD and calmer * CALMER < moved:
            what = f"{seen}, and by {calmer:.0%} with range=0..255: the network normalises values larger than [0, 1]"
            yield Finding(what, "look up what range its authors feed it, and write range=0..255 if it is that")
            return
    yield Finding(seen)


def _order(encoder: Encoder, images: Sequence[Image], vectors: NDArray[np.float32]) -> Finding:
    turned = encoder.encode([replace(image, pixels=np.roll(image.pixels, 1, axis=0)) for image in images])
    moved = _moved(vectors, turned)
    if moved < BLIND:
        return Finding("channels in another order give the same vectors", "channel-blind, or channels= is wrong")
    return Finding(f"channels in another order move vectors by {moved:.0%} of their length")


def _dimmed(images: Sequence[Image]) -> list[Image]:
    return [replace(image, pixels=image.pixels * np.float32(DIMMER)) for image in images]


def _moved(vectors: NDArray[np.float32], others: NDArray[np.float32]) -> float:
    """Return the median over images of how far apart two vectors are, as a share of the first one's length."""
    lengths = np.maximum(np.linalg.norm(vectors.astype(float), axis=1), np.finfo(np.float32).tiny)
    return float(np.median(np.linalg.norm(vectors.astype(float) - others, axis=1) / lengths))


def _blobs(generator: np.random.Generator, channel: int, side: int) -> NDArray[np.float32]:
    noise = gaussian_filter(generator.standard_normal((side, side)), side / (12 + 4 * channel), mode="wrap")
    span = np.ptp(noise)
    return np.asarray((noise - noise.min()) / span * 0.6 / (1 + channel / 2), np.float32)
