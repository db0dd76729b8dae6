"""One entry of the catalogue of public sets, read from its ``NAME.toml``.

The entry holds facts, each either verified or said not to be: nothing here was invented, and a checksum that nobody
published isn't there. Under ``[card]`` stands what a dataset folder's ``dataset.toml`` would say.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal, cast

from reprcheck.datasets import card as cards
from reprcheck.datasets.card import Card
from reprcheck.datasets.section import Section
from reprcheck.errors import UserError, did_you_mean

Unpack = Literal["none", "zip", "tar", "gzip"]
UNPACK = ("none", "zip", "tar", "gzip")
_ENTRY_KEYS = (
    *("title", "homepage", "noncommercial", "how", "splits"),
    *("verified", "unverified", "traps", "extra", "files", "card"),
)
_FILE_KEYS = ("name", "url", "bytes", "sha256", "md5", "unpack", "into")


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
        Its published checksum, where there is one.
    unpack : {"none", "zip", "tar", "gzip"}
        What is done with it once it is whole.
    into : str
        Folder, relative to the set's, that it is unpacked into.
    """

    name: str
    url: str
    bytes: int | None = None
    sha256: str | None = None
    md5: str | None = None
    unpack: Unpack = "none"
    into: str = "."


@dataclass(frozen=True)
class Entry:
    """A public set.

    Attributes
    ----------
    name : str
        What it is called in ``--dataset=NAME``.
    title, homepage : str
    card : Card
        Channels, columns, tasks, licence, citation.
    files : tuple of RemoteFile
        What `fetch` brings; empty where the set can't be fetched by itself, and ``how`` says how it is had.
    how : str
        What a person must do, where files are behind a form, a login or another tool.
    noncommercial : bool
        Whether the licence forbids commercial use, so that it must be agreed to.
    splits : str
        The published splits, and what is made of them here.
    verified, unverified, traps : tuple of str
        Sentences: what of this entry was checked and against what; what wasn't; what misleads in this set.
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
    def bytes(self) -> int | None:
        """The published size of all files, where each one's is known."""
        sizes = [file.bytes for file in self.files]
        return None if not sizes or None in sizes else sum(size for size in sizes if size is not None)


def names() -> tuple[str, ...]:
    """Return the names of all public sets, sorted."""
    found = (path.name for path in files(__package__).iterdir())
    return tuple(sorted(name.removesuffix(".toml") for name in found if name.endswith(".toml")))


@cache
def entry(name: str) -> Entry:
    """Return a public set's entry.

    Raises
    ------
    UserError
        For a name that isn't in the catalogue.

    Examples
    --------
    >>> entry("bbbc021").card.kind  # doctest: +SKIP
    'culture'
    """
    if name not in names():
        raise UserError(name, "no public set of this name", did_you_mean(name, names()))
    text = (files(__package__) / f"{name}.toml").read_text(encoding="utf-8")
    return parse(name, tomllib.loads(text))


def parse(name: str, raw: dict[str, Any]) -> Entry:
    """Return the entry that plain values make; raises UserError as a card's parser does."""
    top = Section(raw, name, "", _ENTRY_KEYS)
    listed = raw.get("files", [])
    remote = [_remote(Section(one, name, f"[[files]] {i + 1}", _FILE_KEYS)) for i, one in enumerate(listed)]
    return Entry(
        name=name,
        title=top.text("title"),
        homepage=top.text("homepage"),
        card=cards.of({"schema": 1, "name": name, **raw.get("card", {})}, f"{name} [card]"),
        files=tuple(remote),
        how=top.text("how", ""),
        noncommercial=bool(raw.get("noncommercial", False)),
        splits=top.text("splits", ""),
        verified=_sentences(top, "verified"),
        unverified=_sentences(top, "unverified"),
        traps=_sentences(top, "traps"),
        extra=top.optional_text("extra"),
    )


def _sentences(top: Section, key: str) -> tuple[str, ...]:
    return top.texts(key) if top.values.get(key) else ()


def _remote(file: Section) -> RemoteFile:
    return RemoteFile(
        name=file.text("name"),
        url=file.text("url"),
        bytes=file.integer("bytes") if "bytes" in file.values else None,
        sha256=file.optional_text("sha256"),
        md5=file.optional_text("md5"),
        unpack=cast(Unpack, file.choice("unpack", UNPACK, "none")),
        into=file.text("into", "."),
    )
