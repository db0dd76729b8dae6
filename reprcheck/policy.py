"""What a release requires, read from TOML: settings, diagnostics, margins, waivers, names for models.

A policy says what must be shown, never how it is measured. This module checks every key as it reads it, so that a
misspelled one is reported, and doesn't leave the gate open. Which cells follow from a policy is worked out where the
datasets are known; whether they release is for `reprcheck.scorecard.gate`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Literal

from reprcheck.errors import UserError, did_you_mean, shown
from reprcheck.plain_files import is_file, read_toml
from reprcheck.registry import DIAGNOSTICS, PROTOCOLS
from reprcheck.waivers import Waiver, read_waivers

SCHEMA = 1
"""Version of the policy file's format."""

REPEATS = 3
"""Draws of the folds, unless the policy says how many."""
MANY_UNITS = 2_000
"""Units of a task whose score one draw of the folds hardly moves."""

_MARGIN_KEY = re.compile(r"(?P<diagnostic>[A-Za-z]\w*)(@[\w.-]+/\d+)?")


@dataclass(frozen=True)
class Policy:
    """What a release requires.

    Attributes
    ----------
    alpha : float
        One-sided error rate of each cell, in (0, 0.5).
    margin : float
        What the lower bound of an effect must exceed, in [0, 1), unless ``margins`` says otherwise.
    min_units : int
        Fewest independent units a verdict may rest on, at least 2.
    twins : int
        Untrained twins per family, at least 2.
    resample : {"unit", "batch"}
        What is resampled: units, or the batches they lie in, so that a verdict covers new batches.
    repeats : int or None
        Times that folds are drawn, where they are drawn at random: more make scores steadier and intervals narrower.
        None for `REPEATS`, or for once where a task has `MANY_UNITS`.
    sample : int or None
        Samples per task, of a choice of whole units, that larger tasks are judged by.
    limited_release : bool
        Whether a run cut down by ``--limit`` may release.
    diagnostics : tuple of str
        Diagnostics required in each required setting; all of ours unless the policy says otherwise.
    settings : tuple of str
        Shell-style patterns over setting ids: a setting that matches one is required.
    baselines : tuple of str
        Optional hand-made baselines that a model must beat too: ``cellprofiler``, and those of extensions.
    margins : mapping of str to float
        ``diagnostic`` or ``diagnostic@protocol`` to its margin.
    models : mapping of str to str
        Names that ``--model`` accepts, each with its SPEC.
    waivers : tuple of Waiver
        Cells that a release may go without, for a time.

    Examples
    --------
    >>> policy = Policy(margins={"beats_untrained": 0.03, "beats_untrained@probe/2": 0.05})
    >>> [policy.margin_for("beats_untrained", p) for p in ("probe/2", "knn/1")]
    [0.05, 0.03]
    """

    alpha: float = 0.05
    margin: float = 0.02
    min_units: int = 10
    twins: int = 5
    resample: Literal["unit", "batch"] = "unit"
    repeats: int | None = None
    sample: int | None = None
    limited_release: bool = False
    diagnostics: tuple[str, ...] = tuple(DIAGNOSTICS.own)
    settings: tuple[str, ...] = ("*",)
    baselines: tuple[str, ...] = ()
    margins: Mapping[str, float] = field(default_factory=dict)
    models: Mapping[str, str] = field(default_factory=dict)
    waivers: tuple[Waiver, ...] = ()

    def margin_for(self, diagnostic: str, protocol: str) -> float:
        """Return the margin of a diagnostic under a protocol: the most specific one the policy gives."""
        general = self.margins.get(diagnostic, self.margin)
        return float(self.margins.get(f"{diagnostic}@{protocol}", general))

    def repeats_for(self, n_units: int) -> int:
        """Return how many times folds are drawn at random for a task of so many units."""
        if self.repeats is not None:
            return self.repeats
        return REPEATS if n_units < MANY_UNITS else 1

    def requires(self, setting: str) -> bool:
        """Return whether the setting of this id is required."""
        return any(fnmatchcase(setting, pattern) for pattern in self.settings)

    def waivers_of(self, model: str) -> dict[str, Waiver]:
        """Return the waivers that hold for a model, by cell: one that names the model goes before one for all."""
        mine = [waiver for waiver in self.waivers if waiver.model in ("", model)]
        return {waiver.cell: waiver for waiver in sorted(mine, key=lambda waiver: bool(waiver.model))}

    def plain(self) -> dict[str, Any]:
        """Return what the policy requires as JSON-ready values, for the scorecard.

        ``models`` is left out: a name is never an identity, and what it points to decides nothing. ``baselines``,
        ``repeats`` and ``sample`` are there where the policy names them.
        """
        return {
            "alpha": float(self.alpha),
            "margin": float(self.margin),
            "min_units": self.min_units,
            "twins": self.twins,
            "resample": self.resample,
            **({} if self.repeats is None else {"repeats": self.repeats}),
            **({} if self.sample is None else {"sample": self.sample}),
            "limited_release": self.limited_release,
            "diagnostics": list(self.diagnostics),
            "settings": list(self.settings),
            **({"baselines": list(self.baselines)} if self.baselines else {}),
            "margins": {key: float(self.margins[key]) for key in sorted(self.margins)},
            "waivers": [waiver.plain() for waiver in self.waivers],
        }


