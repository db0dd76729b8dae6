"""An audit: what its sentences claim follows from the numbers, and what it draws fits the terminal."""

from __future__ import annotations

import json
import math
import tomllib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from reprcheck.datasets.catalogue import load
from reprcheck.errors import UserError
from reprcheck.models import draw_plain
from reprcheck.models.untrained_resnet import UntrainedResNet
from reprcheck.policy import Policy, read_policy
from reprcheck.reporters.audit import AuditReport, to_json
from reprcheck.reporters.margins import MarginReport, toml
from reprcheck.reporters.scale import scale
from reprcheck.reporters.wording import encoders
from reprcheck.runs.audit import audit, estimate_units, examine, strongest_untrained, without_model
from reprcheck.runs.margins import STEP, by_protocol, round_up, suggest
from tests.minisets import write_dataset
from tests.scorecards import QUALIFICATIONS, a_cell, a_setting

POLICY = Policy(twins=2, repeats=1, settings=("*/probe/2",))
SCORE = st.floats(-0.5, 1)
HAND_MADE = ("structure", "cellprofiler", "intensity", "pixels", "batch", "position")
NAMES = ("untrained", "untrained-vit", *HAND_MADE, "model")
TEXT = st.text(min_size=1, max_size=40)


def known(untrained=0.55, mde=0.12, qualification="discriminating", noise=0.05, **changes):
    """A setting of which everything is known."""
    marks = {"chance": 0.25, "ceiling": 1.0, "trivial": 0.6, "relation": 0.6, "permuted": 0.3, "p": 0.001}
    means = {"untrained": untrained, "untrained-vit": untrained - 0.1, "structure": 0.6, "intensity": 0.2}
    values = {
        "n_units": 96,
        "qualification": qualification,
        "scores": {name: {"mean": mean, "low": mean - 0.1, "high": mean + 0.1} for name, mean in means.items()},
        "landmarks": marks | {"mde": mde, "noise": noise},
        "selectivity": {"untrained": {"task": 0.5, "control": 0.3, "selectivity": 0.2}},
    }
    return a_setting(**values | changes)


@st.composite
def settings(draw):
    """Any setting, some of its numbers missing."""
    means = draw(st.dictionaries(st.sampled_from(NAMES) | TEXT, SCORE))
    marks = {name: draw(SCORE | st.just(math.nan)) for name in ("relation", "permuted", "mde", "noise")}
    name = draw(st.sampled_from(["culture", "tissue"])) + ":" + draw(TEXT).replace("/", "") + "/probe/2"
    return a_setting(
        id=name,
        n_units=draw(st.integers(2, 5000)),
        qualification=draw(st.sampled_from(QUALIFICATIONS)),
        scores={name: {"mean": mean, "low": mean, "high": mean} for name, mean in means.items()},
        landmarks=marks | {"chance": 0.25, "ceiling": 1.0, "p": draw(st.floats(0.001, 1)), "trivial": draw(SCORE)},
        notes=tuple(draw(st.lists(TEXT, max_size=2))),
    )


def test_the_sentences():
    assert examine(known(), Policy()).sentence == (
        "can tell: a model that beats the untrained by 0.120 or more is seen, and there is room for 0.450"
    )
    assert examine(known(untrained=0.96), Policy()).sentence == (
        "can't tell: only a model that beats the untrained by 0.120 or more is seen, and there is room for 0.040 only; "
        "more units (about 864) or another metric are needed"
    )
    assert "more units" not in examine(known(untrained=0.985), Policy()).sentence
    assert examine(known(qualification="no_signal"), Policy()).sentence.startswith("can tell, if there is a signal: ")
    assert examine(known(qualification="saturated"), Policy()).sentence.startswith("can't tell: 0.600 of 1.000 is")
    unanswered = ("Underpowered: column slide, which the card doesn't answer for, groups units; name it as `unit`.",)
    assert examine(known(qualification="underpowered", notes=unanswered), Policy()).sentence == (
        "can't tell: column slide, which the card doesn't answer for, groups units; name it as `unit`"
    )
    assert examine(known(qualification="underpowered", n_units=6), Policy()).sentence == (
        "can't tell: 6 units, and at least 10 are needed"
    )
    assert "no untrained network" in examine(known(scores={"structure": {"mean": 0.6}}), Policy()).sentence
    assert "too few" in examine(known(mde=math.nan), Policy()).sentence


def test_a_scattered_family_may_be_the_harder_one_to_beat():
    mdes = {"untrained": 0.05, "untrained-vit": 0.3, "structure": 0.9}  # at 0.55, 0.45 and 0.6
    compared = [{"reference": name, "mde": mde} for name, mde in mdes.items()]
    found = examine(known(mde=0.7), Policy(), a_cell(details={"comparisons": compared}))
    assert found.mde == pytest.approx(0.2)
    assert found.can_tell
    assert examine(known(mde=0.7), Policy()).mde == 0.7


