"""The scorecard's JSON: round trips, sorting, rounding, refusals, and writing whole or not at all."""

from __future__ import annotations

import copy
import json
import math
from dataclasses import fields, replace
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reprcheck.errors import ReprcheckError, UserError
from reprcheck.scorecard.document import from_document, read, to_document, write
from reprcheck.types import Cell, Gate, Scorecard, Setting
from tests.scorecards import a_cell, a_setting, demo_scorecard, released_scorecard, scorecards

SCHEMA = json.loads((files("reprcheck.scorecard") / "schema.json").read_text(encoding="utf-8"))


def test_the_schema_is_valid_and_names_the_fields_of_the_nouns() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    for noun, part in [(Cell, "cell"), (Setting, "setting")]:
        assert set(SCHEMA["$defs"][part]["properties"]) == {f.name for f in fields(noun)}
        assert set(SCHEMA["$defs"][part]["required"]) == {f.name for f in fields(noun)}
    assert set(SCHEMA["properties"]["gate"]["properties"]) == {f.name for f in fields(Gate)} | {"released"}
    assert set(SCHEMA["properties"]) == {f.name for f in fields(Scorecard)}


@given(scorecards())
def test_a_round_trip_changes_nothing(scorecard: Scorecard) -> None:
    document = to_document(scorecard)
    assert from_document(json.loads(json.dumps(document))) == scorecard
    assert to_document(from_document(document)) == document


@given(st.randoms(use_true_random=False))
def test_order_never_shows(random: Any) -> None:
    card = demo_scorecard()
    cells, settings = list(card.cells), list(card.settings)
    random.shuffle(cells)
    random.shuffle(settings)
    shuffled = replace(card, cells=tuple(cells), settings=tuple(settings))
    assert json.dumps(to_document(shuffled)) == json.dumps(to_document(card))


def test_floats_are_rounded_and_numpy_becomes_plain() -> None:
    details = {"p": 1e-12, "p_adjusted": np.float64(3e-9), "gain": -1e-9, "curve": np.array([0.1, np.nan], np.float32)}
    card = released_scorecard(cells=(a_cell(effect=np.float64(1 / 3), n_units=np.int64(24), details=details),))
    (cell,) = to_document(card)["cells"]
    assert cell["effect"] == 0.333333
    assert type(cell["n_units"]) is int
    assert cell["details"] == {"p": 1e-6, "p_adjusted": 1e-6, "gain": 0.0, "curve": [0.1, None]}
    assert math.copysign(1, cell["details"]["gain"]) == 1


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_what_is_not_finite_is_null_where_the_schema_allows_it(number: float) -> None:
    scores = {"model": {"mean": 0.5, "low": number, "high": number}}
    card = released_scorecard(cells=(a_cell(mde=number),), settings=(a_setting(scores=scores),))
    document = to_document(card)
    assert document["cells"][0]["mde"] is None
    assert document["settings"][0]["scores"]["model"] == {"mean": 0.5, "low": None, "high": None}
    assert math.isnan(from_document(document).settings[0].scores["model"]["low"])
    assert to_document(from_document(document)) == document


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"cells": (a_cell(low=math.nan),)}, r"\$\.cells\[0\]\.low"),
        ({"cells": (a_cell(effect=None),)}, r"\$\.cells\[0\]\.effect"),
        ({"cells": (a_cell(status="maybe"),)}, r"\$\.cells\[0\]\.status"),
        ({"cells": (a_cell(), a_cell(status="fail"))}, r"\$\.cells.*given twice"),
        ({"settings": (a_setting(), a_setting(n_units=3))}, r"\$\.settings.*given twice"),
        (
            {"settings": (a_setting(scores={"model": {"mean": math.nan, "low": 0.1, "high": 0.2}}),)},
            r"\$\.settings\[0\]\.scores\.model\.mean",
        ),
        ({"gate": Gate("released", ("but blocked",))}, r"\$\.gate"),
        ({"gate": Gate("blocked", ())}, r"\$\.gate"),
        ({"cells": (a_cell(details={"path": Path("x")}),)}, r"cells\.details\.path.*PosixPath|WindowsPath"),
        ({"model": {"name": "demo"}}, r"\$\.model"),
    ],
)
def test_what_would_not_be_a_scorecard_is_not_written(changes: dict[str, Any], place: str, tmp_path: Path) -> None:
    card = released_scorecard(**changes)
    with pytest.raises(ReprcheckError, match=place):
        write(card, tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("path", "value", "place"),
    [
        (("cells", 0, "status"), "released", "$.cells[0].status"),
        (("cells", 0, "surprise"), 1, "$.cells[0]"),
        (("settings", 0, "n_units"), "24", "$.settings[0].n_units"),
        (("gate", "released"), "yes", "$.gate.released"),
        (("schema",), 2, "$.schema"),
        (("policy",), [], "$.policy"),
    ],
)
def test_a_wrong_document_is_named_with_its_place(path: tuple[Any, ...], value: Any, place: str) -> None:
    document = copy.deepcopy(to_document(demo_scorecard()))
    target: Any = document
    for step in path[:-1]:
        target = target[step]
    target[path[-1]] = value
    with pytest.raises(UserError) as caught:
        from_document(document, "old/scorecard.json")
    assert str(caught.value).startswith(f"old/scorecard.json: {place}: ")
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize("document", [None, [], {}, 3])
def test_what_is_no_document_is_refused(document: Any) -> None:
    with pytest.raises(UserError):
        from_document(document)


def test_written_and_read(tmp_path: Path) -> None:
    card = demo_scorecard()
    path = write(card, tmp_path / "reports" / "latest")
    assert path == tmp_path / "reports" / "latest" / "scorecard.json"
    assert [p.name for p in path.parent.iterdir()] == ["scorecard.json"]
    text = path.read_text(encoding="utf-8")
    assert text.endswith("}\n")
    assert text == json.dumps(json.loads(text), indent=2, sort_keys=True, ensure_ascii=False) + "\n"
    assert read(path) == read(path.parent)
    assert to_document(read(path)) == to_document(card)
    assert write(read(path), tmp_path / "again").read_bytes() == path.read_bytes()


def test_a_failed_write_leaves_the_earlier_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(demo_scorecard(), tmp_path)
    before = path.read_bytes()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(UserError, match=r"scorecard\.json: cannot be written: No space left"):
        write(released_scorecard(), tmp_path)
    assert path.read_bytes() == before
    assert len(list(tmp_path.iterdir())) == 1


def test_a_name_with_a_stray_byte_can_be_written(tmp_path: Path) -> None:
    model = {"spec": "py:caf\udce9.py:f", "name": "caf\udce9", "digest": "00"}
    assert read(write(released_scorecard(model=model), tmp_path)).model["name"] == "caf\\udce9"


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such file"):
        read(tmp_path / "scorecard.json")
    with pytest.raises(UserError, match="no such file"):
        read(tmp_path)
    for text in (b"{", b"\xff", b'{"schema": NaN}'):
        (tmp_path / "scorecard.json").write_bytes(text)
        with pytest.raises(UserError, match="not JSON"):
            read(tmp_path / "scorecard.json")


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="report_dir"):
        write(demo_scorecard(), tmp_path / "file" / "reports")
