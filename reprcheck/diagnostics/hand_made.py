"""The comparison with hand-made baselines of one kind of knowledge, which several diagnostics make."""

from __future__ import annotations

from reprcheck.diagnostics.bench import Bench
from reprcheck.registry import REFERENCES
from reprcheck.types import Evidence


def compare_with_baselines(bench: Bench, diagnostic: str, knows: str) -> list[Evidence]:
    """Compare the model with every baseline on the bench that knows one kind of thing, and with its expansions.

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
    opponents = [name for name in bench.baselines if REFERENCES.get(name).knows == knows]
    return [evidence for name in opponents for evidence in _compare(bench, diagnostic, name)]


def _compare(bench: Bench, diagnostic: str, name: str) -> list[Evidence]:
    baseline = bench.baselines[name]
    expansions = bench.expansions(baseline)
    model, alone, *wide = bench.scores([bench.embedding], [baseline], *([baseline, e] for e in expansions))
    margin = bench.margin(diagnostic)
    return [bench.against(model, [alone], name, margin), bench.against(model, wide, f"{name}, expanded", margin)]