def test_batches_are_counted_where_they_are_resampled():
    found = examine(known(untrained=0.96, n_batches=4), Policy(resample="batch"))
    assert "more batches (about 36)" in found.sentence


@given(setting=settings())
def test_a_sentence_follows_from_the_numbers(setting):
    found, name, mde = examine(setting, Policy()), strongest_untrained(setting), setting.landmarks["mde"]
    assert name is None or found.headroom == 1 - max(
        interval["mean"] for name, interval in setting.scores.items() if name.startswith("untrained")
    )
    qualified = setting.qualification in ("discriminating", "no_signal")
    assert found.can_tell == (qualified and found.headroom >= mde)
    assert found.sound == (found.can_tell and setting.qualification == "discriminating")
    assert found.sentence.startswith("can tell" if found.can_tell else "can't tell: ")
    if found.can_tell:
        assert f"{mde:.3f}" in found.sentence
        assert found.units_needed is None
    if found.units_needed is not None:
        assert str(found.units_needed) in found.sentence
        assert found.units_needed >= (
            Policy().min_units if setting.qualification == "underpowered" else setting.n_units
        )


@given(effect=st.floats(0.01, 1), detectable=st.floats(0.01, 1), count=st.integers(2, 10_000))
def test_as_many_units_as_needed_make_it_detectable(effect, detectable, count):
    needed = estimate_units(effect, detectable, count)
    assert detectable * math.sqrt(count / needed) <= effect * (1 + 1e-6)
    if needed > 1:
        assert detectable * math.sqrt(count / (needed - 1)) >= effect * (1 - 1e-6)


@pytest.mark.parametrize("effect", [0, -0.1, 1e-300, math.nan])
def test_no_number_of_units_makes_nothing_detectable(effect):
    assert estimate_units(effect, 0.1, 96) is None


MARKS = st.dictionaries(st.sampled_from("umsip"), SCORE | st.just(math.nan))


@given(
    marks=MARKS, chance=SCORE, ceiling=SCORE, reference=SCORE | st.just(math.nan), mde=SCORE, width=st.integers(2, 90)
)
def test_a_scale_keeps_order_and_shows_every_letter_once(marks, chance, ceiling, reference, mde, width):
    drawn = scale(marks, chance=chance, ceiling=ceiling, reference=reference, mde=mde, width=width)
    if chance >= ceiling:
        assert drawn == []
        return
    assert all(len(line) == width for line in drawn)
    assert drawn[-1][0] + drawn[-1][-1] == "c|"
    at = {letter: line.index(letter) for letter in "umsip" for line in drawn if letter in line}
    assert set(at) == {letter for letter, score in marks.items() if math.isfinite(score)}
    assert sum(line.count(letter) for line in drawn for letter in "umsip") == len(at)
    ordered = sorted(at, key=lambda letter: marks[letter])
    assert [at[letter] for letter in ordered] == sorted(at.values())


def test_a_scale_shows_where_a_model_would_be_seen():
    drawn = scale({"u": 0.5}, chance=0, ceiling=1, reference=0.5, mde=0.2, width=21)
    assert drawn == ["c---------u...======|"]
    assert scale({"u": 0.9}, chance=0, ceiling=1, reference=0.9, mde=0.2, width=21) == ["c-----------------u.|"]


@given(found=st.lists(settings(), min_size=1, max_size=4), width=st.sampled_from([60, 80, 140]))
def test_any_audit_fits(found, width):
    audits = [examine(setting, Policy(), a_cell()) for setting in found]
    lines = AuditReport(audits).lines(width, color=False)
    assert max(map(cell_len, lines)) <= width
    assert all(line.isprintable() for line in lines)
    assert len(json.loads(to_json(audits))["audits"]) == len(found)


def test_the_report_says_it_all():
    notes = ("Confound: batch alone predicts the label: 0.40 by probe/2, 0.25 by chance (p = 0.001).",)
    audits = [examine(known(notes=notes), Policy()), examine(known(id="other:task/knn/1", untrained=0.96), Policy())]
    text = " ".join(" ".join(AuditReport(audits).lines(80, color=False)).split())
    for words in (*notes, *(found.sentence for found in audits), "1 of 1 setting", "0 of 1 setting", "+0.200"):
        assert words in text
    assert "m the model" not in text
    wide = AuditReport(audits).lines(140, color=False)
    head = next(line for line in wide if line.startswith("setting"))
    assert "structure" in head
    assert "can tell" in head


def test_a_baseline_asked_for_stands_beside_structure():
    everyone = known(scores={name: {"mean": 0.5, "low": 0.4, "high": 0.6} for name in sorted(HAND_MADE)})
    lines = AuditReport([examine(everyone, Policy())]).lines(200, color=False)
    head = next(line.split() for line in lines if line.startswith("setting"))
    assert [name for name in head if name in HAND_MADE] == list(HAND_MADE)
    assert any("f cellprofiler" in line for line in lines)
    assert encoders([everyone])[:3] == ["structure", "cellprofiler", "intensity"]


