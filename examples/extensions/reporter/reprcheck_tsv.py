"""``--reports=markdown,tsv``: a line for each verdict in ``scorecard.tsv``, with tabs between."""

from __future__ import annotations

import csv
import io

from reprcheck.reporters.reporter import Reporter
from reprcheck.types import Scorecard

COLUMNS = ("setting", "diagnostic", "status", "effect", "low", "high", "margin", "n_units", "reference")


class Tsv(Reporter):
    """Writes what every cell of a scorecard found."""

    suffix = ".tsv"

    def render(self, scorecard: Scorecard) -> str:
        """Return the table; numbers as Python writes them, nothing where there is none."""
        text = io.StringIO()
        writer = csv.writer(text, delimiter="\t", lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows([getattr(cell, column) for column in COLUMNS] for cell in scorecard.cells)
        return text.getvalue()


TSV = Tsv()
