"""The columns of the `Texture` baseline: the name, meaning, source and value of each.

`MEASURES` is the only list there is. The names, the vectors and the table in `docs/texture.md` are made from it. None
of them tells an image from the same image turned by 180 degrees, or says where in the image something is.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage as ndi

from reprcheck.baselines.columns import Measure
from reprcheck.baselines.texture.channel import HALVINGS, LEVELS, OCTAVES, Channel, Floats

RINGS = ((0, 1), (0, 2), (1, 1), (2, 1))
"""Of local patterns: how often the image is halved, and how many pixels of the result the eight neighbours are away."""
DISTANCES = (1, 2, 4, 8)
"""Of co-occurrence, in pixels."""
ANGLES = (0, 45, 90, 135)
"""In degrees, clockwise from along the rows, of the step between two pixels and of a Gabor filter's wave."""
HARALICK = ("contrast", "homogeneity", "ASM", "entropy")
"""Of each co-occurrence matrix, as scikit-image names them."""
SIDES = (3, 5)
"""Of the squares that open and close, in pixels of the image halved as often as it can be."""
BANDS = tuple(2.0 ** (-k / 2) for k in range(12, 2, -1))
"""Lower edges of the bands of the radial spectrum in cycles a pixel, from 1/64, half an octave each."""
WAVELENGTHS = (2.83, 5.66, 11.3, 22.6)
"""Of the Gabor filters, in pixels: an octave apart."""
BANDWIDTH = 0.28
"""Standard deviation of a Gabor filter's Gaussian among frequencies, over its own: an octave between half heights."""
SMALLEST = 1e-5
"""Added to shares before their logarithm is taken."""

FLAT = "a flat channel"
_STEPS = ((-1, -1), (-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1))
_PATTERNS = 10


def _log(share: Floats) -> list[float]:
    return [float(v) for v in np.log10(share + SMALLEST)]


def _local_patterns(channel: Channel) -> Sequence[float]:
    shares: list[float] = []
    for halvings, distance in RINGS:
        images = channel.pyramid[halvings : halvings + 1]
        shares += _pattern_shares(images[0], distance).tolist() if images else [0.0] * _PATTERNS
    return shares


def _pattern_shares(image: Floats, distance: int) -> Floats:
    """Return float64[10]: how often each uniform pattern occurs; zeros for an image too small for a neighbourhood.

    Neighbours lie on a square, so that nothing is interpolated: of equal pixels none is brighter by rounding.
    """
    rows, columns = (n - 2 * distance for n in image.shape)
    if rows < 1 or columns < 1:
        return np.zeros(_PATTERNS)
    centre = image[distance : distance + rows, distance : distance + columns]
    code = np.zeros(centre.shape, np.uint8)
    for bit, (down, right) in enumerate(_STEPS):
        top, left = distance * (1 + down), distance * (1 + right)
        code |= (image[top : top + rows, left : left + columns] >= centre).astype(np.uint8) << np.uint8(bit)
    return np.bincount(_pattern_of()[code].ravel(), minlength=_PATTERNS) / code.size


@lru_cache(maxsize=1)
def _pattern_of() -> NDArray[np.uint8]:
    """Return uint8[256]: of each code the neighbours that are no darker, where they lie in one arc, else 9."""
    bits = np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1)
    changes = (bits != np.roll(bits, 1, axis=1)).sum(axis=1)
    return np.where(changes <= 2, bits.sum(axis=1), _PATTERNS - 1).astype(np.uint8)


def _co_occurrence(channel: Channel) -> Sequence[float]:
    skimage: Any = import_module("skimage.feature")  # a third of a second, which a run with nothing new doesn't need
    matrices = skimage.graycomatrix(
        channel.levels, DISTANCES, np.deg2rad(ANGLES), levels=LEVELS, symmetric=True, normed=True
    )
    there = matrices.any(axis=(0, 1))
    values = {name: skimage.graycoprops(matrices, name) for name in ("contrast", "homogeneity", "ASM")}
    values["entropy"] = -(matrices * np.log2(np.where(matrices > 0, matrices, 1.0))).sum(axis=(0, 1))
    alike = np.where(there, skimage.graycoprops(matrices, "correlation"), 0.0)
    pairs = np.maximum(there.sum(axis=1), 1)
    means = [(np.where(there, values[name], 0.0).sum(axis=1) / pairs) for name in HARALICK]
    return [float(v) for v in np.hstack([np.transpose(means), alike]).ravel()]


