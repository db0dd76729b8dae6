"""A classical segmentation of nuclei or cells, good enough to count and measure them where a dataset has no masks.

One channel is chosen by name, put on a scale that an affine change of brightness leaves as it is, thresholded, and cut
into objects by a watershed of the distance to the background. Nothing is learnt, nothing is random, and there is no
setting: what counts as small is estimated from the image. The constants were chosen on BBBC038 (Caicedo et al. 2019).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage as ndi

from reprcheck.baselines.pixels import interval_shares
from reprcheck.types import Image, Kind

Floats = NDArray[np.float32]

NUCLEAR = frozenset(
    {"dna", "dapi", "hoechst", "nuclei", "nucleus", "nuclear", "hh3", "histone", "h2b", "propidium"}
    | {"hematoxylin", "haematoxylin"}
)
TRANSMITTED = frozenset({"brightfield", "bright", "bf", "phase", "dic", "transmitted"})
BLUR, COARSE_BLUR = 0.75, 1.5
"""Standard deviations in pixels of the Gaussian against noise: in fluorescence, and in transmitted light."""
GAIN = 3.0
"""Strength of the compression of bright tails; F1 on BBBC038 is flat between 2 and 5."""
WIDE_FIELD = 128
"""Fields with a shorter side than this are cells cut out: there is no illumination to correct."""
GROUND_BLOCKS, LOCAL_BLOCKS = 8, 32
"""Blocks along the shorter side, for the background surface and for the local threshold."""
NOISE = 0.75
"""Objects must exceed ground by this many standard deviations of the pixel noise; smoothed noise alone gives 0.6."""
CLOSING = 2
"""Pixels by which gaps in outlines are closed from either side."""
HOLE, FRAGMENT, SPECK = 0.25, 1 / 16, 1 / 25_000
"""Largest hole filled, smallest object kept: shares of a typical object; smallest patch: share of the field."""


def nuclear_channel(channels: tuple[str, ...], kind: Kind) -> int | Literal["hematoxylin", "mean"]:
    """Choose the channel that shows the objects.

    Parameters
    ----------
    channels : tuple of str
        Names in order.
    kind : {"culture", "tissue", "natural"}

    Returns
    -------
    int, "hematoxylin" or "mean"
        The first channel named after a nuclear stain; hematoxylin for RGB tissue; else the first transmitted-light
        channel, which shows whole cells; else the only channel; else the mean of all.

    Examples
    --------
    >>> nuclear_channel(("FKHR-GFP", "DNA"), "culture"), nuclear_channel(("R", "G", "B"), "tissue")
    (1, 'hematoxylin')
    """
    for wanted in (NUCLEAR, TRANSMITTED):
        if wanted is TRANSMITTED and is_rgb(channels) and kind == "tissue":
            return "hematoxylin"
        named = [i for i, name in enumerate(channels) if wanted & _tokens(name)]
        if named:
            return named[0]
    return 0 if len(channels) == 1 else "mean"


def _skimage(name: str) -> Any:
    """Return a module of scikit-image: a third of a second, which a run with nothing new doesn't need."""
    return import_module(f"skimage.{name}")


def _tokens(name: str) -> frozenset[str]:
    """Return the words of a name in lower case, cut at capitals too, with and without digits at their end.

    "mCherryH2B" has h2b, "DNA-PI" and "DNA1" have dna, "Hoechst33342" has hoechst.
    """
    words = re.findall(r"[A-Za-z0-9]+", name)
    parts = [part for word in words for part in re.split(r"(?<=[a-z])(?=[A-Z])", word)]
    tokens = {w.lower() for w in (*words, *parts)}
    return frozenset(tokens | {w.rstrip("0123456789") for w in tokens})


def is_rgb(channels: tuple[str, ...]) -> bool:
    """Return whether channels of these names are red, green and blue."""
    return tuple(c.strip().lower() for c in channels) in {("r", "g", "b"), ("red", "green", "blue")}


def objects(image: Image, channels: tuple[str, ...], kind: Kind) -> NDArray[np.int32]:
    """Return the label image of an image, int32[H, W]: its own mask, or else what `segment` finds."""
    return segment(image.pixels, channels, kind) if image.mask is None else image.mask


def segment(pixels: Floats, channels: tuple[str, ...], kind: Kind) -> NDArray[np.int32]:
    """Cut the objects out of an image.

    Parameters
    ----------
    pixels : float32[C, H, W]
    channels : tuple of str
        Names of the C channels.
    kind : {"culture", "tissue", "natural"}

    Returns
    -------
    int32[H, W]
        Objects numbered from 1, 0 elsewhere; all 0 for an image that is flat or holds nothing but noise. The same
        after ``gain * x + offset`` of any channel with gain > 0, up to rounding; for hematoxylin after a gain only,
        since absorbance is a logarithm.
    """
    view = _view(pixels, channels, kind)
    if not _has_range(view.image):
        return np.zeros(view.image.shape, np.int32)
    smooth = ndi.gaussian_filter(view.image, view.blur)
    foreground = _threshold(_compress(smooth))
    if not _stands_out(view.image, smooth, foreground):
        return np.zeros(view.image.shape, np.int32)
    return _split(_close_outlines(foreground) if view.outlined else _fill_holes(foreground))


