"""``scorecard.eval-results.yaml``: for ``.eval_results/`` in a model's repository on the Hugging Face Hub.

An entry for each cell with numbers: the value is the gain over the reference that was hardest to beat, its interval is
in the notes. Nothing is pushed. The Hub shows entries of datasets that it has, so ``dataset.id`` is to be completed by
whoever has put the dataset there, and ``source.url`` by whoever has put up the scorecard.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from reprcheck.reporters import wording
from reprcheck.reporters.reporter import Reporter
from reprcheck.reporters.wording import one_line
from reprcheck.types import Cell, Scorecard


class EvalResults(Reporter):
    """``scorecard.eval-results.yaml``."""

    suffix = ".eval-results.yaml"

    def render(self, scorecard: Scorecard) -> str:
        """Return the entries, in YAML; texts are quoted as in JSON, which is YAML too."""
        name, outcome = one_line(scorecard.model["name"]), wording.outcome(scorecard)
        lines = [f"# {name}: {outcome}, by reprcheck; model {one_line(scorecard.model['digest'])}"]
        time = scorecard.run.get("time")
        datasets = {setting.id: setting.dataset for setting in scorecard.settings}
        for cell in wording.cells(scorecard):
            if cell.effect is not None:
                dataset = datasets.get(cell.setting, cell.setting.partition(":")[0])
                lines += _entry(cell, dataset, time if isinstance(time, str) else None)
        return "\n".join(lines if len(lines) > 1 else [*lines, "[]"]) + "\n"


EVAL_RESULTS = EvalResults()


def _entry(cell: Cell, dataset: str, time: str | None) -> Iterator[str]:
    task = f"{wording.within(dataset, cell.setting)} {cell.diagnostic}"
    bounds = f"[{wording.signed(cell.low)}, {wording.signed(cell.high)}]"
    yield "- dataset:"
    yield f"    id: {_quoted(dataset)}"
    yield f"    task_id: {_quoted(task)}"
    yield f"  value: {cell.effect}"
    if time is not None:
        yield f"  date: {_quoted(time)}"
    yield f"  notes: {_quoted(f'{wording.spaced(cell.status)}; gain over {cell.reference}, {bounds}')}"


def _quoted(text: str) -> str:
    return json.dumps(one_line(text), ensure_ascii=False)
