"""``intensity``: how often does an encoder that sees nothing but brightness pass `beyond_intensity`?

Each encoder is a function of the histograms of an image's channels, drawn without a label: of the 31 intensity features
per channel (linear maps, networks, kernel features, products), or of the histogram itself, finer than the features are:
32 or 64 bins, quantiles, and means over the pixels of random functions of a pixel's value. They come as vectors, so
that no matched images can unmask them; a few come as encoders too, and meet the matched images. The hardest are fitted
to the label on half the units, or batches where folds hold them out, and judged on the other half.

The rate is at the policy's margin; at margin 0 it is among the details.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier
from threadpoolctl import threadpool_limits

from reprcheck.baselines.expansions import standardise
from reprcheck.baselines.intensity import Intensity
from reprcheck.calibration.benches import QUICK_LIMIT, Asked, StudyBenches, asked, opened
from reprcheck.calibration.functions import Floats, Function, apply, kernel, mlp
from reprcheck.calibration.row import Row, Scale
from reprcheck.calibration.tally import Tried, row, rows
from reprcheck.diagnostics import beyond_intensity
from reprcheck.digest import code_digest, digest, installed
from reprcheck.embed.engine import Block, Progress
from reprcheck.models import resolve
from reprcheck.policy import Policy
from reprcheck.seeding import rng, seed
from reprcheck.types import Cell, Image

POLICY = Policy(repeats=1)
"""Folds are drawn once: a second draw would multiply the time, and these rates are about the control."""
SETS = {
    "sim-culture": None,
    "sim-tissue": None,
    "sim-culture-known": None,
    "sim-tissue-known": None,
    "tcell": 400,
    "jurkat": 300,
    "bbbc013": 300,
}
LEARNED = {**SETS, "tcell": None, "jurkat": 800}
"""Whoever is fitted on half the units needs more of them."""
TASKS = (
    "sim-culture:localisation",
    "sim-culture:texture",
    "sim-tissue:arrangement",
    "sim-tissue:localisation",
    "sim-culture-known:brightness",
    "sim-culture-known:count",
    "sim-tissue-known:brightness",
    "tcell:activation",
    "tcell:cell_type",
    "jurkat:phase",
    "bbbc013:localisation",
)
PROBED = (
    "sim-culture:localisation",
    "sim-culture:texture",
    "sim-tissue:arrangement",
    "sim-culture-known:brightness",
    "sim-tissue-known:brightness",
    "tcell:activation",
    "bbbc013:localisation",
)
"""Asked by the probe as well, which takes a hundred times as long."""
MATCHED = ("sim-culture:localisation/probe/1", "sim-culture-known:brightness/probe/1")
"""Where encoders come as such, and meet the matched images."""
QUICK = ("sim-culture-known:brightness", "sim-culture:localisation")
WIDTHS = (32, 128, 512)
LEVELS = 1024
TOP = 255.0
"""Levels are even in log(1 + 255 x), as the bins of the baseline are."""


@dataclass(frozen=True)
class Levels:
    """Encoder: each channel's histogram at 1024 levels."""

    name: str = "levels"

    def digest(self) -> str:
        """Return the digest of how levels are taken."""
        return digest("calibration levels", LEVELS, TOP)

    def encode(self, images: Sequence[Image]) -> NDArray[np.float32]:
        """Return float32[N, C * 1024]: shares of a channel's pixels."""
        rows = [np.concatenate([_shares(channel) for channel in image.pixels]) for image in images]
        return np.stack(rows).astype(np.float32)


def _shares(channel: NDArray[np.float32]) -> Floats:
    level = np.log1p(TOP * np.clip(channel.ravel(), 0, 1)) / np.log1p(TOP) * (LEVELS - 1)
    return np.bincount(np.rint(level).astype(np.int64), minlength=LEVELS) / channel.size


@dataclass(frozen=True)
class Waves:
    """Encoder: means over an image's pixels of random waves of their values, from histograms at 1024 levels."""

    seed: int
    width: int

    @property
    def name(self) -> str:
        """Of this draw."""
        return f"waves-{self.seed}"

    def digest(self) -> str:
        """Return the digest of the draw."""
        code = code_digest("reprcheck.calibration", "intensity", "functions")
        return digest("waves", self.seed, self.width, Levels().digest(), code)

    def encode(self, images: Sequence[Image]) -> NDArray[np.float32]:
        """Return float32[N, D], D the width rounded up to as much per channel."""
        levels = Levels().encode(images).reshape(len(images), -1, LEVELS).astype(np.float64)
        return _mean_of_waves(
            Seen(np.zeros((len(images), 1), np.float32), levels), self.width, rng("waves", self.seed)
        ).astype(np.float32)


