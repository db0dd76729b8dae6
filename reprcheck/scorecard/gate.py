"""The gate: verdicts and what the policy requires, in; released or blocked, out. A pure function of its arguments.

It measures nothing and renders nothing. It trusts a verdict and a setting's qualification as they come; it never trusts
that a verdict came at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from reprcheck.policy import Policy
from reprcheck.types import Cell, Gate, Setting

Key = tuple[str, str, str]
"""Model, setting, diagnostic: what a required cell is known by."""

_PASSABLE = ("pass", "waived", "not_applicable")
_CANNOT_TELL = ("saturated", "no_signal")


def decide(cells: Sequence[Cell], settings: Sequence[Setting], required: Sequence[Key], policy: Policy) -> Gate:
    """Decide whether a model is released.

    Parameters
    ----------
    cells : sequence of Cell
        The verdicts received, in any order. Those not required are ignored. Where a cell comes twice, each counts.
    settings : sequence of Setting
        The settings seen in the run.
    required : sequence of (model, setting, diagnostic)
        The cells that the policy requires.
    policy : Policy
        Its ``min_units`` and ``limited_release`` are used here.

    Returns
    -------
    Gate
        Released only where nothing blocks; ``blocked_by`` has a one-line sentence for each reason, sorted.

    Notes
    -----
    ======================================================================  =========================
    what is found                                                           what it does
    ======================================================================  =========================
    nothing is required                                                     blocks
    a required cell has no verdict                                          blocks
    ``pass``, ``waived``, ``not_applicable``                                doesn't block
    ``fail``, ``error``                                                     blocks
    ``inconclusive``, setting ``discriminating``, ``underpowered``,         blocks
    of fewer units than ``min_units``, or not described
    ``inconclusive``, setting ``saturated`` or ``no_signal``                neither blocks nor releases
    all required cells of a dataset are ``not_applicable``                  blocks: nothing was asked
    no ``discriminating`` setting of a dataset holds a required cell        blocks: nothing can tell
    that is other than ``not_applicable``
    a required setting was cut down by ``--limit``                          blocks, unless ``limited_release``
    ======================================================================  =========================

    Examples
    --------
    >>> decide([], [], [("demo", "sim:dose/probe/1", "beats_untrained")], Policy()).blocked_by
    ('sim:dose/probe/1 beats_untrained: no verdict: deselected, skipped or killed',)
    """
    wanted = sorted(set(required))
    if not wanted:
        return Gate(False, ("no cell is required: no setting of this run matches the policy",))
    verdicts: dict[Key, list[Cell]] = {key: [] for key in wanted}
    for cell in cells:
        verdicts.get((cell.model, cell.setting, cell.diagnostic), []).append(cell)
    seen = {setting.id: setting for setting in settings}
    reasons = {
        *_cell_reasons(verdicts, seen, policy),
        *_dataset_reasons(verdicts, seen),
        *_limit_reasons(wanted, seen, policy),
    }
    return Gate(not reasons, tuple(sorted(reasons)))


def _cell_reasons(verdicts: Mapping[Key, list[Cell]], seen: Mapping[str, Setting], policy: Policy) -> Iterable[str]:
    several = len({model for model, _, _ in verdicts}) > 1
    for (model, setting, diagnostic), found in verdicts.items():
        start = f"{setting} {diagnostic}: " + (f"{model}: " if several else "")
        if not found:
            yield f"{start}no verdict: deselected, skipped or killed"
        for cell in found:
            if _blocks(cell, seen.get(setting), policy):
                yield start + " ".join(f"{cell.status}: {cell.statement}".split())


def _blocks(cell: Cell, setting: Setting | None, policy: Policy) -> bool:
    if cell.status in _PASSABLE:
        return False
    if cell.status != "inconclusive" or setting is None or setting.qualification not in _CANNOT_TELL:
        return True
    n_units = setting.n_units if cell.n_units is None else min(setting.n_units, cell.n_units)
    return n_units < policy.min_units  # too few units can't show that a setting is saturated, or empty


def _dataset_reasons(verdicts: Mapping[Key, list[Cell]], seen: Mapping[str, Setting]) -> Iterable[str]:
    by_dataset: dict[tuple[str, str], list[Key]] = {}
    for key in verdicts:
        by_dataset.setdefault((key[0], _dataset(key[1], seen)), []).append(key)
    for (_, dataset), keys in by_dataset.items():
        received = [key for key in keys if verdicts[key]]
        asked = [key for key in received if any(cell.status != "not_applicable" for cell in verdicts[key])]
        able = [key for key in asked if key[1] in seen and seen[key[1]].qualification == "discriminating"]
        if received and not asked:
            yield f"{dataset}: nothing was asked: all {len(received)} required verdicts are not_applicable"
        elif received and not able:
            yield f"{dataset}: nothing here can tell: {_qualifications(asked, seen)}"


def _dataset(setting: str, seen: Mapping[str, Setting]) -> str:
    return seen[setting].dataset if setting in seen else setting.partition(":")[0]


def _qualifications(keys: Sequence[Key], seen: Mapping[str, Setting]) -> str:
    settings = sorted({setting for _, setting, _ in keys})
    found = [f"{s} is {seen[s].qualification if s in seen else 'not described'}" for s in settings]
    return ", ".join(found)


def _limit_reasons(wanted: Sequence[Key], seen: Mapping[str, Setting], policy: Policy) -> Iterable[str]:
    for name in sorted({setting for _, setting, _ in wanted}):
        setting = seen.get(name)
        if setting is not None and setting.limit is not None and not policy.limited_release:
            yield f"{name}: cut down to {setting.limit} samples by --limit, and the policy has no limited_release"