def test_json_holds_no_nan_and_reads_back():
    document = json.loads(to_json([examine(known(mde=math.nan), Policy(), a_cell())]), parse_constant=pytest.fail)
    (one,) = document["audits"]
    assert one["setting"]["landmarks"]["mde"] is None
    assert one["cell"]["diagnostic"] == "beats_untrained"
    assert document["sound"] == {"sim-culture": False}


def test_without_model_nothing_stands_in_its_place():
    numbers = {"mean": 0.5, "low": 0.4, "high": 0.6}
    left = without_model(known(scores={"model": numbers, "untrained": numbers}, selectivity={"model": numbers}))
    assert set(left.scores) == {"untrained"}
    assert not left.selectivity


def test_the_null_model_is_none_of_the_plain_networks():
    null = UntrainedResNet()
    digests = {draw_plain(null, 2, "resnet", k).digest() for k in range(50)}
    assert null.encoder(2).digest() not in digests
    assert null.untrained(2, 0) is None
    assert null.digest == UntrainedResNet().digest


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A dataset that brightness tells something of, and a cache."""
    place, labels = tmp_path_factory.mktemp("audit"), ["a", "b"] * 24
    rng = np.random.default_rng(1)
    images = [
        np.clip(rng.normal(60 + 12 * (label == "b") + rng.normal(0, 8), 20, (1, 32, 32)), 0, 255).astype(np.uint8)
        for label in labels
    ]
    write_dataset(place / "mini", labels=labels, images=images, shape=(1, 32, 32), masks=True)
    return place


@pytest.mark.usefixtures("small_networks")
def test_an_audit_without_a_model(place):
    (found,) = audit(place / "mini", policy=POLICY, cache_dir=place / "cache")
    assert found.setting.qualification == "discriminating"
    assert "model" not in found.setting.scores
    assert {"untrained-resnet", "untrained-vit", "structure", "intensity", "pixels"} <= set(found.setting.scores)
    assert found.cell is None
    (again,) = audit(load(place / "mini"), policy=POLICY, cache_dir=place / "cache")
    assert again == found


@pytest.mark.usefixtures("small_networks")
def test_an_audit_of_a_model(place):
    def means(x):
        return np.concatenate([x.mean((2, 3)), x.std((2, 3))], 1).astype(np.float32)

    (found,) = audit(place / "mini", means, POLICY, cache_dir=place / "cache")
    assert found.cell.diagnostic == "beats_untrained"
    assert found.cell.model == "means"
    assert "model" in found.setting.scores
    text = "\n".join(AuditReport([found]).lines(80, color=False))
    assert "means against the untrained: " in text
    assert "m the model" in text


def test_a_policy_that_requires_nothing_here_is_refused(place):
    with pytest.raises(UserError, match="matches no setting of mini"):
        audit(place / "mini", policy=Policy(settings=("other:*",)), cache_dir=place / "cache")


@given(noise=st.floats(0, 0.99))
def test_a_margin_is_the_least_step_above_the_noise(noise):
    margin = round_up(noise)
    assert margin >= noise - 1e-8
    assert margin == STEP or margin - STEP < noise
    assert round(margin / STEP) * STEP == pytest.approx(margin, abs=1e-12)


def test_a_margin_and_the_units_for_smaller_ones():
    found = suggest(known(noise=0.042), Policy())
    assert (found.margin, found.for_half, found.for_default) == (0.045, 335, 424)
    assert suggest(known(noise=math.nan), Policy()).margin is None
    assert suggest(known(noise=3.2), Policy()).margin is None


def test_the_largest_margin_of_a_protocol_is_pasted(tmp_path):
    marks = {"d:a/probe/2": 0.042, "d:b/probe/2": 0.061, "d:c/probe/2": math.nan, "d:a/knn/1": math.nan}
    found = [suggest(known(id=name, noise=noise), Policy()) for name, noise in marks.items()]
    assert by_protocol(found)["probe/2"].setting.id == "d:b/probe/2"
    text = "\n".join(toml(found))
    assert tomllib.loads(text) == {"margins": {"beats_untrained@probe/2": 0.065}}
    assert "# d:b/probe/2" in text
    assert "d:c/probe/2: no noise floor" in text
    assert "knn/1: no margin to suggest" in text
    (tmp_path / "policy.toml").write_text(f"schema = 1\n{text}\n")
    assert read_policy(tmp_path / "policy.toml").margin_for("beats_untrained", "probe/2") == 0.065


@given(found=st.lists(settings(), min_size=1, max_size=4), width=st.sampled_from([60, 80, 140]))
def test_any_suggestion_fits_and_is_toml(found, width):
    suggestions = [suggest(setting, Policy()) for setting in found]
    lines = MarginReport(suggestions, Policy()).lines(width, color=False)
    pasted = toml(suggestions)
    assert max(map(cell_len, lines[: -len(pasted)])) <= width
    assert set(tomllib.loads("\n".join(pasted))) == {"margins"}
