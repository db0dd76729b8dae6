"""Encoders that nobody trained, and changes to images and features that make them fair rivals.

`Intensity` knows brightness and no place, `Structure` knows objects and no brightness, `Composition` types of cells and
nothing else, `Texture` how pixels relate to their neighbours, `Pixels` a thumbnail; `CellProfiler`, which is optional,
also measures the inside of objects. `expand` adds nonlinear functions of their features; `TargetHistograms` and
`MatchedEncoder` take brightness away from any encoder. What comes from the table rather than from images is in
`reprcheck.confounds`; which of them a model meets is decided in `reprcheck.runs.opponents`.
"""

from reprcheck.baselines.cellprofiler import CellProfiler
from reprcheck.baselines.expansions import expand
from reprcheck.baselines.intensity import Intensity
from reprcheck.baselines.matching import MatchedEncoder, Quantiles, TargetHistograms, match
from reprcheck.baselines.pixels import Pixels
from reprcheck.baselines.reference import Baseline, Reference
from reprcheck.baselines.segmentation import nuclear_channel, segment
from reprcheck.baselines.structure.baseline import Composition, Structure
from reprcheck.baselines.texture.baseline import Texture

__all__ = [
    "Baseline",
    "CellProfiler",
    "Composition",
    "Intensity",
    "MatchedEncoder",
    "Pixels",
    "Quantiles",
    "Reference",
    "Structure",
    "TargetHistograms",
    "Texture",
    "expand",
    "match",
    "nuclear_channel",
    "segment",
]
