"""The dataset card: `dataset.toml` as frozen dataclasses.

Parsing is all this module does: every key is checked for its name, its type and its fit with the others, so that the
layers after it meet no surprise. Whether the table holds the columns that the card names is for `assemble`.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, cast

from reprcheck.datasets.section import Section, Value
from reprcheck.errors import UserError, did_you_mean
from reprcheck.types import Aggregation, Kind

Units = str | tuple[str, ...]
"""One column, or nested columns, innermost first: the last is resampled and never split by folds."""
Fit = Literal["none", "pad", "resize", "crop"]
Holdout = Literal["batch", "unit"]

KNOWN_PROTOCOLS: Mapping[str, str] = {
    "probe/1": "classify",
    "knn/1": "classify",
    "ridge/1": "regress",
    "dose-response/1": "regress",
}
"""Protocol id to the kind of task it scores."""

SCHEMA = 1
KINDS = ("culture", "tissue", "natural")
FITS = ("none", "pad", "resize", "crop")
HOLDOUTS = ("batch", "unit")
TASK_KINDS = ("classify", "regress")
AGGREGATIONS = ("mean", "median")
PLANNED_TASK_KINDS = ("retrieve", "relate")
_TOP_KEYS = (
    *("schema", "name", "kind", "channels", "value_range", "fit", "size"),
    *("license", "citation", "source", "columns", "tiles", "tasks"),
)
_COLUMN_KEYS = ("sample", "image", "frame", "mask", "unit", "batch", "position")
_TASK_KEYS = (
    *("kind", "label", "holdout", "where", "exclude", "min_per_class"),
    *("channels", "unit", "aggregate", "control", "replicate", "protocols"),
)


@dataclass(frozen=True)
class Columns:
    """The columns of the sample table that the card names.

    Attributes
    ----------
    sample : str
    image : tuple of str
        One column: one file that holds all channels. Several: one file per channel, in order of ``Card.channels``.
        Empty where the images don't come from files.
    frame, mask, batch, position : str or None
    unit : str, tuple of str, or None
        Nested units, innermost first, where there are several.
    """

    sample: str
    image: tuple[str, ...] = ()
    frame: str | None = None
    mask: str | None = None
    unit: Units | None = None
    batch: str | None = None
    position: str | None = None


@dataclass(frozen=True)
class Tiling:
    """How fields are cut: tiles of ``size`` x ``size`` pixels, dropped above a share ``max_white`` of near-white."""

    size: int
    max_white: float | None = None


@dataclass(frozen=True)
class Control:
    """Which samples are controls: those whose ``column`` equals ``equals``."""

    column: str
    equals: Value


@dataclass(frozen=True)
class TaskCard:
    """A task as written on the card.

    ``label`` has one column, or two for a ratio. With ``aggregate`` the samples of a unit become one. Samples with one
    value of ``replicate`` are repeated measurements of one thing, whose labels should agree.
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


@dataclass(frozen=True)
class Card:
    """A parsed `dataset.toml`.

    Attributes
    ----------
    value_range : (float, float) or None
        Stored values that become 0 and 1; None: the range of the dtype.
    fit, size : str, (int, int) or None
        How images of several sizes become one, in (height, width) pixels.
    """

    name: str
    kind: Kind
    channels: tuple[str, ...]
    columns: Columns
    tasks: tuple[TaskCard, ...]
    value_range: tuple[float, float] | None = None
    fit: Fit = "none"
    size: tuple[int, int] | None = None
    tiles: Tiling | None = None
    license: str = ""
    citation: str = ""
    source: str = ""

    def named_columns(self) -> Iterator[tuple[str, str]]:
        """Yield (key of the card, column it names) for every column that tasks and samples need, files aside."""
        for key in ("sample", "unit", "batch", "position"):
            for column in nested(getattr(self.columns, key)):
                yield f"[columns] {key}", column
        for task in self.tasks:
            at = f"[tasks.{task.name}]"
            for column in task.label:
                yield f"{at} label", column
            for column in task.where or ():
                yield f"{at} where", column
            for column in nested(task.unit):
                yield f"{at} unit", column
            if task.control:
                yield f"{at} control", task.control.column
            if task.replicate:
                yield f"{at} replicate", task.replicate

    def plain(self) -> dict[str, Any]:
        """Return what the card says about the data as plain values: no name (never an identity), no provenance."""
        return {k: v for k, v in asdict(self).items() if k not in ("name", "license", "citation", "source")}


def nested(unit: Units | None) -> tuple[str, ...]:
    """Return the columns of a unit, innermost first; none for None."""
    if unit is None:
        return ()
    return (unit,) if isinstance(unit, str) else unit


