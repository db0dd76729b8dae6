"""The questions on made-up vectors, where the answer is known."""

import contextlib
from dataclasses import replace

import numpy as np
import pytest

from reprcheck import diagnostics
from reprcheck.baselines.structure.cell_count import CELL_COUNT
from reprcheck.diagnostics.bench import Bench
from reprcheck.diagnostics.contestants import Contestants
from reprcheck.diagnostics.describe import describe_setting
from reprcheck.digest import digest
from reprcheck.embed.cache import Cache
from reprcheck.embed.engine import Block
from reprcheck.policy import Policy
from reprcheck.registry import DIAGNOSTICS
from tests.tasks import classify_task, vectors


@contextlib.contextmanager
def quiet(total, title):
    yield lambda _: None


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A cache for all: what one test has scored, another needn't."""
    return tmp_path_factory.mktemp("scores")


TASK = classify_task(n_units=60, per_unit=2)
IDS = tuple(f"{i}" for i in range(len(TASK.y)))


def block(signal=0.0, width=8, seed=0, array=None):
    x = vectors(TASK, signal, width, seed) if array is None else array
    return Block(digest("made", x), IDS, x)


def bench(
    folder,
    model,
    *,
    twins=None,
    plain=0.0,
    structure=0.0,
    texture=0.0,
    intensity=0.0,
    matched=None,
    kind="culture",
    asked_for=0.0,
    **policy,
):
    twins = [block(seed=10 + k) for k in range(3)] if twins is None else twins
    hand_made = {"intensity": block(intensity, 4, 31), "pixels": block(0, 4, 32), "texture": block(texture, 4, 36)}
    if kind != "natural":
        hand_made["structure"] = block(structure, 4, 33)
        hand_made |= {name: block(asked_for, 4, 34) for name in policy.get("baselines", ())}
    families = {"untrained": tuple(twins), "untrained-resnet": (block(plain, seed=20),)}
    return Bench(
        model="made",
        dataset="made",
        dataset_digest="0" * 40,
        kind=kind,
        limit=None,
        task=TASK,
        protocol="probe/2",
        policy=Policy(twins=3, **policy),
        cache=Cache(folder),
        progress=quiet,
        contestants=Contestants(model, {name: family for name, family in families.items() if family}),
        baselines=hand_made,
        thumbnails=hand_made["pixels"],
        ids=np.array(IDS),
        matched=lambda: matched,
    )


def judge(diagnostic, made):
    return diagnostics.judge(diagnostic, made, describe_setting(made))


def ask(diagnostic, *args, **kwargs):
    return judge(diagnostic, bench(*args, **kwargs))


def test_knowledge_passes_all_and_noise_none(folder):
    for name in DIAGNOSTICS.names():
        assert ask(name, folder, block(3.0)).status == "pass"
        assert (
            ask(name, folder, block(0.0, seed=5), structure=1.5, texture=1.5, intensity=1.5, plain=1.5).status != "pass"
        )


@pytest.mark.parametrize(
    ("diagnostic", "rival"),
    [
        ("beats_untrained", {"plain": 3.0}),
        ("beats_structure", {"structure": 3.0}),
        ("beats_texture", {"texture": 3.0}),
        ("beyond_intensity", {"intensity": 3.0}),
    ],
)
def test_an_equal_rival_is_not_beaten_and_is_named(folder, diagnostic, rival):
    cell = ask(diagnostic, folder, block(3.0, seed=4), **rival)
    assert cell.status != "pass"
    assert cell.reference.startswith({"plain": "untrained-resnet"}.get(*rival, *rival))


def test_a_function_of_intensity_does_not_get_beyond_it(folder):
    intensity = block(1.5, 4, 31).vectors
    hidden = np.maximum(intensity @ np.random.default_rng(0).normal(size=(4, 200)), 0).astype(np.float32)
    assert ask("beyond_intensity", folder, block(array=hidden), intensity=1.5).status != "pass"


def test_vectors_that_learned_to_read_intensity_do_not_get_beyond_it(folder):
    signs = np.random.default_rng(0).choice([-1.0, 1.0], (len(TASK.y), 2))
    signs[:, 1] *= np.where((signs.prod(1) > 0) == (TASK.y > 0), 1, -1)
    learned = block(array=np.repeat(signs.prod(1, keepdims=True), 4, axis=1).astype(np.float32))
    made = bench(folder, learned)
    made = replace(made, baselines={**made.baselines, "intensity": block(array=signs.astype(np.float32))})
    cell = judge("beyond_intensity", made)
    assert cell.status != "pass"
    assert cell.details["comparisons"][-1]["reference"] == "intensity, read by a forest"


