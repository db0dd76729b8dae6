"""Which names are spellings of one thing: the same letters and numbers, however they are typed.

Tables are made by many hands and programs. One writes ``A01``, another ``A1``; a spreadsheet turns ``007`` into ``7``,
a missing value beside it turns that into ``7.0``, and a copied name brings a zero width space along. Names are never
changed here: they are compared, so that a reader can refuse two spellings of one thing, or suggest the one there is.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from decimal import Context, Decimal
from functools import lru_cache

NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
"""A number in a cell: ASCII digits, a decimal point, an exponent. No underscores, commas, blanks, ``inf``, ``nan``."""

MISSING = frozenset({"na", "n/a", "nan", "<na>", "#n/a", "null", "none", "nat"})
"""What programs write for a missing value, in lower case."""

_BARE_EXPONENT = re.compile(r"[0-9]+e[0-9]+")
_HEXADECIMAL = re.compile(r"[0-9a-f]+")
_MIXED = re.compile(r"[a-f][0-9]+[a-f]|[0-9][a-f]+[0-9]")
_THOUSANDS = re.compile(r"(?<![0-9.,])[0-9]{1,3}(?:,[0-9]{3})+(?![0-9,])")
_FRACTION = re.compile(r"((?<![\w.,])|(?<![0-9.,])[0-9]+)(?:[.]|,(?![0-9]+-))([0-9]+)(?![.,]?[0-9])")
_DATE = re.compile(
    r"(?<![0-9])([0-9]{4})[-/._ ]([0-9]{1,2})[-/._ ]([0-9]{1,2})(?![0-9])(?:[ t]0?0:00(?::00(?:\.0+)?)?(?![0-9:]))?"
)
_LEADING_ZEROS = re.compile(r"(?<![0-9\0])0+(?=[0-9])")
_BREAK = re.compile(r"[ _.-]+")
_POINT = "\0"
"""Stands for a decimal point while the other points are taken out."""

_BLANK = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]")
"""Characters that show nothing, beside those of Unicode's categories of formats and controls."""
_ALIKE = str.maketrans(
    "\u0430\u0432\u0435\u043a\u043c\u043d\u043e\u0440\u0441\u0442\u0443\u0445\u0456\u0458\u0455\u03bc\u00d7"
    "\u2018\u2019\u02bc\u2032\u201c\u201d\u2033\u2212",
    "abekmhopctyxijsux''''\"\"\"-",
)
"""Cyrillic letters that look Latin, mu for micro, times, typographic quotes and minus: to what a keyboard has."""


@lru_cache(maxsize=2**17)
def fold(name: str, *, numbers: bool = True, exponents: bool = True) -> str:
    r"""Return what all spellings of a name have in common.

    Case, blanks, hyphens, underscores and points between words, characters that show nothing, Unicode's forms of one
    character, quotes around the whole, how a number within is written (``01``, ``1.0``, ``1,0``, ``1,000``), what
    stands between the numbers of a date and a midnight after it make no difference. A sign (``CD4-``, ``day -1``), a
    point or a hyphen between digits (``1.2``, ``1-2``), a plus and any other letter or character do.

    Parameters
    ----------
    name : str
    numbers : bool
        Whether digits are numbers, so that zeros before them say nothing. Those of a hash aren't.
    exponents : bool
        Whether all of ``1e5`` is a number. With a sign or a point (``1e+05``, ``1.0e5``) it always is.

    Returns
    -------
    str
        Equal for spellings of one name; not for people to read.

    Examples
    --------
    >>> fold("A01") == fold("a-1") == fold("A 1 ") == fold("\uff21\u200b1")
    True
    >>> fold("007") == fold("7.0") == fold("7e0") == fold("7"), fold("1_0") == fold("10")
    (True, False)
    """
    text = _quoted(_typed(name))
    if numbers:
        if "," in text:
            text = _THOUSANDS.sub(lambda match: match[0].replace(",", ""), text)
        if NUMBER.fullmatch(text) and (exponents or not _BARE_EXPONENT.fullmatch(text)):
            return _number(text)
        text = _DATE.sub(r"\1-\2-\3", text)
        if "." in text or "," in text:
            text = _FRACTION.sub(_fraction, text)
        text = _LEADING_ZEROS.sub("", text)
    return _BREAK.sub(_break, text).replace(_POINT, ".") or text


