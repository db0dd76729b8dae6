"""The record of what was fetched of a public set: ``fetched.json`` in its folder.

It has the URL, size and SHA-256 of each file, and the names of all requested files, so that a set whose fetching was
stopped doesn't pass for a complete one. A folder that somebody filled by hand has no record and is used as it is.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Literal

from reprcheck.errors import UserError

NAME = "fetched.json"
SCHEMA = 1


@dataclass(frozen=True)
class FetchedFile:
    """One complete file.

    Attributes
    ----------
    url : str
    bytes : int
    sha256 : str
    time : str
        When, in UTC, as ISO 8601.
    published : {"sha256", "md5"} or None
        The published checksum that it was compared with; None: none is published.
    unpacked : tuple of str or None
        For an archive, what lies in the set's folder in its place.
    """

    url: str
    bytes: int
    sha256: str
    time: str
    published: str | None = None
    unpacked: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Record:
    """The requested files, and those that were fetched, by name."""

    asked: tuple[str, ...] = ()
    files: Mapping[str, FetchedFile] = field(default_factory=dict)

    @property
    def missing(self) -> tuple[str, ...]:
        """Requested files that weren't fetched."""
        return tuple(name for name in self.asked if name not in self.files)

    def asking(self, names: Iterable[str]) -> Record:
        """Return the record with more requested files."""
        return replace(self, asked=tuple(sorted({*self.asked, *names})))

    def having(self, name: str, fetched: FetchedFile) -> Record:
        """Return the record with one more fetched file."""
        return replace(self, files=dict(sorted({**self.files, name: fetched}.items())))

    def lacking(self, names: Iterable[str]) -> Record:
        """Return the record without these files."""
        return replace(self, files={name: file for name, file in self.files.items() if name not in set(names)})


def read(folder: Path) -> Record:
    """Return a folder's record, empty if it has none. Raises UserError for one that can't be read."""
    path = folder / NAME
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        if raw["schema"] != SCHEMA:
            raise ValueError(f"schema {raw['schema']}")
        files = {
            name: FetchedFile(**fields | {"unpacked": _to_tuple(fields["unpacked"])})
            for name, fields in raw["files"].items()
        }
        return Record(tuple(raw["asked"]), files)
    except FileNotFoundError:
        return Record()
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(str(path), f"can't be read ({error})", "remove it, and fetch the set again") from None


def _to_tuple(value: list[str] | None) -> tuple[str, ...] | None:
    return None if value is None else tuple(value)


def state(folder: Path) -> Literal["here", "partly", "absent"]:
    """Return whether a set is in its folder: "partly" if a requested file is missing."""
    if not folder.is_dir() or not any(folder.iterdir()):
        return "absent"
    return "partly" if read(folder).missing else "here"


def write(folder: Path, record: Record) -> None:
    """Replace a folder's record, atomically."""
    document = {"schema": SCHEMA, **asdict(record)}
    path = folder / f"{NAME}.part"
    with path.open("w", encoding="utf-8") as file:
        file.write(json.dumps(document, indent=2) + "\n")
        file.flush()
        os.fsync(file.fileno())
    os.replace(path, folder / NAME)
