"""``groups``: what does a unit declared too fine let pass, and is it noticed?

Images lie in groups (donors, slides) that look alike, and each group is given a label at random, so that there is
nothing to learn. In the model's place are untrained networks, as in the study `untrained`, and hand-made features.
Where the images are the units and the card doesn't name the group, whoever recognises the group knows the label:
how often that would pass is measured, and that nothing passes nor is released, since the column is noticed.
With the group as unit nothing should pass more often than alpha. How often a column of random groups is taken for
such a one is counted too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from reprcheck.baselines.intensity import INTENSITY
from reprcheck.baselines.pixels import PIXELS
from reprcheck.baselines.structure.baseline import STRUCTURE
from reprcheck.confounds.groups import CHANCE
from reprcheck.datasets.assemble import assemble
from reprcheck.datasets.card.card import parse
from reprcheck.diagnostics import beats_untrained, judge
from reprcheck.diagnostics.describe import describe_setting
from reprcheck.embed.engine import Progress
from reprcheck.policy import Policy
from reprcheck.protocols.knn import KNN
from reprcheck.scorecard.gate import decide
from reprcheck.seeding import rng
from reprcheck.studies.benches import StudyBenches, StudySetting, open_sets
from reprcheck.studies.row import Row, Scale
from reprcheck.studies.tally import ALPHA, Attempt
from reprcheck.studies.untrained import Pool, draw_pool
from reprcheck.types import Dataset, Image, Task

POLICY = Policy(margin=0.0, repeats=1)
"""Folds are drawn once, to save time, and the margin is where the rate may be alpha, as in the study `untrained`."""
LIMITS = {"sim-donors": None, "osteosarcoma": None}
"""Sets whose own units are the groups; whole, since whoever is to be recognised must be seen often."""
TASKS = ("sim-donors:label/", "osteosarcoma:tumour/")
"""Whose samples and units are taken; their labels aren't."""
ARCHITECTURE = "vit"
HAND_MADE = (INTENSITY.name, STRUCTURE.name, PIXELS.name)
"""Baselines put in the model's place."""
PROTOCOL = KNN.id
COLUMNS = ((2, 6), (4, 4), (8, 2), (12, 2), (10, 10))
"""Groups of a random column, and units in each."""

_CARD = """
schema = 1
name = "{name}"
kind = "{kind}"
channels = [{channels}]
[columns]
sample = "sample"
{unit}
[tasks.label]
kind = "classify"
label = "label"
protocols = ["{protocol}"]
"""


class _NoImages:
    """Images of a set of which only the table is read."""

    def content(self, index: int) -> str:
        return str(index)

    def read(self, index: int) -> Image:
        raise LookupError(f"sample {index} has a row in a table, and no image")


@dataclass(frozen=True)
class Verdicts:
    """What came of all who are put in the model's place under one way to declare units.

    Attributes
    ----------
    unguarded : tuple of Attempt
        By their comparisons alone.
    passed, released : int
        Of those that the gate was asked about, ``asked``: none where no group is noticed.
    """

    unguarded: tuple[Attempt, ...]
    passed: int
    released: int
    asked: int


def study(scale: Scale, progress: Progress) -> list[Row]:
    """Return rows of each set, by how its units are declared; and of the rule on columns of random groups."""
    times, size = scale.trials(8, 1), scale.trials(8, 8)
    verdicts_of: dict[tuple[str, bool], list[Verdicts]] = {}
    sets = open_sets(LIMITS, TASKS if scale.full else TASKS[:1])
    with threadpool_limits(1), progress(len(sets) * times, "groups not named") as advance:
        for whole in sets:
            benches, base = StudyBenches(POLICY), declare_units(whole, 0, named=False)
            pool = draw_pool(benches, _study_setting(base), ARCHITECTURE, whole.name, size)
            for k in range(times):
                for named in (False, True):
                    dataset = replace(declare_units(whole, k, named), digest=base.digest)
                    verdicts_of.setdefault((whole.name, named), []).append(
                        _judge_all(benches, _study_setting(dataset), pool, size)
                    )
                advance(1)
    rows = [row for (name, named), verdicts in verdicts_of.items() for row in _rows(name, named, verdicts)]
    return [*rows, *(_random(n, each, scale.trials(1000, 100)) for n, each in COLUMNS)]


