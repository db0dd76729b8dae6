"""The identity of a callable in memory: its source file, defaults, closure and attributes.

What can't be told by bytes (a session of a runtime, a random generator) is refused rather than guessed: a wrong
identity would serve one model's cached vectors as another's. What a module imports, or keeps in its globals, is not
followed; a callable with a method ``digest()`` says itself what it is made of.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from types import CodeType, FunctionType, MethodType
from typing import Any

import numpy as np

from reprcheck.digest import digest, file_digest
from reprcheck.errors import UserError

PLAIN_BASES = ("builtins", "abc", "typing")
"""Modules whose classes hold no state of their own."""


def callable_identity(function: object, where: str) -> str:
    """Return the digest of a callable: of its own ``digest()``, else of what it is made of.

    Raises
    ------
    UserError
        For a callable that holds something whose bytes can't be told.
    """
    own = getattr(function, "digest", None)
    try:
        return digest("callable", str(own()) if callable(own) else _made_of(function))
    except (TypeError, OSError, RecursionError) as error:
        what = f"no digest can be made of this {type(function).__name__} ({error})"
        raise UserError(where, what, "give it a method digest() that returns a text made from its weights") from error


def source_of(thing: Any) -> str:
    """Return the digest of the file that defines a class or function, or of its source where it has no file."""
    path = Path(inspect.getsourcefile(thing) or "")
    return file_digest(path) if path.is_file() else digest(inspect.getsource(thing))


def _made_of(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float | str | bytes | np.ndarray | np.generic):
        return value
    if isinstance(value, tuple | list):
        return [_made_of(item) for item in value]
    if isinstance(value, Mapping):
        return [[_made_of(key), _made_of(item)] for key, item in value.items()]
    if isinstance(value, partial):
        return ["partial", *map(_made_of, (value.func, value.args, value.keywords))]
    if isinstance(value, MethodType):
        return ["method", _made_of(value.__func__), _made_of(value.__self__)]
    if isinstance(value, FunctionType):
        return _function(value)
    if isinstance(value, type):
        return ["class", value.__qualname__, _sources(value)]
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(value, torch.nn.Module):
        from reprcheck.models.module_state import module_digest

        return ["module", module_digest(value)]
    return ["instance", _made_of(type(value)), _made_of(vars(value))]


def _function(function: FunctionType) -> list[Any]:
    cells = [cell.cell_contents for cell in function.__closure__ or ()]
    held = (function.__defaults__, function.__kwdefaults__, cells, vars(function))
    return ["function", function.__qualname__, source_of(function), _code(function.__code__), *map(_made_of, held)]


def _code(code: CodeType) -> list[Any]:
    """Return what tells two functions of one name in one file apart."""
    inner = [_code(const) if isinstance(const, CodeType) else repr(const) for const in code.co_consts]
    return [code.co_code, list(code.co_names), inner]


def _sources(kind: type) -> list[str]:
    return [source_of(base) for base in kind.__mro__ if base.__module__ not in PLAIN_BASES]
