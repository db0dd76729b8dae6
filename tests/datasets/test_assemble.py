"""Table and card to tasks: labels, filters, confounds, limit, identity."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reprcheck.datasets.assemble import assemble
from reprcheck.datasets.card.card import Card
from reprcheck.datasets.card.columns import Columns
from reprcheck.datasets.card.tasks import Control, Split, TaskCard
from reprcheck.digest import digest
from reprcheck.errors import UserError
from reprcheck.types import Dataset, Image

STATE = {"name": "state", "kind": "classify", "label": ("label",), "protocols": ("probe/2",)}
DOSE = {"name": "dose", "kind": "regress", "label": ("dose",), "protocols": ("ridge/1",)}


class Pictures:
    """Images whose only pixel is a number, by position in the table."""

    def __init__(self, values: list[int]) -> None:
        self.values = values

    def content(self, index: int) -> str:
        return digest(self.values[index])

    def read(self, index: int) -> Image:
        return Image(np.full((1, 1, 1), self.values[index], np.float32))


def build(
    table: dict[str, list[Any]],
    tasks: list[dict[str, Any]] | None = None,
    *,
    order: list[int] | None = None,
    limit: int | None = None,
    columns: dict[str, Any] | None = None,
    **card: Any,
) -> Dataset:
    n = len(table["label"] if "label" in table else next(iter(table.values())))
    frame = pd.DataFrame({"id": [f"s{i:03}" for i in range(n)]} | table)
    values = list(range(n))
    if order is not None:
        frame, values = frame.iloc[order].reset_index(drop=True), order
    given_columns = {key: key for key in ("unit", "batch", "position") if key in table}
    whole = Card(
        name="mini",
        kind="culture",
        channels=("a", "b", "c"),
        columns=Columns("id", **(given_columns | (columns or {}))),
        tasks=tuple(TaskCard(**task) for task in (tasks or [STATE])),
        **card,
    )
    return assemble(whole, frame, Pictures(values), where="t.csv", limit=limit)


AB = ["a", "b"] * 6


def refused(*args: Any, **kwargs: Any) -> str:
    with pytest.raises(UserError) as caught:
        build(*args, **kwargs)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_task_is_resolved() -> None:
    dataset = build(
        {"id": [f"{i:02}" for i in reversed(range(12))], "label": AB, "unit": ["u", "v", "w"] * 4},
        [STATE | {"channels": ("c", "a"), "control": Control("label", "a"), "holdout": "unit"}],
    )
    task = dataset.tasks["state"]
    assert dataset.ids.tolist() == [f"{i:02}" for i in range(12)]
    assert dataset.table_row.tolist() == list(reversed(range(12)))
    assert (task.kind, task.classes, task.protocols, task.holdout) == ("classify", ("a", "b"), ("probe/2",), "unit")
    assert task.rows.tolist() == list(range(12))
    assert task.y.tolist() == [1, 0] * 6
    assert task.units.tolist() == ["w", "v", "u"] * 4
    assert set(task.batches) == {"all"}
    assert task.channels == (2, 0)
    assert task.control is not None
    assert task.control.tolist() == [False, True] * 6
    assert task.notes == ()
    assert [int(dataset.images.read(i).pixels[0, 0, 0]) for i in range(12)] == dataset.table_row.tolist()


def test_unit_is_the_sample_unless_told() -> None:
    table = {"label": AB, "unit": ["u", "v"] * 6, "field": ["f", "g", "h"] * 4}
    assert build({"label": AB}).tasks["state"].units.tolist()[:2] == ["s000", "s001"]
    assert set(build(table, [STATE | {"unit": "field"}]).tasks["state"].units) == {"f", "g", "h"}


def test_the_outermost_of_nested_units_is_the_unit() -> None:
    table = {"label": AB, "well": ["w", "x", "y", "z"] * 3, "donor": ["d", "d", "e", "e"] * 3}
    for columns, task in (({"unit": ("well", "donor")}, STATE), ({}, STATE | {"unit": ("well", "donor")})):
        assert build(table, [task], columns=columns).tasks["state"].units.tolist() == ["d", "d", "e", "e"] * 3


def test_an_inner_unit_in_two_outer_ones_is_told_by_line() -> None:
    table = {"label": AB, "well": ["B02", "B03", "B04"] * 4, "donor": ["D2", "D1", "D3"] * 2 + ["D2", "D2", "D3"] * 2}
    columns = {"unit": ("well", "donor")}
    assert refused(table, columns=columns) == (
        "t.csv line 9 column well: well B03 lies in 2 donors (D1, D2); give each well a name of its own, such as "
        'D2-B03, or leave well out of `unit`; if both together name a unit, write { join = ["donor", "well"] }'
    )
    blank = table | {"well": ["B02", ""] * 6}
    assert refused(blank, columns=columns) == (
        "t.csv line 3 column well: blank unit (and 5 more rows); name the unit of each sample of a task"
    )
    table["plate"] = ["p", "p", "q"] * 4
    table["well"] = [str(i) for i in range(12)]
    assert "donor D2 lies in 2 plates (p, q)" in refused(
        table | {"donor": ["D1", "D2", "D2"] * 4}, columns={"unit": ("well", "donor", "plate")}
    )


def test_rows_left_out_of_a_task_need_no_nesting() -> None:
    table = {"label": [*AB, ""], "well": [*"wxyz" * 3, "w"], "donor": [*"ddee" * 3, "e"]}
    assert len(build(table, columns={"unit": ("well", "donor")}).tasks["state"].rows) == 12


def test_metadata_are_the_columns_named_but_for_the_label() -> None:
    table = {"label": AB, "operator": ["ann", "bob", ""] * 4}
    (task,) = build(table, columns={"metadata": ("operator", "label")}).tasks.values()
    assert task.metadata is not None
    assert task.metadata.tolist() == [[name] for name in table["operator"]]
    (plain,) = build(table).tasks.values()
    assert plain.metadata is None


def test_an_aggregated_task_says_so() -> None:
    wells = [f"w{i // 2}" for i in range(12)]
    labels = [well in ("w0", "w2", "w4") for well in wells]
    (task,) = build(
        {"label": [str(label) for label in labels], "unit": wells}, [STATE | {"aggregate": "mean"}]
    ).tasks.values()
    assert task.aggregate == "mean"
    assert task.innermost is not None
    assert task.innermost.tolist() == wells
    assert "12 samples made one for each of 6 units: mean of vectors." in task.notes


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (
            {"label": AB, "unit": [f"w{i // 2}" for i in range(12)]},
            "line 3 column unit ([tasks.state] aggregate): samples of unit w0 differ in label; "
            "name an inner unit whose samples agree before unit in `unit`, or don't aggregate",
        ),
        (
            {"label": ["a"] * 6 + ["b"] * 6, "unit": [f"w{i // 3}" for i in range(12)], "batch": ["p", "q"] * 6},
            "line 3 column unit ([tasks.state] aggregate): samples of unit w0 differ in batch; "
            "name an inner unit whose samples agree before unit in `unit`, or don't aggregate",
        ),
    ],
)
def test_an_aggregated_unit_has_one_of_everything(table: dict[str, list[Any]], message: str) -> None:
    assert refused(table, [STATE | {"aggregate": "median"}]) == f"t.csv {message}"


def test_samples_without_units_have_nothing_to_aggregate() -> None:
    told = refused({"label": AB}, [STATE | {"aggregate": "mean"}])
    assert told == (
        "t.csv ([tasks.state] aggregate): the unit is the sample: nothing to aggregate; name a unit, or remove it"
    )


def test_positions_follow_the_rows_and_the_limit() -> None:
    places = [f"A{i + 1:02}" for i in range(11)] + [""]
    table = {"label": [*AB, ""], "position": [*places, "H12"]}
    assert build(table).tasks["state"].positions.tolist() == places
    cut = build(table, limit=6).tasks["state"]
    assert cut.positions.tolist() == [places[row] for row in cut.rows]
    assert build({"label": AB}).tasks["state"].positions is None


def test_what_is_left_out_is_counted() -> None:
    dataset = build(
        {"label": ["a"] * 4 + ["b"] * 4 + ["c", "dead", "", "a"], "line": ["x"] * 10 + ["z", "y"]},
        [STATE | {"where": {"line": ("x", "z")}, "exclude": ("dead",), "min_per_class": 2}],
    )
    task = dataset.tasks["state"]
    assert len(task.rows) == 8
    assert task.notes == (
        "1 sample left out: not of where line = x or z.",
        "1 sample left out: excluded by label dead.",
        "1 sample left out: without a label.",
        "Classes left out, with fewer than 2 samples: c (1).",
    )


def test_a_task_says_which_protocol_was_replaced() -> None:
    task = build({"label": AB}, [STATE | {"replaced": ("probe/1",)}]).tasks["state"]
    assert task.notes[-1] == "probe/1 is scored as probe/2, which replaced it."


@pytest.mark.parametrize("cells", [["1", "1.0", "2", "x"], [1, 1, 2, 3], [1.0, 1.0, 2.0, None]])
def test_numbers_are_compared_as_numbers(cells: list[Any]) -> None:
    dataset = build({"label": ["0", "1", "2", "3"], "k": cells}, [DOSE | {"label": ("label",), "where": {"k": (1,)}}])
    assert dataset.tasks["dose"].y.tolist() == [0.0, 1.0]


@pytest.mark.parametrize("cells", [["true", "False", "TRUE"], [True, False, True]])
def test_truth_values_are_compared_as_such(cells: list[Any]) -> None:
    dataset = build({"label": ["0", "1", "2"], "k": cells}, [DOSE | {"label": ("label",), "where": {"k": (True,)}}])
    assert dataset.tasks["dose"].y.tolist() == [0.0, 2.0]


def test_a_ratio_is_divided() -> None:
    dataset = build({"x": ["1", "3", ""], "y": ["2", "4", "5"]}, [DOSE | {"label": ("x", "y")}])
    assert dataset.tasks["dose"].y.tolist() == [0.5, 0.75]
    assert dataset.tasks["dose"].notes == ("1 sample left out: without a label.",)


@pytest.mark.parametrize(
    ("table", "tasks", "message"),
    [
        ({"lable": AB}, None, "t.csv: no column 'label', which [tasks.state] label names; did you mean lable?"),
        ({"id": ["", "x"], "label": ["a", "b"]}, None, "t.csv line 2 column id: blank sample id; give each row an id"),
        (
            {"id": ["x", "y", " x"], "label": ["a", "b", "a"]},
            None,
            "t.csv line 4 column id: sample 'x' is on line 2 too; give each row an id of its own",
        ),
        ({"label": []}, None, "t.csv: no samples; add one row per sample"),
        (
            {"label": ["a"] * 3},
            None,
            "t.csv column label ([tasks.state]): one class only (a); a task needs two or more classes",
        ),
        (
            {"label": ["a", "a", "b"]},
            [STATE | {"min_per_class": 2}],
            "t.csv column label ([tasks.state]): one class only (a) (Classes left out, with fewer than 2 samples: "
            "b (1)); a task needs two or more classes",
        ),
        (
            {"label": AB, "line": ["x", "y", "z"] * 4},
            [STATE | {"where": {"line": ("w",)}}],
            "t.csv column line ([tasks.state]): where line names 'w', and no row holds it; the column holds x, y, z",
        ),
        (
            {"label": AB, "line": ["x", "y"] * 6},
            [STATE | {"where": {"line": ("x",), "label": ("b",)}}],
            "t.csv column label: no rows left: none of [tasks.state] where label = b; the column holds a, b",
        ),
        (
            {"label": ["", ""]},
            None,
            "t.csv column label: no rows left for [tasks.state]: all are left out by where, exclude or a blank label; "
            "loosen the filters, or fill in the labels",
        ),
        (
            {"dose": ["1", "2", "high", "n/a"]},
            [DOSE],
            "t.csv line 4 column dose: 'high' is not a number (and 1 more rows); "
            "write a finite number, or leave the cell blank to leave the row out",
        ),
        (
            {"dose": ["1", "inf"]},
            [DOSE],
            "t.csv line 3 column dose: 'inf' is not a number; "
            "write a finite number, or leave the cell blank to leave the row out",
        ),
        (
            {"dose": ["1", "1.0"]},
            [DOSE],
            "t.csv column dose ([tasks.dose]): the label is 1 in all 2 samples; a regression needs a label that varies",
        ),
        (
            {"x": ["1", "2"], "y": ["1", "0"]},
            [DOSE | {"label": ("x", "y")}],
            "t.csv line 3 column y: 0, and the label of [tasks.dose] divides by it; "
            "leave the cell blank to leave the row out",
        ),
        (
            {"label": AB, "unit": ["u"] * 11 + [""]},
            None,
            "t.csv line 13 column unit: blank unit; name the unit of each sample of a task",
        ),
        (
            {"label": AB, "batch": ["p", ""] * 6},
            None,
            "t.csv line 3 column batch: blank batch (and 5 more rows); name the batch of each sample of a task",
        ),
        (
            {"label": AB},
            [STATE | {"control": Control("label", "c")}],
            "t.csv column label ([tasks.state]): control names 'c', and no row holds it; the column holds a, b",
        ),
    ],
)
def test_a_bad_table_is_told_by_line_and_column(
    table: dict[str, list[Any]], tasks: list[dict[str, Any]] | None, message: str
) -> None:
    assert refused(table, tasks) == message


BATCH, UNIT = STATE | {"holdout": "batch"}, STATE | {"holdout": "unit"}


@pytest.mark.parametrize(
    ("table", "task", "message"),
    [
        (
            {"label": AB, "batch": ["p"] * 12},
            BATCH,
            't.csv column batch ([tasks.state]): all samples are in one batch (p), and holdout = "batch" needs two or '
            'more; add samples of another batch, or use holdout = "unit": verdicts then cover this batch alone',
        ),
        (
            {"label": [*AB, "c"], "batch": ["p", "p", "q", "q"] * 3 + ["q"]},
            BATCH,
            't.csv column batch ([tasks.state]): class c is found in one batch only (q), so holdout = "batch" can\'t '
            "both learn and test it; exclude the class, or add it in another batch",
        ),
        (
            {"label": [*AB, "a"], "batch": ["p", "p", "q", "q"] * 3 + ["r"]},
            BATCH,
            "t.csv column batch ([tasks.state]): batch r has one class only (a), so holding it out tests no contrast; "
            "leave the batch out by `where`, or add other classes to it",
        ),
        (
            {"label": AB, "unit": ["u", "v"] * 6},
            UNIT,
            't.csv column unit ([tasks.state]): class a is found in one unit only (u), so holdout = "unit" can\'t both '
            "learn and test it; exclude the class, or add it in another unit",
        ),
        (
            {"label": AB, "unit": ["u", "v"] * 6},
            STATE,
            "t.csv column unit ([tasks.state]): class a is found in one unit only (u), so folds over units can't both "
            "learn and test it; exclude the class, or add it in another unit",
        ),
        (
            {"dose": list("123"), "unit": ["u"] * 3},
            DOSE,
            "t.csv column unit ([tasks.dose]): all samples are in one unit (u), and folds over units needs two or "
            "more; add samples of another unit",
        ),
    ],
)
def test_a_design_without_an_honest_fold_is_refused(
    table: dict[str, list[Any]], task: dict[str, Any], message: str
) -> None:
    assert refused(table, [task]) == message


def test_other_confounds_are_named() -> None:
    dataset = build(
        {
            "label": ["a", "a", "b", "b", "a", "a", "c", "c"],
            "unit": ["1", "2", "3", "4", "5", "1", "7", "8"],
            "batch": ["p", "p", "p", "p", "q", "q", "r", "r"],
        }
    )
    assert dataset.tasks["state"].notes == (
        "Confound: classes found in one batch only: b (p), c (r).",
        "Confound: batches with one class only: q (a), r (c).",
        "Confound: units found in several batches: 1.",
    )


@pytest.mark.parametrize(
    ("position", "notes"),
    [
        (["1", "12"] * 6, ("Confound: each class lies in its own positions: a (column 1), b (column 12).",)),
        (["A01", "B01"] * 6, ("Confound: each class lies in its own positions: a (row A), b (row B).",)),
        (["left", "right"] * 6, ("Confound: each class lies in its own positions: a (left), b (right).",)),
        (
            ["A01", "B12", "B01", "A12"] * 3,
            ("Confound: each class lies in its own positions: a (column 1), b (column 12).",),
        ),
        (["1", "2"] * 5 + ["1", "1"], ()),
        (["1", "2", "1", "3"] * 2 + ["2", "2", "1", "3"], ()),
        ([str(i) for i in range(1, 13)], ()),
        (["1", "12"] * 5 + ["", "12"], ("Confound: classes with own positions: b (column 12).",)),
        ([""] * 12, ()),
    ],
)
def test_classes_that_dont_share_positions_are_named(position: list[str], notes: tuple[str, ...]) -> None:
    assert build({"label": AB, "position": position}).tasks["state"].notes == notes


def test_a_regression_has_no_classes_to_nest_in_positions() -> None:
    assert build({"dose": list("123123"), "position": list("123123")}, [DOSE]).tasks["dose"].notes == ()


# --- identity ---------------------------------------------------------------------------------------------------


@settings(deadline=None)
@given(st.permutations(range(12)))
def test_the_order_of_rows_changes_nothing(order: list[int]) -> None:
    table: dict[str, list[Any]] = {"label": AB, "batch": ["p", "p", "q", "q"] * 3, "position": list("ABC") * 4}
    one, other = build(table, [BATCH]), build(table, [BATCH], order=order)
    assert one.digest == other.digest
    assert one.ids.tolist() == other.ids.tolist()
    assert [order[row] for row in other.table_row] == one.table_row.tolist()
    for name, task in one.tasks.items():
        for key in ("rows", "y", "units", "batches", "positions"):
            assert getattr(task, key).tolist() == getattr(other.tasks[name], key).tolist()
    contents = [dataset.images.content(i) for dataset in (one, other) for i in range(12)]
    assert contents[:12] == contents[12:]


def test_the_digest_sees_what_matters_and_nothing_else() -> None:
    table: dict[str, list[Any]] = {"label": AB, "unit": [f"u{i}" for i in range(12)], "remark": ["x"] * 12}
    base = build(table).digest
    assert build(table | {"remark": ["y"] * 12}).digest == base
    assert build(table, license="CC0", citation="me", source="here").digest == base
    assert build(table | {"label": ["b", "a"] * 6}).digest != base
    assert build(table | {"unit": [f"v{i}" for i in range(12)]}).digest != base
    assert build(table, fit="pad", size=(3, 3)).digest != base
    assert build(table, [STATE | {"min_per_class": 2}]).digest != base
    assert build(table, limit=6).digest == base


# --- limit --------------------------------------------------------------------------------------------------------


designs = st.lists(st.tuples(st.sampled_from("aabc"), st.sampled_from("ppqr")), min_size=12, max_size=60)


def resolvable(rows: list[tuple[str, str]], **options: Any) -> Dataset:
    padding = [(label, batch) for label in "abc" for batch in "pqr"]  # so that no design is refused
    labels, batches = zip(*(rows + padding), strict=True)
    return build({"label": list(labels), "batch": list(batches)}, **options)


@settings(deadline=None)
@given(designs, st.integers(1, 70), st.integers(1, 70))
def test_a_limit_nests_and_keeps_every_class(rows: list[tuple[str, str]], one: int, other: int) -> None:
    small, large = (resolvable(rows, limit=n).tasks["state"] for n in sorted((one, other)))
    whole = resolvable(rows).tasks["state"]
    assert set(small.rows) <= set(large.rows) <= set(whole.rows)
    assert small.classes == whole.classes
    assert set(small.y) == set(whole.y)
    assert len(small.rows) == min(len(whole.rows), max(min(one, other), 2 * len(whole.classes)))


@settings(deadline=None)
@given(designs, st.integers(9, 70))
def test_a_limit_cuts_all_strata_in_proportion(rows: list[tuple[str, str]], limit: int) -> None:
    whole, cut = (resolvable(rows, limit=n).tasks["state"] for n in (None, limit))
    before = Counter(zip(whole.y.tolist(), whole.batches.tolist(), strict=True))
    after = Counter(zip(cut.y.tolist(), cut.batches.tolist(), strict=True))
    share = len(cut.rows) / len(whole.rows)
    for stratum, n in before.items():
        assert after[stratum] >= 1
        assert after[stratum] <= share * n + 2  # one for the floor of each stratum, one for rounding


@settings(deadline=None)
@given(st.permutations(range(40)), st.integers(2, 40))
def test_a_limit_doesnt_see_the_order_of_rows(order: list[int], limit: int) -> None:
    table: dict[str, list[Any]] = {"label": ["a", "b"] * 20}
    one, other = build(table, limit=limit), build(table, order=order, limit=limit)
    assert one.tasks["state"].rows.tolist() == other.tasks["state"].rows.tolist()


def test_a_limit_keeps_two_units_of_every_label() -> None:
    table = {"label": ["a", "b"] * 20, "unit": ["u", "v"] * 19 + ["w", "x"]}
    task = build(table, limit=4).tasks["state"]
    assert len(task.rows) == 4
    assert set(zip(task.y.tolist(), task.units.tolist(), strict=True)) == {(0, "u"), (0, "w"), (1, "v"), (1, "x")}


def test_a_limit_is_recorded() -> None:
    dataset = build({"label": AB}, limit=6)
    assert dataset.limit == 6
    assert len(dataset.ids) == 12
    assert dataset.tasks["state"].notes == ("Limit: cut from 12 to 6 samples, stratified by label and batch.",)
    assert build({"label": AB}, limit=12).tasks["state"].notes == ()


def test_a_limit_on_a_regression_keeps_its_range_and_its_controls() -> None:
    doses = [str(float(i // 10)) for i in range(100)]
    dataset = build({"dose": doses}, [DOSE | {"control": Control("dose", 0.0)}], limit=20)
    task = dataset.tasks["dose"]
    assert len(task.rows) == 20
    assert task.control is not None
    assert task.control.sum() == 2
    assert np.bincount((task.y // 2).astype(int)).tolist() == [4, 4, 4, 4, 4]


def test_replicates_are_named_by_their_column_and_cut_with_the_samples() -> None:
    table = {"label": AB, "biopsy": ["p", "q", ""] * 4}
    whole = build(table, [STATE | {"replicate": "biopsy"}]).tasks["state"].replicates
    assert whole is not None
    assert whole.tolist() == table["biopsy"]
    cut = build(table, [STATE | {"replicate": "biopsy"}], limit=6).tasks["state"]
    assert cut.replicates is not None
    assert cut.replicates.tolist() == [table["biopsy"][row] for row in cut.rows]
    assert build(table).tasks["state"].replicates is None


@pytest.mark.parametrize("limit", [0, -3])
def test_a_limit_below_one_is_refused(limit: int) -> None:
    message = f"limit={limit}: not a number of samples; use a whole number of at least 1"
    assert refused({"label": AB}, limit=limit) == message


def test_a_limit_that_breaks_the_folds_says_what_would_do() -> None:
    table: dict[str, list[Any]] = {"label": AB, "batch": ["p", "p", "q", "q", "r", "r"] * 2}
    message = refused(table, [BATCH], limit=5)
    assert message.startswith("limit=5 (task state): batch ")
    assert message.endswith("has one class only (a), so holding it out tests no contrast; use limit=6 or more") or (
        message.endswith("has one class only (b), so holding it out tests no contrast; use limit=6 or more")
    )
    assert len(build(table, [BATCH], limit=6).tasks["state"].rows) == 6


FIXED = STATE | {"test": Split("part", ("test", "id_test"))}
PARTS = ["train", "train", "id_test", "test"] * 3


def test_a_fixed_split_says_who_is_judged() -> None:
    task = build({"label": AB, "part": PARTS}, [FIXED]).tasks["state"]
    assert task.test is not None
    assert task.test.tolist() == [False, False, True, True] * 3
    assert task.notes == ("Fixed split: 6 samples to train on, 6 judged, where part = test or id_test.",)
    assert build({"label": AB}).tasks["state"].test is None


def test_a_unit_on_both_sides_of_the_split_is_a_confound() -> None:
    table = {"label": AB, "part": PARTS, "unit": ["u", "v", "u", "w", "x", "y", "x", "w", "p", "q", "r", "w"]}
    notes = build(table, [FIXED]).tasks["state"].notes
    assert "Confound: 2 units lie on both sides of the split, with 2 of 6 judged samples: u, x." in notes
    table["unit"][4] = "s"
    assert any(
        "1 unit lies on both sides of the split, with 1 of 6" in n for n in build(table, [FIXED]).tasks["state"].notes
    )


def test_a_split_that_judges_or_teaches_nothing_is_refused() -> None:
    assert refused({"label": AB, "part": ["train"] * 12}, [FIXED]) == (
        "t.csv column part ([tasks.state]): test names 'test', and no row holds it (and 1 more); the column holds train"
    )
    elsewhere = {"label": [*AB, ""], "part": ["train"] * 12 + ["test"]}
    assert refused(elsewhere, [STATE | {"test": Split("part", ("test",))}]) == (
        "t.csv column part: of the samples of [tasks.state] none is judged, by test = test; the column holds train"
    )
    whole = {"label": AB, "part": ["test", "id_test"] * 6}
    assert "all are judged, and none is left to train on" in refused(whole, [FIXED])
    where = "t.csv column part ([tasks.state]): class b is "
    remedy = "; exclude the class, or split otherwise"
    alone = {"label": ["a", "a", "a", "b"] * 3, "part": PARTS}
    assert refused(alone, [FIXED]) == f"{where}judged only, so the split can't learn it{remedy}"
    alone = {"label": ["a", "b", "a", "a"] * 3, "part": PARTS}
    assert refused(alone, [FIXED]) == f"{where}trained on only, so the split can't test it{remedy}"
    one = {"label": AB, "part": PARTS, "unit": ["u", "v", "w", "w"] * 3}
    assert "all judged samples are of one unit (w), and an interval needs two or more" in refused(one, [FIXED])


def test_a_limit_keeps_both_sides_of_a_split() -> None:
    table = {"label": ["a", "b"] * 20, "part": ["train"] * 34 + ["test", "id_test"] * 3}
    task = build(table, [FIXED], limit=12).tasks["state"]
    assert task.test is not None
    assert len(task.test) == len(task.y) == 12
    assert all((task.y[side] == c).any() for side in (task.test, ~task.test) for c in (0, 1))


def test_a_unit_that_is_made_one_lies_on_one_side() -> None:
    table = {
        "label": ["a", "a", "b", "b"] * 3,
        "part": ["train", "test", "train", "id_test"] * 3,
        "unit": list("uuvvwwxxyyzz"),
    }
    task = FIXED | {"aggregate": "mean"}
    assert "samples of unit u differ in side of the split; name an inner unit" in refused(table, [task])


def matched(protocols: tuple[str, ...], **table: Any) -> str:
    return refused({"label": ["a", "b"] * 6, **table}, [STATE | {"protocols": protocols}])


def test_classes_that_nothing_can_match_are_refused() -> None:
    units, batches = ["u", "v", "w", "v"] * 3, ["p", "p", "q", "q"] * 3
    assert matched(("nsc/1",), unit=units) == (
        "t.csv column unit ([tasks.state]): class b is found in one unit only (v), so nsc/1 has nothing to match it "
        "with; exclude the class, or add it in another unit"
    )
    units = ["u", "v", "w", "x"] * 3
    assert matched(("nsc/1", "nscb/1"), unit=units, batch=["p"] * 12) == (
        "t.csv column batch ([tasks.state]): all samples are in one batch (p), and nscb/1 matches across batches; "
        "add samples of other batches, or ask by nsc/1"
    )
    nested = matched(("nscb/1",), unit=units, batch=["p", "q"] * 6)
    assert nested.endswith("has nothing to match across batches; add classes in other batches")
    assert "no class is found in two batches" in nested
    fine = {"label": AB, "unit": units, "batch": batches}
    assert build(fine, [STATE | {"protocols": ("nsc/1", "nscb/1")}]).tasks["state"].notes == ()


def test_a_limit_leaves_everyone_somebody_to_match() -> None:
    labels, units = ["a", "b"] * 20, [f"u{i // 2 % 5}{i % 2}" for i in range(40)]
    table = {"label": labels, "unit": units, "batch": [f"p{i // 2 % 5 % 2}" for i in range(40)]}
    task = build(table, [STATE | {"protocols": ("nscb/1",)}], limit=8).tasks["state"]
    assert len(task.y) == 8
    for c in (0, 1):
        assert len(set(task.units[task.y == c])) > 1 < len(set(task.batches[task.y == c]))
