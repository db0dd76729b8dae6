"""The grammar of a model SPEC: ``source:target?option=value&option=value``, or a bare name.

    timm:NAME[?pretrained=false&checkpoint=FILE&size=96&in_chans=1&normalise=image&channels=replicate&name=NICE]
    py:package.module:factory[?arg=1]      py:path/to/file.py:factory
    emb:FILE.{npy,npz,parquet,csv,tsv,h5ad,zarr}[?ids=COLUMN&key=ARRAY&obsm=X_pca]
    demo                                   a name registered by the user, with options added or replaced

Target and values may be URL-quoted (``%3F`` for a question mark, ``%26`` for an ampersand). Parsing knows no source's
options: `reprcheck.models.resolve` reads them.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, unquote

from reprcheck import errors
from reprcheck.errors import UserError, did_you_mean
from reprcheck.models.vectors.suffixes import SUFFIXES, suffix

Option = bool | int | float | str

SOURCES = ("emb", "py", "timm")
"""Sources written ``source:target``."""
BUILT_IN = ("demo",)
"""Bare names that need no registration."""


@dataclass(frozen=True)
class Spec:
    """A parsed SPEC.

    Attributes
    ----------
    source : str
        One of `SOURCES`, or a built-in bare name.
    target : str
        What the source is asked for; empty for a built-in.
    options : mapping of str to bool, int, float or str
    """

    source: str
    target: str = ""
    options: Mapping[str, Option] = field(default_factory=dict)

    def __str__(self) -> str:
        """Return the SPEC that parses to this."""
        head = f"{self.source}:{quote(self.target, safe='/:@,+~=')}" if self.target else self.source
        tail = "&".join(f"{key}={quote(_write(value), safe='/:@,+~')}" for key, value in self.options.items())
        return f"{head}?{tail}" if tail else head

    @property
    def where(self) -> str:
        """The SPEC as an error names it."""
        return errors.Option("model", self)


def parse(text: str, registered: Mapping[str, str] | None = None) -> Spec:
    """Return the parsed SPEC.

    Parameters
    ----------
    text : str
        A SPEC.
    registered : mapping of str to str, optional
        Bare name to SPEC. A registered name is also the model's name unless its SPEC has a ``name`` option.

    Returns
    -------
    Spec

    Raises
    ------
    UserError
        For an unknown source or bare name, a missing target, or an option that isn't ``key=value``.

    Examples
    --------
    >>> parse("timm:resnet18?pretrained=false&size=96")
    Spec(source='timm', target='resnet18', options={'pretrained': False, 'size': 96})
    """
    registered = registered or {}
    where = errors.Option("model", text)
    head, _, tail = text.strip().partition("?")
    options = _options(tail, where) if tail else {}
    if head in registered:
        known_else = {name: spec for name, spec in registered.items() if name != head}
        base = parse(registered[head], known_else)
        return Spec(base.source, base.target, {"name": head, **base.options, **options})
    if head in BUILT_IN:
        return Spec(head, "", options)
    source, colon, target = head.partition(":")
    if not colon:
        bare = sorted({*BUILT_IN, *registered})
        raise UserError(where, f"no model is called {head!r}", _remedy(head, bare))
    if source not in SOURCES:
        raise UserError(where, f"unknown model source {source!r}", did_you_mean(source, SOURCES))
    if not target:
        raise UserError(where, f"nothing follows {source}:", f"write {source}:{_TARGETS[source]}")
    return Spec(source, unquote(target), options)


_TARGETS = {"emb": "FILE.npy", "py": "package.module:factory", "timm": "NAME"}


def _remedy(name: str, bare: list[str]) -> str:
    if suffix(Path(name)) in SUFFIXES:
        return f"for a file of vectors write emb:{name}"
    return f"{did_you_mean(name, bare)} (or write SOURCE:TARGET, SOURCE one of {', '.join(SOURCES)})"


def _options(tail: str, where: str) -> dict[str, Option]:
    options: dict[str, Option] = {}
    for part in tail.split("&"):
        key, equals, value = part.partition("=")
        if not (key.isidentifier() and equals):
            raise UserError(where, f"option {part!r} isn't key=value", "separate options with &, quote & as %26")
        if key in options:
            raise UserError(where, f"option {key!r} is given twice", "keep one")
        options[key] = _read(unquote(value))
    return options


def _read(text: str) -> Option:
    """Return a value of the type whose own spelling is ``text``; so ``007`` and ``1e5`` stay text."""
    if text in ("true", "false"):
        return text == "true"
    if re.fullmatch(r"-?\d+", text) and str(int(text)) == text:
        return int(text)
    if re.fullmatch(r"-?\d+\.\d+", text) and math.isfinite(float(text)) and repr(float(text)) == text:
        return float(text)
    return text


def _write(value: Option) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
