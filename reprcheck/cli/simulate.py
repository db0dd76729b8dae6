"""``reprcheck data causality``: what each cause of the simulators touches, and whether it was meant to."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from reprcheck.errors import UserError
from reprcheck.exits import Exit
from reprcheck.spelling import whole_number

if TYPE_CHECKING:
    from reprcheck.studies.causality import CauseEffect

LEGEND = (
    "Each cause was changed alone, in the same fields. Shown: the surest effect in a",
    "family, in standard deviations between fields; 0: none at all. Meant: + seen,",
    "? not seen (try more --fields). Allowed: ~ seen. Forbidden, and certain: !",
)


def add_causality(commands: Any) -> None:
    """Add ``causality``: does each cause of a simulator touch what it should, and nothing else?"""
    command = commands.add_parser(
        "causality",
        help="what each simulated cause touches",
        description="Change each cause of the simulators alone, and show which families of features move with it: "
        "those of the intensity and the structure baseline, and what only the simulators can see.",
        epilog="Exit status: 0, or 1 where a cause touches what it must not; 4 for a mistake in what was asked.",
    )
    command.add_argument("simulator", nargs="*", metavar="SIMULATOR", help="sim-culture or sim-tissue (default: both)")
    command.add_argument(
        "--fields", type=whole_number, default=48, metavar="N", help="fields to look at (default: %(default)s)"
    )
    command.set_defaults(run=run_causality)


def run_causality(options: argparse.Namespace) -> int:
    """Measure and print the table of every simulator asked for.

    Raises
    ------
    UserError
        For a simulator that there isn't, or too few fields.
    """
    from reprcheck.cli.shell import show
    from reprcheck.datasets.simulate import Culture, Tissue
    from reprcheck.errors import did_you_mean
    from reprcheck.progress import bar
    from reprcheck.studies.causality import causality

    known = {kind.name: kind for kind in (Culture, Tissue)}
    for name in options.simulator:
        if name not in known:
            raise UserError(f"data causality {name}", "no such simulator", did_you_mean(name, known))
    status = Exit.FINE
    for name in dict.fromkeys(options.simulator or known):
        with bar(options.fields, name) as advance:
            effects = causality(known[name](), options.fields, advance)
        show([*table(name, effects), ""])
        if any(touch.forbidden for touch in effects):
            status = Exit.BLOCKED
    show(LEGEND)
    return status


def table(simulator: str, effects: Sequence[CauseEffect]) -> Iterator[str]:
    """Yield the lines of a table, causes by families, and a sentence for each touch that is forbidden."""
    families = list(dict.fromkeys(touch.family for touch in effects))
    widths = {family: max(len(family), 5) + 1 for family in families}
    yield f"{simulator:12}" + "".join(family.rjust(widths[family]) for family in families)
    for cause in dict.fromkeys(touch.cause for touch in effects):
        marks = [mark(touch).rjust(widths[touch.family]) for touch in effects if touch.cause == cause]
        yield f"{cause:12}{''.join(marks)}".rstrip()
    for touch in effects:
        if touch.forbidden:
            yield f"{touch.cause} must not touch {touch.family}: {touch.feature} by {touch.effect:.2f}"


def mark(touch: CauseEffect) -> str:
    """Return an effect and what to think of it.

    Examples
    --------
    >>> from reprcheck.studies.causality import CauseEffect
    >>> mark(CauseEffect("texture", "texture", "changes", 2.44, 2.03, "band0"))
    '2.44+'
    """
    sign = {"changes": "+" if touch.seen else "?", "may": "~" if touch.seen else " ", "never": " "}[touch.relation]
    number = f"{touch.effect:.2f}" if touch.feature else "0   "
    return f"{number}{'!' if touch.forbidden else sign}"