def _granulometry(channel: Channel) -> Sequence[float]:
    lost = np.zeros((2, HALVINGS + 1, len(SIDES)))
    for k, halved in enumerate(channel.pyramid):
        for sign, image in enumerate((halved, -halved)):
            kept = [image.mean(), *(ndi.grey_opening(image, (side, side)).mean() for side in SIDES)]
            lost[sign, k] = -np.diff(kept)
    return [float(v) for v in lost.ravel()]


def _radial(channel: Channel) -> Sequence[float]:
    band = _band_of(channel.pixels.shape)
    return _log(np.bincount(band.ravel(), channel.power.ravel(), minlength=len(BANDS)).astype(np.float64))


@lru_cache(maxsize=16)
def _frequencies(shape: tuple[int, int]) -> tuple[Floats, Floats]:
    """Return frequencies down and across, in cycles a pixel, at each coefficient of a real transform."""
    down, across = np.meshgrid(np.fft.fftfreq(shape[0]), np.fft.rfftfreq(shape[1]), indexing="ij")
    return down, across


@lru_cache(maxsize=16)
def _band_of(shape: tuple[int, int]) -> NDArray[np.int64]:
    radius = np.hypot(*_frequencies(shape))
    return np.clip(np.searchsorted(BANDS, radius, side="right") - 1, 0, len(BANDS) - 1)


def _gabor(channel: Channel) -> Sequence[float]:
    """Return logarithms of energies: by Parseval's theorem the spectrum, weighted by each filter's own."""
    return _log(_filters(channel.pixels.shape) @ channel.power.ravel())


@lru_cache(maxsize=16)
def _filters(shape: tuple[int, int]) -> Floats:
    """Return float64[filters, coefficients]: squared responses of the filters, with their mirror images."""
    down, across = _frequencies(shape)
    responses = []
    for wavelength in WAVELENGTHS:
        for angle in np.deg2rad(ANGLES):
            at, width = 1 / wavelength, BANDWIDTH / wavelength
            centre = at * np.sin(angle), at * np.cos(angle)
            nearest = np.minimum(
                (down - centre[0]) ** 2 + (across - centre[1]) ** 2, (down + centre[0]) ** 2 + (across + centre[1]) ** 2
            )
            responses.append(np.exp(-nearest / width**2).ravel())
    return np.stack(responses)


def _wavelets(channel: Channel) -> Sequence[float]:
    values = np.zeros((OCTAVES, 4))
    for k, octave in enumerate(channel.octaves):
        parts = [np.sum(part**2) / channel.pixels.size for part in (octave.across, octave.down, octave.diagonal)]
        mean = float(octave.energy.mean())
        values[k] = [*_log(np.array(parts)), np.log1p(octave.energy.std() / mean) if mean > 0 else 0.0]
    return [float(v) for v in values.ravel()]


def _company(channel: Channel) -> Sequence[float]:
    pairs = zip(channel.octaves, channel.octaves[1:], strict=False)
    found = [_correlate(_halve(np.sqrt(fine.energy)), np.sqrt(coarse.energy)) for fine, coarse in pairs]
    return [*found, *[0.0] * (OCTAVES - 1 - len(found))]


def _halve(image: Floats) -> Floats:
    rows, columns = image.shape[0] // 2, image.shape[1] // 2
    blocks: Floats = image[: 2 * rows, : 2 * columns].reshape(rows, 2, columns, 2).mean(axis=(1, 3))
    return blocks


def _correlate(a: Floats, b: Floats) -> float:
    a, b = a - a.mean(), b - b.mean()
    scale = float(np.sqrt((a**2).sum() * (b**2).sum()))
    return float((a * b).sum()) / scale if scale > 1e-12 else 0.0


def _name(halvings: int, distance: int) -> str:
    return f"patterns_{distance * 2**halvings}{'' if halvings == 0 else 'm'}"


