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
        comparisons = [c for c in self.cell.details["comparisons"] if not references or c["reference"] in references]
        return bool(comparisons) and min(float(c["low"]) for c in comparisons) > margin


def rows(study: str, attempts: Sequence[Attempt], **details: float | int | str) -> list[Row]:
    """Return a row for each protocol, and within it for each kind of encoder and each setting.

    The details go to the row of a protocol. An encoder that deserves no pass may get one at the rate alpha.
    """
    table = []
    for protocol in sorted({attempt.at.protocol for attempt in attempts}):
        members = [attempt for attempt in attempts if attempt.at.protocol == protocol]
        sets = ", ".join(sorted({attempt.at.dataset.name for attempt in members}))
        table.append(row(study, f"{protocol}, all", members, sets=sets, **details))
        for kind in dict.fromkeys(attempt.kind for attempt in members):
            table.append(row(study, f"{protocol}, {kind}", [attempt for attempt in members if attempt.kind == kind]))
        for name in dict.fromkeys(attempt.at.name for attempt in members):
            table.append(row(study, name, [attempt for attempt in members if attempt.at.name == name]))
    return table


def row(study: str, case: str, attempts: Sequence[Attempt], **details: float | int | str) -> Row:
    """Return the row that counts false passes."""
    numbers: dict[str, float | int | str] = {"passes at margin 0": sum(attempt.beat(0.0) for attempt in attempts)}
    for name in sorted({c["reference"] for attempt in attempts for c in attempt.cell.details["comparisons"]}):
        numbers[f"beats {name}, at margin 0"] = sum(attempt.beat(0.0, name) for attempt in attempts)
    effects = [attempt.cell.effect for attempt in attempts if attempt.cell.effect is not None]
    numbers |= {"smallest effect": min(effects), "largest effect": max(effects)}
    return Row(
        study,
        case,
        sum(attempt.passed for attempt in attempts),
        len(attempts),
        most=ALPHA,
        details={**numbers, **details},
    )
