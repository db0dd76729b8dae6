"""What CellProfiler measures of the objects: the optional `CellProfiler` baseline, by cp_measure.

Size, shape, brightness, texture, granularity, radial distribution and co-location of every object: hand-made features
that see what is inside the cells, where `structure` sees none of it. Objects are those of `structure`; cp_measure is
imported with the first image.

Left out: positions and angles, which say how the camera was held (the phases of Zernike moments among them); moments
and the inertia tensor, which CellProfiler too leaves out by default; Costes' coefficients, which are slow and need
the camera's grey levels; slopes, K and overlap, which have no bounds or fail where an object is black in a channel.
Texture is the mean of four directions, on grey levels stretched over what the objects hold.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reprcheck.baselines.reference import Baseline
from reprcheck.baselines.segmentation import objects
from reprcheck.baselines.structure.shapes import in_raster_order
from reprcheck.code import code_digest
from reprcheck.digest import digest, installed
from reprcheck.errors import UserError
from reprcheck.types import Dataset, Image, Kind

STATISTICS = ("mean", "sd", "median")
"""What the values of all objects become; 0 where no object has one."""
LEVELS, SCALE = 32, 3
"""Grey levels of the texture, the lowest of them for the background; and how far apart two pixels compared are."""
GRANULES, GRAIN_FIELD = 8, 256
"""Sizes of granules, in pixels of the field shrunk to at most this many pixels a side."""

_MOMENTS = tuple(f"{n}_{m}" for n in range(10) for m in range(n % 2, n + 1, 2))
_HARALICK = (
    *("AngularSecondMoment", "Contrast", "Correlation", "Variance", "InverseDifferenceMoment", "SumAverage"),
    *("SumVariance", "SumEntropy", "Entropy", "DifferenceVariance", "DifferenceEntropy", "InfoMeas1", "InfoMeas2"),
)

OF_OBJECTS = (
    *("Area", "BoundingBoxArea", "ConvexArea", "EquivalentDiameter", "Perimeter", "MajorAxisLength"),
    *("MinorAxisLength", "Eccentricity", "FormFactor", "Extent", "Solidity", "Compactness", "EulerNumber"),
    *("MaximumRadius", "MeanRadius", "MedianRadius", "MinFeretDiameter", "MaxFeretDiameter"),
    *(f"Zernike_{moment}" for moment in _MOMENTS),
)
"""Measured once, as cp_measure names them."""
OF_CHANNELS = (
    *(f"Intensity_{what}Intensity" for what in ("Integrated", "Mean", "Std", "Min", "Max")),
    *(f"Intensity_{what}IntensityEdge" for what in ("Integrated", "Mean", "Std", "Min", "Max")),
    *(f"Intensity_{what}Intensity" for what in ("LowerQuartile", "Median", "MAD", "UpperQuartile")),
    "Intensity_MassDisplacement",
    *(f"Texture_{name}" for name in _HARALICK),
    *(f"Granularity_{size}" for size in range(1, GRANULES + 1)),
    *(f"RadialDistribution_{what}_{ring}of4" for what in ("FracAtD", "MeanFrac", "RadialCV") for ring in range(1, 5)),
    *(f"RadialDistribution_ZernikeMagnitude_{moment}" for moment in _MOMENTS),
)
"""Measured in each channel."""
OF_PAIRS = (
    "Correlation_Pearson",
    "Correlation_Manders_1",
    "Correlation_Manders_2",
    "Correlation_RWC_1",
    "Correlation_RWC_2",
)
"""Measured in each pair of channels."""

Floats = NDArray[np.float64]
Labels = NDArray[np.int64]
Measurements = dict[str, Any]


@dataclass(frozen=True)
class CellProfiler:
    """Encoder: mean, standard deviation and median over objects of what CellProfiler measures of each.

    Attributes
    ----------
    channels : tuple of str
        Names of the channels of the images, in order.
    kind : {"culture", "tissue", "natural"}
        The dataset's.
    name : str

    Examples
    --------
    >>> import numpy as np
    >>> mask = np.zeros((32, 32), np.int32)
    >>> mask[4:9, 4:9] = 1
    >>> row = CellProfiler(("dna",), "culture").encode([Image(np.zeros((1, 32, 32), np.float32), mask)])[0]
    >>> dict(zip(feature_names(("dna",)), row.tolist()))["Area.mean"]
    25.0
    """

    channels: tuple[str, ...]
    kind: Kind
    name: str = "cellprofiler"

    def digest(self) -> str:
        """Return the digest of what is measured, of the segmentation and of the libraries' versions."""
        versions = installed("cp-measure", "centrosome", "mahotas", "scikit-image", "scipy", "numpy")
        return digest("cellprofiler", self.channels, self.kind, code_digest(__name__), versions)

    def encode(self, images: Sequence[Image]) -> NDArray[np.float32]:
        """Return float32[N, D]: the features of `feature_names`, for N images.

        Where a measurement isn't defined for an object (texture of one narrower than `SCALE`, anything relative of one
        that is black), its statistics are of the other objects. An object of one pixel has no inside: it is counted,
        and not measured.
        """
        vectors = np.zeros((len(images), len(feature_names(self.channels))), np.float32)
        for vector, image in zip(vectors, images, strict=True):
            labels = in_raster_order(objects(image, self.channels, self.kind))
            sizes = np.bincount(labels.ravel())
            vector[0] = len(sizes) - 1
            measured = in_raster_order(np.where(sizes[labels] > 1, labels, 0))
            if measured.any():
                measurements = _measure(measured, image.pixels.astype(np.float64))
                vector[1:] = [s for values in measurements for s in _statistics(values[np.isfinite(values)])]
        return vectors