def test_matched_images_must_be_told_apart_too(folder):
    blind = Contestants(block(0.0, seed=6), {"untrained": tuple(block(seed=40 + k) for k in range(3))})
    seeing = Contestants(block(3.0, seed=6), blind.untrained)
    refused = ask("beyond_intensity", folder, block(3.0), matched=blind)
    assert refused.status != "pass"
    assert refused.reference == "untrained on matched images"
    assert ask("beyond_intensity", folder, block(3.0), matched=seeing).status == "pass"


def test_vectors_without_images_are_said_not_to_have_been_matched(folder):
    assert "precomputed" in ask("beyond_intensity", folder, block(3.0)).details["matched"]


def test_collapsed_twins_are_named_and_are_no_opponents(folder):
    flat = [block(array=np.ones((len(IDS), 8), np.float32))] * 2 + [block(seed=12)]
    cell = ask("beats_untrained", folder, block(3.0), twins=flat)
    assert cell.details["collapsed"] == {"untrained-0": "constant", "untrained-1": "constant"}
    everyone = [block(array=np.full((len(IDS), 8), k, np.float32)) for k in range(3)]
    alone = ask("beats_untrained", folder, block(3.0), twins=everyone)
    assert alone.reference == "untrained-resnet"


def test_twins_that_do_not_tell_units_apart_are_collapsed_where_another_does(folder):
    rng = np.random.default_rng(0)
    of_unit = {u: rng.normal(size=8) for u in np.unique(TASK.units)}
    telling = block(array=np.array([of_unit[u] for u in TASK.units], np.float32))
    everyone = Contestants(block(3.0), {"untrained": (block(seed=11), telling)}, TASK.units)
    assert everyone.collapsed == {"untrained-0": "indistinct"}
    assert everyone.separation["untrained-1"] == 1
    assert [len(family) for family in everyone.opponents.values()] == [1]
    assert Contestants(block(3.0), {"untrained": (block(seed=11),)}, TASK.units).collapsed == {}


def test_without_one_usable_opponent_nothing_is_passed(folder):
    made = bench(folder, block(3.0), twins=[block(array=np.ones((len(IDS), 8), np.float32))])
    made.contestants = Contestants(made.embedding, {"untrained": made.contestants.untrained["untrained"]})
    cell = judge("beats_untrained", made)
    assert cell.status == "inconclusive"
    assert "collapsed" in cell.statement


@pytest.mark.parametrize("diagnostic", DIAGNOSTICS.names())
def test_a_saturated_or_empty_setting_gives_no_verdict(folder, diagnostic):
    saturated = ask(diagnostic, folder, block(3.0), plain=60.0)
    assert (saturated.status, saturated.statement.partition(":")[0]) == ("inconclusive", "saturated")
    empty = ask(diagnostic, folder, block(0.0, seed=5))
    assert (empty.status, empty.statement.partition(":")[0]) == ("inconclusive", "no_signal")


@pytest.mark.parametrize("diagnostic", DIAGNOSTICS.names())
def test_embeddings_that_can_not_be_judged(folder, diagnostic):
    constant = block(array=np.ones((len(IDS), 3), np.float32))
    broken = block(array=np.full((len(IDS), 3), np.nan, np.float32))
    assert ask(diagnostic, folder, constant).status == "fail"
    cell = ask(diagnostic, folder, broken)
    assert (cell.status, cell.effect) == ("error", None)


def test_the_types_of_cells_must_be_beaten_where_they_are_told(folder):
    made = bench(folder, block(1.5))
    assert judge("beats_structure", made).status == "pass"
    made = bench(folder, block(1.5))
    made.baselines = made.baselines | {"composition": block(3.0, 4, 35)}
    cell = judge("beats_structure", made)
    assert cell.status != "pass"
    assert cell.reference.startswith("composition")
    assert len(cell.details["comparisons"]) == 4


def test_a_count_and_a_size_alone_must_be_beaten_and_are_told(folder):
    counts = np.exp(vectors(TASK, 3.0, 2, 33)).round()  # the count is the first column of structure
    made = bench(folder, block(3.0, seed=4))
    made.baselines = made.baselines | {"cell_count": block(array=CELL_COUNT.compared(counts))}
    setting = describe_setting(made)
    cell = diagnostics.judge("beats_structure", made, setting)
    assert (cell.status, cell.reference) == ("inconclusive", "cell_count")
    assert [c["reference"] for c in cell.details["comparisons"]] == ["structure", "structure, expanded", "cell_count"]
    (note,) = (note for note in setting.notes if "alone" in note)
    assert note.startswith(
        f"Cell count alone predicts the label: {setting.scores['cell_count']['mean']:.2f} by probe/2"
    )
    made = bench(folder, block(3.0, seed=4))
    made.task = replace(TASK, sizes=np.stack([40 + TASK.y, 40 + TASK.y], 1).astype(float))
    cell = judge("beats_structure", made)
    assert cell.status != "pass"
    assert cell.details["comparisons"][-1]["reference"] == "size"


