"""What is wrong with a dataset folder, in a terminal and as JSON: by file, with each repeated problem once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

from reprcheck.confounds.design import list_names
from reprcheck.errors import Location, UserError
from reprcheck.reporters.console import lines
from reprcheck.reporters.wording import counted, one_line

WIDE = 110
"""From this width on every part has a column; below, where it is stands in one, and what to do under what is wrong."""

_WIDE_COLUMNS = (("file", 3), ("row", 3), ("column", 3), ("problem", 7), ("what to do", 7))
_NARROW_COLUMNS = (("where", 2), ("problem, and what to do", 5))


@dataclass(frozen=True)
class ProblemReport:
    """Problems of a dataset folder, ready to be printed.

    Attributes
    ----------
    folder : str
        As the user wrote it; files are named relative to it.
    problems : sequence of UserError
    """

    folder: str
    problems: Sequence[UserError]

    def lines(self, width: int = 80, color: bool = True) -> list[str]:
        """Return the report's lines, none wider than ``width``; without colour where NO_COLOR is set."""
        return lines(self, width, color)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield the heading and the table."""
        count = f"  {counted(len(self.problems), 'problem')}"
        yield Text.assemble((one_line(self.folder), "bold"), (count, "bold red"), overflow="fold")
        wide = options.max_width >= WIDE
        table = Table(box=None, padding=(0, 2, 0 if wide else 1, 0), pad_edge=False, header_style="dim")
        for name, ratio in _WIDE_COLUMNS if wide else _NARROW_COLUMNS:
            table.add_column(name, overflow="fold", ratio=ratio)
        for group in group_problems(self.problems):
            file, row, column, problem, remedy = self._cells(group)
            if not wide:
                place = Text("  ").join(part for part in (row, column) if part)
                table.add_row(_stack(file, place), _stack(problem, remedy))
            else:
                table.add_row(file, row, column, problem, remedy)
        yield table

    def _cells(self, group: Sequence[UserError]) -> tuple[Text, Text, Text, Text, Text]:
        first, rest = group[0], group[1:]
        place = _place(first)
        row = place.row or ("" if place.column else place.within)
        column = (place.column.removeprefix("column "), place.within if place.column else "")
        problem = Text(one_line(first.what))
        if rest:
            counting, others = _others(rest)
            problem.append(f"\nand {counting}: {list_names(map(self._relative, others))}", "dim")
        return (
            Text(self._relative(place.file)),
            Text(self._relative(row)),
            Text(self._relative(" ".join(column))),
            problem,
            Text(one_line(first.remedy), "green"),
        )

    def _relative(self, place: str) -> str:
        """Return a place on one line, a file named relative to the folder."""
        return one_line(place.removeprefix(f"{self.folder}/"))


def group_problems(problems: Iterable[UserError]) -> list[list[UserError]]:
    """Return problems in order of the first of their kind: what is put right in the same way, in one column or key.

    Images are of a kind, as are the rows of a table; other files are each reported alone.
    """
    groups: dict[tuple[str, ...], list[UserError]] = {}
    for mistake in problems:
        place = _place(mistake)
        if place.row or place.column:
            groups.setdefault((place.file, place.column, place.within, mistake.remedy), []).append(mistake)
        else:
            groups.setdefault(("image", mistake.remedy) if place.within else (str(mistake),), []).append(mistake)
    return list(groups.values())


def _others(rest: Sequence[UserError]) -> tuple[str, list[str]]:
    """Return how many more problems there are of what, and how each is called: by its row, its file, or what it is."""
    places = [_place(mistake) for mistake in rest]
    if all(place.row for place in places):
        return counted(len(rest), "more row"), [place.row for place in places]
    if not any(place.column for place in places):
        return counted(len(rest), "more image"), [place.file for place in places]
    return f"{len(rest)} more", [mistake.what for mistake in rest]


def plain(problem: UserError) -> dict[str, str]:
    """Return a problem as plain values: ``line`` is the message as `reprcheck` gives it anywhere else."""
    place = _place(problem)
    parts = {"file": place.file, "row": place.row, "column": place.column, "within": place.within}
    return {"line": str(problem), **parts, "problem": problem.what, "remedy": problem.remedy}


def _place(problem: UserError) -> Location:
    return problem.where if isinstance(problem.where, Location) else Location(problem.where)


def _stack(*parts: Text) -> Text:
    return Text("\n").join(part for part in parts if part)
