"""The [tasks] tables of a card: the questions to a model, as written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, cast

from reprcheck.datasets.card.columns import Columns, Units, parse_unit
from reprcheck.datasets.card.problems import attempt, settle
from reprcheck.datasets.card.section import Section, Value, id_fault
from reprcheck.errors import did_you_mean
from reprcheck.registry import PROTOCOLS
from reprcheck.types import Aggregation

Holdout = Literal["batch", "unit"]

HOLDOUTS = ("batch", "unit")
TASK_KINDS = ("classify", "regress")
AGGREGATIONS = ("mean", "median")
PLANNED_TASK_KINDS = ("retrieve", "relate")
TASK_KEYS = (
    *("kind", "label", "holdout", "where", "exclude", "min_per_class"),
    *("channels", "unit", "aggregate", "control", "replicate", "test", "protocols"),
)


@dataclass(frozen=True)
class Control:
    """Which samples are controls: those whose ``column`` equals ``equals``."""

    column: str
    equals: Value


@dataclass(frozen=True)
class Split:
    """A fixed split: samples whose ``column`` equals one of ``equals`` are judged, and all others train."""

    column: str
    equals: tuple[Value, ...]


@dataclass(frozen=True)
class TaskCard:
    """A task as written on the card.

    ``label`` has one column, or two for a ratio. With ``aggregate`` the samples of a unit become one. Samples with one
    value of ``replicate`` are repeated measurements of one thing, whose labels should agree. With ``test`` there are no
    folds, and so no ``holdout``. ``replaced`` are protocols written there that others, among ``protocols``, replaced.
    """

    name: str
    kind: Literal["classify", "regress"]
    label: tuple[str, ...]
    protocols: tuple[str, ...]
    holdout: Holdout | None = None
    where: Mapping[str, tuple[Value, ...]] | None = None
    exclude: tuple[Value, ...] = ()
    min_per_class: int | None = None
    channels: tuple[str, ...] | None = None
    unit: Units | None = None
    aggregate: Aggregation | None = None
    control: Control | None = None
    replicate: str | None = None
    test: Split | None = None
    replaced: tuple[str, ...] = ()


def parse_tasks(top: Section, channels: tuple[str, ...], columns: Columns) -> tuple[TaskCard, ...]:
    """Return the tasks of a card with these channels and columns. Raises UserError, here and below, by key."""
    if not isinstance(top.values.get("tasks"), dict) or not top.values["tasks"]:
        top.fail("tasks", "no task", "add one, such as [tasks.NAME]")
    names = tuple(top.values["tasks"])
    section = top.section("tasks", names)
    tasks = []
    for name in names:
        attempt(None, _check_task_name, top, name)
        tasks.append(attempt(None, _parse_task, name, section, channels, columns))
    return tuple(task for task in tasks if task is not None)


def _check_task_name(top: Section, name: str) -> None:
    if why := id_fault(name):
        top.fail(f"[tasks.{name}]", f"the name {why}", "use letters, digits, - and _")


def _parse_task(name: str, tasks: Section, channels: tuple[str, ...], columns: Columns) -> TaskCard:
    section = tasks.section(name, TASK_KEYS, f"[tasks.{name}]")
    kind = attempt(None, _parse_kind, section)
    task = TaskCard(
        name=name,
        kind=kind,
        label=attempt((), _parse_label, section, kind),
        min_per_class=attempt(None, _parse_min_per_class, section, kind),
        exclude=attempt((), _parse_exclude, section),
        holdout=attempt(None, _parse_holdout, section, columns),
        protocols=attempt((), _parse_protocols, section, kind, columns),
        where=attempt(None, _parse_where, section),
        channels=attempt(None, _parse_channels, section, channels) if "channels" in section.values else None,
        unit=attempt(None, parse_unit, section),
        aggregate=attempt(None, _parse_aggregate, section),
        control=attempt(None, _parse_control, section),
        replicate=attempt(None, section.optional_text, "replicate"),
        test=attempt(None, _parse_test, section),
        replaced=attempt((), _parse_replaced, section),
    )
    settle()
    return task


def _parse_channels(section: Section, names: tuple[str, ...]) -> tuple[str, ...]:
    channels = section.texts("channels")
    for channel in channels:
        if names and channel not in names:
            section.fail("channels", f"{channel!r} is no channel of the dataset", did_you_mean(channel, names))
    return channels


def _parse_kind(section: Section) -> Literal["classify", "regress"]:
    if (kind := section.text("kind")) in PLANNED_TASK_KINDS:
        section.fail("kind", f"{kind!r} is not built yet", f"known: {', '.join(TASK_KINDS)}")
    return cast(Literal["classify", "regress"], section.choice("kind", TASK_KINDS))


def _parse_holdout(section: Section, columns: Columns) -> Holdout | None:
    holdout = cast(Holdout, section.choice("holdout", HOLDOUTS)) if "holdout" in section.values else None
    if holdout == "batch" and columns.batch is None:
        section.fail("holdout", "'batch' needs a batch column", "add batch to [columns]")
    return holdout


def _parse_aggregate(section: Section) -> Aggregation | None:
    if "aggregate" not in section.values:
        return None
    return cast(Aggregation, section.choice("aggregate", AGGREGATIONS))


def _parse_exclude(section: Section) -> tuple[Value, ...]:
    if "exclude" not in section.values:
        return ()
    if isinstance(section.values.get("label"), dict):
        section.fail("exclude", "needs a label of one column, not a ratio", "use where, or remove it")
    return section.values_of("exclude", section.values["exclude"])


def _parse_min_per_class(section: Section, kind: str | None) -> int | None:
    if "min_per_class" not in section.values:
        return None
    if kind == "regress":
        section.fail("min_per_class", "a regression has no classes", "remove it")
    return section.integer("min_per_class")


def _parse_label(section: Section, kind: str | None) -> tuple[str, ...]:
    if not isinstance(section.values.get("label"), dict):
        return (section.text("label"),)
    ratio = section.section("label", ("ratio",), f"{section.title} label").values.get("ratio")
    if not isinstance(ratio, list) or len(ratio) != 2 or not all(isinstance(c, str) and c.strip() for c in ratio):
        section.wrong_type("label", '{ ratio = ["numerator column", "denominator column"] }')
    if kind == "classify":
        section.fail("label", "a ratio is not a class", 'use kind = "regress", or a label column')
    return tuple(ratio)


def _parse_where(section: Section) -> Mapping[str, tuple[Value, ...]] | None:
    if "where" not in section.values:
        return None
    if not isinstance(section.values["where"], dict) or not section.values["where"]:
        section.wrong_type("where", '{ column = "value" }')
    return {column: section.values_of(f"where.{column}", v) for column, v in section.values["where"].items()}


def _parse_control(section: Section) -> Control | None:
    if "control" not in section.values:
        return None
    control = section.section("control", ("column", "equals"), f"{section.title} control")
    equals = control.values.get("equals")
    if equals is None:
        control.missing("equals")
    if not isinstance(equals, str | int | float):
        control.wrong_type("equals", "a text or a number")
    return Control(control.text("column"), equals)


def _parse_test(section: Section) -> Split | None:
    if "test" not in section.values:
        return None
    test = section.section("test", ("column", "equals"), f"{section.title} test")
    if "equals" not in test.values:
        test.missing("equals")
    if "holdout" in section.values:
        section.fail("test", "the split is fixed, so no holdout makes folds", "remove test or holdout")
    protocols = section.values.get("protocols")
    for protocol in protocols if isinstance(protocols, list) else ():
        if protocol in PROTOCOLS.names() and not PROTOCOLS.get(protocol, section.place("protocols")).trains:
            what = f"{protocol!r} trains nothing, so that there is nothing to split"
            section.fail("test", what, "remove test, or ask by it in a task of its own")
    return Split(test.text("column"), test.values_of("equals", test.values["equals"]))


def _parse_replaced(section: Section) -> tuple[str, ...]:
    return tuple(name for name in section.texts("protocols") if name in PROTOCOLS.replaced)


def _parse_protocols(section: Section, kind: str | None, columns: Columns) -> tuple[str, ...]:
    protocols = tuple(dict.fromkeys(map(PROTOCOLS.renew, section.texts("protocols"))))
    for name in protocols:
        if name not in PROTOCOLS.names():
            section.fail("protocols", f"unknown protocol {name!r}", did_you_mean(name, PROTOCOLS.names()))
        protocol = PROTOCOLS.get(name, section.place("protocols"))
        if kind and kind not in protocol.kinds:
            fitting = sorted(other for other, candidate in PROTOCOLS.things() if kind in candidate.kinds)
            section.fail(
                "protocols",
                f"{name!r} scores tasks of kind {' and '.join(map(repr, protocol.kinds))}, and this one is {kind!r}",
                f"known for {kind!r}: {', '.join(fitting) or 'none'}",
            )
        if "batch" in protocol.needs and columns.batch is None:
            section.fail("protocols", f"{name!r} needs a batch column", "add batch to [columns]")
        if "control" in protocol.needs and "control" not in section.values:
            remedy = 'add control = { column = "COLUMN", equals = VALUE }'
            section.fail("protocols", f"{name!r} needs controls", remedy)
    return protocols
