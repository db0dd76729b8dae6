"""How verdicts came about, in words made from the policy that was in force."""

from __future__ import annotations

from collections.abc import Iterator

from reprcheck.reporters.advice import question
from reprcheck.types import Scorecard


def methods(card: Scorecard) -> list[str]:
    """Return the paragraphs of a methods section; what the policy doesn't say is left out."""
    return list(_paragraphs(card))


def _paragraphs(card: Scorecard) -> Iterator[str]:
    policy = card.policy
    yield (
        "The model and every reference were scored on the same samples, with the same folds. The effect is the mean "
        "over units of the model's score minus the reference's."
    )
    if "alpha" in policy:
        yield (
            f"Bounds of an effect are one-sided, each at an error rate of {policy['alpha']:g}, for each verdict by "
            "itself. A verdict is a pass where the lower bound exceeds the margin against every reference, a fail "
            "where an upper bound lies below it, and inconclusive otherwise. Inconclusive blocks as well, but in "
            "settings that are saturated or without signal."
        )
    if "margin" in policy:
        others = [f"{name}: {margin:g}" for name, margin in policy.get("margins", {}).items()]
        instead = f" Instead of it: {'; '.join(others)}." if others else ""
        yield f"The margin is {policy['margin']:g}, on the scale of the score.{instead}"
    if policy.get("resample") == "batch":
        yield "Intervals are over batches, so that verdicts cover new plates, donors or slides of the same kind."
    elif "resample" in policy:
        yield "Intervals are over units: verdicts cover new units of the same kind, from the batches that were seen."
    if "twins" in policy:
        yield (
            f"Each family of untrained networks has {policy['twins']} draws, and the spread between draws counts in "
            "the interval: the model must be more than one more draw."
        )
    if "min_units" in policy:
        yield f"A setting of fewer than {policy['min_units']} units can't tell, whatever it says."
    if "repeats" in policy:
        yield f"Folds that are drawn at random were drawn {policy['repeats']} times."
    if "sample" in policy:
        yield f"Tasks of more than about {policy['sample']} samples were judged by a fixed choice of whole units."
    if policy.get("baselines"):
        yield f"The model also had to beat these baselines: {', '.join(policy['baselines'])}."
    if policy.get("limited_release"):
        yield "A run on samples cut down by a limit may release, by this policy."
    if policy.get("settings"):
        yield f"Required were the settings that match {', '.join(policy['settings'])}, each asked:"


def questions(card: Scorecard) -> list[tuple[str, str]]:
    """Return the diagnostics asked, with what each asks."""
    names = dict.fromkeys([*card.policy.get("diagnostics", ()), *sorted({cell.diagnostic for cell in card.cells})])
    return [(name, question(name)) for name in names]
