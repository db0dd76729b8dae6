"""The catalogue of public sets for people: a table of all, everything about one, and the page in ``docs/``.

All of it is made from the entries, so that terminal and page can't drift from what `fetch` and `open_public` do.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console, ConsoleOptions, RenderResult
from rich.filesize import decimal
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from reprcheck.datasets.card.card import Card
from reprcheck.datasets.card.columns import nested
from reprcheck.datasets.card.section import Value
from reprcheck.datasets.card.tasks import TaskCard
from reprcheck.datasets.public import PublicSet, RemoteFile
from reprcheck.reporters import wording
from reprcheck.reporters.console import lines

_STATES = {"here": ("yes", "green"), "partly": ("partly", "yellow"), "absent": ("no", "dim")}
_BY_HAND = "by hand"


@dataclass(frozen=True)
class SetStatus:
    """A public set, and what is here of it.

    Attributes
    ----------
    entry : Entry
    folder : Path
        Where it is, or would be.
    state : {"here", "partly", "absent"}
    """

    entry: PublicSet
    folder: Path
    state: str

    def plain(self) -> dict[str, Any]:
        """Return all that is known as plain values, for JSON."""
        values = asdict(self.entry) | {"bytes": self.entry.bytes}
        return {**values, "folder": str(self.folder), "state": self.state}


@dataclass(frozen=True)
class Catalogue:
    """Public sets in a table, and what extensions bring; rich can print it as it is.

    Attributes
    ----------
    sets : sequence of SetStatus
    extensions : mapping of str to str
        Names of extensions' datasets, and the distribution of each.
    """

    sets: Sequence[SetStatus]
    extensions: Mapping[str, str] = field(default_factory=dict)

    def lines(self, width: int = 80, color: bool = True) -> list[str]:
        """Return the table's lines, none wider than ``width``; without colour where NO_COLOR is set."""
        return lines(self, width, color)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield the table, and what can be done with it."""
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
        table.add_column("set", no_wrap=True, style="bold")
        table.add_column("kind", no_wrap=True)
        table.add_column("size", no_wrap=True, justify="right")
        table.add_column("licence", overflow="fold", ratio=1)
        table.add_column("tasks", overflow="fold", ratio=1)
        table.add_column("here", no_wrap=True)
        for status in self.sets:
            entry = status.entry
            tasks = ", ".join(task.name for task in entry.card.tasks)
            here = Text(*_STATES[status.state])
            table.add_row(entry.name, entry.card.kind, size(entry.usual), licence(entry), tasks, here)
        yield table
        yield Text()
        yield Text("data list NAME tells all about a set; data fetch NAME brings it.")
        for name, origin in self.extensions.items():
            yield Text.assemble((wording.one_line(name), "bold"), f"  of the extension {wording.one_line(origin)}")


@dataclass(frozen=True)
class SetDetails:
    """Everything about one public set; rich can print it as it is."""

    of: SetStatus

    def lines(self, width: int = 80, color: bool = True) -> list[str]:
        """Return the lines, none wider than ``width``; without colour where NO_COLOR is set."""
        return lines(self, width, color)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield the facts, each under its heading."""
        entry = self.of.entry
        yield Text.assemble((entry.name, "bold"), f"  {wording.one_line(entry.title)}", overflow="fold")
        here = {"here": "here", "partly": "here in part", "absent": "not here yet"}[self.of.state]
        sections = facts(entry) | {"folder": [f"{self.of.folder} ({here})"]}
        for heading, sentences in sections.items():
            yield Text(heading, "cyan")
            for sentence in sentences:
                yield Padding(Text(wording.one_line(sentence), overflow="fold"), (0, 0, 0, 2))


def size(files: Sequence[RemoteFile]) -> str:
    """Return how large files are that are fetched together, as far as that is published."""
    sizes = [file.bytes for file in files if file.bytes is not None]
    if not sizes:
        return wording.ABSENT if files else _BY_HAND
    return ("" if len(sizes) == len(files) else "over ") + decimal(sum(sizes))


def licence(entry: PublicSet) -> str:
    """Return a set's licence, and that it forbids commercial use where it does."""
    return wording.one_line(entry.card.license) + (" (no commercial use)" if entry.noncommercial else "")


def facts(entry: PublicSet) -> dict[str, list[str]]:
    """Return what is known of a set as sentences under headings, those without any left out."""
    card = entry.card
    column_names = {key: ", ".join(nested(getattr(card.columns, key))) for key in ("unit", "batch", "position")}
    columns = ", ".join(f"{key} {column}" for key, column in column_names.items() if column)
    headings: Mapping[str, Iterable[str]] = {
        "page": [entry.homepage],
        "licence": [licence(entry)],
        "citation": [card.citation] if card.citation else [],
        "kind": [f"{card.kind}: {', '.join(card.channels)}"],
        "columns": [columns] if columns else [],
        "tasks": [_task(task, card) for task in card.tasks],
        "splits": [entry.splits] if entry.splits else [],
        "traps": entry.traps,
        "files": map(_file, entry.files),
        "how it is had": [entry.how] if entry.how else [],
        "needs": [f"the package {entry.extra}"] if entry.extra else [],
        "verified": entry.verified,
        "not verified": entry.unverified,
    }
    return {heading: listed for heading, sentences in headings.items() if (listed := list(sentences))}


def _task(task: TaskCard, card: Card) -> str:
    where = " and ".join(_equals(column, values) for column, values in (task.where or {}).items())
    parts = [f"{task.kind} {' / '.join(task.label)}"]
    parts += [f"where {where}"] if where else []
    group = card.columns.batch if task.holdout == "batch" else (task.unit or card.columns.unit)
    parts += [f"no {nested(group)[-1]} on both sides of a fold"] if task.holdout and group else []
    parts += [f"judged where {_equals(task.test.column, task.test.equals)}"] if task.test else []
    parts += [f"{task.aggregate} over each {nested(task.unit or card.columns.unit)[0]}"] if task.aggregate else []
    return f"{task.name}: {', '.join(parts)}; scored by {', '.join(task.protocols)}"


def _equals(column: str, values: Iterable[Value]) -> str:
    return f"{column} = {' or '.join(map(str, values))}"


def _file(file: RemoteFile) -> str:
    parts = ["size not published" if file.bytes is None else decimal(file.bytes)]
    parts += [name for name in ("sha256", "md5") if getattr(file, name)] or ["no checksum published"]
    parts += ["fetched only by --file"] if file.optional else []
    return f"{file.name}: {', '.join(parts)}, {file.url}"


def page(entries: Sequence[PublicSet]) -> str:
    """Return the catalogue as Markdown: a table of all sets, then all that is known of each."""
    rows = [("set", "what it is", "kind", "size", "licence", "tasks"), ("---",) * 6]
    for entry in entries:
        tasks = ", ".join(f"`{task.name}`" for task in entry.card.tasks)
        link = f"[`{entry.name}`](#{entry.name})"
        rows.append((link, entry.title, entry.card.kind, size(entry.usual), licence(entry), tasks))
    table = [f"| {' | '.join(cell.replace('|', '/') for cell in row)} |" for row in rows]
    return "\n".join([*table, *(line for entry in entries for line in _section(entry))]) + "\n"


def _section(entry: PublicSet) -> Iterator[str]:
    yield from ("", f"## {entry.name}", "", f"{entry.title}.", "")
    for heading, sentences in facts(entry).items():
        yield f"- **{heading}**: {sentences[0]}" if len(sentences) == 1 else f"- **{heading}**"
        yield from (f"  - {sentence}" for sentence in sentences if len(sentences) > 1)
