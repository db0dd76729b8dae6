"""What a setting says of itself: landmarks, confounds, selectivity; and units or batches resampled."""

import dataclasses
from datetime import date

import numpy as np
import pytest

from reprcheck.confounds import notes as misleading
from reprcheck.diagnostics.contestants import Contestants
from reprcheck.diagnostics.describe import describe_setting
from reprcheck.digest import digest
from reprcheck.embed.engine import Block
from reprcheck.policy import Policy
from reprcheck.scorecard.gate import decide
from reprcheck.types import Grouping
from tests.diagnostics.test_diagnostics import IDS, TASK, bench, block, judge


def asked(made, protocol="knn/1", **task):
    return dataclasses.replace(made, protocol=protocol, task=dataclasses.replace(TASK, **task), _scores={})


def test_landmarks_lie_in_order(tmp_path):
    marks = describe_setting(asked(bench(tmp_path, block(3.0), structure=1.0))).landmarks
    assert marks["chance"] == 0.5
    assert marks["chance"] < marks["permuted"] < marks["trivial"] < marks["relation"] <= marks["ceiling"] == 1
    assert marks["p"] == 0.001
    assert 0 < marks["noise"] < marks["mde"] < 1


def test_a_position_that_gives_the_label_away_is_named(tmp_path):
    place = np.where(TASK.y == 0, "A01", "H12")
    told = describe_setting(asked(bench(tmp_path, block(3.0)), positions=place))
    (note,) = (n for n in told.notes if "position alone predicts the label" in n)
    assert told.scores["position"]["mean"] == 1
    assert "1.00 by knn/1, 0.50 by chance (p = 0.001)" in note
    assert told.qualification == "discriminating"
    mixed = describe_setting(asked(bench(tmp_path, block(3.0)), positions=np.random.default_rng(0).permutation(place)))
    assert not any("position" in n for n in mixed.notes)


def test_units_that_may_not_be_independent_leave_a_setting_underpowered(tmp_path):
    slide = Grouping(("slide",), "column slide", '"slide"', 6, len(np.unique(TASK.units)), True)
    made = asked(bench(tmp_path, block(3.0)), groups=(slide,))
    assert describe_setting(made).qualification == "underpowered"
    found = judge("beats_untrained", made)
    assert found.status == "inconclusive"
    assert found.statement.startswith(
        "underpowered: units may not be independent: the card doesn't answer for column slide, whose groups have one "
        "label each; +"
    )
    assert found.low > found.margin
    key = (found.model, found.setting, found.diagnostic)
    gate = decide([found], [describe_setting(made)], [key], Policy(), date(2027, 1, 1))
    assert not gate.released
    assert any(reason.endswith(found.statement) for reason in gate.blocked_by)
    assert judge("beats_untrained", asked(bench(tmp_path, block(3.0)))).status == "pass"


def test_metadata_that_give_the_label_away_are_named(tmp_path):
    operator = np.where(TASK.y == 0, "ann", "bob")[:, None]
    told = describe_setting(asked(bench(tmp_path, block(3.0)), metadata=operator))
    assert told.scores["metadata"]["mean"] == 1
    assert any("metadata alone predicts the label: 1.00 by knn/1" in note for note in told.notes)
    mixed = describe_setting(
        asked(bench(tmp_path, block(3.0)), metadata=np.random.default_rng(0).permutation(operator))
    )
    assert not any("metadata" in note for note in mixed.notes)


def test_sizes_that_give_the_label_away_are_named(tmp_path):
    sizes = np.where(TASK.y == 0, 20.0, 30.0)[:, None] * np.ones(2)
    told = describe_setting(asked(bench(tmp_path, block(3.0)), sizes=sizes))
    assert told.scores["size"]["mean"] == 1
    assert any("image size alone predicts the label: 1.00 by knn/1" in note for note in told.notes)
    assert (
        "size" not in describe_setting(asked(bench(tmp_path, block(3.0)), sizes=np.full((len(TASK.y), 2), 9.0))).scores
    )


def test_a_batch_that_gives_the_label_away_is_named_unless_it_is_held_out(tmp_path):
    slides = np.where(TASK.y == 0, "slide1", "slide2")
    told = describe_setting(asked(bench(tmp_path, block(3.0)), batches=slides, holdout="unit"))
    assert any("batch alone predicts the label" in n for n in told.notes)
    assert "batch" not in describe_setting(asked(bench(tmp_path, block(3.0)))).scores


def test_images_on_both_sides_of_a_fold_are_named(tmp_path):
    first, second = (np.flatnonzero(np.char.equal(TASK.batches, b))[0] for b in ("b0", "b1"))
    ids = list(IDS)
    ids[second] = ids[first]
    model = block(3.0)
    made = bench(tmp_path, Block(model.source, tuple(ids), model.vectors))
    told = " ".join(n for n in describe_setting(asked(made)).notes if "same pixels" in n)
    assert " and ".join(sorted((IDS[first], IDS[second]))) in told
    assert "same pixels" not in " ".join(describe_setting(asked(bench(tmp_path, model))).notes)


