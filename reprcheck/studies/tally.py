"""Verdicts of a study's encoders, counted: by protocol, by kind of encoder and by setting."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from reprcheck.studies.benches import StudySetting
from reprcheck.studies.row import Row
from reprcheck.types import Cell

ALPHA = 0.05


@dataclass(frozen=True)
class Attempt:
    """An encoder that deserves no pass, and its verdict in a setting."""

    at: StudySetting
    kind: str
    cell: Cell

    @property
    def passed(self) -> bool:
        """Whether it passed."""
        return self.cell.status == "pass"

    def beat(self, margin: float, *references: str) -> bool:
        """Return whether it beat the references of these names by a margin, or all where none is named."""
        chosen = [c for c in self.cell.details["comparisons"] if not references or c["reference"] in references]
        return bool(chosen) and min(float(c["low"]) for c in chosen) > margin


def rows(study: str, tried: Sequence[Attempt], **details: float | int | str) -> list[Row]:
    """Return a row for each protocol, and within it for each kind of encoder and each setting.

    The details go to the row of a protocol. An encoder that deserves no pass may get one at the rate alpha.
    """
    found = []
    for protocol in sorted({one.at.protocol for one in tried}):
        chosen = [one for one in tried if one.at.protocol == protocol]
        sets = ", ".join(sorted({one.at.dataset.name for one in chosen}))
        found.append(row(study, f"{protocol}, all", chosen, sets=sets, **details))
        for kind in dict.fromkeys(one.kind for one in chosen):
            found.append(row(study, f"{protocol}, {kind}", [one for one in chosen if one.kind == kind]))
        for name in dict.fromkeys(one.at.name for one in chosen):
            found.append(row(study, name, [one for one in chosen if one.at.name == name]))
    return found


def row(study: str, case: str, tried: Sequence[Attempt], **details: float | int | str) -> Row:
    """Return the row that counts false passes."""
    numbers: dict[str, float | int | str] = {"passes at margin 0": sum(one.beat(0.0) for one in tried)}
    for name in sorted({c["reference"] for one in tried for c in one.cell.details["comparisons"]}):
        numbers[f"beats {name}, at margin 0"] = sum(one.beat(0.0, name) for one in tried)
    effects = [one.cell.effect for one in tried if one.cell.effect is not None]
    numbers |= {"smallest effect": min(effects), "largest effect": max(effects)}
    return Row(study, case, sum(one.passed for one in tried), len(tried), most=ALPHA, details={**numbers, **details})
