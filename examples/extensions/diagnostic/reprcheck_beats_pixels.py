"""``beats_pixels``: does the model know more than a thumbnail of the image?

Question
    Does the embedding carry more about the label than the leading components of 12 x 12 thumbnails?
Statistic, reference and null
    The model's score minus the thumbnails', over units; one more function of the thumbnails is the null.
How it can fool you
    Thumbnails of centred objects show much of their shape.
"""

from __future__ import annotations

from reprcheck.baselines.pixels import PIXELS
from reprcheck.diagnostics.bench import Bench
from reprcheck.diagnostics.diagnostic import Diagnostic
from reprcheck.types import Cell

NAME = "beats_pixels"


def ask(bench: Bench) -> Cell:
    """Compare the model with the thumbnails, alone and expanded: a hand-made baseline is never left linear."""
    pixels = bench.baselines[PIXELS.name]
    expansions = ([pixels, expansion] for expansion in bench.expansions(pixels))
    model, alone, *wide = bench.scores([bench.embedding], [pixels], *expansions)
    references = {PIXELS.name: [alone], f"{PIXELS.name}, expanded": wide}
    return bench.cell(NAME, [bench.against(model, s, name, bench.margin(NAME)) for name, s in references.items()])


BEATS_PIXELS = Diagnostic(NAME, ask, "look at thumbnails of each class: what the eye sees there, anything sees")