def feature_names(channels: Sequence[str]) -> tuple[str, ...]:
    """Return the names of the columns of `CellProfiler.encode`, for channels of these names."""
    measured = (
        *OF_OBJECTS,
        *(f"{channel}.{name}" for channel in channels for name in OF_CHANNELS),
        *(f"{first}.{second}.{name}" for first, second in combinations(channels, 2) for name in OF_PAIRS),
    )
    return ("count", *(f"{name}.{statistic}" for name in measured for statistic in STATISTICS))


def _measure(labels: Labels, pixels: Floats) -> list[Floats]:
    """Return float64[n] for each measurement of n objects, labelled from 1, of float64[C, H, W]; NaN or inf: undefined.

    The functions are called by name: cp_measure's own list of them can be switched to others for the whole process.
    """
    with np.errstate(all="ignore"):
        return [
            *_pick(OF_OBJECTS, _measure_objects(labels)),
            *(values for channel in pixels for values in _pick(OF_CHANNELS, _measure_channel(labels, channel))),
            *(
                v
                for first, second in combinations(pixels, 2)
                for v in _pick(OF_PAIRS, _measure_pair(labels, first, second))
            ),
        ]


def _measure_objects(labels: Labels) -> Measurements:
    from cp_measure.core import measureobjectsizeshape as shape

    return {
        **shape.get_sizeshape(labels, None, calculate_advanced=False, new_features=False),
        **shape.get_feret(labels, None),
        **shape.get_zernike(labels, None),
    }


def _measure_channel(labels: Labels, channel: Floats) -> Measurements:
    from cp_measure.core import measureobjectintensitydistribution as distribution
    from cp_measure.core.measuregranularity import get_granularity
    from cp_measure.core.measureobjectintensity import get_intensity
    from cp_measure.core.measuretexture import get_texture

    shrunk = min(1.0, GRAIN_FIELD / max(channel.shape))
    granularity = get_granularity(labels, channel, shrunk, granular_spectrum_length=GRANULES)
    texture = get_texture(labels, _stretch(channel, labels), SCALE, LEVELS)
    return {
        **get_intensity(labels, channel),
        **{
            f"Texture_{name}": sum(texture[f"{name}_{SCALE}_{d:02}_{LEVELS}"] for d in range(4)) / 4
            for name in _HARALICK
        },
        # interpolation can give a black object beside a bright one any multiple of its own brightness
        **{name: np.clip(values, -100, 100) for name, values in granularity.items()},
        **distribution.get_radial_distribution(labels, channel),
        **distribution.get_radial_zernikes(labels, channel),
    }


def _measure_pair(labels: Labels, first: Floats, second: Floats) -> Measurements:
    from cp_measure.core import measurecolocalization as colocalization

    return {
        **colocalization.get_correlation_pearson(first, second, labels),
        **colocalization.get_correlation_manders_fold(first, second, labels),
        **colocalization.get_correlation_rwc(first, second, labels),
    }


def _stretch(channel: Floats, labels: Labels) -> Floats:
    """Stretch a channel: pixels within objects go from the lowest grey level above 0, which stands for none, to 1."""
    inside = channel[labels > 0]
    low, spread = float(inside.min()), float(np.ptp(inside)) or 1.0
    darkest = 1.5 / (LEVELS - 1)
    stretched: Floats = np.clip(darkest + (1 - darkest) * (channel - low) / spread, 0.0, 1.0)
    return stretched


def _pick(names: Sequence[str], values: Measurements) -> list[Floats]:
    return [np.asarray(values[name], np.float64) for name in names]


def _statistics(values: Floats) -> tuple[float, float, float]:
    return (float(values.mean()), float(values.std()), float(np.median(values))) if values.size else (0.0, 0.0, 0.0)


class CellProfilerBaseline(Baseline):
    """The strongest baseline without training, for policies that list it; none for photographs, which have no cells."""

    name, knows, optional = "cellprofiler", "layout", True
    letter, heading, probed = "f", "cell-\nprofiler", (name,)

    def encoder(self, dataset: Dataset, channels: tuple[str, ...]) -> CellProfiler | None:
        """Return the encoder for channels of these names."""
        return None if dataset.kind == "natural" else CellProfiler(channels, dataset.kind)

    def must_be_usable(self, where: str) -> None:
        """Raise UserError where cp_measure isn't installed; ``where`` names what requires it."""
        if find_spec("cp_measure") is None:
            what = "cellprofiler needs cp-measure, which isn't installed"
            raise UserError(where, what, "pip install 'reprcheck[cellprofiler]'")


CELLPROFILER = CellProfilerBaseline()
