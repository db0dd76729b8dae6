"""Models: from what the user names to encoders of the model, its untrained twins and plain untrained networks.

`resolve_model` takes a SPEC (see `reprcheck.models.grammar`) or an object and returns a `Model`. Nothing here
imports torch or timm until an encoder runs, or a digest of weights can't be had from a file.
"""

from reprcheck.models.grammar import parse
from reprcheck.models.model import Facts, Model
from reprcheck.models.plain import ARCHITECTURES, Architecture, draw_plain
from reprcheck.models.resolve import resolve_model
from reprcheck.models.spec import Spec
from reprcheck.models.torch.adapted import CALIBRATED, RESCALED, Adaptation, AdaptationImages, adapt
from reprcheck.models.torch.device import device_name

__all__ = [
    "ARCHITECTURES",
    "CALIBRATED",
    "RESCALED",
    "Adaptation",
    "AdaptationImages",
    "Architecture",
    "Facts",
    "Model",
    "Spec",
    "adapt",
    "device_name",
    "draw_plain",
    "parse",
    "resolve_model",
]