@dataclass(frozen=True, eq=False)
class _View:
    """One image, float32[H, W], bright where objects are, and how to read it.

    ``blur`` is the Gaussian's standard deviation in pixels; ``outlined`` objects show by their outline only.
    """

    image: Floats
    blur: float
    outlined: bool


def _view(pixels: Floats, channels: tuple[str, ...], kind: Kind) -> _View:
    channel = nuclear_channel(channels, kind)
    if channel == "hematoxylin":
        return _View(stains(over_white(pixels))[0], COARSE_BLUR, outlined=False)
    stack = pixels if channel == "mean" else pixels[channel : channel + 1]
    names = channels if channel == "mean" else channels[channel : channel + 1]
    if kind == "natural" or is_rgb(names) or any(TRANSMITTED & _tokens(n) for n in names):
        return _View(_mean_of([np.abs(c - np.median(_border(c))) for c in stack]), COARSE_BLUR, outlined=True)
    return _View(_mean_of(list(stack)), BLUR, outlined=False)


def _mean_of(stack: list[Floats]) -> Floats:
    """Return the mean of channels, each over its own standard deviation, so that none dominates by its brightness."""
    if len(stack) == 1:
        return stack[0]
    spread = [float(c.std(dtype=np.float64)) for c in stack]
    scaled = [(c - c.mean(dtype=np.float64)) / s for c, s in zip(stack, spread, strict=True) if s > 0]
    if not scaled:
        return np.zeros_like(stack[0])
    return np.asarray(np.mean(scaled, axis=0), np.float32)


def _border(channel: NDArray[Any]) -> NDArray[Any]:
    return np.concatenate([channel[0], channel[-1], channel[:, 0], channel[:, -1]])


def over_white(rgb: Floats) -> Floats:
    """Return float32[3, H, W]: each channel over its own white, the 99.5th percentile, in [0.001, 1]."""
    white = np.percentile(rgb, 99.5, axis=(1, 2), keepdims=True)
    balanced: Floats = np.clip(rgb / np.maximum(white, 1e-6), 1e-3, 1.0)
    return balanced


def stains(balanced: Floats) -> Floats:
    """Return float32[3, H, W]: hematoxylin, eosin and DAB after Ruifrok and Johnston (2001), of `over_white`."""
    amounts: Floats = _skimage("color").rgb2hed(balanced, channel_axis=0).astype(np.float32)
    return amounts


def nuclear_stain(pixels: Floats, channels: tuple[str, ...], kind: Kind) -> Floats:
    """Return float32[H, W]: what `segment` looks at, bright where objects are."""
    return _view(pixels, channels, kind).image


def _has_range(image: Floats) -> bool:
    return bool(np.ptp(image) > 1e-6 * np.abs(image).max())


def _compress(image: Floats) -> Floats:
    """Scale the image from its 1st to its 99.9th percentile, and compress bright tails by asinh.

    Dim nuclei beside bright ones are the rule; a threshold in proportion to the brightest loses them.
    """
    low, high = np.percentile(image, (1, 99.9))
    if high <= low:  # a few bright pixels on a flat ground
        low, high = image.min(), image.max()
    compressed: Floats = np.arcsinh(GAIN * (image - low) / (high - low)).astype(np.float32)
    return compressed


def _threshold(image: Floats) -> NDArray[np.bool_]:
    """Return bool[H, W]: above Otsu's threshold; in a wide field, above the middle of local object and local ground."""
    if min(image.shape) < WIDE_FIELD:
        above: NDArray[np.bool_] = image > _skimage("filters").threshold_otsu(image)
        return above
    level = image - _ground(image)
    above = level > _skimage("filters").threshold_otsu(level)
    middle = (_local_mean(level, above) + _local_mean(level, ~above)) / 2
    above = level > middle
    return above


def _ground(image: Floats) -> Floats:
    """Return float32[H, W]: a smooth surface through the dark 10 % of each block, the uneven light behind objects."""
    rows, columns = _blocks(image.shape, GROUND_BLOCKS)
    bands = [np.array_split(band, columns, axis=1) for band in np.array_split(image, rows, axis=0)]
    dark = np.array([[np.percentile(block, 10) for block in band] for band in bands], np.float32)
    dark = ndi.gaussian_filter(ndi.median_filter(dark, 3, mode="nearest"), 0.7, mode="nearest")
    return _enlarge(dark, image.shape)


def _local_mean(image: Floats, where: NDArray[np.bool_]) -> Floats:
    """Return float32[H, W]: the mean of the pixels ``where`` is true, in a Gaussian window of a 24th of the field."""
    if not where.any():
        return image
    blocks = _blocks(image.shape, LOCAL_BLOCKS)
    weight = where.astype(np.float32)
    total, share = (ndi.gaussian_filter(_reduce(x, blocks), 4 / 3) for x in (image * weight, weight))
    prior = 1e-3  # far from any such pixel, the mean over the field
    return _enlarge((total + prior * image[where].mean()) / (share + prior), image.shape)


