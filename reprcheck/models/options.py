"""Read a SPEC's options: each of a known name, a known type and a known range, or one line that says which isn't."""

from __future__ import annotations

import math
from collections.abc import Collection

from reprcheck.errors import UserError, did_you_mean
from reprcheck.models.spec import Spec


def only(spec: Spec, known: Collection[str]) -> None:
    """Raise UserError for an option that isn't one of ``known``."""
    for key in spec.options:
        if key not in known:
            raise UserError(spec.where, f"{spec.source} has no option {key!r}", did_you_mean(key, known))


def text(spec: Spec, key: str) -> str | None:
    """Return an option as text, or None where it isn't given."""
    value = spec.options.get(key)
    if value is None:
        return None
    if value == "":
        raise UserError(spec.where, f"option {key!r} is empty", f"give it a value, or leave {key} out")
    return str(value)


def one_of(spec: Spec, key: str, known: Collection[str]) -> str | None:
    """Return an option that must be one of ``known``, or None where it isn't given."""
    value = text(spec, key)
    if value is not None and value not in known:
        raise UserError(spec.where, f"{key}={value} isn't known", did_you_mean(value, known))
    return value


def count(spec: Spec, key: str, least: int = 1) -> int | None:
    """Return an option that must be a whole number from ``least``, or None where it isn't given."""
    value = spec.options.get(key)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        example = max(least, 96) if least else 1
        raise UserError(spec.where, f"{key}={value} isn't a whole number from {least}", f"write {key}={example}, say")
    return value


def flag(spec: Spec, key: str, default: bool) -> bool:
    """Return an option that must be true or false."""
    value = spec.options.get(key, default)
    if not isinstance(value, bool):
        raise UserError(spec.where, f"{key}={value} is neither true nor false", f"write {key}=true or {key}=false")
    return value


def numbers(spec: Spec, key: str, between: str = ",") -> tuple[float, ...] | None:
    """Return an option that must be finite numbers, or None where it isn't given: ``mean=0.5,0.4,0.5``."""
    value = text(spec, key)
    if value is None:
        return None
    try:
        found = tuple(float(part) for part in value.split(between))
    except ValueError:
        found = (math.nan,)
    if not all(map(math.isfinite, found)):
        raise UserError(spec.where, f"{key}={value} isn't numbers", f"write {key}=0{between}1, say")
    return found
