"""Waivers, read from a policy: which cell a release may do without, why, who answers for it, and until when.

Reading is all this module does: every key is checked, so that no waiver excuses more than was meant. Which
verdicts a waiver excuses is for `reprcheck.scorecard.waiving`; what becomes of one that has expired, or that nothing
needs, is for `reprcheck.scorecard.gate`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime
from typing import Any

from reprcheck.errors import UserError, did_you_mean
from reprcheck.registry import PROTOCOLS

_CELL = re.compile(r"[^:/\s]+:.+/[\w.-]+/\d+ (?P<diagnostic>\S+)")
_TEXTS = ("cell", "reason", "owner", "link", "model")
_REQUIRED = ("cell", "reason", "expires")


@dataclass(frozen=True)
class Waiver:
    """Permission to release without one cell, for a time.

    Attributes
    ----------
    cell : str
        Setting id, a blank, diagnostic.
    reason : str
        Why the release may do without the cell.
    expires : date
        The last day on which the waiver holds.
    owner, link : str
        Who answers for it, and where it was decided: at least one of them, the other blank.
    model : str
        The only model it holds for; blank for every model.

    Examples
    --------
    >>> cell = "bbbc013:dose/knn/1 beats_untrained"
    >>> waiver = Waiver(cell, "plate 3 is being imaged again", date(2027, 1, 31), owner="Ada")
    >>> waiver.in_date(date(2027, 1, 31)), waiver.in_date(date(2027, 2, 1))
    (True, False)
    """

    cell: str
    reason: str
    expires: date
    owner: str = ""
    link: str = ""
    model: str = ""

    def in_date(self, today: date) -> bool:
        """Return whether the waiver still holds: it does through the day it expires."""
        return today <= self.expires

    def plain(self) -> dict[str, str]:
        """Return its fields as JSON-ready values, those that are blank left out."""
        return {key: text for key, value in vars(self).items() if (text := str(value))}


def read_waivers(where: str, tables: Any, diagnostics: Sequence[str]) -> tuple[Waiver, ...]:
    """Read the waivers of a policy file.

    Parameters
    ----------
    where : str
        What to name in an error: the file and the key. A waiver is named by its place, counted from 1.
    tables : list of dict
        As parsed from TOML.
    diagnostics : sequence of str
        Those that the policy requires.

    Raises
    ------
    UserError
        For a key that is unknown, missing or has the wrong value, or a second waiver for a cell and model.
    """
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise UserError(where, "not a list of tables", "write [[waivers]] above each waiver")
    waivers: dict[tuple[str, str], Waiver] = {}
    for n, table in enumerate(tables, start=1):
        waiver = _waiver(f"{where}[{n}]", table, diagnostics)
        if (waiver.cell, waiver.model) in waivers:
            whose = f" and model {waiver.model}" if waiver.model else ""
            raise UserError(f"{where}[{n}].cell", f"a second waiver for {waiver.cell}{whose}", "keep one of the two")
        waivers[waiver.cell, waiver.model] = waiver
    return tuple(waivers.values())


def _waiver(where: str, table: Mapping[str, Any], diagnostics: Sequence[str]) -> Waiver:
    known = [f.name for f in fields(Waiver)]
    for key in table:
        if key not in known:
            raise UserError(f"{where}.{key}", "unknown key", did_you_mean(key, known))
    for key in _REQUIRED:
        if key not in table:
            raise UserError(f"{where}.{key}", "missing", f"write {_example(key)}")
    if "owner" not in table and "link" not in table:
        raise UserError(f"{where}.owner", "neither owner nor link is given", f"write {_example('owner')}")
    texts = {key: _text(f"{where}.{key}", table[key], key) for key in _TEXTS if key in table}
    _check_cell(f"{where}.cell", texts["cell"], diagnostics)
    setting, _, diagnostic = texts["cell"].rpartition(" ")
    texts["cell"] = f"{PROTOCOLS.renew(setting)} {diagnostic}"
    return Waiver(**texts, expires=_date(f"{where}.expires", table["expires"]))


def _text(where: str, value: Any, key: str) -> str:
    if not isinstance(value, str) or not value.strip():
        raise UserError(where, f"{value!r} is not a text that says something", f"write {_example(key)}")
    return " ".join(value.split())


def _check_cell(where: str, cell: str, diagnostics: Sequence[str]) -> None:
    match = _CELL.fullmatch(cell)
    if match is None:
        raise UserError(where, f"{cell!r} is not a setting, a blank and a diagnostic", f"write {_example('cell')}")
    if match["diagnostic"] not in diagnostics:
        remedy = did_you_mean(match["diagnostic"], diagnostics)
        raise UserError(where, f"{match['diagnostic']} is not among this policy's diagnostics", remedy)


def _date(where: str, value: Any) -> date:
    if isinstance(value, datetime):
        raise UserError(where, f"{value} is a date with a time", f"write expires = {value.date()}")
    if isinstance(value, date):
        return value
    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\d", value.strip()):
        raise UserError(where, f"{value!r} is a text, not a date", f"write expires = {value.strip()}, without quotes")
    raise UserError(where, f"{value!r} is not a date", f"write {_example('expires')}, without quotes")


def _example(key: str) -> str:
    examples = {
        "cell": 'cell = "DATASET:TASK/PROTOCOL DIAGNOSTIC"',
        "reason": 'reason = "WHY THE CELL MAY BE GONE WITHOUT"',
        "expires": "expires = YYYY-MM-DD, the last day on which it holds",
        "owner": 'owner = "NAME" or link = "ADDRESS"',
        "link": 'link = "ADDRESS" or leave it out',
        "model": 'model = "NAME" or leave it out',
    }
    return examples[key]
