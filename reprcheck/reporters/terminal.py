"""The scorecard in a terminal: verdicts by dataset and setting, scores behind them, and what blocks the release.

An object with lines, so that it can be tested as text and printed by pytest or by the command line. It is laid out for
80 columns and says more at 120 and above; a word is wrapped, never cut.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from reprcheck.reporters import wording
from reprcheck.reporters.console import lay_out, lines
from reprcheck.reporters.wording import one_line
from reprcheck.types import Cell, Scorecard, Setting

WIDE = 120
"""Columns from which a row has room for scores and the minimum detectable effect."""

_INDENT = 2
_COLUMNS = ("diagnostic", "verdict", "effect [low, high]", "margin", "mde", "model − ref.", "reference", "units")
_WIDE_ONLY = ("mde", "model − ref.")
_NUMBERS = ("margin", "mde", "units")

STYLES = {
    "pass": "green",
    "fail": "red",
    "error": "bold red",
    "inconclusive": "yellow",
    "waived": "cyan",
    "not_applicable": "dim",
    "discriminating": "green",
    "saturated": "yellow",
    "no_signal": "yellow",
    "underpowered": "yellow",
}
"""The style of a verdict or a qualification."""


Layout = tuple[int, dict[str, int]]
"""The gap between columns, and the width of each."""


@dataclass(frozen=True)
class TerminalReport:
    """A scorecard, ready to be printed; rich can print it as it is.

    Attributes
    ----------
    scorecard : Scorecard
    where : Path, str or None
        Where the written reports lie; named on the last line.

    Examples
    --------
    ::

        for line in TerminalReport(scorecard, "reports/latest").lines(width=80, color=False):
            print(line)
    """

    scorecard: Scorecard
    where: Path | str | None = None

    def lines(self, width: int = 80, color: bool = True) -> list[str]:
        """Return the report's lines, none wider than ``width``; without colour where NO_COLOR is set."""
        return lines(self, width, color)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield the report's parts, laid out for the width at hand."""
        width, card = options.max_width, self.scorecard
        yield from headline(card)
        yield from _verdicts(card, width)
        yield from _settings(card.settings, width)
        yield from _sentences("Blocked by", card.gate.blocked_by, "red")
        yield from _sentences("Waived", _remaining_sentences(wording.waived(card)), "cyan")
        yield from _sentences("Neither blocks nor releases", _remaining_sentences(wording.left_open(card)), "dim")
        yield from _sentences("Notes", wording.notes(card.settings), "dim")
        if self.where is not None:
            yield Text(f"\nReport: {one_line(str(self.where))}", overflow="fold")


def headline(card: Scorecard) -> Iterator[RenderableType]:
    """Yield the model's name and digest with the decision, its SPEC, and how many cells there are of each verdict."""
    name, spec, digest = (one_line(card.model[key]) for key in ("name", "spec", "digest"))
    line = Text.assemble((name, "bold"), "  ", (digest[:12], "dim"), "  ", overflow="fold")
    line.append(wording.outcome(card), "bold green" if card.gate.released else "bold red")
    yield line
    if spec != name:
        yield Text(spec, style="dim", overflow="fold")
    yield Text(wording.tally(card.cells))


def _verdicts(card: Scorecard, width: int) -> Iterator[RenderableType]:
    settings = {setting.id: setting for setting in card.settings}
    short = wording.short_names(card.cells) if width < WIDE else {}
    header = {name: name for name in _COLUMNS if width >= WIDE or name not in _WIDE_ONLY}
    rows = {id(cell): _row(cell, settings, short, header) for cell in card.cells}
    measured = [row for cell in card.cells if cell.effect is not None for row in [rows[id(cell)]]]
    layout = _layout([header, *measured], width)
    for dataset, by_setting in wording.by_dataset(card).items():
        yield Text(f"\n{one_line(dataset)}", style="bold", overflow="fold")
        yield _grid(header, layout, "dim", "dim")
        for name, cells in by_setting.items():
            yield _setting_line(wording.within(dataset, name), settings.get(name))
            for cell in cells:
                if cell.effect is None:
                    yield _sentence_row(cell, rows[id(cell)]["diagnostic"], layout, width)
                else:
                    yield _grid(rows[id(cell)], layout, "", STYLES[cell.status])
    if card.cells:
        more = " Mde: minimum detectable effect." if width >= WIDE else ""
        yield Text(f"\n{wording.legend(card.cells)}{more}", style="dim")
        names = [f"{new} = {old}" for old, new in short.items() if old != new]
        if names:
            yield Text(f"Diagnostics: {', '.join(names)}.", style="dim", overflow="fold")


def _row(cell: Cell, settings: Mapping[str, Setting], short: Mapping[str, str], names: Iterable[str]) -> dict[str, str]:
    """Return a cell's texts by column."""
    pair = wording.compared(cell, settings)
    texts = {
        "diagnostic": one_line(short.get(cell.diagnostic, cell.diagnostic)),
        "verdict": wording.spaced(cell.status),
        "effect [low, high]": wording.effect(cell),
        "margin": wording.score(cell.margin),
        "mde": wording.score(cell.mde),
        "model − ref.": wording.ABSENT if pair is None else " − ".join(map(wording.score, pair)),
        "reference": one_line(cell.reference or wording.ABSENT),
        "units": wording.ABSENT if cell.n_units is None else str(cell.n_units),
    }
    return {name: texts[name] for name in names}


