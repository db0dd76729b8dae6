"""Scorecards for tests: a realistic one built by hand, and hypothesis strategies for any."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

from hypothesis import strategies as st

from reprcheck.policy import Policy
from reprcheck.scorecard.gate import decide
from reprcheck.scorecard.waiving import waive
from reprcheck.types import Cell, Gate, Scorecard, Setting
from reprcheck.waivers import Waiver

TODAY = date(2026, 3, 14)
STATUSES = ("pass", "fail", "inconclusive", "error", "waived", "not_applicable")
QUALIFICATIONS = ("discriminating", "saturated", "no_signal", "underpowered")
NUMBERS = {
    "effect": 0.132,
    "low": 0.087,
    "high": 0.178,
    "margin": 0.02,
    "alpha": 0.05,
    "mde": 0.061,
    "n_units": 24,
    "reference": "untrained-resnet",
}
NO_NUMBERS: dict[str, Any] = dict.fromkeys(NUMBERS)


def a_cell(**changes: Any) -> Cell:
    values = {
        "model": "demo",
        "setting": "sim-culture:localisation/probe/2",
        "diagnostic": "beats_untrained",
        "status": "pass",
        **NUMBERS,
        "statement": "demo scores 0.132 above untrained-resnet [+0.087, +0.178] over 24 units, more than 0.02",
        **changes,
    }
    return Cell(**values)


def a_setting(**changes: Any) -> Setting:
    setting_id = changes.get("id", "sim-culture:localisation/probe/2")
    dataset, _, rest = setting_id.partition(":")
    task, _, protocol = rest.partition("/")
    values = {
        "id": setting_id,
        "dataset": dataset,
        "dataset_digest": "5e0c" * 10,
        "task": task,
        "protocol": protocol,
        "n_samples": 480,
        "n_units": 24,
        "n_batches": 4,
        "qualification": "discriminating",
        "scores": {"model": {"mean": 0.812, "low": 0.77, "high": 0.853}},
        **changes,
    }
    return Setting(**values)


def a_waiver(**changes: Any) -> Waiver:
    values = {
        "cell": "sim-culture:localisation/probe/2 beats_untrained",
        "reason": "plate 3 is being imaged again",
        "expires": date(2026, 12, 1),
        "owner": "Ada",
        **changes,
    }
    return Waiver(**values)


def excusing(cells: Iterable[Cell], **changes: Any) -> Policy:
    """Return a policy with a waiver in date for each cell that is waived."""
    names = {f"{cell.setting} {cell.diagnostic}" for cell in cells if cell.status == "waived"}
    return Policy(waivers=tuple(a_waiver(cell=name) for name in sorted(names)), **changes)


def _scores(*means: float) -> dict[str, dict[str, float]]:
    names = ("model", "untrained", "untrained-resnet", "untrained-vit", "structure", "intensity", "pixels")
    scores = {}
    for name, mean in zip(names, means, strict=True):
        scores[name] = {"mean": mean, "low": mean - 0.04, "high": mean + 0.04}
    return scores


def demo_scorecard(**changes: Any) -> Scorecard:
    """Return one model's run on two datasets, with every verdict in it."""
    stain = "stain batch predicts the label 'dose' (accuracy 0.61, chance 0.25): a confound no fold can undo"
    settings = (
        a_setting(
            scores=_scores(0.812, 0.655, 0.680, 0.611, 0.702, 0.534, 0.481),
            notes=("12 samples with a blank label were left out",),
        ),
        a_setting(
            id="sim-culture:localisation/knn/1",
            scores=_scores(0.744, 0.601, 0.655, 0.580, 0.699, 0.502, 0.433),
            notes=("12 samples with a blank label were left out",),
        ),
        a_setting(id="sim-culture:dose/regress/1", scores=_scores(0.41, 0.31, 0.33, 0.29, 0.52, 0.12, 0.05)),
        a_setting(
            id="sim-tissue:region/probe/2",
            dataset_digest="91ab" * 10,
            n_units=12,
            scores=_scores(0.991, 0.985, 0.99, 0.98, 0.99, 0.97, 0.93),
            qualification="saturated",
        ),
        a_setting(
            id="sim-tissue:tumour-margin/probe/2",
            dataset_digest="91ab" * 10,
            n_units=12,
            scores=_scores(0.711, 0.625, 0.66, 0.63, 0.59, 0.47, 0.43),
            notes=(stain,),
            limit=200,
        ),
    )
    tumour = "sim-tissue:tumour-margin/probe/2"
    saturated = {
        "setting": "sim-tissue:region/probe/2",
        "status": "inconclusive",
        "n_units": 12,
        "statement": "saturated: an encoder that nobody trained reaches the ceiling here, so no verdict would tell "
        "anything; +0.001 [-0.009, +0.011] over structure, 12 units: less than the margin of 0.02",
        "effect": 0.001,
        "low": -0.009,
        "high": 0.011,
    }
    staining = a_waiver(
        cell="sim-culture:dose/regress/1 beyond_intensity",
        reason="the dose is a staining intensity here",
        owner="Ada Lovelace",
        link="https://example.org/decisions/7",
    )
    policy = Policy(waivers=(staining,))
    cells = (
        a_cell(),
        a_cell(diagnostic="beats_structure", effect=0.11, low=0.068, high=0.152, reference="structure"),
        a_cell(diagnostic="beyond_intensity", effect=0.278, low=0.22, high=0.336, reference="intensity, expanded"),
        a_cell(setting="sim-culture:localisation/knn/1", effect=0.089, low=0.044, high=0.134),
        a_cell(
            setting="sim-culture:localisation/knn/1",
            diagnostic="beats_structure",
            status="inconclusive",
            effect=0.045,
            low=0.004,
            high=0.086,
            reference="structure",
            statement="0.045 [+0.004, +0.086] above structure over 24 units: the margin of 0.020 lies inside; about "
            "51 units would tell",
        ),
        a_cell(
            setting="sim-culture:localisation/knn/1",
            diagnostic="beyond_intensity",
            status="not_applicable",
            statement="knn/1 predicts no probabilities",
            **NO_NUMBERS,
        ),
        a_cell(
            setting="sim-culture:dose/regress/1",
            effect=0.08,
            low=0.03,
            high=0.13,
            reference="untrained-resnet on matched images",
        ),
        a_cell(
            setting="sim-culture:dose/regress/1",
            diagnostic="beats_structure",
            status="fail",
            effect=-0.11,
            low=-0.161,
            high=-0.059,
            reference="structure",
            statement="0.110 below structure [-0.161, -0.059] over 24 units: cell count and area tell more of the "
            "dose than demo does",
        ),
        a_cell(
            setting="sim-culture:dose/regress/1",
            diagnostic="beyond_intensity",
            status="inconclusive",
            effect=0.01,
            low=-0.03,
            high=0.05,
            reference="intensity family",
            statement="0.010 [-0.030, +0.050] above intensity family over 24 units: the margin of 0.020 lies inside",
        ),
        a_cell(**saturated),
        a_cell(**saturated | {"diagnostic": "beats_structure", "reference": "structure"}),
        a_cell(**saturated | {"diagnostic": "beyond_intensity", "reference": "intensity family"}),
        a_cell(setting=tumour, effect=0.051, low=0.024, high=0.078, n_units=12),
        a_cell(
            setting=tumour,
            diagnostic="beats_structure",
            effect=0.121,
            low=0.071,
            high=0.171,
            reference="structure",
            n_units=12,
        ),
        a_cell(
            setting=tumour,
            diagnostic="beyond_intensity",
            status="error",
            statement="the histogram-matched images could not be embedded: CUDA out of memory (batch of 256)",
            **NO_NUMBERS,
        ),
    )
    described = {setting.id: setting for setting in settings}
    cells = tuple(waive(cell, described[cell.setting], policy, TODAY) for cell in cells)
    required = [("demo", setting.id, diagnostic) for setting in settings for diagnostic in Policy().diagnostics]
    values = {
        "model": {"spec": "demo", "name": "demo", "digest": "3f9a1c2b77" * 4},
        "policy": policy.plain(),
        "settings": settings,
        "cells": cells,
        "gate": decide(cells, settings, required, policy, TODAY),
        "run": {
            "time": "2026-03-14T15:09:26Z",
            "host": "runner-7",
            "device": "cpu",
            "versions": {"reprcheck": "0.1.0", "numpy": "2.4.6"},
            "timings": {"embed": 41.25, "score": 7.5},
        },
        **changes,
    }
    return Scorecard(**values)


