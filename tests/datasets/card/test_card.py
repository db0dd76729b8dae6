"""The card: every key honoured, every mistake told in one line."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reprcheck.datasets.card.card import Tiling, parse
from reprcheck.datasets.card.columns import Columns
from reprcheck.datasets.card.tasks import Control, Split
from reprcheck.errors import UserError
from tests.minisets import card_text

SHARED = Path(__file__).resolve().parents[3] / "../shared/data"

TASK: dict[str, Any] = {"kind": "classify", "label": "state", "protocols": ["probe/2"]}
DOSE: dict[str, Any] = {"kind": "regress", "label": "dose", "protocols": ["ridge/1"]}


def a_card(**changes: Any) -> dict[str, Any]:
    card: dict[str, Any] = {
        "schema": 1,
        "name": "mini",
        "kind": "culture",
        "channels": ["DNA", "actin"],
        "columns": {"sample": "id", "image": "path"},
        "tasks": {"state": TASK},
    }
    return card | changes


def task(**changes: Any) -> dict[str, Any]:
    return {"tasks": {"state": TASK | changes}}


def columns(**changes: Any) -> dict[str, Any]:
    return {"columns": {"sample": "id", "image": "path"} | changes}


TYPED = columns(mask="m", types="t")


def test_every_key_is_honoured() -> None:
    card = parse(
        card_text(
            a_card(
                value_range=[0, 4095],
                clip=True,
                cell_types=["tumour", "T cell"],
                fit="pad",
                size=[32, 48],
                license="CC0",
                citation="who",
                source="where",
                columns={
                    "sample": "id",
                    "image": ["dna", "actin"],
                    "frame": "index",
                    "mask": "nuclei",
                    "types": "kinds",
                    "unit": "well",
                    "batch": "plate",
                    "position": "place",
                },
                tiles={"size": 256, "max_white": 0.8},
                tasks={
                    "state": TASK
                    | {
                        "holdout": "batch",
                        "where": {"line": "U2OS", "dose": [0, 1.5]},
                        "exclude": ["dead"],
                        "min_per_class": 8,
                        "channels": ["actin"],
                        "unit": "patient",
                        "aggregate": "median",
                        "control": {"column": "dose", "equals": 0.0},
                        "replicate": "biopsy",
                    },
                    "fixed": TASK | {"test": {"column": "part", "equals": ["test", 2]}, "protocols": ["knn/1"]},
                    "share": DOSE
                    | {"label": {"ratio": ["immune", "all"]}, "control": {"column": "dose", "equals": 0}}
                    | {"protocols": ["dose-response/1"]},
                },
            )
        ),
        "dataset.toml",
    )
    assert (card.value_range, card.clip, card.fit, card.size) == ((0.0, 4095.0), True, "pad", (32, 48))
    assert (card.license, card.citation, card.source) == ("CC0", "who", "where")
    assert card.columns == Columns("id", ("dna", "actin"), "index", "nuclei", "well", "plate", "place", types="kinds")
    assert card.cell_types == ("tumour", "T cell")
    assert card.tiles == Tiling(256, 0.8)
    state, fixed, share = card.tasks
    assert (state.test, fixed.test) == (None, Split("part", ("test", 2)))
    assert (state.holdout, state.exclude, state.min_per_class, state.unit) == ("batch", ("dead",), 8, "patient")
    assert (state.aggregate, share.aggregate) == ("median", None)
    assert state.where == {"line": ("U2OS",), "dose": (0, 1.5)}
    assert state.channels == ("actin",)
    assert state.control == Control("dose", 0.0)
    assert (state.replicate, share.replicate) == ("biopsy", None)
    assert share.label == ("immune", "all")
    assert share.protocols == ("dose-response/1",)


def test_a_range_without_end_is_none() -> None:
    for value in ("[0, inf]", "[-inf, inf]", "[nan, 1]"):
        text = card_text(a_card(value_range=[0, 1])).replace("value_range = [0, 1]", f"value_range = {value}")
        with pytest.raises(UserError) as caught:
            parse(text, "d.toml")
        assert str(caught.value).endswith("is not finite; write two numbers, [low, high]")


def test_defaults() -> None:
    card = parse(card_text(a_card()), "dataset.toml")
    assert (card.value_range, card.fit, card.size, card.tiles, card.license) == (None, "none", None, None, "")
    assert card.tasks[0].holdout is None
    assert card.tasks[0].where is None


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"schema": 2}, "d.toml schema: 2 isn't a schema this version reads; use schema = 1"),
        ({"schema": "1"}, "d.toml schema: '1' is not a whole number of at least 1; write a whole number of at least 1"),
        ({"schema": None}, "d.toml schema: missing; add schema to the card"),
        ({"name": None}, "d.toml name: missing; add name to the card"),
        ({"name": "a:b"}, "d.toml name: 'a:b' holds a blank or one of : / \\ ,; use letters, digits, - and _"),
        ({"name": 3}, "d.toml name: 3 is not a text in quotes; write a text in quotes"),
        ({"kind": "cell"}, "d.toml kind: 'cell' is unknown; known: culture, natural, tissue"),
        ({"kind": "tisue"}, "d.toml kind: 'tisue' is unknown; did you mean tissue?"),
        ({"chanels": ["a"]}, "d.toml chanels: unknown key; did you mean channels?"),
        ({"channels": "DNA"}, "d.toml channels: 'DNA' is not a list of texts; write a list of texts"),
        ({"channels": []}, "d.toml channels: [] is not a list of texts; write a list of texts"),
        ({"channels": ["a", "a"]}, "d.toml channels: names one thing twice; name each once"),
        (
            {"value_range": [0]},
            "d.toml value_range: [0] is not two numbers, [low, high]; write two numbers, [low, high]",
        ),
        ({"value_range": [5, 5]}, "d.toml value_range: low 5 is not below high 5; write [low, high]"),
        ({"value_range": [255, 0]}, "d.toml value_range: low 255 is not below high 0; write [low, high]"),
        ({"clip": 1, "value_range": [0, 9]}, "d.toml clip: 1 is not true or false; write true or false"),
        (
            {"clip": True},
            "d.toml clip: has no effect without value_range; add value_range = [low, high], or remove clip",
        ),
        ({"fit": "stretch"}, "d.toml fit: 'stretch' is unknown; known: crop, none, pad, resize"),
        ({"fit": "pad"}, 'd.toml size: missing, and fit = "pad" needs it; add size = [height, width]'),
        (
            {"size": [8, 8]},
            'd.toml size: has no effect without fit; add fit = "pad" (or "resize", "crop"), or remove size',
        ),
        (
            {"fit": "pad", "size": [8.0, 8]},
            "d.toml size: [8.0, 8] is not two whole numbers, [height, width]; write two whole numbers, [height, width]",
        ),
        (
            {"fit": "pad", "size": [0, 8]},
            "d.toml size: [0, 8] is not two positive whole numbers, [height, width]; "
            "write two positive whole numbers, [height, width]",
        ),
        ({"columns": None}, "d.toml columns: missing; add columns to the card"),
        ({"columns": {"image": "p"}}, "d.toml [columns] sample: missing; add sample to the card"),
        (
            columns(well="w"),
            "d.toml [columns] well: unknown key; "
            "known: batch, distinct, folders, frame, ignored, image, mask, metadata, position, sample, types, unit",
        ),
        (
            columns(types="t") | {"cell_types": ["a"]},
            "d.toml [columns] types: has no effect without mask; add mask: label images of the same cells",
        ),
        (
            columns(types="t", mask="m"),
            "d.toml cell_types: missing, and [columns] types needs it; name the types of values 1, 2 and so on",
        ),
        (
            {"cell_types": ["a"]},
            'd.toml cell_types: has no effect without types; add types = "COLUMN" to [columns], or remove cell_types',
        ),
        (TYPED | {"cell_types": "a"}, "d.toml cell_types: 'a' is not a list of texts; write a list of texts"),
        (TYPED | {"cell_types": ["a", "a"]}, "d.toml cell_types: names one thing twice; name each once"),
        (
            TYPED | {"cell_types": ["T cell", "tumour", "t-cell"]},
            "d.toml cell_types: 'T cell' and 't-cell' are one name in several spellings; name each type once",
        ),
        (
            TYPED | {"cell_types": [f"t{i}" for i in range(21)]},
            "d.toml cell_types: 21 types, and 20 are the most; join types that are alike",
        ),
        (TYPED | {"cell_types": ["T:helper"]}, "d.toml cell_types: 'T:helper' holds a :; leave it out"),
        (columns(unitt="w"), "d.toml [columns] unitt: unknown key; did you mean unit?"),
        (columns(unit=[]), "d.toml [columns] unit: [] is not a list of texts; write a list of texts"),
        (columns(unit=["w", "w"]), "d.toml [columns] unit: names one thing twice; name each once"),
        (task(unit=["w", 3]), "d.toml [tasks.state] unit: ['w', 3] is not a list of texts; write a list of texts"),
        (columns(unit=3), "d.toml [columns] unit: 3 is not a text in quotes; write a text in quotes"),
        (
            columns(image=["a", "b", "c"]),
            "d.toml [columns] image: 3 columns for 2 channels; "
            "name one column per channel, or one column (no list) of files that hold them all",
        ),
        ({"tiles": {"max_white": 0.5}}, "d.toml [tiles] size: missing; add size to the card"),
        (
            {"tiles": {"size": 8, "max_white": 80}},
            "d.toml [tiles] max_white: 80 is not a share between 0 and 1; write a share between 0 and 1",
        ),
        ({"tasks": None}, "d.toml tasks: no task; add one, such as [tasks.NAME]"),
        ({"tasks": {}}, "d.toml tasks: no task; add one, such as [tasks.NAME]"),
        (
            {"tasks": {"a b": TASK}},
            "d.toml [tasks.a b]: the name holds a blank or one of : / \\ ,; use letters, digits, - and _",
        ),
        (task(kind="retrieve"), "d.toml [tasks.state] kind: 'retrieve' is not built yet; known: classify, regress"),
        (task(kind="relate"), "d.toml [tasks.state] kind: 'relate' is not built yet; known: classify, regress"),
        (task(kind="clasify"), "d.toml [tasks.state] kind: 'clasify' is unknown; did you mean classify?"),
        (task(labels="x"), "d.toml [tasks.state] labels: unknown key; did you mean label?"),
        (task(label=None), "d.toml [tasks.state] label: missing; add label to the card"),
        (
            task(label={"ratio": ["a", "b"]}),
            'd.toml [tasks.state] label: a ratio is not a class; use kind = "regress", or a label column',
        ),
        (task(label={"share": ["a", "b"]}), "d.toml [tasks.state] label share: unknown key; known: ratio"),
        (
            task(protocols=["prob/1"]),
            "d.toml [tasks.state] protocols: unknown protocol 'prob/1'; did you mean probe/2?",
        ),
        (
            task(protocols=["xyz"]),
            "d.toml [tasks.state] protocols: unknown protocol 'xyz'; known: dose-response/1, knn/1, nsc/1, nscb/1, "
            "probe/2, ridge/1",
        ),
        (
            task(protocols=["ridge/1"]),
            "d.toml [tasks.state] protocols: 'ridge/1' scores tasks of kind 'regress', and this one is 'classify'; "
            "known for 'classify': knn/1, nsc/1, nscb/1, probe/2",
        ),
        (task(protocols=None), "d.toml [tasks.state] protocols: missing; add protocols to the card"),
        (task(holdout="batch"), "d.toml [tasks.state] holdout: 'batch' needs a batch column; add batch to [columns]"),
        (task(holdout="plate"), "d.toml [tasks.state] holdout: 'plate' is unknown; known: batch, unit"),
        (
            task(where="x"),
            'd.toml [tasks.state] where: \'x\' is not { column = "value" }; write { column = "value" }',
        ),
        (
            task(where={"x": []}),
            "d.toml [tasks.state] where.x: [] is not a text, a number or a list of these; "
            "write a text, a number or a list",
        ),
        (
            task(min_per_class=0),
            "d.toml [tasks.state] min_per_class: 0 is not a whole number of at least 1; "
            "write a whole number of at least 1",
        ),
        (
            task(channels=["DAN"]),
            "d.toml [tasks.state] channels: 'DAN' is no channel of the dataset; did you mean DNA?",
        ),
        (
            task(protocols=["nsc/1", "nscb/1"]),
            "d.toml [tasks.state] protocols: 'nscb/1' needs a batch column; add batch to [columns]",
        ),
        (
            task(kind="regress", protocols=["dose-response/1"]),
            "d.toml [tasks.state] protocols: 'dose-response/1' needs controls; "
            'add control = { column = "COLUMN", equals = VALUE }',
        ),
        (task(test={"column": "part"}), "d.toml [tasks.state] test equals: missing; add equals to the card"),
        (task(test={"equals": "test"}), "d.toml [tasks.state] test column: missing; add column to the card"),
        (task(test="test"), "d.toml [tasks.state] test: 'test' is not a table; write a table"),
        (
            task(test={"column": "part", "equals": "test"}, holdout="unit"),
            "d.toml [tasks.state] test: the split is fixed, so no holdout makes folds; remove test or holdout",
        ),
        (
            task(test={"column": "part", "equals": "test"}, protocols=["knn/1", "nsc/1"]),
            "d.toml [tasks.state] test: 'nsc/1' trains nothing, so that there is nothing to split; "
            "remove test, or ask by it in a task of its own",
        ),
        (task(control={"column": "dose"}), "d.toml [tasks.state] control equals: missing; add equals to the card"),
        (task(control={"equals": 0}), "d.toml [tasks.state] control column: missing; add column to the card"),
        (
            {"tasks": {"dose": DOSE | {"min_per_class": 2}}},
            "d.toml [tasks.dose] min_per_class: a regression has no classes; remove it",
        ),
        (
            {"tasks": {"dose": DOSE | {"label": {"ratio": ["a", "b"]}, "exclude": [1]}}},
            "d.toml [tasks.dose] exclude: needs a label of one column, not a ratio; use where, or remove it",
        ),
    ],
)
def test_a_mistake_is_one_clear_line(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError) as caught:
        parse(card_text(a_card(**changes)), "d.toml")
    assert str(caught.value) == message


def test_units_may_be_nested() -> None:
    changes = columns(unit=["well", "donor"]) | task(unit=["field", "slide", "patient"])
    card = parse(card_text(a_card(**changes)), "d.toml")
    assert card.columns.unit == ("well", "donor")
    assert card.tasks[0].unit == ("field", "slide", "patient")
    named = list(card.named_columns())
    assert ("[columns] unit", "donor") in named
    assert ("[tasks.state] unit", "slide") in named
    assert parse(card_text(a_card(**columns(unit=["well"]))), "d.toml").columns.unit == "well"


def test_broken_toml_names_the_line() -> None:
    with pytest.raises(UserError, match=r"^d.toml: isn't valid TOML \(.*line 2.*\); put the line right$"):
        parse("schema = 1\nname = \n", "d.toml")


def test_plain_values_hold_neither_name_nor_provenance() -> None:
    one = parse(card_text(a_card(license="CC0", citation="x", source="y")), "d.toml")
    other = parse(card_text(a_card(name="other")), "d.toml")
    assert one.plain() == other.plain()


@settings(deadline=None)
@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=5), lambda x: st.lists(x, max_size=3)))
def test_any_value_under_any_key_is_read_or_refused(value: Any) -> None:
    for key in ("schema", "name", "kind", "channels", "value_range", "fit", "size", "columns", "tiles", "tasks"):
        with suppress(UserError):  # any other exception is a mistake of ours
            parse(card_text(a_card(**{key: value})), "d.toml")


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared datasets are not beside this checkout")
def test_all_shared_cards_parse() -> None:
    cards = sorted(SHARED.glob("*/dataset.toml"))
    assert cards
    for path in cards:
        assert parse(path.read_text(encoding="utf-8"), str(path)).name == path.parent.name


def test_a_replaced_protocol_is_read_as_the_one_in_its_place() -> None:
    card = parse(card_text(a_card(**task(protocols=["probe/1", "knn/1", "probe/2"]))), "d.toml")
    assert card.tasks[0].protocols == ("probe/2", "knn/1")
    assert card.tasks[0].replaced == ("probe/1",)
