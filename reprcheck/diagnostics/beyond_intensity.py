"""``beyond_intensity``: does the embedding carry biology that brightness alone doesn't?

Question
    Does the embedding add anything about the label to the intensity features; and does the model still beat untrained
    networks once brightness is taken away?
Statistic
    Usable information (Xu et al. 2020) that the embedding adds, in bits as a share of the label's entropy; where the
    protocol predicts no probabilities, the score that it adds. And the model's score minus its untrained twins', all
    embedded on images whose per-channel histograms are matched to the dataset's mean histogram. Means over units.
Reference
    [intensity] against [intensity + embedding]; and, with E and F two seeded random nonlinear expansions of the
    intensity features, as wide as the embedding, [intensity + E + F] against [intensity + E + embedding], for K choices
    of E: so that neither a nonlinear reading of brightness nor more dimensions look like more biology. The embedding
    must add more than F does by the margin, and must not do so in bits alone: the score must rise as well, by any
    amount. On matched images the model must beat its untrained twins, adapted to such images (the plain untrained
    families where it has none). Precomputed vectors can't be matched, and an encoder trained to read brightness beats
    any random expansion: there the embedding beside intensity must also beat a forest grown on intensity, by any
    amount.
Null
    The embedding is one more function of intensity, in F's place: the spread between the K draws enters the interval.
Unit
    The dataset's unit.
Margin
    0.02 of the label's entropy, or of the score, unless the policy says otherwise; 0 for the score beside the bits.
How it can fool you
    Random expansions are not every function of intensity. One fitted to the label elsewhere is unmasked by matched
    images, or held against a forest; fitted on far more samples than the forest has, it may still pass as vectors.
    Matching can't undo ties: a padded border keeps its size. Precomputed vectors can't be re-embedded: then the second
    question isn't asked, and the cell says so.
Source
    Svatko et al. 2026 (arXiv 2603.13377) name pixel intensity as the shortcut; Hewitt and Liang 2019 for the control.
"""

from __future__ import annotations

from reprcheck.baselines.intensity import INTENSITY
from reprcheck.diagnostics.bench import Bench
from reprcheck.diagnostics.diagnostic import Diagnostic
from reprcheck.diagnostics.score_arrays import average
from reprcheck.types import Cell, Evidence, Scores

NAME = "beyond_intensity"


def ask(bench: Bench) -> Cell:
    """Compare what the embedding adds to intensity with what intensity expanded adds; and with twins, matched."""
    name, intensity = INTENSITY.name, bench.baselines[INTENSITY.name]
    expansions = bench.expansions(intensity)
    others = (*expansions[1:], expansions[0])
    alone, both = bench.scores([intensity], [intensity, bench.embedding])
    rivals = bench.scores(*([intensity, e, f] for e, f in zip(expansions, others, strict=True)))
    wide = average(bench.scores(*([intensity, e, bench.embedding] for e in expansions)))

    evidence, guards = [], []
    for model, draws, reference in ((both, [alone], name), (wide, rivals, f"{name}, expanded")):
        addition, guard = _measure_addition(bench, model, draws, reference)
        evidence.append(addition)
        guards += guard
    matched = bench.matched()
    details: dict[str, object] = {"matched": "not asked: precomputed vectors can't be re-embedded"}
    if matched is None and bench.scorer.predicts:
        guards.append(bench.against(both, [bench.fitted(intensity)], f"{name}, read by a forest", 0.0))
    if matched is not None:
        evidence += bench.against_untrained(NAME, matched, " on matched images")
        details = {"matched": "asked", "collapsed": matched.collapsed, "notes": list(matched.notes)}
    return bench.cell(NAME, evidence, guards, details)


def _measure_addition(
    bench: Bench, model: Scores, draws: list[Scores], reference: str
) -> tuple[Evidence, list[Evidence]]:
    """Return the evidence that must pass, and what guards it: bits and the score, or the score alone."""
    bits = bench.against_bits(model, draws, reference, bench.margin(NAME))
    if bits is None:
        return bench.against(model, draws, reference, bench.margin(NAME)), []
    return bits, [bench.against(model, draws, reference, 0.0)]


BEYOND_INTENSITY = Diagnostic(
    NAME,
    ask,
    "augment brightness and contrast in training; or check whether staining, not biology, carries the label",
    matched=True,
)