def released_scorecard(**changes: Any) -> Scorecard:
    """Return the smallest scorecard that releases: one setting, three passes."""
    cells = tuple(a_cell(diagnostic=diagnostic) for diagnostic in Policy().diagnostics)
    return demo_scorecard(**{"settings": (a_setting(),), "cells": cells, "gate": Gate("released", ()), **changes})


NUMBER = st.floats(-2, 2).map(lambda x: round(x, 6) + 0.0)
TEXT = st.text(max_size=12)


@st.composite
def cells(draw: st.DrawFn, setting: str, diagnostic: str, status: str | None = None) -> Cell:
    """Draw a verdict; a pass has its numbers, others may lack them."""
    status = status or draw(st.sampled_from(STATUSES))
    estimates = {name: draw(NUMBER) for name in ("effect", "low", "high", "margin", "alpha", "mde")}
    numbers = {**estimates, "n_units": draw(st.integers(0, 40)), "reference": draw(TEXT)}
    if status != "pass" and draw(st.booleans()):
        numbers = NO_NUMBERS
    details = draw(st.dictionaries(TEXT, NUMBER | TEXT, max_size=2))
    return Cell(
        model="demo",
        setting=setting,
        diagnostic=diagnostic,
        status=status,
        statement=draw(TEXT),
        details=details,
        **numbers,
    )