_NONE = "a flat channel, or one too small"

MEASURES: tuple[Measure[Channel], ...] = (
    Measure(
        tuple(f"{_name(*ring)}.{k}" for ring in RINGS for k in (*range(_PATTERNS - 1), "other")),
        "",
        "share of pixels with so many of eight neighbours no darker than themselves, these in one arc, and of all "
        "other pixels (uniform patterns, whichever way they are turned); neighbours so many pixels away, on a square; "
        "`m`: means over blocks of that side are compared",
        "Ojala et al. 2002",
        _NONE,
        _local_patterns,
    ),
    Measure(
        tuple(
            f"pairs_{distance}.{what}"
            for distance in DISTANCES
            for what in (*HARALICK, *(f"correlation.{angle}" for angle in ANGLES))
        ),
        "",
        f"of the matrix that counts which grey levels lie so many pixels apart, in {LEVELS} levels of as many pixels "
        "each: contrast, homogeneity, angular second moment and entropy (mean of four directions), and the correlation "
        "in each direction, in degrees clockwise from along the rows",
        "Haralick et al. 1973; scikit-image, `graycoprops`",
        _NONE,
        _co_occurrence,
    ),
    Measure(
        tuple(f"{w}_{side * 2**k}" for w in ("bright", "dark") for k in range(HALVINGS + 1) for side in SIDES),
        "standard deviations",
        "mean brightness that an opening takes away, with squares of this side in pixels: bright grains narrower than "
        "that; the same of the negative image for dark ones. From 6 pixels on of means over blocks of 2 x 2 pixels, "
        "4 x 4 and so on; at 5 times a block, beyond what was taken at 3 times",
        "Maragos 1989",
        _NONE,
        _granulometry,
    ),
    Measure(
        tuple(f"spectrum_{1 / edge:.0f}" for edge in BANDS),
        "log10",
        "share of the power spectrum (under a Hann window) in a band of half an octave, which begins at this "
        "wavelength in pixels and goes on to shorter ones; the first and last hold what is longer and shorter, too",
        "",
        FLAT,
        _radial,
    ),
    Measure(
        tuple(f"gabor_{wavelength:.0f}.{angle}" for wavelength in WAVELENGTHS for angle in ANGLES),
        "log10",
        "share of the power spectrum that a Gabor filter lets through, of this wavelength in pixels and this direction "
        "of its wave, in degrees clockwise from along the rows",
        "Jain and Farrokhnia 1991",
        FLAT,
        _gabor,
    ),
    Measure(
        tuple(
            f"haar_{2**k}.{what}" for k in range(1, OCTAVES + 1) for what in ("across", "down", "diagonal", "spread")
        ),
        "log10",
        "share of the variance in each part of a Haar wavelet transform, by the side of its blocks in pixels; and the "
        "natural log of 1 + the coefficient of variation of the three's energy, from place to place",
        "Mallat 1989",
        _NONE,
        _wavelets,
    ),
    Measure(
        tuple(f"haar_company_{2**k}" for k in range(1, OCTAVES)),
        "",
        "correlation of the local amplitude of the Haar transform with that of blocks twice as large",
        "Portilla and Simoncelli 2000",
        _NONE,
        _company,
    ),
)
"""Every measure of a channel, in order of the columns."""


def feature_names(channels: Sequence[str]) -> tuple[str, ...]:
    """Return the names of the columns of `Texture.encode`, for channels of these names."""
    return tuple(f"{channel}.{name}" for channel in channels for m in MEASURES for name in m.columns)


def measure_channel(values: NDArray[np.float32]) -> list[float]:
    """Return the texture of one channel.

    Parameters
    ----------
    values : float32[H, W]
        Of any size from 1 x 1.

    Returns
    -------
    list of float
        One for each column of `MEASURES`; finite. The same, up to rounding, after ``gain * x + offset`` with gain > 0,
        and after a turn by 180 degrees where the sides are multiples of 32. All 0 for a flat channel.
    """
    channel = Channel.of(values)
    if channel.flat:
        return [0.0] * sum(len(m.columns) for m in MEASURES)
    return [value for m in MEASURES for value in m.values(channel)]
