"""Find the file that a table names, also if another system or program has written the name.

A name that exists as written is used as it is. Else it may have backslashes, be a ``file:`` URL, start with the card's
``root``, a folder of another computer, or differ from one file only in Unicode form or case. Notes count these
readings. Two names for one file, or two files for one name, are refused.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from os.path import normpath
from pathlib import Path, PurePath, PurePosixPath
from urllib.parse import unquote

from reprcheck.errors import UserError

_DRIVE = re.compile(r"[A-Za-z]:[\\/]")
_FILE_URL = re.compile(r"file:(?://(?:localhost)?(?=/))?", re.IGNORECASE)
_URL = re.compile(r"[a-z][a-z0-9+.-]+://", re.IGNORECASE)

BACKSLASHES, FILE_URLS, FORM, CASE = "backslashes", "file URLs", "Unicode form", "case"
_SENTENCES = {
    BACKSLASHES: "{} written with backslashes, which are read as /",
    FILE_URLS: "{} file: URLs, which are read as paths",
    FORM: "{} unlike the file's in Unicode form only (composed or decomposed letters)",
    CASE: "{} unlike the file's in upper and lower case only",
}


def leads_out(name: str) -> bool:
    """Return whether a path, relative to a folder, leads out of it; links aside.

    Examples
    --------
    >>> [leads_out(name) for name in ("a/../b.png", "../b.png", "/b.png", "C:/b.png")]
    [False, True, True, True]
    """
    path = PurePath(normpath(name))
    return path.is_absolute() or path.parts[:1] == ("..",) or _DRIVE.match(name) is not None


def is_url(name: str) -> bool:
    """Return whether a name is a URL of something that isn't a local file."""
    return _URL.match(name) is not None and _FILE_URL.match(name) is None


def slashed(name: str) -> str:
    r"""Return a name with ``/`` between its parts, and without ``file:`` before it.

    Examples
    --------
    >>> slashed("img\\a.png"), slashed("file:///C:/img/a%20b.png")
    ('img/a.png', 'C:/img/a b.png')
    """
    if url := _FILE_URL.match(name):
        name = unquote(name[url.end() :])
        name = name[1:] if _DRIVE.match(name[1:]) else name
    return name.replace("\\", "/")


def below(name: str, root: str) -> str | None:
    """Return what follows ``root`` in a name, or None if the name doesn't begin with it; drives match in any case.

    Examples
    --------
    >>> below("C:/screen/img/a.png", "c:/screen"), below("/data/b.png", "/dat")
    ('img/a.png', None)
    """
    root = slashed(root).rstrip("/") + "/"
    start = name[: len(root)]
    same = start.casefold() == root.casefold() if _DRIVE.match(root) or root.startswith("//") else start == root
    return name[len(root) :] if same else None


class FileNames:
    """Looks up names in a folder.

    Parameters
    ----------
    folder : Path
    root : str, optional
        The start of absolute names; this folder takes its place.
    remote : bool
        Whether files aren't there yet, so that names can't be looked up, only normalised.
    """

    def __init__(self, folder: Path, root: str | None = None, *, remote: bool = False) -> None:
        self.folder, self.root, self.remote = folder, root, remote
        self._way_counts: Counter[str] = Counter()
        self._real_names: dict[str, str] = {}
        self._names_by_file: dict[str, str] = {}
        self._listings: dict[Path, list[str]] = {}

    def find(self, name: str, where: str) -> str:
        """Return the real name of a file, relative to the folder; the name as written if there is no such file.

        Raises
        ------
        UserError
            For a name that fits two files, or two names that fit one.
        """
        if name not in self._real_names:
            real_name, ways = self._look_up(name, where)
            self._refuse_two(name, self._names_by_file.setdefault(real_name, name), where)
            self._way_counts.update(ways)
            self._real_names[name] = real_name
        return self._real_names[name]

    def notes(self) -> tuple[str, ...]:
        """Return a sentence for each way in which names were read other than as written."""
        return tuple(
            f"Files: {sentence.format(f'{count} names are' if count > 1 else '1 name is')}."
            for way, sentence in _SENTENCES.items()
            if (count := self._way_counts[way])
        )

    def root_of(self, name: str) -> str | None:
        """Return the shortest start of a path whose rest is in this folder, or None.

        Examples
        --------
        >>> FileNames(Path("screen7")).root_of("C:/data/screen7/img/a.png")  # doctest: +SKIP
        'C:/data/screen7'
        """
        parts = slashed(name).split("/")
        for cut in range(1, len(parts)):
            if all(parts[cut:]) and self._is_there("/".join(parts[cut:])):
                return "/".join(parts[:cut]) or "/"
        return None

    def _look_up(self, name: str, where: str) -> tuple[str, list[str]]:
        if not self.remote and self._is_there(name):
            return name, []
        ways = [FILE_URLS] if _FILE_URL.match(name) else []
        plain = slashed(name)
        ways += [BACKSLASHES] if "\\" in name and not ways else []
        if self.root is not None and (rest := below(plain, self.root)) is not None:
            plain = rest
        if self.remote or self._is_there(plain):
            return plain, ways
        if leads_out(plain) or is_url(name):
            return plain if ways else name, ways
        alike, how = self._find_alike(plain, name, where)
        return alike, ways + how

    def _is_there(self, name: str) -> bool:
        try:
            return (self.folder / normpath(name)).exists()
        except (OSError, ValueError):  # too long a name, or one with NUL
            return False

    def _find_alike(self, plain: str, name: str, where: str) -> tuple[str, list[str]]:
        """Return the one file whose name differs in Unicode form or case only; else the name unchanged."""
        at, ways = PurePosixPath(), set[str]()
        for part in PurePosixPath(normpath(plain)).parts:
            if not self._is_there(str(at / part)):
                same = [other for other in self._list(self.folder / at) if _fold(other) == _fold(part)]
                in_form = [other for other in same if _compose(other) == _compose(part)]
                candidates = in_form or same
                if len(candidates) > 1:
                    what = f"no file {name!r} in the folder, and {len(candidates)} that differ in "
                    what += f"{'Unicode form' if in_form else 'case'} only: {', '.join(map(repr, sorted(candidates)))}"
                    raise UserError(where, what, "name the one that is meant exactly")
                if not candidates:
                    return plain, []
                ways.add(FORM if in_form else CASE)
                part = candidates[0]
            at /= part
        return str(at), sorted(ways)

    def _list(self, folder: Path) -> list[str]:
        if folder not in self._listings:
            self._listings[folder] = [path.name for path in folder.iterdir()] if folder.is_dir() else []
        return self._listings[folder]

    @staticmethod
    def _refuse_two(name: str, other: str, where: str) -> None:
        """Raise UserError if two names that differ in form or case fit one file: another may be missing."""
        first, second = slashed(name), slashed(other)
        if first != second and _fold(first) == _fold(second):
            what = f"{name!r} and {other!r} differ in Unicode form or case only, and one file is there for both"
            raise UserError(where, what, "name each file exactly as it is called, and put back what is missing")


def _compose(name: str) -> str:
    return unicodedata.normalize("NFC", name)


def _fold(name: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())