def declare_units(whole: Dataset, number: int, named: bool) -> Dataset:
    """Return a set's images with a random label for each unit, these units a column that the card names or doesn't.

    Parameters
    ----------
    whole : Dataset
        With one task.
    number : int
        Another number, other labels.
    named : bool
        Whether the card names the column as unit; else each image is a unit.
    """
    (task,) = whole.tasks.values()
    names, group = np.unique(task.units, return_inverse=True)
    label = rng("groups study", whole.name, number).permutation(np.arange(len(names)) % 2)[group]
    table = pd.DataFrame({"sample": whole.ids[task.rows], "group": task.units, "label": np.array(["a", "b"])[label]})
    text = _CARD.format(
        name=f"{whole.name}-{'named' if named else 'unnamed'}-{number}",
        kind=whole.kind,
        channels=", ".join(f'"{channel}"' for channel in whole.channels),
        unit='unit = "group"' if named else "",
        protocol=PROTOCOL,
    )
    return assemble(parse(text, whole.name), table, _Part(whole, task), where=whole.name)


@dataclass(frozen=True)
class _Part:
    """The images of one task of a set."""

    whole: Dataset
    task: Task

    def content(self, index: int) -> str:
        return self.whole.images.content(int(self.task.rows[index]))

    def read(self, index: int) -> Image:
        return self.whole.images.read(int(self.task.rows[index]))


def _study_setting(dataset: Dataset) -> StudySetting:
    return StudySetting(dataset, dataset.tasks["label"], PROTOCOL)


def _judge_all(benches: StudyBenches, at: StudySetting, pool: Pool, size: int) -> Verdicts:
    """Judge each by its comparisons alone; where groups are noticed, also judge the best two as the gate does."""
    benches_made = [benches.of(at, pool.draws[i], pool.families(i)) for i in range(size)]
    benches_made += [
        benches.of(at, benches_made[0].baselines[name], pool.families(i)) for i, name in enumerate(HAND_MADE)
    ]
    kinds = [*[ARCHITECTURE] * size, *HAND_MADE]
    attempts = [Attempt(at, kind, beats_untrained.ask(bench)) for kind, bench in zip(kinds, benches_made, strict=True)]
    effects = [float(attempt.cell.effect or 0) for attempt in attempts]
    chosen = (
        sorted(range(len(benches_made)), key=lambda i: (not attempts[i].passed, -effects[i]))[:2]
        if at.task.groups
        else []
    )
    passed = released = 0
    for i in chosen:
        setting = describe_setting(benches_made[i])
        cell = judge(beats_untrained.NAME, benches_made[i], setting)
        gate = decide([cell], [setting], [(cell.model, cell.setting, cell.diagnostic)], POLICY, date(2026, 1, 1))
        passed, released = passed + (cell.status == "pass"), released + gate.released
    return Verdicts(tuple(attempts), passed, released, len(chosen))


def _rows(name: str, named: bool, verdicts: Sequence[Verdicts]) -> list[Row]:
    attempts = [attempt for v in verdicts for attempt in v.unguarded]
    case = f"{name}, the group as unit" if named else f"{name}, each image a unit, the group not named"
    task = attempts[0].at.task
    sizes: dict[str, float | int | str] = {"images": len(task.y), "units": len(np.unique(task.units))}
    kinds = dict.fromkeys(attempt.kind for attempt in attempts)
    alone = {f"passes of {kind}": sum(attempt.passed for attempt in attempts if attempt.kind == kind) for kind in kinds}
    by_comparison = sum(attempt.passed for attempt in attempts)
    noticed = sum(bool(attempt.at.task.groups) for attempt in attempts)
    if named:
        return [
            Row("groups", f"{case}: noticed", noticed, len(attempts), most=0.0),
            Row("groups", f"{case}: passes", by_comparison, len(attempts), most=ALPHA, details={**sizes, **alone}),
        ]
    asked, passed, released = (sum(getattr(v, key) for v in verdicts) for key in ("asked", "passed", "released"))
    gate_rows = [
        Row("groups", f"{case}: passes", passed, asked, most=0.0),
        Row("groups", f"{case}: released", released, asked, most=0.0),
    ]
    return [
        Row("groups", f"{case}: noticed", noticed, len(attempts), least=1.0, details=sizes),
        *(gate_rows if asked else []),
        Row("groups", f"{case}: would pass, were it not noticed", by_comparison, len(attempts), details=alone),
    ]


def _random(groups: int, each: int, times: int) -> Row:
    """Count how often a column of random groups is taken for one of the label's."""
    text = _CARD.format(name="random", kind="culture", channels='"a"', unit="", protocol=PROTOCOL)
    card, n, noticed = parse(text, "random"), groups * each, 0
    for k in range(times):
        draw = rng("random groups", groups, each, k)
        table = pd.DataFrame(
            {
                "sample": [f"s{i:04d}" for i in range(n)],
                "group": draw.permutation(np.repeat([f"g{g}" for g in range(groups)], each)),
                "label": draw.permutation(np.arange(n) % 2).astype(str),
            }
        )
        noticed += bool(assemble(card, table, _NoImages(), where="random").tasks["label"].groups)
    case = f"a random column of {groups} groups of {each} is noticed"
    return Row("groups", case, noticed, times, most=CHANCE)
