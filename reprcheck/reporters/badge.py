"""``scorecard.badge.json``: the decision as a badge, in the form that shields.io draws (``endpoint``)."""

from __future__ import annotations

import json
from collections.abc import Mapping

from reprcheck.reporters import wording
from reprcheck.reporters.reporter import Reporter
from reprcheck.types import Outcome, Scorecard

_COLOURS: Mapping[Outcome, str] = {
    "released": "#009e73",
    "blocked": "#d55e00",
    "not_enough_evidence": "#e69f00",
    "undecided": "lightgrey",
}


class Badge(Reporter):
    """``scorecard.badge.json``."""

    suffix = ".badge.json"

    def render(self, scorecard: Scorecard) -> str:
        """Return the badge: the model's name on the left, the decision on the right."""
        outcome = scorecard.gate.outcome
        badge = {
            "schemaVersion": 1,
            "label": f"reprcheck {wording.one_line(scorecard.model['name'])}",
            "message": wording.spaced(outcome),
            "color": _COLOURS[outcome],
            "isError": outcome != "released",
        }
        return json.dumps(badge, ensure_ascii=False, indent=2) + "\n"


BADGE = Badge()
