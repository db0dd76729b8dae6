"""Models: from what the user names to encoders of the model, its untrained twins and plain untrained networks.

`resolve` is the door: it takes a SPEC (see `reprcheck.models.spec`) or an object and returns a `Model`. Nothing here
imports torch or timm until an encoder runs, or a digest of weights can't be had from a file.
"""

from reprcheck.models.calibration import Calibration, calibrated
from reprcheck.models.emb import Precomputed
from reprcheck.models.model import Architecture, Facts, Model
from reprcheck.models.resolve import resolve
from reprcheck.models.spec import Spec, parse
from reprcheck.models.torch_encoder import device_name

__all__ = [
    "Architecture",
    "Calibration",
    "Facts",
    "Model",
    "Precomputed",
    "Spec",
    "calibrated",
    "device_name",
    "parse",
    "resolve",
]
