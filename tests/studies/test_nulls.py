"""The studies on images, at few trials: each holds, and each would find out a judge that lets too many pass."""

import contextlib
from dataclasses import replace

import numpy as np
import pytest

from reprcheck.baselines import Texture
from reprcheck.baselines.structure.baseline import STRUCTURE
from reprcheck.embed.engine import Block
from reprcheck.policy import Policy
from reprcheck.protocols.knn import KNN
from reprcheck.protocols.probe import PROBE
from reprcheck.registry import REFERENCES
from reprcheck.studies import (
    benches,
    brightness,
    foreign,
    functions,
    intensity,
    permuted,
    polarity,
    structure,
    texture,
    untrained,
)
from reprcheck.studies.row import Scale
from reprcheck.types import Image

QUICK = Scale(full=False)
LENIENT = Policy(margin=-1.0, repeats=1, limited_release=True)
STUDIES = (structure, texture, intensity, untrained, foreign, permuted)


@contextlib.contextmanager
def quiet(total, title):
    yield lambda _: None


@pytest.fixture(autouse=True)
def cache(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("REPRCHECK_CACHE", str(tmp_path_factory.getbasetemp() / "nulls"))


def bad(rows):
    return [row.case for row in rows if not row.holds]


@pytest.mark.parametrize("module", STUDIES)
def test_the_null_holds(module):
    rows = module.study(QUICK, quiet)
    assert bad(rows) == []
    assert all(row.trials > 0 for row in rows)


@pytest.mark.parametrize("module", [structure, untrained, foreign])
def test_a_judge_that_asks_for_nothing_is_found_out(module, monkeypatch):
    monkeypatch.setattr(module, "POLICY", LENIENT)
    assert all(not row.holds for row in module.study(QUICK, quiet))


def test_a_judge_that_asks_for_no_more_votes_and_grows_no_forest_is_found_out(monkeypatch):
    monkeypatch.setattr(intensity, "POLICY", LENIENT)
    for protocol in (KNN, PROBE):
        monkeypatch.setattr(type(protocol), "predicts", False)
    rows = intensity.study(QUICK, quiet)
    assert {row.case for row in rows if row.case.startswith("knn/1")} <= set(bad(rows))


def test_blind_references_are_found_out(monkeypatch):
    made = benches.StudyBenches.of

    def blind(self, at, *contestants):
        bench = made(self, at, *contestants)
        noise = {
            name: seen.mapped(["noise"], np.random.default_rng(0).normal(size=seen.vectors.shape).astype(np.float32))
            for name, seen in bench.baselines.items()
            if REFERENCES.get(name).knows == STRUCTURE.knows
        }
        return replace(bench, baselines={**bench.baselines, **noise})

    monkeypatch.setattr(benches.StudyBenches, "of", blind)
    monkeypatch.setattr(structure, "QUICK_LIMIT", 288)  # fewer samples let no function of structure be seen
    assert "sim-culture-known:count/knn/1" in bad(structure.study(QUICK, quiet))


def test_labels_that_were_not_permuted_are_found_out(monkeypatch):
    monkeypatch.setattr(permuted, "permute_labels", lambda y, *_: iter([y]))
    monkeypatch.setattr(permuted, "POLICY", LENIENT)
    rows = permuted.study(QUICK, quiet)
    assert {"released: all", "cells that pass"} <= set(bad(rows))


def test_a_fixed_split_and_matching_are_asked_of_the_judged_alone():
    sets = benches.open_sets({"sim-culture-split": 60, "sim-screen": 60}, structure.OTHERS)
    found = [
        structure.judge(benches.Trial(at, "linear map", 16, 0), benches.StudyBenches(structure.POLICY))
        for at in benches.study_settings(sets, structure.OTHERS)
    ]
    split, screen = (one.tasks[name] for one, name in zip(sets, ("localisation", "mechanism"), strict=True))
    assert [cell.n_units for cell in found] == [len(set(split.units[split.test])), len(set(screen.units))]
    assert all(cell.status != "pass" for cell in found)


def test_no_draw_is_its_own_twin_and_no_family_comes_twice():
    blocks = [Block(f"draw-{i}", (), np.zeros((0, 1), np.float32)) for i in range(80)]
    pool = untrained.Pool(blocks, [], {"conv": blocks[:5]})
    families = [pool.families(i)["untrained"] for i in range(80)]
    assert all(len({block.source for block in family} | {f"draw-{i}"}) == 6 for i, family in enumerate(families))
    assert len({frozenset(block.source for block in family) for family in families}) == 80


@pytest.mark.parametrize("name", functions.FUNCTIONS)
def test_functions_are_drawn_from_names_and_know_the_features_alone(name):
    features = np.random.default_rng(1).normal(size=(30, 12)).astype(np.float32)
    a, b, other = (functions.apply(name, features, 16, np.random.default_rng(s)) for s in (0, 0, 1))
    assert np.array_equal(a, b)
    assert not np.array_equal(a, other)
    assert np.isfinite(a).all()
    order = np.random.default_rng(2).permutation(30)
    moved = functions.apply(name, features[order], 16, np.random.default_rng(0))
    np.testing.assert_allclose(moved, a[order], atol=1e-5)


def test_functions_of_intensity_are_blind_to_where_pixels_lie():
    rng = np.random.default_rng(0)
    image = Image(rng.random((2, 16, 16)).astype(np.float32))
    shuffled = Image(rng.permuted(image.pixels.reshape(2, -1), axis=1).reshape(2, 16, 16))
    encoder = brightness.Waves(0, 32)
    assert np.array_equal(encoder.encode([image]), encoder.encode([shuffled]))


def test_a_judge_that_lets_nobody_pass_is_found_out(monkeypatch):
    monkeypatch.setattr(texture, "POLICY", Policy(margin=0.9, repeats=1))
    seeing, _ = zip(*(texture._ask_of_sides(draw) for draw in range(4)), strict=True)
    assert not texture._power(seeing).holds


def test_a_side_is_seen_between_channels_alone():
    images = [polarity.Fields(0).read(i) for i in range(40)]
    seen = polarity.Side().encode(images)[:, 0] > 0
    assert (seen == np.arange(40) % 2).mean() > 0.9
    other = [Image(image.pixels[:, ::-1, ::-1].copy()) for image in images]
    before, after = (Texture().encode(some) for some in (images, other))
    np.testing.assert_allclose(before, after, atol=1e-4)