@st.composite
def settings(draw: st.DrawFn, name: str) -> Setting:
    """Draw a setting of this id."""
    interval = st.fixed_dictionaries({"mean": NUMBER, "low": NUMBER, "high": NUMBER})
    return a_setting(
        id=name,
        n_units=draw(st.integers(0, 40)),
        qualification=draw(st.sampled_from(QUALIFICATIONS)),
        scores=draw(st.dictionaries(TEXT, interval, max_size=3)),
        notes=tuple(draw(st.lists(TEXT, max_size=2))),
        limit=draw(st.none() | st.integers(1, 500)),
    )


@st.composite
def runs(draw: st.DrawFn) -> tuple[list[Cell], list[Setting], list[tuple[str, str, str]]]:
    """Draw verdicts, settings and required cells of one run; every required cell has its verdict."""
    grid = [f"{dataset}:{task}/probe/2" for dataset in ("culture", "tissue") for task in ("dose", "site")]
    names = draw(st.lists(st.sampled_from(grid), min_size=1, unique=True))
    asked = [(name, diagnostic) for name in names for diagnostic in Policy().diagnostics]
    asked = draw(st.lists(st.sampled_from(asked), min_size=1, unique=True))
    leaning = st.none() | st.sampled_from(["pass", "pass", "waived"])  # or no run would ever be released
    verdicts = [draw(cells(setting, diagnostic, draw(leaning))) for setting, diagnostic in asked]
    described = [draw(settings(name)) for name in names]
    return verdicts, described, [("demo", *key) for key in asked]


@st.composite
def scorecards(draw: st.DrawFn) -> Scorecard:
    """Draw a scorecard whose numbers are already rounded, sorted as a document sorts them."""
    verdicts, described, required = draw(runs())
    return demo_scorecard(
        model={"spec": draw(TEXT), "name": draw(TEXT), "digest": "0f" * 20},
        cells=tuple(sorted(verdicts, key=lambda c: (c.model, c.setting, c.diagnostic))),
        settings=tuple(sorted(described, key=lambda s: s.id)),
        gate=decide(verdicts, described, required, excusing(verdicts), TODAY),
    )
