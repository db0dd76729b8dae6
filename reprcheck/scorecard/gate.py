"""The gate: verdicts and what the policy requires, in; released or blocked, out. A pure function of its arguments.

It measures nothing and renders nothing. It trusts a verdict and a setting's qualification as they come; it never trusts
that a verdict came at all, nor that one was waived with leave.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date

from reprcheck.errors import did_you_mean
from reprcheck.policy import Policy
from reprcheck.types import Cell, Gate, Outcome, Setting

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
        Released only where nothing blocks; ``blocked_by`` has a one-line sentence for each reason, sorted. Where
        inconclusive cells alone block, and datasets that can't tell, there is not enough evidence.

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
    >>> required = [("demo", "sim:dose/probe/2", "beats_untrained")]
    >>> decide([], [], required, Policy(), date(2027, 1, 31)).blocked_by
    ('sim:dose/probe/2 beats_untrained: no verdict: deselected, skipped or killed',)
    """
    required_keys = sorted(set(required))
    if not required_keys:
        return Gate("blocked", ("no cell is required: no setting of this run matches the policy",))
    verdicts: dict[Key, list[Cell]] = {key: [] for key in required_keys}
    for cell in cells:
        verdicts.get((cell.model, cell.setting, cell.diagnostic), []).append(cell)
    described = {setting.id: setting for setting in settings}
    unsettled = {*_inconclusive_reasons(verdicts, described, policy), *_unable_reasons(verdicts, described)}
    settled = {
        *_cell_reasons(verdicts, described, policy),
        *_unasked_reasons(verdicts, described),
        *_limit_reasons(required_keys, described, policy),
        *_waiver_reasons(verdicts, described, policy, today),
    }
    outcome: Outcome = "blocked" if settled else "not_enough_evidence" if unsettled else "released"
    return Gate(outcome, tuple(sorted(settled | unsettled)))


def _cell_reasons(
    verdicts: Mapping[Key, list[Cell]], described: Mapping[str, Setting], policy: Policy
) -> Iterable[str]:
    for key, cells in verdicts.items():
        model, setting, diagnostic = key
        if not cells:
            yield f"{_start(key, verdicts)}no verdict: deselected, skipped or killed"
        for cell in cells:
            if cell.status == "waived" and f"{setting} {diagnostic}" not in policy.waivers_of(model):
                yield f"{_start(key, verdicts)}waived, but the policy has no waiver for it"
            if cell.status != "inconclusive" and blocks(cell, described.get(setting), policy):
                yield f"{_start(key, verdicts)}{_sentence(cell)}"


def _inconclusive_reasons(
    verdicts: Mapping[Key, list[Cell]], described: Mapping[str, Setting], policy: Policy
) -> Iterable[str]:
    for key, cells in verdicts.items():
        for cell in cells:
            if cell.status == "inconclusive" and blocks(cell, described.get(key[1]), policy):
                yield f"{_start(key, verdicts)}{_sentence(cell)}"


def _start(key: Key, verdicts: Iterable[Key]) -> str:
    several = len({model for model, _, _ in verdicts}) > 1
    return f"{key[1]} {key[2]}: " + (f"{key[0]}: " if several else "")


def _sentence(cell: Cell) -> str:
    return " ".join(f"{cell.status}: {cell.statement}".split())


def blocks(cell: Cell, setting: Setting | None, policy: Policy) -> bool:
    """Return whether a required cell's verdict blocks by itself, in a setting that may not have been described."""
    if cell.status in _PASSABLE:
        return False
    if cell.status != "inconclusive" or setting is None or setting.qualification not in _CANNOT_TELL:
        return True
    n_units = setting.n_units if cell.n_units is None else min(setting.n_units, cell.n_units)
    return n_units < policy.min_units  # too few units can't show that a setting is saturated, or empty


