"""The gate: verdicts and what the policy requires, in; released or blocked, out. A pure function of its arguments.

It measures nothing and renders nothing. It trusts a verdict and a setting's qualification as they come; it never trusts
that a verdict came at all, nor that one was waived with leave.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date

from reprcheck.errors import did_you_mean
from reprcheck.policy import Policy
from reprcheck.types import Cell, Gate, Setting

Key = tuple[str, str, str]
"""Model, setting, diagnostic: what a required cell is known by."""

_PASSABLE = ("pass", "waived", "not_applicable")
_CANNOT_TELL = ("saturated", "no_signal")


def decide(
    cells: Sequence[Cell], settings: Sequence[Setting], required: Sequence[Key], policy: Policy, today: date
) -> Gate:
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
        Its ``min_units``, ``limited_release`` and ``waivers`` are used here.
    today : date
        A waiver holds through the day it expires.

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
    ``pass``, ``not_applicable``                                            doesn't block
    ``waived``, by a waiver of the policy                                   doesn't block
    ``waived``, by none                                                     blocks
    ``fail``, ``error``                                                     blocks
    ``inconclusive``, setting ``discriminating``, ``underpowered``,         blocks
    of fewer units than ``min_units``, or not described
    ``inconclusive``, setting ``saturated`` or ``no_signal``                neither blocks nor releases
    all required cells of a dataset are ``not_applicable``                  blocks: nothing was asked
    no ``discriminating`` setting of a dataset holds a required cell        blocks: nothing can tell
    that is other than ``not_applicable``
    those that do hold ``waived`` ones only                                 blocks: nothing was shown
    a required setting was cut down by ``--limit``                          blocks, unless ``limited_release``
    a waiver of a cell that isn't required                                  blocks: correct or remove it
    a waiver that has expired, whatever its cell                            blocks: extend or remove it
    a waiver in date of a cell that wouldn't block without it               blocks: remove it
    a waiver of another model                                               nothing
    ======================================================================  =========================

    Of two waivers for a cell, one that names the model goes before one for all models.

    Examples
    --------
    >>> required = [("demo", "sim:dose/probe/1", "beats_untrained")]
    >>> decide([], [], required, Policy(), date(2027, 1, 31)).blocked_by
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
        *_waiver_reasons(verdicts, seen, policy, today),
    }
    return Gate(not reasons, tuple(sorted(reasons)))


def _cell_reasons(verdicts: Mapping[Key, list[Cell]], seen: Mapping[str, Setting], policy: Policy) -> Iterable[str]:
    several = len({model for model, _, _ in verdicts}) > 1
    for (model, setting, diagnostic), found in verdicts.items():
        start = f"{setting} {diagnostic}: " + (f"{model}: " if several else "")
        if not found:
            yield f"{start}no verdict: deselected, skipped or killed"
        for cell in found:
            if cell.status == "waived" and f"{setting} {diagnostic}" not in policy.waivers_of(model):
                yield f"{start}waived, but the policy has no waiver for it"
            if blocks(cell, seen.get(setting), policy):
                yield start + " ".join(f"{cell.status}: {cell.statement}".split())


def blocks(cell: Cell, setting: Setting | None, policy: Policy) -> bool:
    """Return whether a required cell's verdict blocks by itself, in a setting that may not have been described."""
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
        elif able and all(cell.status in ("waived", "not_applicable") for key in able for cell in verdicts[key]):
            yield f"{dataset}: nothing was shown: all required verdicts that could tell are waived"


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
            yield f"{name}: cut down to {setting.limit} samples by a limit, and the policy has no limited_release"


def _waiver_reasons(
    verdicts: Mapping[Key, list[Cell]], seen: Mapping[str, Setting], policy: Policy, today: date
) -> Iterable[str]:
    models = sorted({model for model, _, _ in verdicts})
    for model in models:
        mine = {(setting, diagnostic): found for (m, setting, diagnostic), found in verdicts.items() if m == model}
        for name, waiver in policy.waivers_of(model).items():
            setting, _, diagnostic = name.rpartition(" ")
            start = f"waiver of {name}: " + (f"{model}: " if len(models) > 1 else "")
            if (setting, diagnostic) not in mine:
                instead = _required_instead(setting, diagnostic, mine)
                yield f"{start}no such cell is required; correct it or remove it: {instead}"
                continue
            found = mine[setting, diagnostic]
            idle = found and not any(c.status == "waived" or blocks(c, seen.get(setting), policy) for c in found)
            why = _unneeded(found, seen.get(setting)) if idle else ""
            if not waiver.in_date(today):
                remedy = f"{why}: remove it" if idle else "mend what it excuses, or extend it with a reason"
                yield f"{start}expired on {waiver.expires}; {remedy}"
            elif idle:
                yield f"{start}no longer needed: {why}; remove it"


def _required_instead(setting: str, diagnostic: str, required: Iterable[tuple[str, str]]) -> str:
    """Return the remedy for a cell that isn't required: the closest name to whichever part of it is wrong."""
    settings = {name for name, _ in required}
    if setting not in settings:
        return did_you_mean(setting, settings)
    return did_you_mean(diagnostic, {asked for name, asked in required if name == setting})


def _unneeded(found: Sequence[Cell], setting: Setting | None) -> str:
    status = found[0].status
    if status == "inconclusive" and setting is not None:
        where = "a saturated setting" if setting.qualification == "saturated" else "a setting without signal"
        return f"its cell is inconclusive, which doesn't block in {where}"
    return "its cell passed" if status == "pass" else "its cell is not applicable"
