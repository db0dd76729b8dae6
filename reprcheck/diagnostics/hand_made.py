"""Comparisons with hand-made baselines that know one kind of thing, which several diagnostics make."""

from __future__ import annotations

from reprcheck.diagnostics.bench import Bench
from reprcheck.registry import REFERENCES
from reprcheck.types import Evidence


def compare_with_baselines(bench: Bench, diagnostic: str, knows: str) -> list[Evidence]:
    """Compare the model with every baseline on the bench that knows one kind of thing.

    Parameters
    ----------
    bench : Bench
    diagnostic : str
        Whose margin is asked for.
    knows : str
        As `reprcheck.baselines.Reference` has it.

    Returns
    -------
    list of Evidence
        Of each baseline two: against its features as they are, and against K nonlinear expansions beside them.
    """
    return [evidence for name in _who_know(bench, knows) for evidence in _compare(bench, diagnostic, name)]


def compare_with_forests(bench: Bench, knows: str) -> list[Evidence]:
    """Compare the model with a forest grown on each such baseline, at margin 0, where the protocol predicts.

    An encoder that *learned* to read the label from the features, on other data, lays out for a vote of neighbours what
    that can't find in the features themselves. A forest finds it.
    """
    if not bench.scorer.predicts:
        return []
    (model,) = bench.scores([bench.embedding])
    return [
        bench.against(model, [bench.fitted(bench.baselines[name])], f"{name}, read by a forest", 0.0)
        for name in _who_know(bench, knows)
    ]


def _who_know(bench: Bench, knows: str) -> list[str]:
    return [name for name in bench.baselines if REFERENCES.get(name).knows == knows]


def _compare(bench: Bench, diagnostic: str, name: str) -> list[Evidence]:
    baseline = bench.baselines[name]
    expansions = bench.expansions(baseline)
    model, alone, *wide = bench.scores([bench.embedding], [baseline], *([baseline, e] for e in expansions))
    margin = bench.margin(diagnostic)
    return [bench.against(model, [alone], name, margin), bench.against(model, wide, f"{name}, expanded", margin)]