def _blocks(shape: tuple[int, ...], along_shorter: int) -> tuple[int, int]:
    rows, columns = (max(2, round(along_shorter * side / min(shape))) for side in shape)
    return rows, columns


def _reduce(image: Floats, blocks: tuple[int, int]) -> Floats:
    rows, columns = (interval_shares(n, parts) for n, parts in zip(image.shape, blocks, strict=True))
    return (rows @ image @ columns.T).astype(np.float32)


def _enlarge(blocks: Floats, shape: tuple[int, ...]) -> Floats:
    """Return float32[H, W]: blocks, as values at their centres, interpolated linearly."""
    rows, columns = (_interpolation(n, parts) for n, parts in zip(shape, blocks.shape, strict=True))
    return (rows @ blocks @ columns.T).astype(np.float32)


@lru_cache(maxsize=64)
def _interpolation(length: int, parts: int) -> NDArray[np.float64]:
    """Return float64[length, parts]: linear interpolation from the centres of equal intervals to pixel centres."""
    at = np.clip((np.arange(length) + 0.5) * parts / length - 0.5, 0, parts - 1)
    before = np.minimum(at.astype(int), parts - 2)
    weights = np.zeros((length, parts))
    weights[np.arange(length), before] = 1 - (at - before)
    weights[np.arange(length), before + 1] = at - before
    return weights


def _stands_out(image: Floats, smooth: Floats, foreground: NDArray[np.bool_]) -> bool:
    """Return whether objects differ from ground by more than smoothed noise would, cut at its own threshold.

    The noise of a pixel is estimated from second differences, which smooth objects don't have: Immerkær (1996).
    """
    if not foreground.any() or foreground.all():
        return False
    if min(image.shape) < 3:
        return True
    second = np.diff(np.diff(image.astype(np.float64), n=2, axis=0), n=2, axis=1)
    noise = np.sqrt(np.pi / 2) * np.abs(second).mean() / 6
    contrast = float(smooth[foreground].mean(dtype=np.float64) - smooth[~foreground].mean(dtype=np.float64))
    return bool(contrast > NOISE * noise)


def _close_outlines(outline: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Close gaps of a few pixels in outlines, and fill them."""
    padded = np.pad(outline, CLOSING)  # closing erodes what touches the edge
    closed = ndi.binary_closing(padded, np.ones((3, 3), bool), iterations=CLOSING)
    return np.asarray(ndi.binary_fill_holes(closed[CLOSING:-CLOSING, CLOSING:-CLOSING]), bool)


def _fill_holes(foreground: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Fill holes small beside a typical object, not the lumen of a gland."""
    objects, count = ndi.label(foreground)
    if not count:
        return foreground
    holes, _ = ndi.label(~foreground)
    small = np.bincount(holes.ravel()) <= HOLE * _typical_area(objects)
    small[0] = False
    small[_border(holes)] = False
    filled: NDArray[np.bool_] = foreground | small[holes]
    return filled


def _typical_area(labels: NDArray[Any]) -> float:
    """Return the area of the object that holds the median foreground pixel, so that debris doesn't count."""
    areas = np.sort(np.bincount(labels.ravel())[1:])
    within = np.cumsum(areas)
    return float(areas[np.searchsorted(within, within[-1] / 2)])


def _split(foreground: NDArray[np.bool_]) -> NDArray[np.int32]:
    """Return int32[H, W]: foreground without specks, touching objects cut apart by a watershed of depth.

    Seeds are the deepest points within half a typical radius, which is the median over all local maxima of depth.
    """
    patches, _ = ndi.label(foreground)
    areas = np.bincount(patches.ravel())
    large = areas >= max(4.0, SPECK * foreground.size)
    large[0] = False
    foreground = large[patches]
    if not foreground.any():
        return np.zeros(foreground.shape, np.int32)
    depth = ndi.distance_transform_edt(foreground).astype(np.float32)
    summits = (ndi.maximum_filter(depth, 3) == depth) & (depth > 1.5)
    radius = float(np.median(depth[summits])) if summits.any() else 2.0
    depth = ndi.gaussian_filter(depth, max(1.0, radius / 8)) * foreground
    window = 2 * round(max(1.0, radius / 2)) + 1
    seeds, _ = ndi.label((ndi.maximum_filter(depth, window) == depth) & foreground, np.ones((3, 3)))
    return _drop_fragments(_skimage("segmentation").watershed(-depth, seeds, mask=foreground))


def _drop_fragments(labels: NDArray[np.int32]) -> NDArray[np.int32]:
    areas = np.bincount(labels.ravel())
    large = areas >= FRAGMENT * _typical_area(labels)
    large[0] = False
    renumbered = np.where(large, np.cumsum(large), 0).astype(np.int32)
    return renumbered[labels]
