r"""``scorecard.tex``: the verdicts as a table for a paper, brought in by ``\input``; takes the package booktabs."""

from __future__ import annotations

import re
from collections.abc import Iterator

from reprcheck.reporters import wording
from reprcheck.reporters.reporter import Reporter
from reprcheck.types import Scorecard

_SPECIAL = {
    **{character: f"\\{character}" for character in "&%$#_{}"},
    **{"~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "\\": r"\textbackslash{}"},
    **{"<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}", '"': r"\textquotedbl{}"},
    **{"−": "$-$", "–": "--", "…": r"\ldots{}"},
}
_HEADING = r"Setting & Diagnostic & Verdict & Effect & Margin & Reference & Units \\"


def escape(text: str) -> str:
    r"""Return text that LaTeX prints as it is, on one line.

    Examples
    --------
    >>> escape("beats_untrained 5 % \\input{x}")
    'beats\\_untrained 5 \\% \\textbackslash{}input\\{x\\}'
    """
    return re.sub(r"[&%$#_{}~^\\<>|\"−–…]", lambda found: _SPECIAL[found[0]], wording.one_line(text))


class Latex(Reporter):
    """``scorecard.tex``."""

    suffix = ".tex"

    def render(self, scorecard: Scorecard) -> str:
        """Return a ``tabular``, with the decision and what the columns mean as comments above it."""
        return "\n".join(_lines(scorecard)) + "\n"


LATEX = Latex()


def _lines(card: Scorecard) -> Iterator[str]:
    name = wording.one_line(card.model["name"])
    yield f"% {name}: {wording.outcome(card)}. {wording.tally(card.cells)}."
    yield f"% {wording.legend(card.cells)}"
    yield r"\begin{tabular}{lllrrlr}"
    yield r"\toprule"
    yield _HEADING
    for by_setting in wording.by_dataset(card).values():
        yield r"\midrule"
        for cells in by_setting.values():
            for k, cell in enumerate(cells):
                texts = (
                    "" if k else escape(cell.setting),
                    escape(cell.diagnostic),
                    wording.spaced(cell.status),
                    f"${number}$" if (number := wording.effect(cell)) != wording.ABSENT else "--",
                    escape(wording.score(cell.margin)),
                    escape(cell.reference or wording.ABSENT),
                    "--" if cell.n_units is None else str(cell.n_units),
                )
                yield f"{' & '.join(texts)} \\\\"
    yield r"\bottomrule"
    yield r"\end{tabular}"
