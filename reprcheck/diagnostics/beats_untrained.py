"""``beats_untrained``: does training give more than the architecture gives for nothing?

Question
    Does the model's embedding carry more about the label than embeddings of networks that nobody trained?
Statistic
    Mean over units of the model's score minus the reference's, on the same samples, folds and probe tuning.
Reference
    For every model K plain untrained networks of each of three kinds: convolutional nets at full resolution, ResNets
    and ViTs. Where the model can be re-initialised, K untrained twins (its architecture, freshly initialised) as well:
    as drawn; with batch norm adapted to the unlabelled images; and rescaled layer by layer where their signal fades or
    explodes, which the notes say. Twins that keep a trace of training bring the trained weights shuffled beside them.
    The model must beat every family. A draw that has collapsed (constant, of rank one, of few values) is an easy
    opponent, is named and left out.
Null
    The model is one more untrained draw: the spread between the K draws enters the interval.
Unit
    The dataset's unit; images of one unit are never counted as independent.
Margin
    On the score's scale, 0.02 unless the policy says otherwise.
How it can fool you
    Normalisation other than batch norm isn't adapted, nor is what a scripted graph holds. The plain nets are not every
    untrained network: one that sees farther than their filters, or combines channels otherwise, may know more for
    nothing. A pass says nothing of *what* was learned: brightness will do.
Source
    Svatko et al. 2026 (arXiv 2603.13377): untrained networks as the baseline of microscopy representation models.
"""

from __future__ import annotations

from reprcheck.diagnostics.bench import Bench
from reprcheck.diagnostics.diagnostic import Diagnostic
from reprcheck.types import Cell

NAME = "beats_untrained"


def ask(bench: Bench) -> Cell:
    """Compare the model with every untrained family."""
    evidence, collapsed = bench.against_untrained(NAME, bench.contestants), bench.contestants.collapsed
    if not evidence:
        return bench.without_evidence(NAME, "inconclusive", f"every untrained network has collapsed: {collapsed}")
    return bench.cell(NAME, evidence, details={"collapsed": collapsed, "separation": bench.contestants.separation})


BEATS_UNTRAINED = Diagnostic(
    NAME, ask, "train longer or on other data; or ask a task whose answer an untrained network doesn't already give"
)
