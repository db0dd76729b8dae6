"""An audit in a terminal, and as JSON: where everybody lies in each setting, and whether it can tell.

For each dataset one table of scores and one of what can be told (side by side where there is room), then each setting
with its sentence, its scale and the numbers behind both.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from reprcheck.baselines.names import reference_of
from reprcheck.registry import REFERENCES
from reprcheck.reporters import wording
from reprcheck.reporters.console import lay_out, lines
from reprcheck.reporters.scale import BELOW, LOST, SEEN, scale
from reprcheck.reporters.wording import one_line
from reprcheck.runs.recipes import UNTRAINED
from reprcheck.types import MODEL, Setting

if TYPE_CHECKING:
    from reprcheck.runs.audit import Audit

SCHEMA = 1
"""Version of the JSON's format."""

_STYLES = {
    "discriminating": "green",
    "saturated": "yellow",
    "no_signal": "yellow",
    "underpowered": "yellow",
    "pass": "green",
    "fail": "red",
}
_CHANCE, _CEILING = "chance", "ceiling"
_MARKED = {"m": "bold cyan", UNTRAINED.letter: "bold", SEEN: "green", LOST: "yellow", BELOW: "dim"}


@dataclass(frozen=True)
class AuditReport:
    """Audits of one or several datasets, ready to be printed; rich can print it as it is.

    Attributes
    ----------
    audits : sequence of Audit
    """

    audits: Sequence[Audit]

    def lines(self, width: int = 80, color: bool = True) -> list[str]:
        """Return the report's lines, none wider than ``width``; without colour where NO_COLOR is set."""
        return lines(self, width, color)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield the report's parts, laid out for the width at hand."""
        width = options.max_width
        for name, audits in by_dataset(self.audits).items():
            yield _heading(name, audits)
            yield from _tables(audits, width)
            for audit in audits:
                yield from _setting(audit, width)
            yield from _notes(audits)
            yield Text()
        yield from _legend(self.audits, width)


@cache
def _letters() -> dict[str, str]:
    """Return the letter of each encoder on the scale, in the order of the legend."""
    letters = {name: reference.letter for name, reference in REFERENCES.things() if reference.letter}
    return {MODEL: "m", **letters}


@cache
def _headings() -> dict[str, str]:
    """Return the headings of narrow columns that aren't the names of what they hold."""
    broken = {name: reference.heading for name, reference in REFERENCES.things() if reference.heading}
    return {**broken, _CEILING: "ceil-\ning"}


def by_dataset(audits: Iterable[Audit]) -> dict[str, list[Audit]]:
    """Return audits by dataset, in the order given."""
    groups: dict[str, list[Audit]] = {}
    for audit in audits:
        groups.setdefault(audit.setting.dataset, []).append(audit)
    return groups


def to_json(audits: Sequence[Audit]) -> str:
    """Return the audits as JSON; a number that is not finite is null."""
    document = {
        "schema": SCHEMA,
        "audits": [asdict(audit) | {"sound": audit.sound} for audit in audits],
        "sound": {name: any(audit.sound for audit in members) for name, members in by_dataset(audits).items()},
    }
    return json.dumps(_plain(document), indent=2, allow_nan=False)


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return round(float(value), 6) + 0.0 if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value


def _heading(name: str, audits: Sequence[Audit]) -> RenderableType:
    sound = sum(audit.sound for audit in audits)
    perhaps = sum(audit.can_tell for audit in audits) - sound
    line = Text.assemble((one_line(name), "bold"), "  ", overflow="fold")
    count = f"{sound} of {wording.counted(len(audits), 'setting')} can tell trained from untrained"
    line.append(count, "green" if sound else "bold red")
    return line.append(f", {perhaps} perhaps" if perhaps else "", "yellow")


def _tables(audits: Sequence[Audit], width: int) -> Iterator[RenderableType]:
    scores, resolutions = [_scores(audit) for audit in audits], [_resolution(audit) for audit in audits]
    both = _table(audits, [score | resolution for score, resolution in zip(scores, resolutions, strict=True)], None)
    if Console(width=10_000, _environ={}).measure(both).maximum <= width:
        yield both
        return
    yield _table(audits, scores, width)
    yield Text()
    yield _table(audits, resolutions, width)