def parse(text: str, where: str, protocols: Mapping[str, str] = KNOWN_PROTOCOLS) -> Card:
    """Parse the text of a `dataset.toml`.

    A ``unit``, of [columns] or of a task, is a column or a list of nested columns, innermost first: with
    ``unit = ["well", "donor"]`` donors are resampled and never split by folds, and each well must lie in one donor.

    Parameters
    ----------
    text : str
        TOML.
    where : str
        The file, as the user would write it; opens every error message.
    protocols : mapping of str to str
        Known protocol ids and the kind of task each scores.

    Returns
    -------
    Card

    Raises
    ------
    UserError
        For TOML that can't be read, a key that is unknown, missing or of the wrong type, or keys at odds.

    Examples
    --------
    >>> card = parse('''
    ... schema = 1
    ... name = "toy"
    ... kind = "culture"
    ... channels = ["DNA"]
    ... columns = { sample = "id", image = "path" }
    ... tasks.state = { kind = "classify", label = "state", protocols = ["knn/1"] }
    ... ''', "toy/dataset.toml")
    >>> card.tasks[0].label
    ('state',)
    """
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UserError(where, f"isn't valid TOML ({error})", "put the line right") from None
    return of(raw, where, protocols)


def of(raw: Mapping[str, Any], where: str, protocols: Mapping[str, str] = KNOWN_PROTOCOLS) -> Card:
    """Return the card that plain values, as `parse` finds them in TOML, make. Raises UserError as `parse` does."""
    top = Section(raw, where, "", _TOP_KEYS)
    if (schema := top.integer("schema")) != SCHEMA:
        top.fail("schema", f"{schema} isn't a schema this version reads", f"use schema = {SCHEMA}")
    channels = _channels(top)
    fit = cast(Fit, top.choice("fit", FITS, "none"))
    columns = _columns(top.section("columns", _COLUMN_KEYS), channels)
    return Card(
        name=_name(top),
        kind=cast(Kind, top.choice("kind", KINDS)),
        channels=channels,
        columns=columns,
        tasks=_tasks(top, channels, columns, protocols),
        value_range=_value_range(top),
        fit=fit,
        size=_size(top, fit),
        tiles=_tiling(top),
        license=top.text("license", ""),
        citation=top.text("citation", ""),
        source=top.text("source", ""),
    )


def _name(top: Section) -> str:
    name = top.text("name")
    if any(c in name for c in ":/\\,") or any(c.isspace() for c in name):
        top.fail("name", f"{name!r} holds a blank or one of : / \\ ,", "use letters, digits, - and _")
    return name


def _channels(section: Section, known: tuple[str, ...] | None = None) -> tuple[str, ...]:
    channels = section.texts("channels")
    for channel in channels:
        if known is not None and channel not in known:
            section.fail("channels", f"{channel!r} is no channel of the dataset", did_you_mean(channel, known))
    return channels


def _value_range(top: Section) -> tuple[float, float] | None:
    pair = top.pair("value_range", float, "two numbers, [low, high]")
    if pair is not None and not pair[0] < pair[1]:
        top.fail("value_range", f"low {pair[0]:g} is not below high {pair[1]:g}", "write [low, high]")
    return pair


def _size(top: Section, fit: Fit) -> tuple[int, int] | None:
    size = top.pair("size", int, "two whole numbers, [height, width]")
    if size is not None and min(size) < 1:
        top.wrong_type("size", "two positive whole numbers, [height, width]")
    if fit != "none" and size is None:
        top.fail("size", f'missing, and fit = "{fit}" needs it', "add size = [height, width]")
    if fit == "none" and size is not None:
        top.fail("size", "has no effect without fit", 'add fit = "pad" (or "resize", "crop"), or remove size')
    return size


def _columns(section: Section, channels: tuple[str, ...]) -> Columns:
    image: tuple[str, ...] = ()
    if isinstance(section.values.get("image"), list):
        image = section.texts("image")
        if len(image) != len(channels):
            section.fail(
                "image",
                f"{len(image)} columns for {len(channels)} channels",
                "name one column per channel, or one column (no list) of files that hold them all",
            )
    elif "image" in section.values:
        image = (section.text("image"),)
    others = {key: section.optional_text(key) for key in _COLUMN_KEYS if key not in ("sample", "image", "unit")}
    return Columns(sample=section.text("sample"), image=image, unit=_unit(section), **others)


def _unit(section: Section) -> Units | None:
    if not isinstance(section.values.get("unit"), list):
        return section.optional_text("unit")
    columns = section.texts("unit")
    return columns if len(columns) > 1 else columns[0]


