"""A margin from the noise floor: what a policy should ask for at least, setting by setting and protocol by protocol.

A margin below the noise floor asks for less than the choice of units alone gives between two untrained networks.
Pure functions of described settings; drawing is for `reprcheck.reporters.margins`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from reprcheck.policy import Policy
from reprcheck.runs.audit import count_resampled, estimate_units
from reprcheck.types import Setting

STEP = 0.005
"""Margins are multiples of this, and at least this."""


@dataclass(frozen=True)
class Suggestion:
    """A margin for one setting.

    Attributes
    ----------
    setting : Setting
    noise : float
        The noise floor; NaN where there is none.
    margin : float or None
        The noise floor, rounded up; None where there is none, or where it leaves no room below 1.
    for_half, for_default : int or None
        About how many units would bring the noise floor down to half the margin, and to the policy's default.
    """

    setting: Setting
    noise: float
    margin: float | None
    for_half: int | None
    for_default: int | None


def suggest(setting: Setting, policy: Policy) -> Suggestion:
    """Suggest a margin for a setting.

    Examples
    --------
    >>> setting = Setting("d:t/probe/2", "d", "", "t", "probe/2", 96, 96, 4, "discriminating", {},
    ...                   landmarks={"noise": 0.042})
    >>> suggest(setting, Policy())
    Suggestion(setting=..., noise=0.042, margin=0.045, for_half=335, for_default=424)
    """
    noise = setting.landmarks.get("noise", math.nan)
    count, _ = count_resampled(setting, policy)
    margin = round_up(noise)
    half = estimate_units(margin / 2, noise, count) if margin else None
    return Suggestion(setting, noise, margin, half, estimate_units(policy.margin, noise, count))


def round_up(noise: float) -> float | None:
    """Return the least margin that is not below the noise; None where there is none.

    Examples
    --------
    >>> round_up(0.0), round_up(0.0401), round_up(1.2)
    (0.005, 0.045, None)
    """
    if not math.isfinite(noise):
        return None
    margin = round(max(1, math.ceil(noise / STEP - 1e-9)) * STEP, 3)
    return margin if margin < 1 else None


def by_protocol(suggestions: Iterable[Suggestion]) -> dict[str, Suggestion | None]:
    """Return the setting with the largest margin for every protocol, or None where no setting has one."""
    strictest: dict[str, Suggestion | None] = {}
    for suggestion in suggestions:
        protocol = suggestion.setting.protocol
        best = strictest.setdefault(protocol, None)
        if suggestion.margin is not None and (best is None or suggestion.margin > (best.margin or 0)):
            strictest[protocol] = suggestion
    return dict(sorted(strictest.items()))
