"""``intensity``: how often does an encoder that sees nothing but brightness pass `beyond_intensity`?

Each encoder is a function of the histograms of an image's channels, drawn without a label: of the 31 intensity features
per channel (linear maps, networks, kernel features, products), or of the histogram itself, finer than the features are:
32 or 64 bins, quantiles, and means over the pixels of random functions of a pixel's value. They come as vectors, so
that no matched images can unmask them; a few come as encoders too, and meet the matched images.

The rate is at the policy's margin; at margin 0 it is among the details.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from reprcheck.calibration.benches import Asked, Benches, asked, opened
from reprcheck.calibration.functions import FUNCTIONS, Floats, apply, kernel, mlp
from reprcheck.calibration.row import Row, Scale
from reprcheck.diagnostics import beyond_intensity
from reprcheck.digest import code_digest, digest
from reprcheck.embed.engine import Block, Progress
from reprcheck.models import resolve
from reprcheck.policy import Policy
from reprcheck.seeding import rng
from reprcheck.session import Question
from reprcheck.types import Cell, Encoder, Image

ALPHA = 0.05
POLICY = Policy(repeats=1)
WIDTHS = (32, 128, 512)
SETS = {
    "sim-culture": None,
    "sim-tissue": None,
    "sim-culture-known": None,
    "sim-tissue-known": None,
    "tcell": 400,
    "jurkat": 300,
    "bbbc013": 300,
}
PROBED = (
    "sim-culture:localisation/probe/1",
    "sim-culture:texture/probe/1",
    "sim-tissue:arrangement/probe/1",
    "sim-tissue:localisation/probe/1",
    "sim-culture-known:brightness/probe/1",
    "sim-culture-known:count/probe/1",
    "sim-tissue-known:brightness/probe/1",
    "tcell:activation/probe/1",
    "tcell:cell_type/probe/1",
    "jurkat:phase/probe/1",
    "bbbc013:localisation/probe/1",
)
VOTED = tuple(setting.replace("probe/1", "knn/1") for setting in PROBED)
REAL = ("sim-culture-known:brightness/probe/1", "sim-culture:localisation/probe/1")
"""Settings where encoders come as such, and meet the matched images."""
LEVELS = 1024
TOP = 255.0


def study(scale: Scale, progress: Progress) -> list[Row]:
    """Return rows for each protocol, each kind of encoder and each setting, and for real encoders."""
    sets = opened(SETS if scale.full else {name: SETS[name] for name in ("sim-culture", "sim-culture-known")})
    benches = Benches(POLICY, progress)
    settings = [*asked(sets, PROBED if scale.full else ()), *asked(sets, VOTED)]
    trials = list(_trials(settings, scale))
    with threadpool_limits(1):
        with progress(len(trials), "functions of intensity") as advance:
            for trial in trials:
                trial.judge(benches)
                advance(1)
        seen = ", ".join(one.name for one in sets)
        return [*_rows(trials, seen), *([_matched(asked(sets, REAL), benches)] if scale.full else [])]


@dataclass
class Trial:
    """One encoder in one setting, and its verdict."""

    at: Asked
    kind: str
    width: int
    number: int
    cell: Cell | None = None

    def judge(self, benches: Benches) -> None:
        """Ask the diagnostic."""
        task = self.at.task
        levels, intensity = benches.blocks(self.at.dataset, task, [Levels(), _intensity()], "histograms")
        vectors = made(self.kind, intensity.vectors, levels.vectors, self.width, self._draw())
        source = digest("calibration", self.kind, self.width, self.number, self.at.name, levels.digest, _code())
        self.cell = beyond_intensity.judge(benches.of(self.at, Block(source, levels.ids, vectors)))

    def _draw(self) -> np.random.Generator:
        return rng("intensity", self.kind, self.width, self.number, self.at.name)