def read_policy(path: Path | None) -> Policy:
    """Read a policy file; without one, the defaults hold.

    Parameters
    ----------
    path : Path or None
        A TOML file with ``schema = 1`` and any of the fields of `Policy`.

    Raises
    ------
    UserError
        For a file that is missing or is not TOML, an unknown key, or a value of the wrong type or out of range; the
        message names the file and the key.

    Examples
    --------
    >>> read_policy(None).margin
    0.02
    """
    if path is None:
        return Policy()
    table = _load(path)
    schema = table.pop("schema", None)
    if schema != SCHEMA or isinstance(schema, bool):
        problem = "no schema" if schema is None else f"schema {shown(schema)} is not known"
        raise UserError(f"{path}: schema", problem, f"write schema = {SCHEMA} at the top")
    known = [f.name for f in fields(Policy)]
    for key in table:
        if key not in known:
            raise UserError(f"{path}: {key}", "unknown key", did_you_mean(key, [*known, "schema"]))
    for key, (holds, what) in _CHECKS.items():
        if key in table and not holds(table[key]):
            raise UserError(f"{path}: {key}", f"{shown(table[key])} is not {what}", "correct it or leave it out")
    waivers = table.pop("waivers", [])
    policy = Policy(**{key: _freeze(value) for key, value in table.items()})
    policy = replace(policy, settings=tuple(map(PROTOCOLS.renew, policy.settings)))
    margins = {PROTOCOLS.renew(key): margin for key, margin in policy.margins.items()}
    for key in policy.margins:
        if PROTOCOLS.renew(key) != key and PROTOCOLS.renew(key) in policy.margins:
            raise UserError(f"{path}: margins.{key}", f"{PROTOCOLS.renew(key)} has a margin too", "remove this one")
    policy = replace(policy, margins=margins)
    policy = replace(policy, waivers=read_waivers(f"{path}: waivers", waivers, policy.diagnostics))
    _check_margins(path, policy)
    _check_models(f"{path}: models", policy.models)
    return policy


def registered_models(root: Path) -> dict[str, str]:
    """Return the names registered in ``[tool.reprcheck.models]`` of ``root/pyproject.toml``, each with its SPEC.

    Raises
    ------
    UserError
        Where the file is not TOML or a SPEC is not a string. A missing file or table registers nothing.
    """
    path = root / "pyproject.toml"
    if not is_file(path):
        return {}
    table: Any = _load(path)
    for key in ("tool", "reprcheck", "models"):
        table = table.get(key, {})
        if not isinstance(table, dict):
            raise UserError(f"{path}: tool.reprcheck.models", "not a table of names", 'write name = "SPEC" lines')
    _check_models(f"{path}: tool.reprcheck.models", table)
    return dict(table)


def _load(path: Path) -> dict[str, Any]:
    try:
        return read_toml(path)
    except FileNotFoundError:
        raise UserError(str(path), "no such file", "check the path") from None


def _freeze(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 2


def _is_margin(value: Any) -> bool:
    return _is_number(value) and 0 <= value < 1


def _are_words(value: Any) -> bool:
    words = isinstance(value, list) and all(isinstance(word, str) and word.strip() for word in value)
    return words and 0 < len(value) == len(set(value))


_CHECKS: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    "alpha": (lambda value: _is_number(value) and 0 < value < 0.5, "a number above 0 and below 0.5"),
    "margin": (_is_margin, "a number from 0 up to, not including, 1"),
    "min_units": (_is_count, "a whole number of at least 2"),
    "twins": (_is_count, "a whole number of at least 2"),
    "resample": (lambda value: value in ("unit", "batch"), '"unit" or "batch"'),
    "repeats": (lambda value: value == 1 or _is_count(value), "a whole number of at least 1"),
    "sample": (_is_count, "a whole number of at least 2"),
    "limited_release": (lambda value: isinstance(value, bool), "true or false"),
    "diagnostics": (_are_words, "a list of different names, at least one"),
    "settings": (_are_words, "a list of different patterns, at least one"),
    "baselines": (lambda value: value == [] or _are_words(value), "a list of different names"),
    "margins": (lambda value: isinstance(value, dict), "a table of margins"),
    "models": (lambda value: isinstance(value, dict), "a table of names"),
}


def _check_margins(path: Path, policy: Policy) -> None:
    """Refuse a margin that would never be used: a misspelled key would leave the default in force."""
    for key, margin in policy.margins.items():
        where = f"{path}: margins.{key}"
        match = _MARGIN_KEY.fullmatch(key)
        if match is None:
            remedy = f'write "{policy.diagnostics[0]}@PROTOCOL" = 0.05'
            raise UserError(where, "not a diagnostic or diagnostic@protocol", remedy)
        if match["diagnostic"] not in policy.diagnostics:
            remedy = did_you_mean(match["diagnostic"], policy.diagnostics)
            raise UserError(where, f"{match['diagnostic']} is not among this policy's diagnostics", remedy)
        if not _is_margin(margin):
            raise UserError(where, f"{shown(margin)} is not a number from 0 up to, not including, 1", "correct it")


def _check_models(where: str, models: Mapping[str, Any]) -> None:
    for name, spec in models.items():
        if not isinstance(spec, str) or not spec.strip():
            raise UserError(f"{where}.{name}", f"{shown(spec)} is not a model SPEC", f'write {name} = "timm:resnet18"')
