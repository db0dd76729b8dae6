"""Mistakes a user can make, each told in one line.

Everything a user can put right raises `UserError`: the message names the file, row, column or option, says what is
wrong, and says what to do. Front ends print that line and exit with status 4; a traceback is for our mistakes only.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class ReprcheckError(Exception):
    """Base of every exception raised on purpose by reprcheck."""


class Place(str):
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
    >>> Place("samples.csv", "line 3", "column dose"), Place("images/a.png", within="samples.csv line 3")
    ('samples.csv line 3 column dose', 'images/a.png (samples.csv line 3)')
    """

    file: str
    row: str
    column: str
    within: str

    def __new__(cls, file: str, row: str = "", column: str = "", within: str = "") -> Place:
        """Make the text, and keep its parts."""
        words = [part for part in (file, row, column, f"({within})" if within else "") if part]
        made = super().__new__(cls, " ".join(words))
        made.file, made.row, made.column, made.within = file, row, column, within
        return made

    def __reduce__(self) -> tuple[type[Place], tuple[str, str, str, str]]:
        """Pickle by the parts."""
        return Place, (self.file, self.row, self.column, self.within)


class UserError(ReprcheckError):
    """A mistake in what the user gave: ``where`` it is, ``what`` is wrong, and the ``remedy``.

    Parameters
    ----------
    where : str
        The file, row, column or option, as the user would write it; a `Place` where these are known apart.
    what : str
        What is wrong, without a full stop.
    remedy : str
        What to do about it, without a full stop.

    Examples
    --------
    >>> str(UserError("--model", "no model given", "add --model=demo"))
    '--model: no model given; add --model=demo'
    """

    def __init__(self, where: str, what: str, remedy: str = "") -> None:
        self.where, self.what, self.remedy = where, " ".join(what.split()), " ".join(remedy.split())
        super().__init__(f"{where}: {self.what}" + (f"; {self.remedy}" if self.remedy else ""))

    def __reduce__(self) -> tuple[type[UserError], tuple[str, str, str]]:
        """Pickle by the three parts, so that the error survives a trip between processes."""
        return type(self), (self.where, self.what, self.remedy)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return a remedy that names the closest of ``known`` to ``word``, or lists them all.

    Examples
    --------
    >>> did_you_mean("prob/1", ["probe/1", "knn/1"])
    'did you mean probe/1?'
    """
    known = sorted(known)
    close = get_close_matches(word, known, n=1)
    return f"did you mean {close[0]}?" if close else f"known: {', '.join(known) or 'none'}"
