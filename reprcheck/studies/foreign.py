"""``foreign``: how often does an untrained network pass `beats_untrained` whose opponents aren't drawn as it is?

Of two kinds. Behind a callable a network has no twins, and meets the plain families alone, whose architecture and
initialisation are others. Where batch norm was folded into the convolutions the scale of each layer is still that of
images, but twins are drawn without any normalisation, and would fade if they weren't rescaled.
"""

from __future__ import annotations

from functools import cached_property
from itertools import product

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from reprcheck.diagnostics import beats_untrained
from reprcheck.digest import digest
from reprcheck.embed.engine import Progress
from reprcheck.models import Model, resolve_model
from reprcheck.policy import Policy
from reprcheck.protocols.knn import KNN
from reprcheck.protocols.probe import PROBE
from reprcheck.seeding import seed
from reprcheck.studies.benches import QUICK_LIMIT, StudyBenches, StudySetting, by, open_sets, study_settings
from reprcheck.studies.row import Row, Scale
from reprcheck.studies.tally import Attempt, rows
from reprcheck.types import Encoder

NAME = "foreign"
POLICY = Policy(repeats=1)
"""Folds are drawn once: a second draw would multiply the time, and these rates are about the spread of draws."""
ARCHITECTURES = (
    "timm:test_byobnet",
    "timm:test_convnext",
    "timm:test_efficientnet_gn",
    "timm:test_mambaout",
    "timm:test_nfnet",
    "timm:test_vit3",
    "demo",
)
"""Of those that timm keeps small."""
FOLDED = "batch norm folded"
SETS = {
    "sim-culture": None,
    "sim-tissue": None,
    "sim-culture-known": None,
    "sim-tissue-known": None,
    "tcell": 300,
    "jurkat": 300,
    "bbbc013": None,
    "osteosarcoma": 300,
}
SETTINGS = (
    *by(KNN, "sim-culture:localisation", "sim-culture-known:texture", "sim-culture-known:shape"),
    *by(KNN, "sim-tissue:polarity", "sim-tissue-known:arrangement", "sim-tissue-known:count"),
    *by(KNN, "tcell:activation", "jurkat:phase", "bbbc013:localisation", "osteosarcoma:tumour"),
    *by(PROBE, "sim-culture:localisation", "tcell:activation"),
)
QUICK = by(KNN, "sim-culture:localisation", "sim-culture-known:shape")
SEEN = 64
"""Images whose statistics batch norm had when it was folded."""


class Hidden(Model):
    """A network behind a callable: its vectors are all that is known."""

    def __init__(self, model: Model) -> None:
        self.model, self.spec, self.name = model, model.spec, model.name

    @cached_property
    def digest(self) -> str:
        """Digest of the network's own."""
        return digest("hidden", self.model.digest)

    def encoder(self, n_channels: int) -> Encoder:
        """Return the network as an encoder."""
        return self.model.encoder(n_channels)

    def untrained(self, n_channels: int, k: int) -> None:
        """Return None: there are no twins."""


def study(scale: Scale, progress: Progress) -> list[Row]:
    """Return a row for each protocol, and within it for each architecture and setting."""
    sets = open_sets(SETS if scale.full else dict.fromkeys(SETS, QUICK_LIMIT), SETTINGS if scale.full else QUICK)
    settings = study_settings(sets, SETTINGS if scale.full else QUICK)
    each = scale.trials(6, 1)
    kinds = (*ARCHITECTURES, FOLDED) if scale.full else (ARCHITECTURES[0], FOLDED)
    trials = list(product(settings, range(each), kinds))
    benches, attempts = StudyBenches(POLICY), []
    with threadpool_limits(1), progress(len(trials), "untrained networks of other kinds") as advance:
        for at, number, kind in trials:
            cell = beats_untrained.ask(benches.of_model(_model(kind, at, number), at))
            attempts.append(Attempt(at, kind, cell))
            advance(1)
    return rows(NAME, attempts)


def _model(kind: str, at: StudySetting, number: int) -> Model:
    """Return the untrained network of a trial: seeds are made from names."""
    draw = seed(NAME, kind, at.dataset.name, at.task.name, number) % 2**31
    if kind != FOLDED:
        options = "size=64" if kind == "demo" else "pretrained=false&size=64"
        return Hidden(resolve_model(f"{kind}?{options}&seed={draw}"))
    from reprcheck.models.torch.folded import fold

    return resolve_model(fold(draw, _pixels(at)))


def _pixels(at: StudySetting) -> NDArray[np.float32]:
    """Return float32[n, 3, H, W]: images of the task, of one channel thrice."""
    rows = at.task.rows[np.linspace(0, len(at.task.rows) - 1, SEEN).astype(int)]
    images = [at.dataset.images.read(int(row)).pixels[list(at.task.channels)] for row in rows]
    return np.stack([np.resize(image, (3, *image.shape[1:])) for image in images])
