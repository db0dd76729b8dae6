"""Comparisons with hand-made baselines that know one kind of thing, which several diagnostics make."""

from __future__ import annotations

from reprcheck.diagnostics.bench import Bench
from reprcheck.embed.engine import Block
from reprcheck.registry import REFERENCES
from reprcheck.types import Evidence


def compare_with_baselines(bench: Bench, diagnostic: str, knows: str) -> list[Evidence]:
    """Compare the model with every baseline or nuisance on the bench that knows one kind of thing.

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
        Of each reference: against its features as they are; and against K nonlinear expansions beside them, unless it
        does without.
    """
    rivals = _who_know(bench, knows)
    return [evidence for name, rival in rivals.items() for evidence in _compare(bench, diagnostic, name, rival)]


def compare_with_forests(bench: Bench, knows: str) -> list[Evidence]:
    """Compare the model with a forest grown on each such reference, at margin 0, where the protocol predicts.

    An encoder that *learned* to read the label from the features, on other data, lays out for a vote of neighbours what
    that can't find in the features themselves. A forest finds it.
    """
    if not bench.scorer.predicts:
        return []
    (model,) = bench.scores([bench.embedding])
    return [
        bench.against(model, [bench.fitted(rival)], f"{name}, read by a forest", 0.0)
        for name, rival in _who_know(bench, knows).items()
    ]


def _who_know(bench: Bench, knows: str) -> dict[str, Block]:
    everyone = {**bench.baselines, **bench.nuisances}
    return {name: block for name, block in everyone.items() if REFERENCES.get(name).knows == knows}


def _compare(bench: Bench, diagnostic: str, name: str, rival: Block) -> list[Evidence]:
    margin = bench.margin(diagnostic)
    model, alone = bench.scores([bench.embedding], [rival])
    evidence = [bench.against(model, [alone], name, margin)]
    if REFERENCES.get(name).expanded:
        wide = bench.scores(*([rival, expansion] for expansion in bench.expansions(rival)))
        evidence.append(bench.against(model, wide, f"{name}, expanded", margin))
    return evidence