def test_a_probe_that_recognises_units_is_less_selective(tmp_path):
    rng = np.random.default_rng(0)
    of_unit = {u: rng.normal(size=64) for u in np.unique(TASK.units)}
    fingerprint = np.array([of_unit[u] for u in TASK.units])
    label = 3.0 * np.eye(2)[TASK.y]
    knows_units = block(array=np.hstack([fingerprint, label]).astype(np.float32))
    knows_label = block(array=np.hstack([rng.normal(size=fingerprint.shape), label]).astype(np.float32))
    by_units, by_label = (
        describe_setting(bench(tmp_path, model)).selectivity["model"] for model in (knows_units, knows_label)
    )
    assert by_units["control"] > by_label["control"] + 0.15
    for told in (by_units, by_label):
        assert told["selectivity"] == pytest.approx(told["task"] - told["control"])
    assert describe_setting(asked(bench(tmp_path, knows_label))).selectivity == {}


def test_single_samples_have_no_control_task(tmp_path):
    alone = asked(bench(tmp_path, block(3.0)), "probe/2", units=np.array([f"u{i}" for i in range(len(IDS))]))
    assert describe_setting(alone).selectivity == {}


def test_a_verdict_says_which_batches_it_covers(tmp_path):
    cell = judge("beats_untrained", bench(tmp_path, block(3.0)))
    assert "(covers these 4 batches, not new ones)" in cell.statement
    assert any(
        note.startswith("Verdicts cover these 4 batches")
        for note in describe_setting(bench(tmp_path, block(3.0))).notes
    )
    assert sorted(cell.details["comparisons"][0]["per_batch"]) == ["b0", "b1", "b2", "b3"]
    assert cell.details["p"] == max(c["p"] for c in cell.details["comparisons"])


