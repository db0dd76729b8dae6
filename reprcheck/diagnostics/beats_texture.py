"""``beats_texture``: does the model know more than local texture statistics that nobody learned?

Question
    Does the embedding carry more about the label than how pixels of each channel relate to their neighbours?
Statistic
    Mean over units of the model's score minus the reference's, on the same samples, folds and probe tuning.
Reference
    The textural features (local binary patterns, co-occurrence, grains, power spectrum, Gabor filters, wavelets), and K
    seeded random nonlinear expansions of them, beside the features, at the model's width. The model must beat both. It
    must also outscore, by any amount, a forest grown on the features, or the verdict is ``inconclusive``: a network
    trained elsewhere to read these features lays out what a vote of neighbours doesn't find in them. So for each
    baseline that knows texture and that the policy adds.
Null
    The embedding is one more function of the textural features: the spread between the K expansions enters the
    interval.
Unit
    The dataset's unit.
Margin
    On the score's scale, 0.02 unless the policy says otherwise.
How it can fool you
    Textures that these statistics can't tell apart (of higher order, or between channels) are no more biology than
    those they can. Where texture *is* the answer, as it may be of chromatin or of an organelle, nothing should pass.
    Photographs have textures too.
Source
    Haralick et al. 1973 and Ojala et al. 2002, whose features were the state of the art before networks learned them.
"""

from __future__ import annotations

from reprcheck.baselines.texture.baseline import TEXTURE
from reprcheck.diagnostics.bench import Bench
from reprcheck.diagnostics.diagnostic import Diagnostic
from reprcheck.diagnostics.hand_made import compare_with_baselines, compare_with_forests
from reprcheck.types import Cell

NAME = "beats_texture"


def ask(bench: Bench) -> Cell:
    """Compare the model with the textural features, their expansions and a forest; so for baselines asked for."""
    evidence = compare_with_baselines(bench, NAME, TEXTURE.knows)
    return bench.cell(NAME, evidence, compare_with_forests(bench, TEXTURE.knows))


BEATS_TEXTURE = Diagnostic(
    NAME, ask, "look whether texture already gives the label; if so, ask a task of what lies where, or beside what"
)
