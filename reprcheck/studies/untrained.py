"""``untrained``: how often does one more untrained draw pass `beats_untrained`?

For each architecture and image set a pool of networks is drawn. Each is the model once; the five that follow it, by a
stride of its own, are its twins, so that no two trials share a family. Beside them stand the plain families and, on
the simulated sets, twins whose batch norm was adapted, as at the gate. The margin is 0, where the rate may be alpha;
how often the twins as drawn would have been beaten, had they been alone, is among the details.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from threadpoolctl import threadpool_limits

from reprcheck.diagnostics import beats_untrained
from reprcheck.embed.engine import Block, Progress
from reprcheck.models import ARCHITECTURES as PLAIN
from reprcheck.models import Model, adapt, draw_plain, resolve_model
from reprcheck.policy import Policy
from reprcheck.protocols.knn import KNN
from reprcheck.protocols.nsc import NSC
from reprcheck.protocols.probe import PROBE
from reprcheck.runs.recipes import CALIBRATED_TWINS, UNTRAINED
from reprcheck.seeding import seed
from reprcheck.studies.benches import QUICK_LIMIT, StudyBenches, StudySetting, by, open_sets, study_settings
from reprcheck.studies.row import Row, Scale
from reprcheck.studies.tally import Attempt, row

POLICY = Policy(margin=0.0, repeats=1)
"""Folds are drawn once: a second draw would multiply the time, and these rates are about the spread of draws."""
TWINS = 5
ARCHITECTURES = {
    "demo": "demo?size=64&seed={seed}",
    "resnet": "timm:test_resnet?pretrained=false&size=64&seed={seed}",
    "vit": "timm:test_vit?pretrained=false&size=64&seed={seed}",
}
SETS = {
    "sim-culture": None,
    "sim-tissue": None,
    "sim-culture-known": None,
    "sim-tissue-known": None,
    "sim-culture-split": None,
    "sim-screen": None,
    "tcell": 300,
    "jurkat": 300,
    "bbbc013": None,
    "osteosarcoma": 300,
}
CULTURE = by(
    KNN,
    "sim-culture:localisation",
    "sim-culture-known:texture",
    "sim-culture-known:brightness",
    "sim-culture-known:shape",
)
TISSUE = by(
    KNN,
    "sim-tissue-known:arrangement",
    "sim-tissue-known:localisation",
    "sim-tissue-known:count",
    "sim-tissue-known:nothing",
)
SETTINGS = {
    "demo": (*CULTURE, *by(PROBE, "sim-culture:localisation")),
    "resnet": (*CULTURE, *TISSUE, *by(KNN, "tcell:activation")),
    "vit": (
        *CULTURE,
        *TISSUE,
        *by(PROBE, "sim-tissue-known:localisation"),
        *by(KNN, "sim-culture-split:localisation"),
        *by(NSC, "sim-screen:mechanism"),
        *by(KNN, "tcell:activation", "jurkat:phase", "bbbc013:localisation"),
        *by(PROBE, "bbbc013:localisation"),
        *by(KNN, "osteosarcoma:tumour"),
    ),
}
"""The cheaper a network, the more it is asked."""
QUICK = {"vit": by(KNN, "sim-culture:localisation", "sim-culture-known:brightness")}


@dataclass(frozen=True)
class Pool:
    """Untrained networks of one architecture, and plain ones, as embedded on a task's samples."""

    draws: Sequence[Block]
    adapted: Sequence[Block]
    plain: Mapping[str, Sequence[Block]]

    def families(self, i: int) -> dict[str, tuple[Block, ...]]:
        """Return whom draw ``i`` meets: the K draws that follow it by a stride of its own, and the plain families."""
        n = len(self.draws)
        stride = 1 + i % ((n - 1) // TWINS)
        twins = [(i + stride * k) % n for k in range(1, TWINS + 1)]
        families = {UNTRAINED.name: tuple(self.draws[k] for k in twins)}
        if self.adapted:
            families[CALIBRATED_TWINS] = tuple(self.adapted[k] for k in twins)
        return families | {f"{UNTRAINED.name}-{kind}": tuple(blocks) for kind, blocks in self.plain.items()}


def study(scale: Scale, progress: Progress) -> list[Row]:
    """Return a row for each architecture and setting, for each architecture, and for all."""
    settings = SETTINGS if scale.full else QUICK
    limits = SETS if scale.full else dict.fromkeys(SETS, QUICK_LIMIT)
    sets = open_sets(limits, [setting for several in settings.values() for setting in several])
    cases = [(architecture, at) for architecture, several in settings.items() for at in study_settings(sets, several)]
    benches, size = StudyBenches(POLICY), scale.trials(50, 12)
    pools: dict[tuple[str, str, bytes], Pool] = {}
    attempts: dict[tuple[str, str], list[Attempt]] = {}
    with threadpool_limits(1), progress(len(cases), "untrained draws") as advance:
        for architecture, at in cases:
            images = at.dataset.name.removesuffix("-known").removesuffix("-split")
            key = (architecture, images, at.task.rows.tobytes())
            if key not in pools:
                pools[key] = draw_pool(benches, at, architecture, images, size)
            pool = pools[key]
            cells = [beats_untrained.ask(benches.of(at, pool.draws[i], pool.families(i))) for i in range(size)]
            attempts[architecture, at.name] = [Attempt(at, architecture, cell) for cell in cells]
            advance(1)
    return _rows(attempts, size * len(pools))


def draw_pool(benches: StudyBenches, at: StudySetting, architecture: str, images: str, size: int) -> Pool:
    """Draw the networks, seeds made from names, and embed the task's samples."""
    models = [_model(architecture, images, i) for i in range(size)]
    channels = len(at.task.channels)
    draws = [model.encoder(channels) for model in models]
    images_seen = (
        benches.adaptation_images(at.dataset, at.task) if _simulated(at) and models[0].facts().batch_norm else None
    )
    again = [adapt(draw, images_seen) for draw in draws] if images_seen else []
    others = [draw_plain(models[0], channels, kind, k) for kind in PLAIN for k in range(TWINS)]
    title = f"{size} untrained {architecture}s"
    blocks = benches.blocks(at.dataset, at.task, [*draws, *again, *others], title)
    ends = np.cumsum([0, len(draws), len(again), *[TWINS] * len(PLAIN)])
    twins, adapted, *plain = (blocks[a:b] for a, b in pairwise(ends))
    return Pool(twins, adapted, dict(zip(PLAIN, plain, strict=True)))


def _simulated(at: StudySetting) -> bool:
    """Return whether twins are adapted as well, which doubles the time: on one kind of set it is shown to work."""
    return at.dataset.name.startswith("sim-")


def _model(architecture: str, images: str, i: int) -> Model:
    return resolve_model(
        ARCHITECTURES[architecture].format(seed=seed("untrained study", architecture, images, i) % 2**31)
    )


def _rows(attempts: Mapping[tuple[str, str], Sequence[Attempt]], draws: int) -> list[Row]:
    each = [row("untrained", f"{architecture} in {name}", some) for (architecture, name), some in attempts.items()]
    pooled = []
    for architecture in dict.fromkeys(name for name, _ in attempts):
        mine = [attempt for (name, _), some in attempts.items() if name == architecture for attempt in some]
        pooled.append(row("untrained", f"{architecture}, all", mine))
    everything = [attempt for some in attempts.values() for attempt in some]
    rates, alone = [r.rate for r in each], [int(r.details["beats untrained, at margin 0"]) / r.trials for r in each]
    details: dict[str, float | int | str] = {
        "different draws": draws,
        "sets": ", ".join(sorted({attempt.at.dataset.name for attempt in everything})),
        "lowest rate in a setting": min(rates),
        "highest rate in a setting": max(rates),
        "lowest rate against the twins alone": min(alone),
        "highest rate against the twins alone": max(alone),
        "draws of the folds": POLICY.repeats_for(0),
    }
    return [row("untrained", "all", everything, **details), *pooled, *each]
