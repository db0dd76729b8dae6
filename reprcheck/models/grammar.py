"""The grammar of a model SPEC: ``source:target?option=value&option=value``, or a bare name.

    timm:NAME[?pretrained=false&checkpoint=FILE&size=96&in_chans=1&normalise=image&channels=replicate&name=NICE]
    py:package.module:factory[?arg=1]      py:path/to/file.py:factory
    emb:FILE.{npy,npz,parquet,csv,tsv,h5ad,zarr}[?ids=COLUMN&key=ARRAY&obsm=X_pca]
    demo                                   a source without a target
    NAME                                   a name registered by the user, with options added or replaced

Target and values may be URL-quoted (``%3F`` for a question mark, ``%26`` for an ampersand). Sources are those of
`reprcheck.registry.SOURCES`; parsing reads none of their options.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from urllib.parse import unquote

from reprcheck import errors
from reprcheck.errors import UserError, did_you_mean
from reprcheck.models.spec import Option, Spec
from reprcheck.registry import SOURCES


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
        For an unknown source or bare name, a target that is missing or not wanted, a source that can't be loaded, or an
        option that isn't ``key=value``.

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
    source, colon, target = head.partition(":")
    if source not in SOURCES.names():
        raise _unknown(source, colon, registered, where)
    wanted = SOURCES.get(source, where).target
    if colon and not wanted:
        raise UserError(where, f"{source} takes no target", f"write {source}")
    if wanted and not target:
        raise UserError(where, f"nothing follows {source}:", f"write {source}:{wanted}")
    return Spec(source, unquote(target), options)


def _unknown(name: str, colon: str, registered: Mapping[str, str], where: str) -> UserError:
    """Return the mistake of a name that is neither a source's nor registered."""
    sources = dict(SOURCES.things())
    known = [source for source in sources if sources[source].target]
    if colon:
        return UserError(where, f"unknown model source {name!r}", did_you_mean(name, known))
    bare = {*sources, *registered}.difference(known)
    remedy = f"{did_you_mean(name, bare)} (or write SOURCE:TARGET, SOURCE one of {', '.join(known)})"
    suggestions = (source.suggestion(name) for source in sources.values())
    return UserError(where, f"no model is called {name!r}", next(filter(None, suggestions), remedy))


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
