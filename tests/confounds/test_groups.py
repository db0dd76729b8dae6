"""Groups that a card doesn't answer for: what is noticed, what isn't, and what answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reprcheck.datasets.card.card import parse
from reprcheck.datasets.card.columns import JointColumn
from reprcheck.datasets.folder import open_folder
from reprcheck.errors import UserError
from reprcheck.types import Dataset, Grouping
from tests.datasets.test_assemble import DOSE, STATE, build
from tests.minisets import write_dataset

SLIDES = [f"slide{i // 4}" for i in range(32)]
OF_SLIDE = ["a", "b"] * 4
LABELS = [OF_SLIDE[i // 4] for i in range(32)]
SLIDE = Grouping(("slide",), "column slide", '"slide"', 8, 32, True)
IGNORED_PATH = '"image" = "path", "ignored" = ["path"]'
TABLE: dict[str, list[Any]] = {"label": LABELS, "slide": SLIDES}


def groups(
    table: dict[str, list[Any]], task: dict[str, Any] | None = None, **given_columns: Any
) -> tuple[Grouping, ...]:
    """Return the groups that are noticed in a table, whose columns unit, batch and position the card names."""
    (found,) = build(table, [task or STATE], columns=given_columns).tasks.values()
    return found.groups


def columns(*args: Any, **kwargs: Any) -> list[tuple[str, ...]]:
    return [grouping.columns for grouping in groups(*args, **kwargs)]


def note(dataset: Dataset) -> str:
    return next(note for note in dataset.tasks["state"].notes if note.startswith("Underpowered: "))


def test_a_column_whose_groups_have_one_label_is_noticed() -> None:
    assert groups(TABLE) == (SLIDE,)
    assert note(build(TABLE)) == (
        "Underpowered: column slide, which the card doesn't answer for, puts 32 units into 8 groups of one label each, "
        'so that they may not be independent; name that on the card: unit = "slide", or, where its units are '
        'independent all the same, list it in [columns]: ignored = ["slide"].'
    )


@pytest.mark.parametrize(
    "answer",
    [{"unit": "slide"}, {"batch": "slide"}, {"metadata": ("slide",)}, {"position": "slide"}, {"ignored": ("slide",)}],
)
def test_naming_the_column_answers_for_it(answer: dict[str, Any]) -> None:
    assert groups(TABLE, **answer) == ()


def test_a_tasks_own_unit_and_replicate_answer_for_that_task_alone() -> None:
    fine = {"name": "fine", "kind": "classify", "label": ("label",), "protocols": ("probe/2",), "unit": "id"}
    coarse = STATE | {"unit": "slide"}
    found = build(TABLE, [fine, coarse, STATE | {"name": "again", "replicate": "slide"}]).tasks
    assert [found[name].groups for name in ("fine", "state", "again")] == [(SLIDE,), (), ()]
    assert build(TABLE, [fine], columns={"unit": "slide"}).tasks["fine"].groups == (SLIDE,)


def test_the_label_of_another_task_answers_for_nothing() -> None:
    """Wells of one compound aren't independent where its mechanism is asked."""
    table = {"label": LABELS, "compound": SLIDES}
    compound = STATE | {"name": "compound", "label": ("compound",)}
    found = build(table, [STATE, compound]).tasks
    assert [g.columns for g in found["state"].groups] == [("compound",)]
    assert found["compound"].groups == ()


def test_the_label_by_another_name_is_no_group() -> None:
    coarser = ["x" if label in "ab" else "y" for label in "abcd" * 8]
    assert groups({"label": list("abcd") * 8, "code": [f"no {label}" for label in "abcd" * 8]}) == ()
    assert groups({"label": list("abcd") * 8, "family": coarser}) == ()


def test_a_label_told_a_little_finer_is_no_group_unless_it_sounds_like_one() -> None:
    """Three classes, one of them with two outcomes; but three classes, one of them of two patients, are a trap."""
    label = ["normal"] * 8 + ["invasive"] * 8 + ["in situ"] * 16
    finer = label[:16] + ["in situ, progressed"] * 8 + ["in situ, stayed"] * 8
    assert groups({"label": label, "outcome": finer}) == ()
    assert groups({"label": label, "patient": finer}) == (
        Grouping(("patient",), "column patient", '"patient"', 4, 32, False),
    )
    assert "; a label of one group alone can't be asked of new ones, or" in note(
        build({"label": label, "patient": finer})
    )


