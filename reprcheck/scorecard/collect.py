"""Verdicts collected into a model's scorecard: decided on, or undecided while the run goes on."""

from __future__ import annotations

import platform
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any
from uuid import uuid4

from reprcheck.digest import installed
from reprcheck.policy import Policy
from reprcheck.scorecard.gate import Key, decide
from reprcheck.stats.decision import holm
from reprcheck.types import Cell, Gate, Scorecard, Setting

UNKNOWN = "unknown"
"""Stands for the digest of a model that failed before it had one."""


def scorecard(
    model: Mapping[str, str],
    policy: Policy,
    received: Iterable[tuple[Cell, Setting | None]],
    required: Sequence[Key],
    run: Mapping[str, Any],
    today: date,
) -> Scorecard:
    """Collect one model's verdicts into its scorecard.

    Parameters
    ----------
    model : mapping
        ``spec``, ``name``, ``digest``.
    policy : Policy
    received : iterable of (Cell, Setting or None)
        The verdicts that came, of any model; others' are left out. One that came twice, word for word, counts once.
    required : sequence of (model, setting, diagnostic)
        Of any model; one of this model's without a verdict blocks.
    run : mapping
        When, where and with what; see `provenance`.
    today : date
        Decides which waivers still hold.
    """
    mine = [(cell, setting) for cell, setting in received if cell.model == model["name"]]
    different = {repr(cell): cell for cell, _ in mine}  # by their text: a NaN doesn't equal itself
    cells = _adjusted(sorted(different.values(), key=lambda c: (c.setting, c.diagnostic)))
    described = {setting.id: setting for _, setting in mine if setting is not None}
    settings = [described[name] for name in sorted(described)]
    keys = [key for key in required if key[0] == model["name"]]
    gate = decide(cells, settings, keys, policy, today)
    return Scorecard(dict(model), policy.plain(), tuple(settings), tuple(cells), gate, dict(run))


def undecided(model: Mapping[str, str], policy: Policy, run: Mapping[str, Any], why: str) -> Scorecard:
    """Return the scorecard of a run that hasn't ended, or ended before it could decide: nothing is released by it."""
    return Scorecard(dict(model), policy.plain(), (), (), Gate("undecided", (f"undecided: {why}",)), dict(run))


def _adjusted(cells: Sequence[Cell]) -> list[Cell]:
    """Add to each cell that holds a p-value its adjustment for all of them: to say which passes are sure at once."""
    tested = [cell for cell in cells if "p" in cell.details]
    p = dict(zip(map(id, tested), holm([cell.details["p"] for cell in tested]), strict=True))
    return [replace(c, details={**c.details, "p_adjusted": p[id(c)]}) if id(c) in p else c for c in cells]


def new_run_id() -> str:
    """Return an id that no other run has."""
    return uuid4().hex


def provenance(run_id: str, timings: Mapping[str, float], device: str) -> dict[str, Any]:
    """Return the ``run`` block: everything about a run that may differ between two runs with the same verdicts."""
    packages = installed("reprcheck", "numpy", "scikit-learn", "scikit-image", "torch", "timm", "pytest")
    return {
        "id": run_id,
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "host": platform.node(),
        "device": device,
        "versions": {"python": platform.python_version()} | dict(p.split("==") for p in packages.split()),
        "timings": {name: round(seconds, 3) for name, seconds in sorted(timings.items())},
    }
