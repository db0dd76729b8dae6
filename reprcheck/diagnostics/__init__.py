"""The questions asked of a model in a setting, one file each, and the one way to ask them: `judge`.

A diagnostic is a `Diagnostic` at the end of a file whose docstring is its documentation. What holds for all of them is
done here: a model without a usable embedding is never judged on its scores, and a setting that can't tell gives no
verdict but ``inconclusive``.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from reprcheck.confounds.design import list_names
from reprcheck.diagnostics.bench import Bench
from reprcheck.diagnostics.diagnostic import Diagnostic
from reprcheck.registry import DIAGNOSTICS
from reprcheck.types import Cell, Setting

__all__ = ["Diagnostic", "judge"]

_CANNOT_TELL = {
    "saturated": "an encoder that nobody trained reaches the ceiling here, so no verdict would tell anything",
    "no_signal": "no encoder's predictions are related to the label beyond permuted labels",
}


def judge(name: str, bench: Bench, setting: Setting) -> Cell:
    """Return the verdict of one diagnostic, by name, on one model in one setting, as `describe_setting` returns it."""
    diagnostic: Diagnostic = DIAGNOSTICS.get(name)
    problem = bench.contestants.problem
    if problem == "not finite":
        return bench.without_evidence(name, "error", "the embedding holds values that are not finite")
    if problem == "constant":
        return bench.without_evidence(name, "fail", "the embedding is constant: every image gets the same vector")
    if bench.policy.resample == "batch" and (problem := _why_not_batches(bench)):
        return bench.without_evidence(name, "inconclusive", f"{problem}, and the policy resamples batches")
    cell = diagnostic.ask(bench)
    reason = _why_not_units(bench) or _CANNOT_TELL.get(setting.qualification)
    if reason is None or cell.status == "not_applicable":
        return cell
    return replace(cell, status="inconclusive", statement=f"{setting.qualification}: {reason}; {cell.statement}")


def _why_not_units(bench: Bench) -> str | None:
    if not (groups := bench.task.groups):
        return None
    columns = list_names(group.called for group in groups)
    return f"units may not be independent: the card doesn't answer for {columns}, whose groups have one label each"


def _why_not_batches(bench: Bench) -> str | None:
    batches = bench.batch_of(bench.units)
    if batches is None:
        return "units lie in several batches"
    return "all units lie in one batch" if len(np.unique(batches)) < 2 else None
