"""Names in the columns that group: what is one thing is refused by line in two spellings, and nothing else is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reprcheck.datasets.assemble import assemble
from reprcheck.datasets.card.card import of
from reprcheck.datasets.checkup import check_folder
from reprcheck.datasets.draft import draft
from reprcheck.datasets.folder import open_folder
from reprcheck.datasets.table.file import read_table
from reprcheck.datasets.table.samples import texts
from reprcheck.digest import digest
from reprcheck.errors import UserError
from reprcheck.progress import bar
from reprcheck.spelling import fold
from reprcheck.types import Dataset, Image
from tests.cases import write_case

SHARED = Path(__file__).resolve().parents[3] / "../shared"

Table = dict[str, list[Any]]
AB = ["a", "b"] * 6


class Blank:
    """Images that nobody looks at."""

    def content(self, index: int) -> str:
        return digest(index)

    def read(self, index: int) -> Image:
        return Image(np.zeros((1, 1, 1), np.float32))


def build(
    table: Table, columns: dict[str, Any] | None = None, tasks: dict[str, Any] | None = None, **task: Any
) -> Dataset:
    """Return a dataset of a table, whose columns of these names are what they say, and a task ``t``."""
    n = len(next(iter(table.values())))
    table = {"id": [f"s{i:03}" for i in range(n)], "label": (AB * n)[:n], **table}
    plain = {key: key for key in ("unit", "batch", "position") if key in table}
    raw = {"schema": 1, "name": "mini", "kind": "culture", "channels": ["c"], "columns": {"sample": "id"} | plain}
    raw["columns"] |= columns or {}
    raw["tasks"] = tasks or {"t": {"kind": "classify", "label": "label", "protocols": ["knn/1"]} | task}
    return assemble(of(raw, "d.toml"), pd.DataFrame(table), Blank(), where="t.csv")


def refused(*args: Any, **kwargs: Any) -> str:
    with pytest.raises(UserError) as caught:
        build(*args, **kwargs)
    return str(caught.value)


def units(dataset: Dataset) -> list[str]:
    return sorted(set(dataset.tasks["t"].units.tolist()))


def one_name(column: str, told: str, spellings: int = 2) -> str:
    remedy = f'write it in one way, or, if they are different things, add distinct = ["{column}"] to [columns]'
    return f"{told} are one name in {spellings} spellings; {remedy}"


def test_spellings_are_named_with_their_lines() -> None:
    table = {"unit": ["P1", "P02", "P3"] * 2 + ["P01", "P2", "p3"] + ["P3", "P4", "p-3"]}
    assert refused(table) == (
        "t.csv line 8 column unit: 'P1' (line 2 and 1 more) and 'P01' (line 8) are one name in 2 spellings (and 2 more "
        'of column unit); write it in one way, or, if they are different things, add distinct = ["unit"] to [columns]'
    )
    three = {"unit": ["P3", "P1", "p3", "P2"] * 2 + ["P4", "p-3", "P5", "P6"]}
    told = "t.csv line 4 column unit: 'P3' (line 2 and 1 more), 'p3' (line 4 and 1 more) and 'p-3' (line 11)"
    assert refused(three) == one_name("unit", told, 3)


def test_spellings_that_look_alike_are_told_by_their_characters() -> None:
    table = {"unit": ["caf\u00e9", "x", "y", "z"] * 2 + ["cafe\u0301", "x", "y", "z"]}
    told = r"t.csv line 10 column unit: 'caf\xe9' (line 2 and 1 more) and 'cafe\u0301' (line 10)"
    assert refused(table) == one_name("unit", told)


NESTED = {"unit": ["u", "w"]}
ROLES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "label": ({}, {"label": "k"}),
    "unit": ({"unit": "k"}, {}),
    "inner unit": ({"unit": ["k", "w"]}, {}),
    "unit of a task": ({}, {"unit": "k"}),
    "part of a unit": ({"unit": {"join": ["w", "k"]}}, {}),
    "batch": ({"batch": "k"}, {}),
    "part of a batch": ({"batch": {"join": ["k", "w"]}}, {}),
    "position": ({"position": "k"}, {}),
    "metadata": ({"metadata": ["w", "k"]}, {}),
    "replicate": ({}, {"replicate": "k"}),
}


@pytest.mark.parametrize("role", ROLES)
def test_every_column_that_groups_is_looked_at(role: str) -> None:
    columns, task = ROLES[role]
    table = {"k": ["m1", "m1", "m2", "m2", "m3", "M-2"] * 2, "w": ["x"] * 6 + ["y"] * 6}
    if role == "inner unit":
        table["w"] = ["x", "x", "y", "y", "x", "y"] * 2
    told = "t.csv line 7 column k: 'm2' (line 4 and 3 more) and 'M-2' (line 7 and 1 more)"
    assert refused(table, columns, **task) == one_name("k", told)
    fine = build(table, columns | {"distinct": ["k"]}, **task)
    assert len(fine.tasks["t"].rows) == 12
    assert build({**table, "k": ["m1", "m1", "m2", "m2", "m3", "m4"] * 2}, columns, **task)


def test_distinct_names_are_counted_as_written() -> None:
    table = {"unit": ["Cat", "CAT", "x", "y"] * 3}
    assert units(build(table, {"distinct": ["unit"]})) == ["CAT", "Cat", "x", "y"]
    assert refused(table, {"distinct": ["units"]}) == (
        "t.csv: no column 'units', which [columns] distinct names; did you mean unit?"
    )
    same = {"unit": ["u", "v", "x", "y"] * 3}
    assert build(same, {"distinct": ["unit"]}).digest == build(same).digest


def test_sample_ids_numbers_and_columns_that_group_nothing_are_left_alone() -> None:
    ids = [f"{prefix}{i}" for i in range(3) for prefix in ("s", "S", "s0", "s-")]
    assert len(build({"id": ids}).ids) == 12
    assert len(units(build({"id": ids}, {"unit": "id"}))) == 12
    assert build({"note": ["x", "X"] * 6}).tasks["t"].notes == ()
    doses = {"dose": ["1", "1.0", "2", "2.00", "1e1", "10"] * 2}
    task = {"kind": "regress", "label": "dose", "protocols": ["ridge/1"]}
    assert build(doses, tasks={"t": task}).tasks["t"].y.tolist() == [1, 1, 2, 2, 10, 10] * 2
    assert build({"dose": [*doses["dose"][:11], "NA"]}, {"metadata": ["dose"]}).tasks["t"].metadata is not None
    assert build(doses, {"metadata": ["dose"]}).tasks["t"].metadata is not None


CLEAN = st.lists(
    st.text("ab\u00e9xy17 -_+", min_size=1, max_size=6).map(str.strip).filter(lambda name: fold(name).strip("-")),
    min_size=4,
    max_size=8,
    unique_by=fold,
)
RESPELL: dict[str, Callable[[str], str]] = {
    "case": str.swapcase,
    "blank": lambda name: name.replace(" ", "  "),
    "invisible": lambda name: name[:1] + "\u200b" + name[1:],
    "mark": lambda name: "\ufeff" + name,
    "full width": lambda name: "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in name),
    "decomposed": lambda name: name.replace("\u00e9", "e\u0301"),
    "separator": lambda name: name.replace("_", "-").replace(" ", "_"),
    "point": lambda name: f"{name}.",
    "zeros": lambda name: name.replace("17", "0017") if not name.startswith("+") else name + ".",
    "float": lambda name: f"{name}.0" if name.isdigit() else name + "\u00ad",
}


@settings(deadline=None, max_examples=60)
@given(CLEAN, st.sampled_from(sorted(RESPELL)), st.data())
def test_a_planted_spelling_is_refused_and_a_clean_table_never(names: list[str], how: str, data: st.DataObject) -> None:
    cells = names * 3
    assert units(build({"unit": cells})) == sorted(names)
    row = data.draw(st.integers(0, len(cells) - 1))
    cells[row] = RESPELL[how](cells[row])
    if cells[row].strip() in names:
        assert units(build({"unit": cells})) == sorted(names)
        return
    if fold(cells[row]) not in map(fold, names):
        pytest.fail(f"{cells[row]!r} is no spelling")
    first, other = next(i for i, cell in enumerate(cells) if fold(cell) == fold(cells[row]) and i != row), row
    told = refused({"unit": cells})
    assert told.startswith(f"t.csv line {max(first, other) + 2} column unit: ")
    assert f"(line {min(first, other) + 2}" in told
    assert f"(line {max(first, other) + 2}" in told


def test_values_that_match_nothing_are_refused() -> None:
    table = {"treatment": ["DMSO", "DMSO", "taxol", "nocodazole"] * 3, "k": [1, 2] * 6}
    asked = {"t": {"kind": "classify", "label": "treatment", "protocols": ["knn/1"]}}
    at = "t.csv column treatment ([tasks.t]): "
    holds = "the column holds DMSO, nocodazole, taxol"
    for key, value in (
        ("exclude", ["dmso"]),
        ("where", {"treatment": ["taxol", "dmso"]}),
        ("control", {"column": "treatment", "equals": "dmso"}),
        ("test", {"column": "treatment", "equals": ["taxol", "dmso"]}),
    ):
        told = refused(table, tasks={"t": asked["t"] | {key: value}})
        named = "where treatment" if key == "where" else key
        assert told == f"{at}{named} names 'dmso', and no row holds it; did you mean DMSO? {holds}"
    for value, hint in (("empty", ""), ("DMSO ", "did you mean DMSO? "), ("DMS0", "did you mean DMSO? ")):
        told = refused(table, tasks={"t": asked["t"] | {"exclude": value}})
        assert told == f"{at}exclude names {value!r}, and no row holds it; {hint}{holds}"
    told = refused(table, tasks={"t": asked["t"] | {"where": {"k": [1, 3]}}})
    assert told == "t.csv column k ([tasks.t]): where k names 3, and no row holds it; the column holds 1, 2"
    fine = build(table, tasks={"t": asked["t"] | {"exclude": ["DMSO"], "where": {"k": [1, 2.0]}}})
    assert fine.tasks["t"].classes == ("nocodazole", "taxol")


def test_a_value_asked_for_beside_another_spelling_of_it_is_refused() -> None:
    table = {"plate": ["p1", "P1", "p2", "p2"] * 3, "label": ["a", "a", "b", "b"] * 3, "gene": ["x", "X", "y", "y"] * 3}
    told = refused(table, where={"plate": ["p1", "p2"]})
    assert told.startswith(
        "t.csv line 3 column plate: 'P1' is another spelling of 'p1', which [tasks.t] where plate names; "
    )
    assert len(build(table, where={"plate": ["p1", "p2", "P1"]}).tasks["t"].rows) == 12
    assert len(build(table, {"distinct": ["plate"]}, where={"plate": ["p1", "p2"]}).tasks["t"].rows) == 9


@pytest.mark.parametrize("name", ["NA", "nan", "n/a", "<NA>", "NULL", "NaT"])
def test_what_programs_write_for_a_missing_value_is_no_name(name: str) -> None:
    table = {"k": [name, "u", "v", "w", name, "x"] * 2, "label": AB}
    told = f"t.csv line 2 column k: '{name}' as {{}} is what programs write for a missing value (and 3 more rows); "
    distinct = 'if it is a name, add distinct = ["k"] to [columns]'
    for word in ("unit", "batch"):
        assert (
            refused(table, {word: "k"}) == told.format(word) + f"name the {word} of each sample of a task; {distinct}"
        )
    assert refused(table, replicate="k") == told.format("replicate") + f"leave the cells blank; {distinct}"
    told = refused({**table, "k": [name, "u"] * 6}, label="k")
    assert f'add exclude = ["{name}"], or leave the cells blank, to leave the rows out; {distinct}' in told
    assert build({**table, "k": [name, "u", "v"] * 4}, label="k", exclude=[name]).tasks["t"].classes == ("u", "v")
    kept = build({**table, "k": [name, "u"] * 6}, {"distinct": ["k"]}, label="k").tasks["t"]
    assert kept.notes == (f"Label {name}, a class of 6: a name, not a missing value.",)


def test_none_is_a_label_and_no_unit() -> None:
    task = build({"label": ["None", "drug"] * 6}).tasks["t"]
    assert task.classes == ("None", "drug")
    assert task.notes == ("Label None, a class of 6: a name, not a missing value.",)
    assert "'None' as unit is what programs write" in refused({"unit": ["None", "u", "v", "w"] * 3})
    outside = {"unit": ["u", "v", "w", "x"] * 3 + ["NA"], "label": [*AB, ""]}
    assert units(build(outside)) == ["u", "v", "w", "x"]


def test_a_cell_that_shows_nothing_is_blank() -> None:
    task = build({"label": ["a", "b", "\u200b"] * 4}).tasks["t"]
    assert (task.classes, task.notes) == (("a", "b"), ("4 samples left out: without a label.",))


PLATES = {
    "plate": ["1", "1", "2", "2"] * 3,
    "well": ["A1", "A2"] * 6,
    "label": ["a", "a", "b", "b", "b", "b", "a", "a", *AB[:4]],
}


def test_a_unit_of_two_columns() -> None:
    assert units(build(PLATES, {"unit": "well"})) == ["A1", "A2"]
    joined = {"join": ["plate", "well"]}
    both = ["1 / A1", "1 / A2", "2 / A1", "2 / A2"]
    assert units(build(PLATES, {"unit": joined})) == both
    assert units(build(PLATES, unit=joined)) == both
    nested = build({**PLATES, "donor": ["d", "e", "f", "d"] * 3}, {"unit": [joined, "donor"]})
    assert units(nested) == ["d", "e", "f"]
    batches = build(PLATES, {"batch": joined}).tasks["t"].batches
    assert sorted(set(batches.tolist())) == both
    agreed = {**PLATES, "label": ["a", "b", "b", "a"] * 3}
    aggregated = build(agreed, {"unit": [joined, "plate"]}, aggregate="mean").tasks["t"]
    assert aggregated.innermost is not None
    assert sorted(set(aggregated.innermost.tolist())) == both


@given(
    st.lists(
        st.tuples(*[st.text("a/\\ ", min_size=1, max_size=4).map(str.strip).filter(bool)] * 2), min_size=4, max_size=9
    )
)
def test_joined_names_are_as_many_as_pairs_of_cells(pairs: list[tuple[str, str]]) -> None:
    pairs = [*pairs, ("x", "y"), ("x", "z")]
    table = {
        "p": [p for p, _ in pairs] * 2,
        "w": [w for _, w in pairs] * 2,
        "label": ["a"] * len(pairs) + ["b"] * len(pairs),
    }
    dataset = build(table, {"unit": {"join": ["p", "w"]}, "distinct": ["p", "w"]})
    assert len(units(dataset)) == len(set(pairs))


def test_what_a_joined_unit_needs() -> None:
    joined = {"unit": {"join": ["plate", "well"]}}
    blank = {**PLATES, "well": ["A1", ""] * 6}
    assert refused(blank, joined) == (
        "t.csv line 3 column plate + well: blank unit (and 5 more rows); name the unit of each sample of a task"
    )
    assert refused({**PLATES, "plate": ["1", "NA"] * 6}, joined).startswith("t.csv line 3 column plate: 'NA' as unit")
    assert refused({"label": AB}, joined) == (
        "t.csv: no column 'plate', which [columns] unit names; did you mean label?"
    )
    at = "d.toml [columns] unit"
    assert refused(PLATES, {"unit": {"join": ["plate"]}}) == (
        f'{at} join: one column; name two or more, or write unit = "plate"'
    )
    assert refused(PLATES, {"unit": {"of": ["plate"]}}).startswith(f"{at} of: unknown key")
    assert refused(PLATES, {"unit": ["well", 3]}).startswith(
        "d.toml [columns] unit: ['well', 3] is not a list of texts"
    )
    assert refused(PLATES, {"unit": [{"join": ["plate", "well"]}, 3]}).endswith("write a list of columns")
    assert refused(PLATES, {"unit": ["plate", "well"]}) == (
        "t.csv line 3 column plate: plate 1 lies in 2 wells (A1, A2); give each plate a name of its own, such as A2-1, "
        'or leave plate out of `unit`; if both together name a unit, write { join = ["well", "plate"] }'
    )


def test_a_well_whose_label_differs_from_plate_to_plate_is_told() -> None:
    table = {"well": ["A1", "A2", "A3"] * 4, "plate": ["1", "2"] * 3 + ["3", "4"] * 3}
    again = {**table, "label": ["a", "b"] * 6}
    told = (
        "Confound: units whose label differs from batch to batch: A1 (a in 1, b in 2), A2 (a in 1, b in 2), A3 "
        '(a in 1, b in 2). If a name means another well in another plate, write unit = { join = ["plate", "well"] }.'
    )
    assert told in build(again, {"unit": "well", "batch": "plate"}).tasks["t"].notes
    doses = {"kind": "regress", "label": "dose", "protocols": ["ridge/1"]}
    by_plate = {**table, "dose": [1, 2] * 6}
    (note,) = (
        n for n in build(by_plate, {"unit": "well", "batch": "plate"}, {"t": doses}).tasks["t"].notes if "batch to" in n
    )
    assert "A1 (1 in 1, 2 in 2)" in note
    for other, columns in (
        (again, {"unit": {"join": ["plate", "well"]}, "batch": "plate"}),
        (
            {**table, "label": ["a", "b", "a", "b", "a", "b"] * 2, "well": ["A1", "A2", "A3", "A4", "A5", "A6"] * 2},
            {"unit": "well", "batch": "plate"},
        ),  # a layout that repeats
        (
            {**again, "patient": [f"P{i % 3}" for i in range(12)]},
            {"unit": "patient", "batch": "plate"},
        ),  # before and after
        (
            {**again, "label": (["a"] * 3 + ["b"] * 3) * 2, "plate": ["1"] * 6 + ["2"] * 6},
            {"unit": "well", "batch": "plate"},
        ),
    ):
        assert not any("batch to batch" in note for note in build(other, columns).tasks["t"].notes)


def test_joined_columns_in_a_folder(make_dataset: Callable[..., Path]) -> None:
    extra = {"plate": ["1", "2"] * 6, "well": ["A1", "A1", "A2", "A2", "A3", "A3"] * 2}
    labels = ["a", "b", "b", "a", "a", "b"] * 2
    columns = {"unit": {"join": ["plate", "well"]}, "batch": "plate"}
    folder = make_dataset(
        labels=labels, extra=extra, columns=columns, images=[np.full((1, 8, 8), i, np.uint8) for i in range(12)]
    )
    dataset = open_folder(folder)
    assert len(set(dataset.tasks["state"].units.tolist())) == 6
    found = check_folder(folder, bar)
    assert (found.problems, found.n_images) == ((), 12)
    lacking = make_dataset("lacking", labels=labels, extra={"plate": extra["plate"]}, columns=columns)
    told = [str(problem) for problem in check_folder(lacking, bar).problems]
    assert len(told) == 1
    assert "no column 'well', which [columns] unit names" in told[0]


def test_crops_inherit_names_that_are_looked_at_in_the_table_of_fields(make_dataset: Callable[..., Path]) -> None:
    patients = ["P1", "P2", "P3", "P4", "P01", "P6", "P7", "P8", "P9", "P10", "P11", "P12"]
    crops = {"table": "cells.csv", "field": "field", "y": "y", "x": "x", "size": [4, 4]}
    folder = make_dataset(extra={"patient": patients}, card={"crops": crops}, columns={"unit": "patient"})
    rows = [f"s{i:02},{y},6,{side}" for i in range(12) for y, side in ((4, "left"), (8, "Left" if i == 7 else "right"))]
    (folder / "cells.csv").write_text("field,y,x,side\n" + "\n".join(rows) + "\n", encoding="utf-8")
    told = [str(problem).replace(f"{folder}/", "") for problem in check_folder(folder, bar).problems]
    assert told == [one_name("patient", "samples.csv line 6 column patient: 'P1' (line 2) and 'P01' (line 6)")]
    folder = make_dataset("sides", card={"crops": crops}, columns={"metadata": ["side"]})
    (folder / "cells.csv").write_text("field,y,x,side\n" + "\n".join(rows) + "\n", encoding="utf-8")
    told = [str(problem).replace(f"{folder}/", "") for problem in check_folder(folder, bar).problems]
    assert told == [
        one_name("side", "cells.csv line 2 column side: 'left' (line 2 and 11 more) and 'Left' (line 17)").replace(
            "line 2 column", "line 17 column"
        )
    ]
    (folder / "cells.csv").write_text(
        "field,y,x\n" + "\n".join(f"S{i},4,6" for i in range(12)) + "\n", encoding="utf-8"
    )
    with pytest.raises(UserError, match=r"line 2 column field: 'S0' is no sample of .*samples.csv, which has 's00'; "):
        open_folder(folder)


def test_typed_columns_are_named_as_what_they_hold(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {
            "whole": pd.array([1, None, 12345678901234567], dtype="Int64"),
            "float": [1.0, None, 2.0],
            "mixed": [1.0, None, 2.5],
            "short": np.array([0.1, np.nan, 2], np.float32),
            "truth": [True, None, False],
            "class": pd.Categorical([1, None, 2]),
            "day": pd.to_datetime(["2026-01-02", None, "2026-01-03"]),
            "bytes": [b"a", None, b"b"],
            "list": [[1], None, [2]],
        }
    )
    frame.to_parquet(tmp_path / "t.parquet")
    expected = {
        "whole": ["1", "", "12345678901234567"],
        "float": ["1", "", "2"],
        "mixed": ["1", "", "2.5"],
        "short": ["0.1", "", "2"],
        "truth": ["true", "", "false"],
        "class": ["1", "", "2"],
        "day": ["2026-01-02", "", "2026-01-03"],
        "bytes": ["a", "", "b"],
        "list": ["[1]", "", "[2]"],
    }
    for table in (frame, read_table(tmp_path / "t.parquet").rows):
        assert {name: texts(table[name]).tolist() for name in table} == expected


def test_the_case_of_labels_1_and_1_0(tmp_path: Path) -> None:
    folder = write_case("labels_1_and_1.0", tmp_path / "case")
    with pytest.raises(UserError) as caught:
        open_folder(folder)
    told = "samples.csv line 50 column treatment: '0' (line 2 and 23 more) and '0.0' (line 50 and 23 more)"
    assert one_name("treatment", told).replace(" spellings;", " spellings (and 1 more of column treatment);") == str(
        caught.value
    ).replace(f"{folder}/", "")


def test_the_case_of_patient_007(tmp_path: Path) -> None:
    problems = check_folder(write_case("patient_007_7", tmp_path / "case"), bar).problems
    assert len(problems) == 12
    told = "'007' (line 8), '7' (line 20 and 1 more) and '7.0' (line 44) are one name in 3 spellings"
    assert [told in problem.what for problem in problems].count(True) == 1
    fixed = open_folder(write_case("patient_007_7", tmp_path / "fixed", "fixed"))
    assert len(set(fixed.tasks["t"].units.tolist())) == 12


def test_the_case_of_nothing_excluded(tmp_path: Path) -> None:
    told = [
        problem.what + "; " + problem.remedy
        for problem in check_folder(write_case("exclude_nothing", tmp_path / "case"), bar).problems
    ]
    plates, treatments = "the column holds p0, p1, p2, p3", "the column holds DMSO, nocodazole, taxol"
    assert told == [
        f"where plate names 'P2', and no row holds it; did you mean p2? {plates}",
        f"where plate names 'p3 ', and no row holds it; did you mean p3? {plates}",
        f"exclude names 'dmso', and no row holds it; did you mean DMSO? {treatments}",
        f"exclude names 'empty', and no row holds it; {treatments}",
    ]


def test_the_case_of_numbers_with_underscores(tmp_path: Path) -> None:
    folder = write_case("underscore_numbers", tmp_path / "case")
    with pytest.raises(UserError, match=r"samples.csv line 2 column dose: '1_0' is not a number \(and 95 more rows\)"):
        open_folder(folder)
    (folder / "dataset.toml").unlink()
    assert 'kind = "regress"' not in draft(folder).card


@pytest.mark.parametrize(
    "name", ["bbbc013", "bbbc016", "cifar10", "dsb2018", "jurkat", "mibi_dcis", "osteosarcoma", "tcell"]
)
def test_no_real_set_spells_a_name_in_two_ways(name: str) -> None:
    folder = SHARED / "data" / name
    if not folder.is_dir():
        pytest.skip("the shared datasets are not beside this checkout")
    table = read_table(folder / "samples.csv").rows
    everything = [str(column) for column in table if column != "image_id"]
    card = {"sample": "image_id", "metadata": everything}
    raw = {"schema": 1, "name": name, "kind": "culture", "channels": ["c"], "columns": card}
    raw["tasks"] = {"t": {"kind": "classify", "label": "label", "protocols": ["knn/1"]}}
    if "label" not in table:
        raw["tasks"] = {"t": {"kind": "regress", "label": "n_nuclei", "protocols": ["ridge/1"]}}
    assert assemble(of(raw, "d.toml"), table, Blank(), where="t.csv").tasks["t"].metadata is not None
