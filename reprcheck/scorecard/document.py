"""The scorecard as JSON: to plain values and back, checked against `schema.json`, written whole or not at all.

The order in which tests ran never shows: settings and cells are sorted, floats rounded. A field's name or meaning
changes only with the schema's version; a reader refuses a version it doesn't know.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, NoReturn

import jsonschema
import numpy as np
from jsonschema.exceptions import best_match

from reprcheck.errors import ReprcheckError, UserError
from reprcheck.scorecard.atomic import replace_text
from reprcheck.types import Cell, Gate, Scorecard, Setting

SCHEMA = 1
"""Version of the scorecard's format."""

NAME = "scorecard.json"
"""The scorecard's file name in the report folder."""

DECIMALS = 6
"""Decimals kept of a float: more would carry the noise of the machine's arithmetic."""


def to_document(scorecard: Scorecard) -> dict[str, Any]:
    """Return a scorecard as JSON-ready values: sorted, rounded, without NaN.

    Parameters
    ----------
    scorecard : Scorecard
        Numpy scalars and arrays may stand anywhere in its open fields.

    Returns
    -------
    dict
        A number that is not finite becomes null; a p-value that would round to 0 becomes the smallest number kept.

    Raises
    ------
    ReprcheckError
        Where the result would not be a scorecard: a number missing that the schema asks for, a cell given twice, a
        value JSON has no form for.
    """
    document: dict[str, Any] = {
        "schema": scorecard.schema,
        "model": _plain(scorecard.model, "model"),
        "policy": _plain(scorecard.policy, "policy"),
        "settings": [_plain(vars(s), "settings") for s in sorted(scorecard.settings, key=lambda s: s.id)],
        "cells": [_plain(vars(c), "cells") for c in sorted(scorecard.cells, key=_identity)],
        "gate": _plain({"released": scorecard.gate.released, **vars(scorecard.gate)}, "gate"),
        "run": _plain(scorecard.run, "run"),
    }
    problem = _problem(document)
    if problem is not None:
        raise ReprcheckError(f"not a scorecard: {problem[0]}: {problem[1]}")
    return document


def from_document(document: Any, where: str = "scorecard") -> Scorecard:
    """Return the scorecard that plain values describe; the inverse of `to_document`, to its rounding.

    Parameters
    ----------
    document : dict
        As parsed from JSON.
    where : str
        What to name in an error: the file the values came from.

    Raises
    ------
    UserError
        For values that are not a scorecard of a known version; the message names the place in the document.
    """
    if isinstance(document, dict) and document.get("schema", SCHEMA) != SCHEMA:
        raise UserError(
            f"{where}: $.schema", f"version {document['schema']!r} is not known", "read it with a newer reprcheck"
        )
    problem = _problem(document)
    if problem is not None:
        raise UserError(f"{where}: {problem[0]}", problem[1], "write it again with reprcheck")
    return Scorecard(
        model=document["model"],
        policy=document["policy"],
        settings=tuple(_setting(values) for values in document["settings"]),
        cells=tuple(Cell(**values) for values in document["cells"]),
        gate=_gate(document["gate"]),
        run=document["run"],
        schema=document["schema"],
    )


def write(scorecard: Scorecard, folder: Path) -> Path:
    """Write ``scorecard.json`` into a folder, whole or not at all, and return its path."""
    text = json.dumps(to_document(scorecard), indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False)
    return replace_text(folder / NAME, text + "\n")


def read(path: Path) -> Scorecard:
    """Read a scorecard from its JSON file, or from the folder that holds one.

    Raises
    ------
    UserError
        Where there is no such file, or what it holds is not a scorecard.
    """
    path = path / NAME if path.is_dir() else path
    try:
        document = json.loads(path.read_text(encoding="utf-8"), parse_constant=_refuse_constant)
    except FileNotFoundError:
        raise UserError(str(path), "no such file", "check the path") from None
    except OSError as problem:
        raise UserError(str(path), f"cannot be read: {problem.strerror}", "check the path") from None
    except ValueError as problem:  # also what is not UTF-8
        raise UserError(str(path), f"not JSON: {problem}", "write it again with reprcheck") from None
    return from_document(document, str(path))


def _plain(value: Any, path: str) -> Any:
    """Return JSON-ready values; ``path`` is where they stand, and its last part says whether a float is a p-value."""
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()  # a file name's stray byte has no UTF-8 form
    if isinstance(value, float):
        return _rounded(value, path.rpartition(".")[2])
    if isinstance(value, Mapping):
        return {_plain(str(key), path): _plain(item, f"{path}.{key}") for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, bytes | bytearray):
        return [_plain(item, path) for item in value]
    raise ReprcheckError(f"not a scorecard: {path}: JSON has no form for {type(value).__name__}")


def _rounded(value: float, name: str) -> float | None:
    if not math.isfinite(value):
        return None
    rounded = round(value, DECIMALS) + 0.0  # -0.0 becomes 0.0
    is_p = name == "p" or name.startswith("p_") or name.endswith("_p")
    return 10.0**-DECIMALS if is_p and rounded == 0 else rounded


def _identity(cell: Cell) -> tuple[str, str, str]:
    return cell.model, cell.setting, cell.diagnostic


def _gate(values: Mapping[str, Any]) -> Gate:
    outcome = values.get("outcome", "released" if values["released"] else "blocked")
    return Gate(outcome, tuple(values["blocked_by"]))


def _setting(values: Mapping[str, Any]) -> Setting:
    scores = {
        encoder: {bound: math.nan if number is None else number for bound, number in interval.items()}
        for encoder, interval in values["scores"].items()
    }
    return Setting(**{**values, "scores": scores, "notes": tuple(values["notes"])})


@cache
def _validator() -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(
        json.loads((files("reprcheck.scorecard") / "schema.json").read_text(encoding="utf-8"))
    )


def _problem(document: Any) -> tuple[str, str] | None:
    """Return where and why a document is not a scorecard, or None where it is one."""
    error = best_match(_validator().iter_errors(document))
    if error is not None:
        message = error.message
        return error.json_path, message if len(message) <= 160 else f"{message[:80]} … {message[-79:]}"
    settings = _twice(s["id"] for s in document["settings"])
    cells = _twice(" ".join((c["model"], c["setting"], c["diagnostic"])) for c in document["cells"])
    if settings or cells:
        return ("$.settings", f"{settings} is given twice") if settings else ("$.cells", f"{cells} is given twice")
    return None


def _twice(names: Iterable[str]) -> str | None:
    return min((name for name, count in Counter(names).items() if count > 1), default=None)


def _refuse_constant(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not a JSON number")
