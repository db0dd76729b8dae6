"""``--model=histogram:BINS``: the shares of each channel's pixels in evenly spaced bins of brightness, as a model."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reprcheck.errors import UserError
from reprcheck.models.model import Model
from reprcheck.models.objects import Origin, model_of
from reprcheck.models.sources.source import Source
from reprcheck.models.spec import Spec


@dataclass(frozen=True)
class Histogram:
    """A callable on pixels: float32[N, C, H, W] in [0, 1] to float32[N, C * bins]."""

    bins: int

    def __call__(self, pixels: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the shares, channel by channel."""
        levels = np.minimum((pixels * self.bins).astype(int), self.bins - 1)
        shares = (levels[..., None] == np.arange(self.bins)).mean(axis=(2, 3))
        return shares.reshape(len(pixels), -1).astype(np.float32)


class HistogramSource(Source):
    """Opens ``histogram:BINS``."""

    target = "BINS"

    def open(self, spec: Spec) -> Model:
        """Return the model; raises UserError where the target isn't a number of bins."""
        if not spec.target.isdecimal():
            raise UserError(spec.where, f"{spec.target!r} is not a number of bins", "write histogram:16")
        return model_of(Histogram(int(spec.target)), Origin(str(spec), self.name_of(spec), spec.where))

    def short_name(self, spec: Spec) -> str:
        """Return ``histogram-16``."""
        return f"histogram-{spec.target}"


HISTOGRAM = HistogramSource()