def _scores(audit: Audit) -> dict[str, str]:
    setting = audit.setting
    means = {name: interval["mean"] for name, interval in setting.scores.items()}
    ceiling = setting.landmarks.get(_CEILING, math.nan)
    return {
        _CHANCE: wording.score(setting.landmarks.get(_CHANCE)),
        **({MODEL: wording.score(means[MODEL])} if MODEL in means else {}),
        UNTRAINED.name: wording.score(ceiling - audit.headroom),
        **{
            name: wording.score(means[name])
            for name, reference in REFERENCES.things()
            if reference.knows != UNTRAINED.knows and name in means
        },
        _CEILING: wording.score(ceiling),
    }


def _resolution(audit: Audit) -> dict[str, str]:
    setting = audit.setting
    return {
        "units": str(setting.n_units),
        "noise": wording.score(setting.landmarks.get("noise")),
        "mde": wording.score(audit.mde),
        "room": wording.score(audit.headroom),
        "qualification": wording.spaced(setting.qualification),
        "can tell": "yes" if audit.sound else "perhaps" if audit.can_tell else "no",
    }


def _table(audits: Sequence[Audit], rows: Sequence[Mapping[str, str]], width: int | None) -> Table:
    """Return a row per setting. With a width, headers are broken where that saves room, and so are long names."""
    columns = list(dict.fromkeys(name for row in rows for name in row))
    order = [_CHANCE, MODEL, *REFERENCES.names(), _CEILING]
    columns.sort(key=lambda name: order.index(name) if name in order else len(order))
    names = [one_line(f"{audit.setting.task}/{audit.setting.protocol}") for audit in audits]
    room = None if width is None else max(8, width - sum(_column_width(name, rows) for name in columns))
    gap = 2 if width is None else 1
    table = Table(box=None, padding=(0, gap, 0, 0), pad_edge=False, header_style="dim")
    table.add_column("setting", overflow="fold", max_width=room, vertical="top")
    for name in columns:
        words = name in ("qualification", "can tell")
        header = name if width is None else _headings().get(name, name)
        table.add_column(Text(header), justify="left" if words else "right", no_wrap=width is None)
    for audit, name, row in zip(audits, names, rows, strict=True):
        styles = {"qualification": _STYLES[audit.setting.qualification], "can tell": _certainty(audit)}
        long = room is not None and cell_len(name) > room
        label = name.replace("/", "/\n ", 1) if long else name
        table.add_row(Text(label), *(Text(row.get(c, wording.ABSENT), style=styles.get(c, "")) for c in columns))
    return table


def _column_width(name: str, rows: Sequence[Mapping[str, str]]) -> int:
    words = [*_headings().get(name, name).split("\n"), *(row.get(name, "") for row in rows)]
    return 1 + max(map(cell_len, words))


def _certainty(audit: Audit) -> str:
    return "green" if audit.sound else "yellow" if audit.can_tell else "red"


def _setting(audit: Audit, width: int) -> Iterator[RenderableType]:
    setting = audit.setting
    yield Text(f"\n{one_line(setting.task)}/{setting.protocol}", style="bold", overflow="fold")
    verdict, _, rest = audit.sentence.partition(":")
    verdict_line = Text.assemble((verdict, _certainty(audit)), f":{one_line(rest) and ' ' + one_line(rest)}")
    yield Padding(verdict_line, (0, 0, 0, 2))
    if audit.cell is not None:
        cell = audit.cell
        line = Text.assemble((one_line(cell.model), "bold"), " against the untrained: ")
        line.append(wording.spaced(cell.status), _STYLES.get(cell.status, "yellow"))
        yield Padding(line.append(f": {one_line(cell.statement)}"), (0, 0, 0, 2))
    yield from _scale(audit, width)
    for title, words in (
        (UNTRAINED.name, _untrained(setting)),
        ("selectivity", _selectivity(setting)),
        ("qualification", _grounds(setting)),
    ):
        if words:
            grid = Table.grid(padding=(0, 2, 0, 0), pad_edge=False)
            grid.add_column(width=len("qualification"))
            grid.add_column(overflow="fold")
            inner = max(10, width - len("qualification") - 6)
            grid.add_row(Text(title, style="dim"), Text("\n".join(lay_out(words, inner))))
            yield Padding(grid, (0, 0, 0, 2), expand=False)


