"""Mistakes a user can make, each told in one line.

Everything a user can put right raises `UserError`: the message names the file, row, column or option, says what is
wrong, and says what to do. Front ends print that line and exit with status 4; a traceback is for our mistakes only.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class ReprcheckError(Exception):
    """Base of every exception raised on purpose by reprcheck."""


class UserError(ReprcheckError):
    """A mistake in what the user gave: ``where`` it is, ``what`` is wrong, and the ``remedy``.

    Parameters
    ----------
    where : str
        The file, row, column or option, as the user would write it.
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