def test_a_baseline_asked_for_must_be_beaten_as_structure_must(folder):
    seen, asked = block(1.5, 4, 34).vectors, {"baselines": ("cellprofiler",)}
    model = block(array=np.maximum(seen @ np.random.default_rng(0).normal(size=(4, 40)), 0).astype(np.float32))
    assert ask("beats_structure", folder, model).status == "pass"
    cell = ask("beats_structure", folder, model, **asked, asked_for=1.5)
    assert cell.status != "pass"
    assert cell.reference.startswith("cellprofiler")
    references = ["structure", "structure, expanded", "cellprofiler", "cellprofiler, expanded"]
    assert [c["reference"] for c in cell.details["comparisons"]] == references
    assert ask("beats_structure", folder, block(3.0), **asked).status == "pass"
    assert ask("beats_structure", folder, block(3.0), **asked, kind="natural").status == "not_applicable"
    assert ask("beats_structure", folder, block(3.0), **{**asked, "asked_for": 60.0}).statement.startswith("saturated")


def test_what_structure_tells_without_a_line_must_be_beaten_too(folder):
    made = bench(folder, block(3.0))
    sizes = vectors(TASK, width=2, seed=33) * np.where(TASK.y == 1, 4, 0.2)[:, None].astype(np.float32)
    cell = judge("beats_structure", replace(made, baselines={**made.baselines, "structure": block(array=sizes)}))
    assert (cell.status, cell.reference) == ("inconclusive", "structure, expanded")
    alone, expanded = cell.details["comparisons"]
    assert alone["low"] > cell.margin > expanded["low"]


def test_structure_means_nothing_in_photographs(folder):
    assert ask("beats_structure", folder, block(3.0), kind="natural").status == "not_applicable"


def test_texture_must_be_beaten_in_photographs_too(folder):
    assert ask("beats_texture", folder, block(3.0), kind="natural").status == "pass"
    cell = ask("beats_texture", folder, block(3.0, seed=4), kind="natural", texture=3.0)
    assert cell.status != "pass"
    references = ["texture", "texture, expanded", "texture, read by a forest"]
    assert [c["reference"] for c in cell.details["comparisons"]] == references


def test_vectors_that_learned_to_read_texture_do_not_get_beyond_it(folder):
    signs = np.random.default_rng(0).choice([-1.0, 1.0], (len(TASK.y), 2))
    signs[:, 1] *= np.where((signs.prod(1) > 0) == (TASK.y > 0), 1, -1)
    learned = block(array=np.repeat(signs.prod(1, keepdims=True), 4, axis=1).astype(np.float32))
    made = bench(folder, learned)
    cell = judge(
        "beats_texture", replace(made, baselines={**made.baselines, "texture": block(array=signs.astype("f4"))})
    )
    assert cell.status != "pass"
    assert cell.details["comparisons"][-1]["reference"] == "texture, read by a forest"


def test_every_comparison_is_in_the_details(folder):
    cell = ask("beats_untrained", folder, block(3.0))
    assert [c["reference"] for c in cell.details["comparisons"]] == ["untrained", "untrained-resnet"]
    binding = min(cell.details["comparisons"], key=lambda c: c["low"])
    assert (cell.effect, cell.low, cell.reference) == (binding["effect"], binding["low"], binding["reference"])


def test_a_margin_of_the_policy_is_the_margin_of_the_cell(folder):
    cell = ask("beats_untrained", folder, block(3.0), margins={"beats_untrained@probe/2": 0.9})
    assert (cell.margin, cell.status) == (0.9, "fail")


def test_scores_come_from_the_cache_the_second_time(tmp_path, monkeypatch):
    first = ask("beats_untrained", tmp_path, block(3.0))
    monkeypatch.setattr("reprcheck.protocols.probe.Probe.score", lambda *a: pytest.fail("scored again"))
    assert ask("beats_untrained", tmp_path, block(3.0)) == first


def test_where_the_label_follows_few_batches_these_are_what_counts_whatever_the_policy_says(tmp_path):
    of_batch = np.unique(TASK.batches, return_inverse=True)[1]
    y = np.where(np.arange(len(TASK.y)) % 10 < 2, of_batch % 2, 1 - of_batch % 2)
    task = replace(TASK, y=y, units=np.array(IDS))
    made = replace(bench(tmp_path, block(3.0), min_units=2), task=task)
    setting = describe_setting(made)
    cell = diagnostics.judge("beats_untrained", made, setting)
    assert setting.qualification == "underpowered"
    assert cell.status == "inconclusive"
    assert cell.n_units == len(np.unique(TASK.batches)) < 10
    assert "at least 10 batches are needed" in cell.statement
    assert any("follows the batch" in note for note in setting.notes)