def test_batches_are_resampled_where_the_policy_says_so(tmp_path):
    few = judge("beats_untrained", bench(tmp_path, block(3.0), resample="batch"))
    assert (few.status, few.n_units) == ("inconclusive", 4)
    assert "at least 10 batches are needed" in few.statement
    many = np.char.add("plate", (np.arange(60) // 4).astype(str))[np.unique(TASK.units, return_inverse=True)[1]]
    enough = judge("beats_untrained", asked(bench(tmp_path, block(3.0), resample="batch"), batches=many))
    assert (enough.status, enough.n_units) == ("pass", 15)
    assert "not new ones" not in enough.statement
    shared = np.where(np.arange(len(IDS)) % 2 == 0, "p1", "p2")
    crossed = asked(bench(tmp_path, block(3.0), resample="batch"), batches=shared, holdout="unit")
    assert "units lie in several batches" in judge("beats_untrained", crossed).statement
    single = asked(bench(tmp_path, block(3.0), resample="batch"), batches=np.full(len(IDS), "p1"), holdout="unit")
    assert "all units lie in one batch" in judge("beats_untrained", single).statement


def test_folds_are_drawn_as_often_as_the_policy_says_where_they_are_drawn(tmp_path):
    held_out, drawn = bench(tmp_path, block(3.0), repeats=3), {"holdout": "unit"}
    assert held_out.scores([block(3.0)])[0].runs == ()
    (thrice,) = asked(held_out, **drawn).scores([block(1.0)])
    assert len(thrice.runs) == 3
    assert thrice.values == pytest.approx(np.mean([run.values for run in thrice.runs], axis=0))
    (cached,) = asked(held_out, **drawn).scores([block(1.0)])
    assert [run.values.tolist() for run in cached.runs] == [run.values.tolist() for run in thrice.runs]
    (once,) = asked(bench(tmp_path, block(3.0), repeats=1), **drawn).scores([block(1.0)])
    assert once.values.tolist() == thrice.runs[0].values.tolist()


def test_of_a_fixed_split_only_the_judged_count(tmp_path):
    number = np.unique(TASK.units, return_inverse=True)[1]
    fixed = {"holdout": None, "test": number < 20}
    made = asked(bench(tmp_path, block(3.0)), **fixed)
    told, cell = describe_setting(made), judge("beats_untrained", made)
    assert (told.n_samples, told.n_units, told.n_batches) == (len(IDS), 20, 4)
    assert (cell.status, cell.n_units) == ("pass", 20)
    assert made.scores([block(1.0)])[0].runs == ()
    few = asked(bench(tmp_path, block(3.0)), **fixed | {"test": number < 8})
    assert describe_setting(few).qualification == "underpowered"
    assert judge("beats_untrained", few).status == "inconclusive"
    assert judge("beyond_intensity", asked(bench(tmp_path, block(3.0)), "probe/2", **fixed)).n_units == 20
    constant = asked(bench(tmp_path, block(array=np.ones((len(IDS), 4), np.float32))), **fixed)
    assert judge("beats_untrained", constant).n_units == 20
    assert set(describe_setting(asked(bench(tmp_path, block(3.0)), "probe/2", **fixed)).selectivity) >= {
        "model",
        "untrained",
    }


def test_copies_are_told_across_a_split_and_not_within_a_side(tmp_path):
    test = np.unique(TASK.units, return_inverse=True)[1] < 20
    model = block(3.0)

    def told(first, second):
        ids = list(IDS)
        ids[second] = ids[first]
        made = asked(bench(tmp_path, Block(model.source, tuple(ids), model.vectors)), holdout=None, test=test)
        return " ".join(note for note in describe_setting(made).notes if "same pixels" in note and "label" not in note)

    judged, train = np.flatnonzero(test), np.flatnonzero(~test)
    assert "lies on both sides of a fold" in told(judged[0], train[0])
    assert told(judged[0], judged[1]) == told(train[0], train[1]) == ""


def test_matching_is_told_of_as_folds_are(tmp_path):
    place = np.where(TASK.y == 0, "A01", "H12")
    slides = np.where(TASK.y == 0, "slide1", "slide2")
    told = describe_setting(asked(bench(tmp_path, block(3.0)), "nsc/1", holdout=None, batches=slides, positions=place))
    assert {"batch", "position"} <= set(told.scores)
    assert any("position alone predicts the label: 1.00 by nsc/1" in note for note in told.notes)
    assert any("batch alone predicts the label: 1.00 by nsc/1" in note for note in told.notes)
    apart = describe_setting(asked(bench(tmp_path, block(3.0)), "nscb/1", holdout=None, positions=place))
    assert "position" in apart.scores
    assert "batch" not in apart.scores
    ids = list(IDS)
    ids[1] = ids[0]
    copies = describe_setting(
        asked(bench(tmp_path, Block("made", tuple(ids), block(3.0).vectors)), "nsc/1", holdout=None)
    )
    assert any("with the same pixels lies in two units" in note for note in copies.notes)


def test_matched_units_alone_count_and_the_rest_is_noted(tmp_path):
    batches = np.where((TASK.units < "u010") & (TASK.y == 0), "late", "early")
    batches[(TASK.y == 1) & (TASK.units >= "u050")] = "early"
    made = asked(bench(tmp_path, block(3.0)), "nscb/1", holdout=None, batches=batches)
    assert describe_setting(made).n_units == len(made.units) == 30  # class1 lies in one batch
    assert any("aren't judged by nscb/1" in note and "of class1" in note for note in describe_setting(made).notes)
    cell = judge("beats_untrained", made)
    assert cell.n_units == 30
    (again,) = dataclasses.replace(made, _scores={}).scores([made.embedding])
    (first,) = made.scores([made.embedding])
    assert np.array_equal(again.matches, first.matches)


@pytest.mark.parametrize("protocol", ["nsc/1", "nscb/1"])
def test_vectors_of_brightness_meet_a_forest_by_matching_too(tmp_path, protocol):
    bright = block(2.0, 4, 31)
    made = asked(bench(tmp_path, bright, intensity=2.0), protocol, holdout=None)
    cell = judge("beyond_intensity", made)
    assert cell.status != "pass"
    assert "intensity, read by a forest" in {c["reference"] for c in cell.details["comparisons"]}


def test_one_twin_left_is_a_single_reference(tmp_path):
    flat = Block(digest("flat"), IDS, np.ones((len(IDS), 8), np.float32))
    made = bench(tmp_path, block(3.0), twins=[flat, flat, block(seed=12)])
    made.contestants = Contestants(made.embedding, {"untrained": made.contestants.untrained["untrained"]})
    (evidence,) = made.against_untrained("beats_untrained", made.contestants)
    alone = made.against(*made.scores([made.embedding]), made.scores([block(seed=12)]), "untrained", 0.02)
    assert evidence == alone


def test_what_was_interpreted_is_counted_and_told_by_class_where_classes_differ():
    n = len(TASK.y)
    names = [f"s{i:03}" for i in range(n)]
    assert misleading.interpreted(TASK, [()] * n, names) == []
    assert misleading.interpreted(TASK, [("turned", "cut")] * n, names) == [
        f"All {n} images: cut.",
        f"All {n} images: turned.",
    ]
    assert misleading.interpreted(TASK, [("cut",) if i in (5, 3) else () for i in range(n)], names) == [
        f"2 of {n} images (such as s003): cut."
    ]
    first = [("cut",) if y == 0 else () for y in TASK.y]
    of = np.bincount(TASK.y)
    (told,) = misleading.interpreted(TASK, first, names)
    assert told.endswith(
        f": cut; classes differ: {TASK.classes[0]} {of[0]} of {of[0]}, {TASK.classes[1]} 0 of {of[1]}."
    )
