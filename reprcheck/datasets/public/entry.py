"""One entry of the catalogue of public sets, read from its ``NAME.toml``.

The entry marks each fact as verified or unverified, and has only checksums that were published. Its ``[card]`` has the
keys of a dataset folder's ``dataset.toml``.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal, cast
from urllib.parse import urlsplit

from reprcheck.datasets.card import card as cards
from reprcheck.datasets.card.card import Card
from reprcheck.datasets.card.section import Section
from reprcheck.errors import UserError, did_you_mean

Unpack = Literal["none", "zip", "tar", "gzip"]
UNPACK = ("none", "zip", "tar", "gzip")
_ENTRY_KEYS = (
    *("title", "homepage", "noncommercial", "how", "splits"),
    *("verified", "unverified", "traps", "extra", "files", "card"),
)
_FILE_KEYS = ("name", "url", "bytes", "sha256", "md5", "unpack", "into", "optional")
_HEX_DIGITS = {"sha256": 64, "md5": 32}


@dataclass(frozen=True)
class RemoteFile:
    """A file of a public set, as published.

    Attributes
    ----------
    name : str
        Its name once fetched, relative to the set's folder.
    url : str
    bytes : int or None
        Its published size.
    sha256, md5 : str or None
        Its published checksum, if there is one.
    unpack : {"none", "zip", "tar", "gzip"}
        How it is unpacked once it is complete.
    into : str
        Folder, relative to the set's, that it is unpacked into.
    optional : bool
        Whether it is fetched only by name: another resolution, say.
    """

    name: str
    url: str
    bytes: int | None = None
    sha256: str | None = None
    md5: str | None = None
    unpack: Unpack = "none"
    into: str = "."
    optional: bool = False


@dataclass(frozen=True)
class PublicSet:
    """A public set.

    Attributes
    ----------
    name : str
        The name for ``--dataset=NAME``.
    title, homepage : str
    card : Card
        Channels, columns, tasks, licence, citation.
    files : tuple of RemoteFile
        The files to fetch; empty if they can't be fetched automatically.
    how : str
        How to get files that are behind a form, a login or another tool.
    noncommercial : bool
        Whether the licence forbids commercial use, so that it must be agreed to.
    splits : str
        The published splits, and how they are used here.
    verified, unverified, traps : tuple of str
        Sentences: what of this entry was checked and against what; what wasn't; what may mislead in this set.
    extra : str or None
        The optional dependency that its reader needs, such as ``"zarr"``.
    """

    name: str
    title: str
    homepage: str
    card: Card
    files: tuple[RemoteFile, ...] = ()
    how: str = ""
    noncommercial: bool = False
    splits: str = ""
    verified: tuple[str, ...] = ()
    unverified: tuple[str, ...] = ()
    traps: tuple[str, ...] = ()
    extra: str | None = None

    @property
    def usual(self) -> tuple[RemoteFile, ...]:
        """The files that are fetched by default."""
        return tuple(file for file in self.files if not file.optional)

    @property
    def bytes(self) -> int | None:
        """The published size of the usual files together; None if one is unknown."""
        sizes = [file.bytes for file in self.usual]
        return None if not sizes or None in sizes else sum(size for size in sizes if size is not None)


SETS = "reprcheck.datasets.public.sets"
"""Where entries and readers lie, one pair for each set."""


def names() -> tuple[str, ...]:
    """Return the names of all public sets, sorted."""
    file_names = (path.name for path in files(SETS).iterdir())
    return tuple(sorted(name.removesuffix(".toml") for name in file_names if name.endswith(".toml")))


@cache
def public_set(name: str) -> PublicSet:
    """Return a public set's entry.

    Raises
    ------
    UserError
        For a name that isn't in the catalogue.

    Examples
    --------
    >>> public_set("bbbc021").card.kind  # doctest: +SKIP
    'culture'
    """
    if name not in names():
        raise UserError(name, "no public set of this name", did_you_mean(name, names()))
    text = (files(SETS) / f"{name}.toml").read_text(encoding="utf-8")
    return parse(name, tomllib.loads(text))


def parse(name: str, raw: Mapping[str, Any]) -> PublicSet:
    """Return an entry from plain values.

    Parameters
    ----------
    name : str
        Name of the set.
    raw : mapping
        The contents of its TOML.

    Raises
    ------
    UserError
        For a key that is unknown, missing or of the wrong type; a place outside the set's folder; an address that isn't
        https; an impossible checksum; a set without files and without ``how``, or without a licence.
    """
    top = Section(raw, name, "", _ENTRY_KEYS)
    described = raw.get("card")
    if not isinstance(described, Mapping):
        top.fail("[card]", "missing", "describe the dataset as on a dataset.toml")
    card = cards.of({"schema": 1, "name": name, **described}, f"{name} [card]")
    if not card.license:
        top.fail("[card] license", "missing", 'say what is known, if only "not stated"')
    remote = _parse_files(top)
    if all(file.optional for file in remote) and not top.values.get("how"):
        top.fail("how", "missing, and there are no files to fetch", "say what a person must do to have the set")
    return PublicSet(
        name=name,
        title=top.text("title"),
        homepage=top.text("homepage"),
        card=card,
        files=remote,
        how=top.text("how", ""),
        noncommercial=_parse_flag(top, "noncommercial"),
        splits=top.text("splits", ""),
        verified=_parse_sentences(top, "verified"),
        unverified=_parse_sentences(top, "unverified"),
        traps=_parse_sentences(top, "traps"),
        extra=top.optional_text("extra"),
    )


def _parse_sentences(top: Section, key: str) -> tuple[str, ...]:
    return top.texts(key) if top.values.get(key) else ()


def _parse_flag(section: Section, key: str) -> bool:
    if not isinstance(section.values.get(key, False), bool):
        section.wrong_type(key, "true or false")
    return bool(section.values.get(key, False))


def _parse_files(top: Section) -> tuple[RemoteFile, ...]:
    tables = top.values.get("files", [])
    if not isinstance(tables, list) or not all(isinstance(item, dict) for item in tables):
        top.wrong_type("files", "a list of tables, each under [[files]]")
    sections = [Section(item, top.file, f"[[files]] {i}", _FILE_KEYS) for i, item in enumerate(tables, 1)]
    remote = tuple(map(_parse_file, sections))
    for i, section in enumerate(sections):
        if remote[i].name in [file.name for file in remote[:i]]:
            section.fail("name", f"{remote[i].name!r} is another file's too", "give each a name of its own")
    return remote


def _parse_file(file: Section) -> RemoteFile:
    unpack = cast(Unpack, file.choice("unpack", UNPACK, "none"))
    name = _parse_path(file, "name", file.text("name"))
    if unpack == "gzip" and not name.endswith(".gz"):
        file.fail("name", f"{name!r} doesn't end in .gz", "it is unpacked under its name without .gz")
    return RemoteFile(
        name=name,
        url=_parse_address(file),
        bytes=file.integer("bytes") if "bytes" in file.values else None,
        sha256=_parse_checksum(file, "sha256"),
        md5=_parse_checksum(file, "md5"),
        unpack=unpack,
        into=_parse_path(file, "into", file.text("into", ".")),
        optional=_parse_flag(file, "optional"),
    )


def _parse_path(file: Section, key: str, path: str) -> str:
    if not inside(path):
        file.fail(key, f"{path!r} lies outside the set's folder", "write a path relative to it, with /")
    return path


def inside(path: str) -> bool:
    r"""Return whether a path, with ``/``, is relative and stays inside its folder on every system.

    Examples
    --------
    >>> inside("images/a.png"), inside("../a.png"), inside("/a.png"), inside("C:a.png"), inside("..\\a.png")
    (True, False, False, False, False)
    """
    return not (path[:1] == "/" or path[1:2] == ":" or "\\" in path or "\0" in path or ".." in path.split("/"))


def _parse_address(file: Section) -> str:
    url = file.text("url")
    try:
        parts = urlsplit(url)
        fine = parts.scheme == "https" and parts.hostname and parts.username is None and url.isprintable()
    except ValueError:
        fine = False
    if not fine or " " in url:
        file.wrong_type("url", "an https address without a user or blanks")
    return url


def _parse_checksum(file: Section, key: str) -> str | None:
    value = file.optional_text(key)
    if value is not None and not re.fullmatch(rf"[0-9a-f]{{{_HEX_DIGITS[key]}}}", value):
        file.wrong_type(key, f"{_HEX_DIGITS[key]} hex digits in lower case")
    return value