@dataclass(frozen=True)
class Seen:
    """What a function may see of n images: the baseline's features, and histograms float64[n, C, 1024]."""

    features: NDArray[np.float32]
    levels: Floats


def _of_features(name: str) -> Callable[[Seen, int, np.random.Generator], Floats]:
    return lambda seen, width, draw: apply(name, seen.features, width, draw).astype(np.float64)


def _bins(number: int) -> Callable[[Seen, int, np.random.Generator], Floats]:
    def function(seen: Seen, width: int, draw: np.random.Generator) -> Floats:
        """Return the shares of pixels in bins even in the logarithm of brightness, or in brightness; or their roots."""
        shares = seen.levels
        at = (
            np.arange(LEVELS) / LEVELS if draw.random() < 0.5 else np.expm1(np.linspace(0, np.log1p(TOP), LEVELS)) / TOP
        )
        bins = np.eye(number)[np.minimum((at * number).astype(np.int64), number - 1)]
        counted = (shares @ bins).reshape(len(shares), -1)
        return np.sqrt(counted) if draw.random() < 0.5 else counted

    return function


def _mean_of_waves(seen: Seen, width: int, draw: np.random.Generator) -> Floats:
    """Return the mean over each channel's pixels of random waves of their values."""
    return _mean_over_pixels(kernel, seen, width, draw)


def _mean_of_networks(seen: Seen, width: int, draw: np.random.Generator) -> Floats:
    """Return the mean over each channel's pixels of random networks of their values."""
    return _mean_over_pixels(mlp(np.tanh), seen, width, draw)