def _layout(rows: Sequence[Mapping[str, str]], width: int) -> Layout:
    """Return the gap between columns and their widths; where room is short, words wrap in those that have several."""
    widths = {name: max(cell_len(row[name]) for row in rows) for name in rows[0]}
    gaps = len(widths) - 1
    gap = 2 if _INDENT + sum(widths.values()) + 2 * gaps <= width else 1
    excess = _INDENT + sum(widths.values()) + gap * gaps - width
    for name in ("reference", "verdict", "effect [low, high]"):
        longest = max(cell_len(word) for row in rows for word in row[name].split())
        narrowing = max(0, min(excess, widths[name] - longest))
        widths[name] -= narrowing
        excess -= narrowing
    for _ in range(excess):
        widest = max(widths, key=lambda name: widths[name])
        widths[widest] = max(1, widths[widest] - 1)
    return gap, widths


def _grid(texts: Mapping[str, str], layout: Layout, style: str, verdict: str) -> RenderableType:
    """Return a row of the table of cells; every row has its own grid, so that settings can stand between them."""
    gap, widths = layout
    grid = Table.grid(padding=(0, gap, 0, 0), pad_edge=False)
    for name, width in widths.items():
        grid.add_column(width=width, overflow="fold", justify="right" if name in _NUMBERS else "left")
    styles = {"verdict": verdict}
    grid.add_row(*(Text(text, style=styles.get(name, style)) for name, text in texts.items()))
    return Padding(grid, (0, 0, 0, _INDENT), expand=False)


def _sentence_row(cell: Cell, diagnostic: str, layout: Layout, width: int) -> RenderableType:
    """Return the row of a cell without numbers: its sentence stands in their place."""
    gap, widths = layout
    verdict = wording.spaced(cell.status)
    fits = cell_len(verdict) <= widths["verdict"]
    columns = [widths["diagnostic"], widths["verdict"] if fits else min(cell_len(verdict) + 1, width // 4)]
    grid = Table.grid(padding=(0, gap, 0, 0), pad_edge=False)
    for column in columns:
        grid.add_column(width=column, overflow="fold")
    grid.add_column(width=max(1, width - _INDENT - sum(columns) - 2 * gap), overflow="fold")
    grid.add_row(Text(diagnostic), Text(verdict, style=STYLES[cell.status]), Text(one_line(cell.statement)))
    return Padding(grid, (0, 0, 0, _INDENT), expand=False)


def _setting_line(name: str, setting: Setting | None) -> RenderableType:
    line = Text(one_line(name), overflow="fold")
    if setting is None:
        line.append("  not described", "yellow")
    elif setting.qualification != "discriminating":
        line.append(f"  {wording.spaced(setting.qualification)}", STYLES[setting.qualification])
    return Padding(line, (0, 0, 0, 1), expand=False)


def _settings(settings: Sequence[Setting], width: int) -> Iterator[RenderableType]:
    """Yield the scores of all encoders: a table where it fits, else a run of words for each setting."""
    if not settings:
        return
    yield Text("\nScores, mean over units", style="bold")
    ordered = sorted(settings, key=lambda s: s.id)
    datasets = {s.dataset: [t for t in ordered if t.dataset == s.dataset] for s in ordered}
    table = _score_table(datasets)
    if Console(width=10_000, _environ={}).measure(table).maximum <= width:
        yield table
        if any(s.limit is not None for s in settings):
            yield Text("* cut down by a limit", style="dim")
        return
    for dataset, members in datasets.items():
        yield Text(one_line(dataset), overflow="fold")
        for setting in members:
            yield from _score_lines(setting, width)


def _score_table(datasets: Mapping[str, Sequence[Setting]]) -> Table:
    names = wording.encoders(s for members in datasets.values() for s in members)
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    for title in ("setting", "qualification"):
        table.add_column(title, vertical="top")
    for title in ("samples", "units", "batches", *(one_line(name).replace("-", "-\n") for name in names)):
        table.add_column(Text(title), justify="right")
    for dataset, members in datasets.items():
        table.add_row(Text(one_line(dataset)))
        for s in members:
            means = [wording.score(s.scores[name]["mean"]) if name in s.scores else wording.ABSENT for name in names]
            table.add_row(
                Text(f" {one_line(wording.within(dataset, s.id))}"),
                Text(wording.spaced(s.qualification), style=STYLES[s.qualification]),
                *(str(s.n_samples) + ("" if s.limit is None else "*"), str(s.n_units), str(s.n_batches)),
                *means,
            )
    return table


def _score_lines(setting: Setting, width: int) -> Iterator[RenderableType]:
    name = Text(one_line(wording.within(setting.dataset, setting.id)), overflow="fold")
    qualification = (f"  {wording.spaced(setting.qualification)}", STYLES[setting.qualification])
    rest = Text.assemble(qualification, (f"  {wording.size(setting)}", "dim"), overflow="fold")
    head = [name + rest] if 1 + name.cell_len + rest.cell_len <= width else [name, rest]
    means = [f"{one_line(name)} {wording.score(setting.scores[name]['mean'])}" for name in wording.encoders([setting])]
    scores = [Text(f"  {line}", overflow="fold") for line in lay_out(means, width - 3)]
    for line in (*head, *scores):
        yield Padding(line, (0, 0, 0, 1))


def _remaining_sentences(cells: Iterable[Cell]) -> list[str]:
    """Return the sentences of cells; those without numbers have said theirs in their row."""
    return [wording.sentence(cell) for cell in cells if cell.effect is not None]


def _sentences(title: str, sentences: Sequence[str], style: str) -> Iterator[RenderableType]:
    if not sentences:
        return
    yield Text(f"\n{title}", style="bold")
    grid = Table.grid(padding=(0, 1, 0, 0), pad_edge=False)
    grid.add_column(width=1)
    grid.add_column(overflow="fold")
    for sentence in sentences:
        grid.add_row(Text("-", style=style), Text(one_line(sentence), style=style if style == "dim" else ""))
    yield grid
