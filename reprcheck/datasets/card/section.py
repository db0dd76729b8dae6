"""One table of a card: typed look-ups with errors that name the file and the key."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn

from reprcheck.datasets.card.problems import attempt
from reprcheck.datasets.images.bounds import refuse_huge
from reprcheck.errors import LONG, Location, UserError, clipped, did_you_mean, shown

Value = str | int | float | bool
UNKNOWN = 20
"""Unknown keys of one table that are reported one by one."""


def id_fault(name: str) -> str:
    """Return why a name can't be part of a setting's id, which is printed, written to files and matched by patterns."""
    if not name or any(c in ":/\\," or c.isspace() for c in name):
        return "holds a blank or one of : / \\ ,"
    if not name.isprintable():
        return "holds what can't be printed"
    return f"has {len(name)} characters, and {LONG} are the most" if len(name) > LONG else ""


class Section:
    """One table of the card; ``allowed`` are the keys it may have."""

    def __init__(self, values: Mapping[str, Any], where: str, title: str, allowed: tuple[str, ...]) -> None:
        self.values, self.file, self.title = values, where, title
        unknown = [key for key in values if key not in allowed]
        for key in unknown[:UNKNOWN]:
            attempt(None, self.fail, key, "unknown key", did_you_mean(key, allowed))
        if more := unknown[UNKNOWN:]:
            attempt(None, self.fail, more[0], f"unknown key, as are {len(more) - 1:,} more", "remove them")

    def fail(self, key: str, what: str, remedy: str) -> NoReturn:
        """Raise UserError about a key."""
        raise UserError(self.place(key), what, remedy)

    def place(self, key: str) -> Location:
        """Return where a key is, for a message."""
        return Location(self.file, column=f"{self.title} {clipped(key, 300)}".strip())

    def wrong_type(self, key: str, expected: str) -> NoReturn:
        """Raise UserError: the key's value is not what was expected."""
        self.fail(key, f"{shown(self.values[key])} is not {expected}", f"write {expected}")

    def missing(self, key: str) -> NoReturn:
        """Raise UserError: the key isn't there."""
        self.fail(key, "missing", f"add {key} to the card")

    def text(self, key: str, default: str | None = None) -> str:
        """Return a text; blank only where there is a default."""
        value = self.values.get(key, default)
        if value is None:
            self.missing(key)
        if not isinstance(value, str) or (not value.strip() and default is None):
            self.wrong_type(key, "a text in quotes")
        return value

    def optional_text(self, key: str) -> str | None:
        """Return a text, or None where the key isn't there."""
        return self.text(key) if key in self.values else None

    def texts(self, key: str) -> tuple[str, ...]:
        """Return a list of different texts, at least one."""
        value = self.values.get(key)
        if value is None:
            self.missing(key)
        if not isinstance(value, list) or not value or not all(isinstance(v, str) and v.strip() for v in value):
            self.wrong_type(key, "a list of texts")
        if len(set(value)) < len(value):
            self.fail(key, "names one thing twice", "name each once")
        return tuple(value)

    def integer(self, key: str, at_least: int = 1) -> int:
        """Return a whole number."""
        value = self.values.get(key)
        if value is None:
            self.missing(key)
        if not isinstance(value, int) or isinstance(value, bool) or value < at_least:
            self.wrong_type(key, f"a whole number of at least {at_least}")
        return value

    def boolean(self, key: str, default: bool) -> bool:
        """Return a truth value."""
        value = self.values.get(key, default)
        if not isinstance(value, bool):
            self.wrong_type(key, "true or false")
        return value

    def choice(self, key: str, choices: tuple[str, ...], default: str | None = None) -> str:
        """Return one of ``choices``."""
        value = self.text(key, default)
        if value not in choices:
            self.fail(key, f"{shown(value)} is unknown", did_you_mean(value, choices))
        return value

    def pair(self, key: str, kind: type[int] | type[float], expected: str) -> tuple[Any, Any] | None:
        """Return two numbers, or None where the key isn't there."""
        value = self.values.get(key)
        if value is None:
            return None
        allowed = (int,) if kind is int else (int, float)
        if (
            not isinstance(value, list)
            or len(value) != 2
            or any(not isinstance(v, allowed) or isinstance(v, bool) for v in value)
        ):
            self.wrong_type(key, expected)
        return kind(value[0]), kind(value[1])

    def extent(self, key: str) -> tuple[int, int]:
        """Return a height and a width in pixels."""
        if key not in self.values:
            self.missing(key)
        size = self.pair(key, int, "two whole numbers, [height, width]")
        if size is None or min(size) < 1:
            self.wrong_type(key, "two positive whole numbers, [height, width]")
        refuse_huge(
            size,
            Location(self.file, column=f"{self.title} {clipped(key, 300)}".strip()),
            "asks for",
            "write fewer pixels",
        )
        return size

    def values_of(self, key: str, value: Any) -> tuple[Value, ...]:
        """Return a plain value, or a list of them, as a tuple."""
        values = value if isinstance(value, list) else [value]
        if not values or not all(isinstance(v, str | int | float) for v in values):
            what = f"{shown(value)} is not a text, a number or a list of these"
            self.fail(key, what, "write a text, a number or a list")
        return tuple(values)

    def section(self, key: str, allowed: tuple[str, ...], title: str | None = None) -> Section:
        """Return a table within this one."""
        value = self.values.get(key)
        if value is None:
            self.missing(key)
        if not isinstance(value, dict):
            self.wrong_type(key, "a table")
        return Section(value, self.file, title or f"[{key}]", allowed)
