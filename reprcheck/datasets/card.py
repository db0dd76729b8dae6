"""The dataset card: `dataset.toml` as frozen dataclasses.

Parsing is all this module does: every key is checked for its name, its type and its fit with the others, so that the
layers after it meet no surprise. Whether the table holds the columns that the card names is for `assemble`.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, cast

from reprcheck.datasets.cropping import CROP_KEYS, Cropping, parse_cropping
from reprcheck.datasets.problems import attempt, settle
from reprcheck.datasets.reading import AS_STORED, READING_KEYS, Reading, parse_reading
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
    *(*READING_KEYS, "crops", "allow_outside"),
)
_COLUMN_KEYS = ("sample", "image", "frame", "mask", "unit", "batch", "position", "metadata")
_TASK_KEYS = (
    *("kind", "label", "holdout", "where", "exclude", "min_per_class"),
    *("channels", "unit", "aggregate", "control", "replicate", "protocols"),
)
_TILE_KEYS = ("size", "max_white")
KEYS: Mapping[str, tuple[str, ...]] = {
    "": _TOP_KEYS,
    "[columns]": _COLUMN_KEYS,
    "[tiles]": _TILE_KEYS,
    "[crops]": CROP_KEYS,
    "[tasks.NAME]": _TASK_KEYS,
}
"""Every key of a card, by its table."""


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
    metadata : tuple of str
        What else is known of a sample and may give its label away, such as a passage or an operator.
    """

    sample: str
    image: tuple[str, ...] = ()
    frame: str | None = None
    mask: str | None = None
    unit: Units | None = None
    batch: str | None = None
    position: str | None = None
    metadata: tuple[str, ...] = ()


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
    reading : Reading
        What is read of image files.
    crops : Cropping or None
        The table of crops cut from fields, which are then fitted in place of the fields.
    allow_outside : bool
        Whether files may lie outside the folder.
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
    reading: Reading = AS_STORED
    crops: Cropping | None = None
    allow_outside: bool = False
    license: str = ""
    citation: str = ""
    source: str = ""

    def named_columns(self) -> Iterator[tuple[str, str]]:
        """Yield (key of the card, column it names) for every column that tasks and samples need, files aside."""
        for key in ("sample", "unit", "batch", "position", "metadata"):
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
        """Return what the card says about the data as plain values: no name (never an identity), no provenance.

        Nor what the content of each image tells by itself: where its file lies, how it is read and cut. A key that the
        card doesn't use isn't there, so that a key to come changes no digest of today's cards.
        """
        unsaid = ("name", "license", "citation", "source", "reading", "crops", "allow_outside")
        said = asdict(self, dict_factory=lambda items: {key: value for key, value in items if value not in (None, ())})
        return {k: v for k, v in said.items() if k not in unsaid}


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
    attempt(None, _schema, top)
    channels = attempt((), _channels, top)
    fit = attempt("none", top.choice, "fit", FITS, "none")
    columns = attempt(Columns(sample=""), _columns, top, channels)
    return Card(
        name=attempt("", _name, top),
        kind=cast(Kind, attempt("", top.choice, "kind", KINDS)),
        channels=channels,
        columns=columns,
        tasks=attempt((), _tasks, top, channels, columns, protocols),
        value_range=attempt(None, _value_range, top),
        fit=cast(Fit, fit),
        size=attempt(None, _size, top, fit),
        tiles=attempt(None, _tiling, top),
        reading=attempt(AS_STORED, parse_reading, top),
        crops=attempt(None, parse_cropping, top),
        allow_outside=attempt(False, top.boolean, "allow_outside", False),
        license=attempt("", top.text, "license", ""),
        citation=attempt("", top.text, "citation", ""),
        source=attempt("", top.text, "source", ""),
    )


def _schema(top: Section) -> None:
    if (schema := top.integer("schema")) != SCHEMA:
        top.fail("schema", f"{schema} isn't a schema this version reads", f"use schema = {SCHEMA}")


def _name(top: Section) -> str:
    name = top.text("name")
    if any(c in name for c in ":/\\,") or any(c.isspace() for c in name):
        top.fail("name", f"{name!r} holds a blank or one of : / \\ ,", "use letters, digits, - and _")
    return name


def _channels(section: Section, known: tuple[str, ...] = ()) -> tuple[str, ...]:
    channels = section.texts("channels")
    for channel in channels:
        if known and channel not in known:
            section.fail("channels", f"{channel!r} is no channel of the dataset", did_you_mean(channel, known))
    return channels


def _value_range(top: Section) -> tuple[float, float] | None:
    pair = top.pair("value_range", float, "two numbers, [low, high]")
    if pair is not None and not pair[0] < pair[1]:
        top.fail("value_range", f"low {pair[0]:g} is not below high {pair[1]:g}", "write [low, high]")
    return pair


def _size(top: Section, fit: str) -> tuple[int, int] | None:
    size = top.extent("size") if "size" in top.values else None
    if fit != "none" and size is None:
        top.fail("size", f'missing, and fit = "{fit}" needs it', "add size = [height, width]")
    if fit == "none" and size is not None:
        top.fail("size", "has no effect without fit", 'add fit = "pad" (or "resize", "crop"), or remove size')
    return size