def _mean_over_pixels(function: Function, seen: Seen, width: int, draw: np.random.Generator) -> Floats:
    each = -(-width // seen.levels.shape[1])
    at = np.linspace(-1, 1, LEVELS)[:, None] * draw.choice((2.0, 6.0, 20.0))
    return (seen.levels @ function(at, each, draw)).reshape(len(seen.levels), -1)


def _quantiles(seen: Seen, width: int, draw: np.random.Generator) -> Floats:
    """Return the levels below which random shares of a channel's pixels lie."""
    each = -(-width // seen.levels.shape[1])
    shares = np.sort(draw.random(each))
    below = seen.levels.cumsum(2)
    found = [[np.searchsorted(channel, shares) for channel in image] for image in below]
    return np.array(found, float).reshape(len(below), -1)


def _network_of_bins(seen: Seen, width: int, draw: np.random.Generator) -> Floats:
    return apply("tanh network", _bins(64)(seen, width, draw).astype(np.float32), width, draw).astype(np.float64)


KINDS: Mapping[str, Callable[[Seen, int, np.random.Generator], Floats]] = {
    "linear map": _of_features("linear map"),
    "tanh network": _of_features("tanh network"),
    "ReLU network": _of_features("ReLU network"),
    "sine network": _of_features("sine network"),
    "kernel": _of_features("kernel"),
    "products": _of_features("products"),
    "32 bins": _bins(32),
    "64 bins": _bins(64),
    "network of 64 bins": _network_of_bins,
    "quantiles": _quantiles,
    "mean of waves": _mean_of_waves,
    "mean of networks": _mean_of_networks,
}


@dataclass
class Trial:
    """One encoder in one setting."""

    at: Asked
    kind: str
    width: int
    number: int

    def judge(self, benches: StudyBenches) -> Cell:
        """Ask the diagnostic."""
        dataset, task = self.at.dataset, self.at.task
        features, levels = benches.blocks(dataset, task, [Intensity(), Levels()], "histograms")
        name = ("intensity", self.kind, self.width, self.number, self.at.name)
        seen = Seen(features.vectors, levels.vectors.reshape(len(task.y), -1, LEVELS).astype(np.float64))
        vectors = KINDS[self.kind](seen, self.width, rng(*name)).astype(np.float32)
        block = Block(
            digest(list(name), code_digest("reprcheck.calibration", "intensity", "functions")), levels.ids, vectors
        )
        return beyond_intensity.ask(benches.of(self.at, block))


@dataclass(frozen=True)
class Fitted:
    """An encoder that learned to read the label from brightness, on other groups than it is judged on."""

    at: Asked
    kind: str
    fine: bool
    number: int

    def judge(self, benches: StudyBenches) -> Cell:
        """Ask the diagnostic on the half of what folds hold out, batches or units, that it hasn't learned from."""
        dataset, task = self.at.dataset, self.at.task
        features, levels = benches.blocks(dataset, task, [Intensity(), Levels()], "histograms")
        name = ("fitted to intensity", self.kind, self.fine, self.number, self.at.name)
        groups = task.batches if task.holdout == "batch" else task.units
        names = np.unique(groups)
        learns = np.isin(groups, rng(*name).permutation(names)[: len(names) // 2])
        z = standardise(features.vectors)
        if self.fine:
            shares = levels.vectors.reshape(-1, LEVELS).reshape(len(z), -1, 64, LEVELS // 64).sum(3)
            z = np.hstack([z, standardise(np.sqrt(shares).reshape(len(z), -1))])
        rest = np.flatnonzero(~learns)
        vectors = FITTED[self.kind](z[learns], task.y[learns], z[rest], seed(*name) % 2**31)
        half = task.take(rest)
        code = code_digest("reprcheck.calibration", "intensity", "functions")
        source = digest(list(name), code, installed("scikit-learn"))
        ids = tuple(levels.ids[i] for i in rest)
        shown = replace(dataset, tasks={half.name: half}, digest=digest(dataset.digest, list(name)))
        at = Asked(shown, replace(half, control=None, positions=None), self.at.protocol)
        return beyond_intensity.ask(StudyBenches(POLICY).of(at, Block(source, ids, vectors.astype(np.float32))))


def _network(z: Floats, y: NDArray[np.int64], judged: Floats, state: int) -> Floats:
    """Return the last hidden layers of three small networks."""
    out = []
    for k in range(3):
        fitted = MLPClassifier((64, 32), activation="tanh", alpha=0.01, max_iter=150, random_state=state + k)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            fitted.fit(z, y)
        hidden = judged
        for weights, bias in list(zip(fitted.coefs_, fitted.intercepts_, strict=True))[:-1]:
            hidden = np.tanh(hidden @ weights + bias)
        out.append(hidden)
    return np.hstack(out)


def _forest(z: Floats, y: NDArray[np.int64], judged: Floats, state: int) -> Floats:
    """Return each tree's probabilities of the classes."""
    trees = ExtraTreesClassifier(100, min_samples_leaf=3, random_state=state).fit(z, y).estimators_
    return np.hstack([tree.predict_proba(judged) for tree in trees])


FITTED = {"network": _network, "forest": _forest}


def study(scale: Scale, progress: Progress) -> list[Row]:
    """Return rows for each kind of encoder, each setting and each protocol; and of the harder encoders."""
    sets = opened(SETS if scale.full else dict.fromkeys(SETS, QUICK_LIMIT), TASKS if scale.full else QUICK)
    voted = asked(sets, [f"{task}/knn/1" for task in (TASKS if scale.full else QUICK)])
    probed = asked(sets, [f"{task}/probe/1" for task in (PROBED if scale.full else QUICK[:1])])
    drawn = _trials(voted, scale.trials(2, 1)) + _trials(probed, 1)[:: scale.trials(1, 6)]
    enough = opened(LEARNED, TASKS) if scale.full else sets
    fitted = [Fitted(at, *how) for at in asked(enough, [at.name for at in voted]) for how in _ways(scale.trials(2, 1))]
    if scale.full:
        fitted += [Fitted(at, *how) for at in asked(enough, [at.name for at in probed]) for how in _ways(1)]
    benches, halves = StudyBenches(POLICY), StudyBenches(POLICY)
    with threadpool_limits(1), progress(len(drawn) + len(fitted), "functions of intensity") as advance:
        tried, learned = [], []
        for trial in drawn:
            tried.append(Tried(trial.at, trial.kind, trial.judge(benches)))
            advance(1)
        for one in fitted:
            learned.append(Tried(one.at, one.kind, one.judge(halves)))
            advance(1)
        matched = _on_matched_images(asked(sets, MATCHED), benches) if scale.full else []
    found = rows("intensity", tried, **{"draws of the folds": POLICY.repeats})
    for protocol in dict.fromkeys(one.at.protocol for one in learned):
        chosen = [one for one in learned if one.at.protocol == protocol]
        found.append(row("intensity", f"{protocol}, fitted to the label on other data", chosen))
    return [*found, *matched]


def _ways(each: int) -> list[tuple[str, bool, int]]:
    return [(kind, fine, number) for kind in FITTED for fine in (False, True) for number in range(each)]


def _on_matched_images(settings: Iterable[Asked], benches: StudyBenches) -> list[Row]:
    """Return the row of encoders that are shown the matched images as well."""
    tried = [
        Tried(at, "on matched images", beyond_intensity.ask(benches.of_model(resolve(Waves(seed, width)), at)))
        for at in settings
        for seed, width in enumerate(WIDTHS)
    ]
    return [row("intensity", "encoders, on matched images too", tried)] if tried else []


def _trials(settings: Sequence[Asked], each: int) -> list[Trial]:
    """Return ``each`` encoders of every kind in every setting; of one width each time, to share references."""
    return [
        Trial(at, kind, WIDTHS[(s + number) % len(WIDTHS)], number)
        for s, at in enumerate(settings)
        for kind in KINDS
        for number in range(each)
    ]
