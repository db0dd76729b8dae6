"""``beyond_intensity``: does the embedding carry biology that brightness alone doesn't?

Question
    Does the embedding add anything about the label to the intensity features; and does the model still beat untrained
    networks once brightness is taken away?
Statistic
    Mean over units of the score of [intensity + embedding] minus that of the reference, and the same in usable bits
    (Xu et al. 2020) where the protocol predicts probabilities. And the model's score minus its untrained twins', all
    embedded on images whose per-channel histograms are matched to the dataset's mean histogram.
Reference
    The intensity features alone, and K seeded random nonlinear expansions of them, beside the features, at the model's
    width, so that more dimensions don't look like more biology. The model must beat both, in score by the margin and in
    bits by any amount; and must beat its untrained twins on matched images (plain ResNets where it has no twins).
Null
    The embedding is one more function of intensity: the spread between the K expansions enters the interval.
Unit
    The dataset's unit.
Margin
    On the score's scale, 0.02 unless the policy says otherwise; 0 in bits.
How it can fool you
    Random expansions are not every function of intensity: a function well chosen for the label may add a little.
    Matching can't undo ties: a padded border keeps its size. Precomputed vectors can't be re-embedded: then the second
    question isn't asked, and the cell says so.
Source
    Svatko et al. 2026 (arXiv 2603.13377) name pixel intensity as the shortcut; Hewitt and Liang 2019 for the control.
"""

from __future__ import annotations

from reprcheck.diagnostics.bench import Bench
from reprcheck.types import Cell

NAME = "beyond_intensity"
TRY = "augment brightness and contrast in training; or check whether staining, not biology, carries the label"


def judge(bench: Bench) -> Cell:
    """Compare what the embedding adds with what intensity expanded adds, and the model with untrained ones, matched."""
    intensity = bench.baselines["intensity"]
    expansions = bench.expansions(intensity)
    both, alone, *wide = bench.scores([intensity, bench.embedding], [intensity], *([intensity, e] for e in expansions))
    evidence = [
        bench.against(NAME, both, [alone], "intensity"),
        bench.against(NAME, both, wide, "intensity, expanded"),
    ]
    bits = [bench.against_bits(both, [alone], "intensity"), bench.against_bits(both, wide, "intensity, expanded")]
    matched = bench.matched()
    details: dict[str, object] = {"matched": "not asked: precomputed vectors can't be re-embedded"}
    if matched is not None:
        evidence += bench.against_untrained(NAME, matched, " on matched images")
        details = {"matched": "asked", "collapsed": matched.collapsed}
    return bench.cell(NAME, evidence, [e for e in bits if e is not None], details)