def _columns(top: Section, channels: tuple[str, ...]) -> Columns:
    section = top.section("columns", _COLUMN_KEYS)
    image = attempt((), _image, section, channels)
    others = {key: attempt(None, section.optional_text, key) for key in ("frame", "mask", "batch", "position")}
    sample = attempt("", section.text, "sample")
    metadata = attempt((), section.texts, "metadata") if "metadata" in section.values else ()
    unit = attempt(None, _unit, section)
    return Columns(sample=sample, image=image, unit=unit, metadata=metadata, **others)


def _image(section: Section, channels: tuple[str, ...]) -> tuple[str, ...]:
    if not isinstance(section.values.get("image"), list):
        return (section.text("image"),) if "image" in section.values else ()
    image = section.texts("image")
    if channels and len(image) != len(channels):
        section.fail(
            "image",
            f"{len(image)} columns for {len(channels)} channels",
            "name one column per channel, or one column (no list) of files that hold them all",
        )
    return image


def _unit(section: Section) -> Units | None:
    if not isinstance(section.values.get("unit"), list):
        return section.optional_text("unit")
    columns = section.texts("unit")
    return columns if len(columns) > 1 else columns[0]


def _tiling(top: Section) -> Tiling | None:
    if "tiles" not in top.values:
        return None
    section = top.section("tiles", _TILE_KEYS)
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
        attempt(None, _check_task_name, top, name)
        found.append(attempt(None, _task, name, section, channels, columns, protocols))
    return tuple(task for task in found if task is not None)


def _check_task_name(top: Section, name: str) -> None:
    if any(c in name for c in ":/\\,") or not name or any(c.isspace() for c in name):
        top.fail(f"[tasks.{name}]", "the name holds a blank or one of : / \\ ,", "use letters, digits, - and _")


def _task(
    name: str, tasks: Section, channels: tuple[str, ...], columns: Columns, protocols: Mapping[str, str]
) -> TaskCard:
    section = tasks.section(name, _TASK_KEYS, f"[tasks.{name}]")
    kind = attempt(None, _kind, section)
    task = TaskCard(
        name=name,
        kind=kind,
        label=attempt((), _label, section, kind),
        min_per_class=attempt(None, _min_per_class, section, kind),
        exclude=attempt((), _exclude, section),
        holdout=attempt(None, _holdout, section, columns),
        protocols=attempt((), _protocols, section, kind, protocols),
        where=attempt(None, _where, section),
        channels=attempt(None, _channels, section, channels) if "channels" in section.values else None,
        unit=attempt(None, _unit, section),
        aggregate=attempt(None, _aggregate, section),
        control=attempt(None, _control, section),
        replicate=attempt(None, section.optional_text, "replicate"),
    )
    settle()
    return task


def _kind(section: Section) -> Literal["classify", "regress"]:
    if (kind := section.text("kind")) in PLANNED_TASK_KINDS:
        section.fail("kind", f"{kind!r} is not built yet", f"known: {', '.join(TASK_KINDS)}")
    return cast(Literal["classify", "regress"], section.choice("kind", TASK_KINDS))


def _holdout(section: Section, columns: Columns) -> Holdout | None:
    holdout = cast(Holdout, section.choice("holdout", HOLDOUTS)) if "holdout" in section.values else None
    if holdout == "batch" and columns.batch is None:
        section.fail("holdout", "'batch' needs a batch column", "add batch to [columns]")
    return holdout


def _aggregate(section: Section) -> Aggregation | None:
    if "aggregate" not in section.values:
        return None
    return cast(Aggregation, section.choice("aggregate", AGGREGATIONS))


def _exclude(section: Section) -> tuple[Value, ...]:
    if "exclude" not in section.values:
        return ()
    if isinstance(section.values.get("label"), dict):
        section.fail("exclude", "needs a label of one column, not a ratio", "use where, or remove it")
    return section.values_of("exclude", section.values["exclude"])


def _min_per_class(section: Section, kind: str | None) -> int | None:
    if "min_per_class" not in section.values:
        return None
    if kind == "regress":
        section.fail("min_per_class", "a regression has no classes", "remove it")
    return section.integer("min_per_class")


def _label(section: Section, kind: str | None) -> tuple[str, ...]:
    if not isinstance(section.values.get("label"), dict):
        return (section.text("label"),)
    ratio = section.section("label", ("ratio",), f"{section.title} label").values.get("ratio")
    if not isinstance(ratio, list) or len(ratio) != 2 or not all(isinstance(c, str) and c.strip() for c in ratio):
        section.wrong_type("label", '{ ratio = ["numerator column", "denominator column"] }')
    if kind == "classify":
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


def _protocols(section: Section, kind: str | None, known: Mapping[str, str]) -> tuple[str, ...]:
    protocols = section.texts("protocols")
    for protocol in protocols:
        if protocol not in known:
            section.fail("protocols", f"unknown protocol {protocol!r}", did_you_mean(protocol, known))
        if kind and known[protocol] != kind:
            fitting = sorted(p for p, k in known.items() if k == kind)
            section.fail(
                "protocols",
                f"{protocol!r} scores tasks of kind {known[protocol]!r}, and this one is {kind!r}",
                f"known for {kind!r}: {', '.join(fitting) or 'none'}",
            )
    return protocols
