"""Draft the text of a folder's card, and of its table where it has none."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from reprcheck.datasets.card.card import SCHEMA
from reprcheck.datasets.draft.columns import guess_columns
from reprcheck.datasets.draft.files import find_files
from reprcheck.datasets.draft.guess_log import Cells, GuessLog
from reprcheck.datasets.draft.images import guess_images, guess_types
from reprcheck.datasets.draft.labels import guess_tasks
from reprcheck.datasets.draft.tree import LABELS, read_tree
from reprcheck.datasets.folder import TABLES, find_table
from reprcheck.datasets.table.file import EXCEL, PARQUET, TEXT, read_table
from reprcheck.datasets.table.samples import texts
from reprcheck.errors import UserError, printable
from reprcheck.plain_files import is_folder

_TISSUE = ("slide", "patient", "tma", "biopsy", "core", "case")


@dataclass(frozen=True)
class Draft:
    """What to write into a folder, and why.

    Attributes
    ----------
    card : str
        The text of a ``dataset.toml``.
    table : str or None
        The text of a ``samples.csv``; None where there is a table already.
    reasons : tuple of str
        A line for each guess.
    """

    card: str
    table: str | None
    reasons: tuple[str, ...]


def draft(folder: Path) -> Draft:
    """Return a first card for a folder, and a table where it has none.

    Parameters
    ----------
    folder : Path
        With a sample table, one other table, or images alone.

    Returns
    -------
    Draft

    Raises
    ------
    UserError
        Where there is neither a table nor an image, the table names no image or no sample, or no image can be read.

    Examples
    --------
    >>> print(draft(Path("plate7")).card)  # doctest: +SKIP
    schema = 1
    name = "plate7"
    """
    if not is_folder(folder):
        raise UserError(str(folder), "no such folder", "name a folder that holds images")
    first = _find_first_table(folder)
    log = GuessLog(list(first.reasons))
    table = first.rows
    cells = {str(name): texts(table[name]) for name in table.columns}
    files = find_files(folder, cells, log)
    columns = guess_columns(folder, cells, files, log, first.unit, first.batch)
    raw: dict[str, Any] = {
        "schema": SCHEMA,
        "name": "".join(c if c.isalnum() or c in "-_." else "-" for c in folder.resolve().name) or "data",
        "kind": _guess_kind(cells, log),
        **({} if files.root is None else {"root": files.root}),
        **guess_images(folder, cells, files, columns, log),
        **guess_types(files, cells, columns, log),
        "columns": columns,
    }
    if "cell_types" not in raw:
        columns.pop("types", None)
    raw["tasks"] = guess_tasks(raw, table, cells, log, first.planes, first.labels)
    raw["guessed"] = log.guessed
    log.comment("guessed", "look at each, then take it out: until then every report tells it")
    return Draft("\n".join(_write_lines(raw, log)) + "\n", first.csv_text, tuple(log.reasons))


@dataclass(frozen=True)
class _FirstTable:
    """The sample table from which the card is guessed.

    Attributes
    ----------
    rows : pandas.DataFrame
    reasons : tuple of str
        Lines on where it comes from.
    csv_text : str or None
        Its text, if it is yet to be written.
    unit, batch, planes
        As in `tree.Tree`, if the folder had no table.
    labels : tuple of str or None
        Columns that could be labels, if the folder had no table; None: any.
    """

    rows: pd.DataFrame
    reasons: tuple[str, ...]
    csv_text: str | None = None
    unit: str | None = None
    batch: str | None = None
    planes: Mapping[str, str] = field(default_factory=dict)
    labels: tuple[str, ...] | None = None


def _find_first_table(folder: Path) -> _FirstTable:
    if any((folder / name).is_file() for name in TABLES):
        path = find_table(folder)
        table = read_table(path)
        return _FirstTable(table.rows, (f"table: {path.name}, {len(table.rows)} rows", *table.notes))
    tables = [path for path in sorted(folder.iterdir()) if path.suffix.lower() in (*TEXT, *PARQUET, *EXCEL)]
    others = [path for path in tables if not path.name.startswith((".", "~$"))]  # as Excel calls its locks
    if len(others) > 1:
        what = f"several tables ({', '.join(path.name for path in others)})"
        raise UserError(str(folder), what, "call the one with a row per image samples, as in samples.csv")
    if others:
        table = read_table(others[0])
        reason = (
            f"table: {others[0].name}, {len(table.rows)} rows, copied to samples.csv, which alone is read from now on"
        )
        return _FirstTable(table.rows, (reason, *table.notes), _to_csv(table.rows))
    tree = read_tree(folder)
    rows = pd.DataFrame(tree.table, dtype=str)
    return _FirstTable(rows, tree.reasons, _to_csv(rows), tree.unit, tree.batch, tree.planes, LABELS)


def _to_csv(rows: pd.DataFrame) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(map(str, rows.columns))
    writer.writerows(zip(*(texts(rows[column]).tolist() for column in rows.columns), strict=True))
    return text.getvalue()


def _guess_kind(cells: Cells, log: GuessLog) -> str:
    words = [name for name in cells if any(word in name.lower() for word in _TISSUE)]
    kind = "tissue" if words else "culture"
    log.record("kind", kind, f"a column named {words[0]}" if words else "no column speaks of tissue")
    log.comment("kind", "culture, tissue or natural")
    log.guess("kind")
    return kind


def _write_lines(raw: Mapping[str, Any], log: GuessLog) -> Iterator[str]:
    """Yield the lines of the card."""

    def after(key: str) -> str:
        return "".join(f"  # {printable(text)}" for text in log.comments.get(key, []))

    for key, value in raw.items():
        if key not in ("columns", "tasks"):
            yield f"{key} = {_to_toml(value)}{after(key)}"
    yield from ('# license = ""', '# citation = ""', '# source = ""', "", "[columns]")
    yield from (f"{key} = {_to_toml(value)}" for key, value in raw["columns"].items())
    yield from (f"# {printable(text)}" for text in log.comments.get("[columns]", []))
    for name, task in raw["tasks"].items():
        key = name if name.isascii() else _to_toml(name)
        yield from ("", f"[tasks.{key}]{after(f'[tasks.{name}]')}")
        yield from (f"{key} = {_to_toml(value)}" for key, value in task.items())
    if others := log.comments.get("[tasks]"):
        yield from ("", *(f"# {printable(text)}" for text in others))


def _to_toml(value: Any) -> str:
    if isinstance(value, dict):
        return f"{{ {', '.join(f'{_to_toml(key)} = {_to_toml(item)}' for key, item in value.items())} }}"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