def _scale(audit: Audit, width: int) -> Iterator[RenderableType]:
    marks = audit.setting.landmarks
    chance, ceiling = marks.get(_CHANCE, math.nan), marks.get(_CEILING, math.nan)
    untrained = ceiling - audit.headroom
    means = {name: interval["mean"] for name, interval in audit.setting.scores.items()} | {UNTRAINED.name: untrained}
    low, high = wording.score(chance), wording.score(ceiling)
    scale_lines = scale(
        {letter: means[name] for name, letter in _letters().items() if name in means},
        chance=chance,
        ceiling=ceiling,
        reference=untrained,
        mde=audit.mde,
        width=max(20, min(width, 120) - len(low) - len(high) - 6),
    )
    for i, line in enumerate(scale_lines):
        last = i == len(scale_lines) - 1
        row = Text(f"  {low if last else ' ' * len(low)} ", no_wrap=True, overflow="crop", style="dim")
        for character in line:
            row.append(character, _MARKED.get(character, ""))
        yield row.append(f" {high}" if last else "")


def _untrained(setting: Setting) -> list[str]:
    names = [name for name in wording.encoders([setting]) if reference_of(name) == UNTRAINED.name]
    return [f"{one_line(name)} {wording.score(setting.scores[name]['mean'])}" for name in names]


def _selectivity(setting: Setting) -> list[str]:
    words = []
    for name, numbers in setting.selectivity.items():
        task, control = (wording.score(numbers[key]) for key in ("task", "control"))
        words.append(f"{one_line(name)} {wording.signed(numbers['selectivity'])} ({task} − {control})")
    return words


def _grounds(setting: Setting) -> list[str]:
    """Return the qualification and the numbers that it rests on."""
    marks = setting.landmarks
    numbers = [f"{key} {wording.score(marks[key])}" for key in ("p", "relation", "permuted") if key in marks]
    if "trivial" in marks:
        ceiling = wording.score(marks.get(_CEILING))
        numbers.append(f"best without training {wording.score(marks['trivial'])} of {ceiling}")
    return [wording.spaced(setting.qualification), *numbers, *wording.size(setting).split(", ")]


def _notes(audits: Sequence[Audit]) -> Iterator[RenderableType]:
    notes = wording.notes(audit.setting for audit in audits)
    if not notes:
        return
    yield Text("\nNotes", style="bold")
    grid = Table.grid(padding=(0, 1, 0, 0), pad_edge=False)
    grid.add_column(width=1)
    grid.add_column(overflow="fold")
    for note in notes:
        grid.add_row("-", Text(one_line(note)))
    yield grid


def _legend(audits: Sequence[Audit], width: int) -> Iterator[RenderableType]:
    encoders = {name for audit in audits for name in audit.setting.scores} | {UNTRAINED.name}
    called = {MODEL: "the model", UNTRAINED.name: "the strongest untrained networks"}
    marks = [
        "c chance",
        *(f"{x} {called.get(name, name)}" for name, x in _letters().items() if name in encoders),
        "| ceiling",
    ]
    axis = f"       {BELOW} no better than the untrained  {LOST} too near them to be seen  {SEEN} seen"
    first, *rest = lay_out([f"Scale: {marks[0]}", *marks[1:]], width - 7)
    for line in (first, *(f"       {line}" for line in rest), axis):
        yield Text(line, style="dim", overflow="fold")
    words = (
        "What lies below chance stands at its end. Noise: the difference between untrained networks that the choice "
        "of units alone explains. Mde: minimum detectable effect over the strongest untrained, the margin included. "
        "Room: the ceiling minus the strongest untrained. Selectivity: the score minus that on random labels. "
        "Relation: of the best encoder's predictions to the labels, and what permuted labels reach (p). Perhaps: there "
        "is room, but nothing shows a signal yet."
    )
    yield Text(words, style="dim")
