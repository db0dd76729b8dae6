"""Mistakes a user can make, each reported in one line.

Everything a user can correct raises `UserError`: the message names the file, row, column or option, says what is
wrong, and says what to do. Front ends print that line and exit with status 4; a traceback is for our mistakes only.
A line is safe to print: whatever a name holds, `printable` writes it so that a terminal shows it and does nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from difflib import get_close_matches
from unicodedata import category

from reprcheck.spelling import fold, show

LISTED = 30
"""Names that a remedy lists at most."""
LONG = 100
"""Characters of a name or a value that a message shows; a longer word is nobody's misspelling."""
MANY = 5000
"""Names among which a misspelt one is looked for."""
_COLOUR = re.compile(r"(\x1b\[[0-9;]*m)")


class ReprcheckError(Exception):
    """Base of every exception raised on purpose by reprcheck."""


class Location(str):
    """Where a mistake is: the text that opens its message, and the parts that the text is made of.

    Parameters
    ----------
    file : str
    row : str
        Such as ``"line 3"``.
    column : str
        A column of the table, or a key of a card.
    within : str
        What else is needed to find it, in brackets: the row that names an image, or the task that reads a column.

    Examples
    --------
    >>> Location("samples.csv", "line 3", "column dose"), Location("images/a.png", within="samples.csv line 3")
    ('samples.csv line 3 column dose', 'images/a.png (samples.csv line 3)')
    """

    file: str
    row: str
    column: str
    within: str

    def __new__(cls, file: str, row: str = "", column: str = "", within: str = "") -> Location:
        """Make the text, and keep its parts."""
        words = [part for part in (file, row, column, f"({within})" if within else "") if part]
        location = super().__new__(cls, " ".join(words))
        location.file, location.row, location.column, location.within = file, row, column, within
        return location

    def __reduce__(self) -> tuple[type[Location], tuple[str, str, str, str]]:
        """Pickle by the parts."""
        return Location, (self.file, self.row, self.column, self.within)


class Option(str):
    """An option and its value: the text is as Python spells it, and each front door spells it in its own way.

    Parameters
    ----------
    name : str
        Such as ``"dataset"`` or ``"cache-dir"``.
    value : object, optional
        What was given; without it the option alone is meant.
    within : str
        What else is needed to find the mistake, in brackets.

    Examples
    --------
    >>> Option("cache-dir"), Option("limit", 5, "task dose"), Option("dataset", "screen7").spelled("--dataset")
    ('cache_dir', 'limit=5 (task dose)', '--dataset=screen7')
    """

    name: str
    value: str | None
    within: str

    def __new__(cls, name: str, value: object = None, within: str = "") -> Option:
        """Make the text, and keep its parts."""
        parts = name, None if value is None else str(value), within
        option = super().__new__(cls, _assigned(name.replace("-", "_"), *parts[1:]))
        option.name, option.value, option.within = parts
        return option

    def spelled(self, name: str) -> str:
        """Return the text with another name in front."""
        return _assigned(name, self.value, self.within)

    def __reduce__(self) -> tuple[type[Option], tuple[str, str | None, str]]:
        """Pickle by the parts."""
        return Option, (self.name, self.value, self.within)


def _assigned(name: str, value: str | None, within: str) -> str:
    return name + ("" if value is None else f"={value}") + (f" ({within})" if within else "")


def on_command_line(option: Option) -> str:
    """Return an option as a command line has it: ``--limit=5``.

    Examples
    --------
    >>> on_command_line(Option("cache-dir", "a b"))
    '--cache-dir=a b'
    """
    return option.spelled(f"--{option.name}")


Words = str | tuple[str, ...]
"""A text, or the parts of one, of which some are an `Option`."""