def _unable_reasons(verdicts: Mapping[Key, list[Cell]], described: Mapping[str, Setting]) -> Iterable[str]:
    """Say which datasets can't tell; where every verdict is an error, that says enough."""
    for dataset, applicable in _applicable_by_dataset(verdicts, described):
        settled = all(cell.status == "error" for key in applicable for cell in verdicts[key])
        if not settled and not _discriminating(applicable, described):
            yield f"{dataset}: nothing here can tell: {_qualifications(applicable, described)}"


def _unasked_reasons(verdicts: Mapping[Key, list[Cell]], described: Mapping[str, Setting]) -> Iterable[str]:
    """Say of which datasets nothing was asked, or nothing shown."""
    for dataset, applicable in _applicable_by_dataset(verdicts, described):
        if not applicable:
            yield f"{dataset}: nothing was asked: every required verdict is not_applicable"
        able = _discriminating(applicable, described)
        if able and all(cell.status in ("waived", "not_applicable") for key in able for cell in verdicts[key]):
            yield f"{dataset}: nothing was shown: all required verdicts that could tell are waived"


def _applicable_by_dataset(
    verdicts: Mapping[Key, list[Cell]], described: Mapping[str, Setting]
) -> Iterable[tuple[str, list[Key]]]:
    """Return the cells with a verdict other than ``not_applicable``, for each dataset with a verdict of any kind."""
    by_dataset: dict[tuple[str, str], list[Key]] = {}
    for key, cells in verdicts.items():
        if cells:
            keys = by_dataset.setdefault((key[0], _dataset(key[1], described)), [])
            keys += [key] if any(cell.status != "not_applicable" for cell in cells) else []
    return [(dataset, keys) for (_, dataset), keys in by_dataset.items()]


def _discriminating(keys: Sequence[Key], described: Mapping[str, Setting]) -> list[Key]:
    return [key for key in keys if key[1] in described and described[key[1]].qualification == "discriminating"]


def _dataset(setting: str, described: Mapping[str, Setting]) -> str:
    return described[setting].dataset if setting in described else setting.partition(":")[0]


def _qualifications(keys: Sequence[Key], described: Mapping[str, Setting]) -> str:
    settings = sorted({setting for _, setting, _ in keys})
    descriptions = [f"{s} is {described[s].qualification if s in described else 'not described'}" for s in settings]
    return ", ".join(descriptions)


def _limit_reasons(required_keys: Sequence[Key], described: Mapping[str, Setting], policy: Policy) -> Iterable[str]:
    for name in sorted({setting for _, setting, _ in required_keys}):
        setting = described.get(name)
        if setting is not None and setting.limit is not None and not policy.limited_release:
            yield f"{name}: cut down to {setting.limit} samples by a limit, and the policy has no limited_release"


def _waiver_reasons(
    verdicts: Mapping[Key, list[Cell]], described: Mapping[str, Setting], policy: Policy, today: date
) -> Iterable[str]:
    models = sorted({model for model, _, _ in verdicts})
    for model in models:
        mine = {(setting, diagnostic): cells for (m, setting, diagnostic), cells in verdicts.items() if m == model}
        for name, waiver in policy.waivers_of(model).items():
            setting, _, diagnostic = name.rpartition(" ")
            start = f"waiver of {name}: " + (f"{model}: " if len(models) > 1 else "")
            if (setting, diagnostic) not in mine:
                instead = _required_instead(setting, diagnostic, mine)
                yield f"{start}no such cell is required; correct it or remove it: {instead}"
                continue
            cells = mine[setting, diagnostic]
            idle = cells and not any(c.status == "waived" or blocks(c, described.get(setting), policy) for c in cells)
            why = _explain_idle(cells, described.get(setting)) if idle else ""
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
    return did_you_mean(diagnostic, {known for name, known in required if name == setting})


def _explain_idle(cells: Sequence[Cell], setting: Setting | None) -> str:
    status = cells[0].status
    if status == "inconclusive" and setting is not None:
        where = "a saturated setting" if setting.qualification == "saturated" else "a setting without signal"
        return f"its cell is inconclusive, which doesn't block in {where}"
    return "its cell passed" if status == "pass" else "its cell is not applicable"