def groups(names: Iterable[str]) -> list[tuple[str, ...]]:
    """Return groups of the names of one column that are spellings of one thing.

    Parameters
    ----------
    names : iterable of str
        Whether ``1e5`` is a number, and ``01`` one with a zero before it, is read from all of them: they aren't among
        hexadecimal ids, such as hashes.

    Returns
    -------
    list of tuple of str
        In the order given, two or more different names in each; none for names that are all different things.

    Examples
    --------
    >>> groups(["P01", "DMSO", "P1", "dmso ", "P10"])
    [('P01', 'P1'), ('DMSO', 'dmso ')]
    """
    different = list(dict.fromkeys(names))
    plain = [name.lower() for name in different]
    hexadecimal = [name for name in plain if _HEXADECIMAL.fullmatch(name)]
    mixed = any(_MIXED.search(name) and not NUMBER.fullmatch(name) for name in hexadecimal)
    hashes = mixed and len(hexadecimal) == len(plain) and len(set(map(len, plain))) == 1
    spellings_of: dict[str, list[str]] = {}
    for name in different:
        spellings_of.setdefault(fold(name, numbers=not hashes, exponents=not mixed), []).append(name)
    return [tuple(spellings) for spellings in spellings_of.values() if len(spellings) > 1]


def whole_number(text: str) -> int:
    """Return the whole number that ASCII digits write; raises ValueError for any other text, ``1_0`` among them.

    Examples
    --------
    >>> whole_number("12"), whole_number("-3")
    (12, -3)
    """
    if not re.fullmatch("-?[0-9]{1,18}", text):
        raise ValueError(f"{text!r} is not a whole number")
    return int(text)


def is_blank(name: str) -> bool:
    """Return whether a name shows nothing: only blanks, and characters without width."""
    return not (name.isascii() and name.isalnum()) and not _typed(name)


def is_missing(name: str) -> bool:
    """Return whether a name is what programs write for a missing value, such as ``NA`` or ``nan``."""
    return name.lower() in MISSING


def show(names: Sequence[str]) -> list[str]:
    r"""Return names in quotes, written so that those which look alike differ.

    Examples
    --------
    >>> show(["DMSO", "dmso"]), show(["A1", "\uff211"])
    (["'DMSO'", "'dmso'"], ["'A1'", "'\\uff211'"])
    """
    looks = [_typed(name, case=False) for name in names]
    quoted = map(ascii if len(set(looks)) < len(looks) else repr, names)
    return [re.sub(" (?= )", r"\\x20", name) for name in quoted]


def _typed(name: str, *, case: bool = True) -> str:
    """Return a name as one would type it on a plain keyboard: nothing that doesn't show, one form of each character."""
    if name.isascii() and name.isprintable():
        return (name.casefold() if case else name).strip()
    text = unicodedata.normalize("NFKC", _visible(name))
    if case:
        text = unicodedata.normalize("NFKC", text.casefold())
    return "".join(map(_plain, _visible(text).translate(_ALIKE))).strip()


def _visible(text: str) -> str:
    characters = (c for c in _BLANK.sub("", text) if c.isspace() or unicodedata.category(c) not in ("Cf", "Cc"))
    return unicodedata.normalize("NFC", "".join(characters))


def _plain(character: str) -> str:
    if character.isspace():
        return " "
    category = unicodedata.category(character)
    if category == "Nd":
        return str(unicodedata.decimal(character))
    return {"Pd": "-", "Pc": "_"}.get(category, character)


def _quoted(text: str) -> str:
    """Return a text without quotes around it, or the one by which a spreadsheet knows that a number is text."""
    if len(text) > 2 and text[0] == text[-1] and text[0] in "'\"":
        return text[1:-1].strip()
    return text[1:] if text[:1] == "'" and text[1:2].isdigit() else text


def _number(text: str) -> str:
    digits, _, exponent = text.lower().partition("e")
    whole, _, fraction = digits.partition(".")
    if len(exponent.lstrip("+-0")) > 2:
        return text
    if not exponent and not fraction.strip("0"):
        sign, whole = ("-" if whole[:1] == "-" else ""), whole.lstrip("+-0")
        return sign + whole if whole else "0"
    value = Context(prec=15).create_decimal(Decimal(text)).normalize()  # what a float holds: 0.1 + 0.2 is 0.3
    return f"{value:f}" if value else "0"


def _fraction(match: re.Match[str]) -> str:
    whole, fraction = match[1].lstrip("0") or "0", match[2].rstrip("0")
    return f"{whole}{_POINT}{fraction}" if fraction else whole


def _break(match: re.Match[str]) -> str:
    """Return what is left of blanks, hyphens, underscores and points: nothing between words, the sign of a sign."""
    run, (start, end), text = match[0], match.span(), match.string
    before, after = text[start - 1 : start], text[end : end + 1]
    if before.isdigit() and after.isdigit():
        return "." if run == "." else "-"
    exponent = before == "e" and text[start - 2 : start - 1].isdigit() and after.isdigit()
    between = before.isalnum() and after.isalnum() and not exponent
    signed = run.endswith(" -") and after.isdigit()
    return "-" if "-" in run and (signed or not between) else ""