class UserError(ReprcheckError):
    """A mistake in what the user gave: ``where`` it is, ``what`` is wrong, and the ``remedy``.

    Parameters
    ----------
    where : str
        The file, row, column or option, as the user would write it; a `Location` or an `Option` where parts are known.
    what : str
        What is wrong, without a full stop.
    remedy : str or tuple of str
        What to do about it, without a full stop; in parts where one of them is an `Option`.

    Examples
    --------
    >>> mistake = UserError(Option("model"), "no model given", ("add ", Option("model", "demo")))
    >>> str(mistake)
    'model: no model given; add model=demo'
    >>> mistake.line(on_command_line)
    '--model: no model given; add --model=demo'
    """

    def __init__(self, where: str, what: str, remedy: Words = "") -> None:
        self.where, self.what = where, _flat(what)
        self._advice = remedy if isinstance(remedy, tuple) else (remedy,)
        self.remedy = _flat("".join(self._advice))
        super().__init__(self.line())
        self.__suppress_context__ = True  # what a library raised is in the message, where it helps

    def line(self, spell: Callable[[Option], str] = str) -> str:
        """Return the message, safe to print; ``spell`` writes options as a front door does, without it as in Python."""
        where = spell(self.where) if isinstance(self.where, Option) else self.where
        remedy = _flat("".join(spell(part) if isinstance(part, Option) else part for part in self._advice))
        return printable(f"{where}: {self.what}" + (f"; {remedy}" if remedy else ""))

    def __reduce__(self) -> tuple[type[UserError], tuple[str, str, Words]]:
        """Pickle by the three parts, so that the error survives a trip between processes."""
        return type(self), (self.where, self.what, self._advice)


class SpelledMistakeError(ReprcheckError):
    """A mistake of the user's that came from another process, already in the words of this front door."""


def printable(text: str, *, colours: bool = False) -> str:
    r"""Return text that is safe to print: control codes, line ends and direction marks are written as their escapes.

    Parameters
    ----------
    text : str
    colours : bool
        Whether it has been laid out for a terminal, so that codes for colours stay.

    Examples
    --------
    >>> printable("a\x1b[31m\u202eb  c")
    'a\\x1b[31m\\u202eb  c'
    """
    if text.isprintable():
        return text
    if colours:
        parts = _COLOUR.split(text)
        return "".join(part if i % 2 else printable(part) for i, part in enumerate(parts))
    characters = (c if c.isprintable() or category(c) == "Zs" else c.encode("unicode_escape").decode() for c in text)
    return "".join(characters)


def _flat(text: str) -> str:
    """Return text without line ends, such as libraries put into their messages; other blanks may be part of a name."""
    return " ".join(line.strip() for line in text.splitlines())


def clipped(text: str, most: int = LONG) -> str:
    """Return text of at most ``most`` characters, what is left out marked by …"""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def shown(value: object) -> str:
    """Return a value as Python writes it, a long one in part."""
    return clipped(repr(value))


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return a remedy that names the closest of ``known`` to ``word``, or lists them, the first `LISTED` of many.

    Examples
    --------
    >>> did_you_mean("prob/1", ["probe/2", "knn/1"]), did_you_mean("dna", ["DNA", "actin"])
    ('did you mean probe/2?', 'did you mean DNA?')
    """
    known = sorted(known)
    if close := closest(word, known):
        return f"did you mean {close}?"
    more = f" and {len(known) - LISTED} more" if len(known) > LISTED else ""
    return f"known: {', '.join(clipped(name) for name in known[:LISTED]) or 'none'}{more}"


def closest(word: str, known: Iterable[str]) -> str | None:
    r"""Return the one of ``known`` that is ``word`` in another spelling, or near it; in quotes if it looks alike.

    A word longer than a hundred characters is looked for in other spellings only, and so is any among thousands.

    Examples
    --------
    >>> closest("dmso", ["DMSO", "dms"]), closest("p3", ["p3\u200b"]), closest("taxol", ["DMSO"])
    ('DMSO', "'p3\\u200b'", None)
    """
    by_fold: dict[str, str] = {}
    names = list(known)
    for name in names:
        by_fold.setdefault(fold(name), name)
    near: list[str | None] = []
    if len(word) <= LONG and len(names) <= MANY:
        near += get_close_matches(word, names, n=1)
        near += map(by_fold.get, get_close_matches(fold(word), by_fold, n=1))
    match = by_fold.get(fold(word)) or next(iter(near), None)
    if match is None:
        return None
    quoted = show([word, match])[1]
    return match if quoted[1:-1] == match and match.strip() == match else quoted
