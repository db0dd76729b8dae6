"""Waiving: a verdict that would block, and that the policy has a waiver in date for, becomes ``waived``.

What was found is kept in the statement, so that no report can show the excuse without what it excuses. A verdict that
blocks nothing is left as it is: the gate then says that its waiver isn't needed.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from reprcheck.policy import Policy
from reprcheck.scorecard.gate import blocks
from reprcheck.types import Cell, Setting
from reprcheck.waivers import Waiver


def waive(cell: Cell, setting: Setting, policy: Policy, today: date) -> Cell:
    """Return a cell as the policy's waivers leave it.

    Parameters
    ----------
    cell : Cell
    setting : Setting
        The one it was asked in.
    policy : Policy
        Its ``waivers`` and ``min_units`` are used here.
    today : date
        A waiver holds through the day it expires.

    Returns
    -------
    Cell
        Where it is waived: its numbers as they were, ``details["found"]`` the status that it had, and a statement of
        who waived it, until when, why, and what was found.

    Examples
    --------
    >>> setting = Setting("d:t/knn/1", "d", "", "t", "knn/1", 96, 24, 4, "discriminating", {})
    >>> cell = Cell("m", "d:t/knn/1", "beats_untrained", "fail", *[None] * 8, statement="0.1 below untrained")
    >>> waiver = Waiver("d:t/knn/1 beats_untrained", "plate 3 is out of focus", date(2027, 1, 31), owner="Ada")
    >>> waive(cell, setting, Policy(waivers=(waiver,)), date(2027, 1, 1)).statement
    'until 2027-01-31 by Ada: plate 3 is out of focus; found fail: 0.1 below untrained'
    """
    waiver = policy.waivers_of(cell.model).get(f"{cell.setting} {cell.diagnostic}")
    if waiver is None or not waiver.in_date(today) or not blocks(cell, setting, policy):
        return cell
    statement = f"{_terms(waiver)}; found {cell.status}: {cell.statement}"
    return replace(cell, status="waived", statement=statement, details={**cell.details, "found": cell.status})


def _terms(waiver: Waiver) -> str:
    owner = f" by {waiver.owner}" if waiver.owner else ""
    link = f" ({waiver.link})" if waiver.link else ""
    return f"until {waiver.expires}{owner}{link}: {waiver.reason}"
