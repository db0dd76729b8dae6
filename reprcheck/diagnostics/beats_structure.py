"""``beats_structure``: does the model know more than where the cells are and how they are shaped?

Question
    Does the embedding carry more about the label than counts, sizes, shapes and arrangement of the segmented objects?
Statistic
    Mean over units of the model's score minus the reference's, on the same samples, folds and probe tuning.
Reference
    The structural features, and K seeded random nonlinear expansions of them, beside the features, at the model's
    width: a hand-made baseline is never left linear. The model must beat both; and so for the types of cells alone,
    where images tell them (``composition``), and for each baseline that the policy adds (``cellprofiler``). The two
    commonest shortcuts are met by name as well: the number of cells alone (``cell_count``), and the size of the stored
    image alone (``size``), where images differ in it.
Null
    The embedding is one more function of the structural features: the spread between the K expansions enters the
    interval.
Unit
    The dataset's unit.
Margin
    On the score's scale, 0.02 unless the policy says otherwise.
How it can fool you
    Where the segmentation is poor the baseline is weak. Where structure *is* the answer (a count, or a share of cells
    of a type that the images tell) nothing should pass. Photographs have no cells: there the verdict is
    ``not_applicable``.
Source
    Svatko et al. 2026 (arXiv 2603.13377): simple structural representations of cellular tissue as baseline.
"""

from __future__ import annotations

from reprcheck.baselines.structure.baseline import STRUCTURE
from reprcheck.diagnostics.bench import Bench
from reprcheck.diagnostics.diagnostic import Diagnostic
from reprcheck.diagnostics.hand_made import compare_with_baselines
from reprcheck.types import Cell

NAME = "beats_structure"


def ask(bench: Bench) -> Cell:
    """Compare the model with the structural features and their expansions, and with those of baselines asked for."""
    if bench.kind == "natural":
        return bench.without_evidence(NAME, "not_applicable", "photographs hold no cells to count or shape")
    return bench.cell(NAME, compare_with_baselines(bench, NAME, STRUCTURE.knows))


BEATS_STRUCTURE = Diagnostic(
    NAME, ask, "look whether counts and shapes already give the label; if so, ask a task of what is inside the cells"
)
