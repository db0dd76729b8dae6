"""The words that a report uses, each explained where it stands and once more at the end."""

from __future__ import annotations

from collections.abc import Iterable

from reprcheck.baselines.names import reference_of
from reprcheck.errors import UserError
from reprcheck.registry import REFERENCES

WORDS = {
    "alpha": "The error rate that a bound keeps: how often it would lie on the wrong side of the truth.",
    "batch": "A technical group, such as a plate, a slide or a day.",
    "ceiling": "The best score there is in a setting.",
    "cell": "One verdict: a model, in a setting, asked by a diagnostic.",
    "chance": "What guessing scores.",
    "diagnostic": "A question asked of a model, such as whether training gives more than the architecture alone.",
    "digest": "A fingerprint of a model or a dataset: the same where it is the same, whatever its name.",
    "discriminating": "A setting that can tell a trained model from what nobody trained.",
    "effect": "Mean over units of the model's score minus the reference's.",
    "inconclusive": "The interval holds the margin: neither a pass nor a fail was shown.",
    "interval": "Where the true effect may lie: between two one-sided bounds, low and high.",
    "least effect": "The smallest true effect that would pass with probability 0.9, with as many units as there are.",
    "margin": "What the lower bound of an effect must exceed for a pass.",
    "no signal": "No encoder tells the labels from permuted ones.",
    "noise floor": "By how much two untrained networks differ through the choice of units alone.",
    "not applicable": "The question has no meaning here, such as cells in photographs.",
    "permuted": "What the best predictions reach by luck: 1 in 20 permutations of the labels gives more.",
    "protocol": "How a task is scored, with a version: a probe, neighbours, a regression.",
    "reference": "An encoder that knows less than the model is to know. The one named was the hardest to beat.",
    "saturated": "An encoder that nobody trained is at the ceiling: nothing more can be shown.",
    "selectivity": "A score on the task minus that on random labels: what isn't skill at recognising units.",
    "setting": "A dataset, a task, and how it is scored.",
    "underpowered": "Too few independent units to tell.",
    "unit": "The independent biological thing that is resampled over, such as a well or a patient.",
    "waived": "Released without this verdict, with a reason and until a date.",
}
"""What each means, in a sentence."""

_ENDINGS = {
    "-calibrated": "adapted to the images (batch norm)",
    "-rescaled": "rescaled layer by layer",
    ", expanded": "with random nonlinear functions of it",
    " on matched images": "on images whose histograms were matched",
    ", in bits": "in bits of information about the label",
}
_KNOWLEDGE = {"nothing": "nobody trained it", "the table": "it knows a column of the table, not the images"}


def explain(encoder: str) -> str:
    """Return what an encoder or a reference is, from its name; blank for one that isn't known.

    Examples
    --------
    >>> explain("untrained-calibrated on matched images")
    'nobody trained it; adapted to the images (batch norm); on images whose histograms were matched'
    """
    base = encoder
    for ending in (" on matched images", ", in bits", ", expanded"):
        base = base.partition(ending)[0]
    name = reference_of(base)
    if name not in REFERENCES.names():
        return ""
    try:
        knows = REFERENCES.get(name).knows
    except UserError:
        return ""
    parts = [_KNOWLEDGE.get(knows, f"it knows {knows}, and was not trained")]
    return "; ".join([*parts, *(words for ending, words in _ENDINGS.items() if ending in encoder)])


def encoders_explained(names: Iterable[str]) -> list[tuple[str, str]]:
    """Return encoders with what each is, those that aren't known left out."""
    return [(name, words) for name in names if (words := explain(name))]