def test_groups_of_several_labels_are_no_trap() -> None:
    assert groups({"label": ["a", "b"] * 16, "slide": SLIDES}) == ()


def test_a_slip_in_a_label_doesnt_hide_a_group() -> None:
    labels = [OF_SLIDE[i // 10] for i in range(80)]
    slides = [f"slide{i // 10}" for i in range(80)]
    labels[3] = "b"
    assert groups({"label": labels, "slide": slides}) == (Grouping(("slide",), "column slide", '"slide"', 8, 80, True),)
    labels[13] = labels[23] = labels[33] = labels[43] = labels[53] = "c"
    assert groups({"label": labels, "slide": slides}) == ()


def test_chance_is_no_group() -> None:
    """Four pairs of one label each: 3 deals of 35 do as well; nine pairs don't come about by chance."""
    few = {"label": ["a", "a", "b", "b"] * 2, "dish": [f"d{i // 2}" for i in range(8)]}
    many = {"label": ["a", "a", "b", "b"] * 5, "dish": [f"d{i // 2}" for i in range(20)]}
    assert groups(few) == ()
    assert groups(many) == (Grouping(("dish",), "column dish", '"dish"', 10, 20, True),)


def test_blank_cells_are_in_no_group() -> None:
    half = [slide if i % 4 < 2 else "" for i, slide in enumerate(SLIDES)]
    assert groups({"label": LABELS, "slide": half}) == (Grouping(("slide",), "column slide", '"slide"', 8, 16, True),)
    assert groups({"label": LABELS, "slide": [""] * 32}) == ()


def test_groups_within_units_say_nothing() -> None:
    assert groups({**TABLE, "patient": [s[:-1] + "AB"[i // 16] for i, s in enumerate(SLIDES)]}, unit="slide") == ()
    assert groups({**TABLE, "field": [f"{s}/{i % 2}" for i, s in enumerate(SLIDES)]}, unit="slide") == ()


def test_groups_of_several_units_are_noticed_above_a_unit() -> None:
    """Patients of two slides each, and slides of four tiles: the patient's slides aren't independent."""
    tiles = range(96)
    table = {
        "label": ["ab"[i // 8 % 2] for i in tiles],
        "unit": [f"slide{i // 4:02}" for i in tiles],
        "patient": [f"patient{i // 8:02}" for i in tiles],
    }
    assert groups(table) == (Grouping(("patient",), "column patient", '"patient"', 12, 24, True),)
    assert groups(table, unit=("unit", "patient")) == ()


def test_batches_of_one_label_answer_for_what_lies_in_them() -> None:
    patients = [f"patient{i // 8}" for i in range(64)]
    table = {
        "label": ["ab"[i // 8 % 2] for i in range(64)],
        "batch": patients,
        "slide": [f"{p}-{i // 4 % 2}" for i, p in enumerate(patients)],
        "clinic": [f"clinic{i // 16}" for i in range(64)],
    }
    assert columns(table) == []
    assert columns({k: v for k, v in table.items() if k != "batch"}) == [("batch"[:0] + "slide",)]


def test_groups_in_batches_of_several_labels_are_noticed() -> None:
    """Patients have tumour and other slides, and the slides are nobody's unit."""
    table = {
        "label": ["ab"[i // 4 % 2] for i in range(64)],
        "batch": [f"patient{i // 16}" for i in range(64)],
        "slide": [f"slide{i // 4}" for i in range(64)],
    }
    assert groups(table) == (Grouping(("slide",), "column slide", '"slide"', 16, 64, True),)


def test_batches_that_lie_in_larger_groups_of_one_label_are_noticed() -> None:
    table = {
        "label": ["ab"[i // 12 % 2] for i in range(120)],
        "batch": [f"slide{i // 4:02}" for i in range(120)],
        "patient": [f"patient{i // 12}" for i in range(120)],
    }
    assert groups(table) == (Grouping(("patient",), "column patient", '"patient"', 10, 120, True),)


def test_columns_with_the_same_groups_are_one() -> None:
    table = {**TABLE, "barcode": [f"x{slide[5:]}" for slide in SLIDES]}
    (found,) = groups(table)
    assert found == Grouping(("slide", "barcode"), "column slide (barcode alike)", '"slide"', 8, 32, True)
    assert groups(table, ignored=("slide",)) == ()
    assert groups(table, metadata=("barcode",)) == ()


def test_a_well_is_a_plate_and_a_name() -> None:
    """Layouts differ from plate to plate, so that neither column is of one label: together they are."""
    draw = np.random.default_rng(0)
    plates, wells = np.repeat(["p1", "p2", "p3"], 48), np.tile(np.repeat([f"A{w:02}" for w in range(1, 13)], 4), 3)
    label = np.concatenate([np.repeat(draw.permutation(["x"] * 6 + ["y"] * 6), 4) for _ in range(3)])
    table = {"label": label.tolist(), "plate": plates.tolist(), "well": wells.tolist()}
    together = Grouping(("well",), "columns plate and well together", '{ join = ["plate", "well"] }', 36, 144, True)
    assert groups(table) == (together,)
    assert groups(table, batch="plate") == (together,)
    assert groups(table, batch="plate", position="well") == (together,)
    assert groups(table, batch="plate", ignored=("well",)) == ()
    assert groups({**table, "unit": [f"{p}-{w}" for p, w in zip(plates, wells, strict=True)]}, batch="plate") == ()
    assert groups(table, unit=JointColumn(("plate", "well"))) == ()
    assert groups(table, batch=JointColumn(("plate", "well"))) == ()


def test_a_layout_that_plates_repeat_needs_no_answer_beside_a_joined_unit() -> None:
    wells = [f"A{i // 2 % 12 + 1:02}" for i in range(72)]
    label = ["xy"[i // 2 % 2] for i in range(72)]
    table = {"label": label, "well": wells, "plate": [f"p{i // 24}" for i in range(72)]}
    assert columns(table) == [("well",)]
    assert columns(table, unit=JointColumn(("plate", "well"))) == []


def test_a_layout_that_plates_repeat_is_a_position() -> None:
    wells = [f"A{i % 12 + 1:02}" for i in range(48)]
    table = {"label": ["xy"[i % 12 % 2] for i in range(48)], "well": wells, "batch": [f"p{i // 12}" for i in range(48)]}
    assert columns(table) == [("well",)]
    assert columns(table, position="well") == []


def test_measurements_are_no_groups() -> None:
    """Numbers that follow the label meet now and then, among units of one label."""
    draw = np.random.default_rng(0)
    area = [f"{int(draw.integers(0, 70)) + 1000 * (label == 'b')}" for label in LABELS * 2]
    assert len(set(area)) > 40
    assert groups({"label": LABELS * 2, "area": area}) == ()
    named = [f"slide {value}" for value in area]
    assert len(groups({"label": LABELS * 2, "slide": named})) == 1


def test_a_class_cut_from_an_amount_that_another_task_asks_is_the_amount() -> None:
    dose = [str(float(i // 4)) for i in range(32)]
    active = ["yes" if float(d) > 3 else "no" for d in dose]
    assert columns({"label": active, "dose": dose}) == [("dose",)]
    found = build({"label": active, "dose": dose}, [STATE, DOSE]).tasks
    assert found["state"].groups == ()
    odd = ["yes" if int(float(d)) % 2 else "no" for d in dose]
    assert build({"label": odd, "dose": dose}, [STATE, DOSE]).tasks["state"].groups


def test_a_regression_has_groups_too() -> None:
    age = [str(40 + i // 4) for i in range(48)]
    patient = [f"patient{(i // 4) * 5 % 12}" for i in range(48)]
    assert groups({"dose": age, "patient": patient}, DOSE) == (
        Grouping(("patient",), "column patient", '"patient"', 12, 48, True),
    )
    assert groups({"dose": age, "written": [f"{a} years" for a in age]}, DOSE) == ()
    assert groups({"dose": age, "day": [str(int(a) * 24) for a in age]}, DOSE) == ()
    assert groups({"dose": [str(i * i % 37) for i in range(48)], "patient": patient}, DOSE) == ()


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("images/{label}/{slide}/{i}.png", ["folder 3 of path"]),
        ("images/{slide}/{i}.png", ["folder 2 of path"]),
        ("{label}/{i}.png", []),
        ("{side}/{label}/{i}.png", []),
        ("{label}/{side}/{i}.png", []),
        ("images/{i}.png", []),
    ],
)
def test_a_folder_of_images_groups_as_a_column_does(tmp_path: Path, path: str, found: list[str]) -> None:
    folder = write_dataset(tmp_path / "set", labels=LABELS, suffix=".png")
    names = []
    for i, (label, slide) in enumerate(zip(LABELS, SLIDES, strict=True)):
        names.append(path.format(label=label, slide=slide, i=i, side=("train", "test")[i % 2]))
        (folder / names[-1]).parent.mkdir(parents=True, exist_ok=True)
        (folder / f"images/{i:03}.png").rename(folder / names[-1])
    rows = "".join(f"s{i:02},{name},{label}\n" for i, (name, label) in enumerate(zip(names, LABELS, strict=True)))
    (folder / "samples.csv").write_text(f"id,path,label\n{rows}", encoding="utf-8")
    assert [g.called for g in open_folder(folder).tasks["state"].groups] == found
    card = (folder / "dataset.toml").read_text(encoding="utf-8").replace('"image" = "path"', IGNORED_PATH)
    (folder / "dataset.toml").write_text(card, encoding="utf-8")
    assert IGNORED_PATH in card
    assert open_folder(folder).tasks["state"].groups == ()


def test_an_ignored_column_must_be_there_and_have_no_part() -> None:
    with pytest.raises(UserError) as mistake:
        groups(TABLE, ignored=("slides",))
    assert str(mistake.value) == "t.csv: no column 'slides', which [columns] ignored names; did you mean slide?"
    card = """
    schema = 1
    name = "toy"
    kind = "culture"
    channels = ["DNA"]
    columns = { sample = "id", image = "path", unit = ["slide", "patient"], ignored = ["patient"] }
    tasks.state = { kind = "classify", label = "state", protocols = ["knn/1"] }
    """
    with pytest.raises(UserError) as mistake:
        parse(card, "toy/dataset.toml")
    assert str(mistake.value) == "toy/dataset.toml [columns] ignored: 'patient' is named as unit too; name it once"


def test_ignored_values_are_no_part_of_a_datasets_identity() -> None:
    one, other = (build({**TABLE, "slide": s}, columns={"ignored": ("slide",)}) for s in (SLIDES, SLIDES[::-1]))
    assert one.digest == other.digest
    assert one.digest != build(TABLE).digest


@settings(max_examples=25, deadline=None)
@given(st.randoms(use_true_random=False))
def test_the_order_of_rows_and_columns_has_no_say(random: Any) -> None:
    order = list(range(32))
    random.shuffle(order)
    table = {**TABLE, "row": [str(i) for i in range(32)], "noise": [random.choice("xyz") for _ in range(32)]}
    turned = dict(sorted(table.items(), key=lambda _: random.random()))
    assert build(table, order=order).tasks["state"].groups == (SLIDE,)
    assert build(turned).tasks["state"].groups == (SLIDE,)


@settings(max_examples=40, deadline=None)
@given(st.integers(5, 12), st.integers(2, 6), st.integers(2, 4), st.integers(0, 2**32 - 1))
def test_a_planted_group_is_always_noticed(n_groups: int, each: int, classes: int, seed: int) -> None:
    """With ten groups or more of any size: the fewest that could be units; their names and labels in any order."""
    draw, n = np.random.default_rng(seed), max(10, n_groups * 2)
    label = draw.permutation(np.arange(n) % classes)
    sizes = draw.integers(2, each + 1, n)
    table = {
        "label": [f"class{label[g]}" for g in range(n) for _ in range(sizes[g])],
        "what": [f"g{g}" for g in range(n) for _ in range(sizes[g])],
    }
    assert [g.n_groups for g in groups(table)] == [n]
    assert [g.n_units for g in groups(table)] == [int(sizes.sum())]


def test_a_random_column_is_hardly_ever_noticed() -> None:
    """One in a hundred at most, whatever its groups; seeds are fixed."""
    draw, noticed, times = np.random.default_rng(1), 0, 0
    for n_groups, each in ((2, 6), (3, 4), (8, 2), (12, 2), (6, 5)):
        for _ in range(60):
            label = draw.choice(["a", "b"], n_groups * each)
            if min(np.count_nonzero(label == name) for name in "ab") > 1:
                column = draw.permutation(np.repeat([f"g{g}" for g in range(n_groups)], each))
                noticed += bool(groups({"label": label.tolist(), "what": column.tolist()}))
                times += 1
    assert times > 250
    assert noticed <= 0.02 * times