def _tiling(top: Section) -> Tiling | None:
    if "tiles" not in top.values:
        return None
    section = top.section("tiles", ("size", "max_white"))
    max_white = section.values.get("max_white")
    if max_white is not None and (
        not isinstance(max_white, int | float) or isinstance(max_white, bool) or not 0 <= max_white <= 1
    ):
        section.wrong_type("max_white", "a share between 0 and 1")
    return Tiling(section.integer("size"), None if max_white is None else float(max_white))


def _tasks(
    top: Section, channels: tuple[str, ...], columns: Columns, protocols: Mapping[str, str]
) -> tuple[TaskCard, ...]:
    if not isinstance(top.values.get("tasks"), dict) or not top.values["tasks"]:
        top.fail("tasks", "no task", "add one, such as [tasks.NAME]")
    names = tuple(top.values["tasks"])
    section = top.section("tasks", names)
    found = []
    for name in names:
        if any(c in name for c in ":/\\,") or not name or any(c.isspace() for c in name):
            top.fail(f"[tasks.{name}]", "the name holds a blank or one of : / \\ ,", "use letters, digits, - and _")
        found.append(_task(name, section.section(name, _TASK_KEYS, f"[tasks.{name}]"), channels, columns, protocols))
    return tuple(found)


def _task(
    name: str, section: Section, channels: tuple[str, ...], columns: Columns, protocols: Mapping[str, str]
) -> TaskCard:
    kind = section.text("kind")
    if kind in PLANNED_TASK_KINDS:
        section.fail("kind", f"{kind!r} is not built yet", f"known: {', '.join(TASK_KINDS)}")
    kind = cast(Literal["classify", "regress"], section.choice("kind", TASK_KINDS))
    label = _label(section, kind)
    if kind == "regress" and "min_per_class" in section.values:
        section.fail("min_per_class", "a regression has no classes", "remove it")
    if len(label) > 1 and "exclude" in section.values:
        section.fail("exclude", "needs a label of one column, not a ratio", "use where, or remove it")
    holdout = cast(Holdout, section.choice("holdout", HOLDOUTS)) if "holdout" in section.values else None
    if holdout == "batch" and columns.batch is None:
        section.fail("holdout", "'batch' needs a batch column", "add batch to [columns]")
    return TaskCard(
        name=name,
        kind=kind,
        label=label,
        protocols=_protocols(section, kind, protocols),
        holdout=holdout,
        where=_where(section),
        exclude=section.values_of("exclude", section.values["exclude"]) if "exclude" in section.values else (),
        min_per_class=section.integer("min_per_class") if "min_per_class" in section.values else None,
        channels=_channels(section, channels) if "channels" in section.values else None,
        unit=_unit(section),
        aggregate=cast(Aggregation, section.choice("aggregate", AGGREGATIONS))
        if "aggregate" in section.values
        else None,
        control=_control(section),
        replicate=section.text("replicate") if "replicate" in section.values else None,
    )


def _label(section: Section, kind: str) -> tuple[str, ...]:
    if not isinstance(section.values.get("label"), dict):
        return (section.text("label"),)
    ratio = section.section("label", ("ratio",), f"{section.title} label").values.get("ratio")
    if not isinstance(ratio, list) or len(ratio) != 2 or not all(isinstance(c, str) and c.strip() for c in ratio):
        section.wrong_type("label", '{ ratio = ["numerator column", "denominator column"] }')
    if kind != "regress":
        section.fail("label", "a ratio is not a class", 'use kind = "regress", or a label column')
    return tuple(ratio)


def _where(section: Section) -> Mapping[str, tuple[Value, ...]] | None:
    if "where" not in section.values:
        return None
    if not isinstance(section.values["where"], dict) or not section.values["where"]:
        section.wrong_type("where", '{ column = "value" }')
    return {column: section.values_of(f"where.{column}", v) for column, v in section.values["where"].items()}


def _control(section: Section) -> Control | None:
    if "control" not in section.values:
        return None
    control = section.section("control", ("column", "equals"), f"{section.title} control")
    equals = control.values.get("equals")
    if equals is None:
        control.missing("equals")
    if not isinstance(equals, str | int | float):
        control.wrong_type("equals", "a text or a number")
    return Control(control.text("column"), equals)


def _protocols(section: Section, kind: str, known: Mapping[str, str]) -> tuple[str, ...]:
    protocols = section.texts("protocols")
    for protocol in protocols:
        if protocol not in known:
            section.fail("protocols", f"unknown protocol {protocol!r}", did_you_mean(protocol, known))
        if known[protocol] != kind:
            fitting = sorted(p for p, k in known.items() if k == kind)
            section.fail(
                "protocols",
                f"{protocol!r} scores tasks of kind {known[protocol]!r}, and this one is {kind!r}",
                f"known for {kind!r}: {', '.join(fitting) or 'none'}",
            )
    return protocols
