"""`reprcheck.check`: the same verdicts without pytest, for models in memory too."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import reprcheck
from reprcheck.datasets.catalogue import load
from reprcheck.policy import Policy
from reprcheck.registry import DIAGNOSTICS
from reprcheck.scorecard.document import to_document
from tests.minisets import write_dataset

pytestmark = pytest.mark.usefixtures("small_networks")
POLICY = Policy(twins=2, repeats=1, settings=("*/probe/2",))


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    place = tmp_path_factory.mktemp("check")
    labels = ["a", "b"] * 12
    write_dataset(place / "mini", labels=labels, shape=(1, 32, 32), signal=4.0, masks=True)
    return place


def ask(place, model, dataset=None, **more):
    return reprcheck.check(
        model, dataset or place / "mini", more.pop("policy", POLICY), cache_dir=place / "cache", **more
    )


def test_images_of_tasks_that_the_policy_leaves_out_are_not_embedded(tmp_path):
    tasks = {"few": {"kind": "classify", "label": "label", "where": {"batch": "b0"}, "protocols": ["knn/1"]}}
    labels, batches = ["a", "b"] * 12, ["b0"] * 12 + ["b1"] * 12
    write_dataset(tmp_path / "mini", labels=labels, batches=batches, shape=(1, 32, 32), tasks=tasks)
    seen = []

    def model(x):
        seen.extend(x.mean((1, 2, 3)).tolist())
        return x.mean((2, 3))

    policy = Policy(twins=2, repeats=1, settings=("mini:few/*",))
    card = reprcheck.check(model, tmp_path / "mini", policy=policy, cache_dir=tmp_path / "cache")
    assert [setting.task for setting in card.settings] == ["few"]
    dataset = load(tmp_path / "mini")
    means = [dataset.images.read(i).pixels.mean() for i in range(24)]
    assert [any(np.isclose(mean, seen)) for mean in means] == [True] * 12 + [False] * 12


class Means:
    """A model that is a class of the user's own."""

    def __call__(self, x):
        return np.concatenate([x.mean((2, 3)), x.std((2, 3))], 1).astype(np.float32)


def test_a_callable_is_judged(place):
    card = ask(place, Means())
    assert isinstance(card, reprcheck.Scorecard)
    assert {cell.diagnostic for cell in card.cells} == set(DIAGNOSTICS.own)
    assert card.model["name"] == "Means"
    assert not card.gate.released
    assert "untrained-resnet" in card.settings[0].scores


def test_a_module_is_judged_against_its_own_twins(place):
    import torch

    module = torch.nn.Sequential(
        torch.nn.Conv2d(1, 8, 3), torch.nn.ReLU(), torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten()
    )
    card = ask(place, module)
    assert "untrained" in card.settings[0].scores
    assert len(card.settings[0].scores) >= 6


def test_a_dataset_in_memory_gives_the_same_scorecard(place):
    cards = [to_document(ask(place, Means(), dataset)) for dataset in (str(place / "mini"), load(place / "mini"))]
    for card in cards:
        card.pop("run")
    assert cards[0] == cards[1]


NETWORK = """
import torch

def net():
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Conv2d(1, 8, 3), torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten())
"""


def test_it_agrees_with_pytest(place, tmp_path, forks, monkeypatch):
    monkeypatch.undo()  # the other process has the plain networks as they are
    (tmp_path / "model.py").write_text(NETWORK)
    (tmp_path / "policy.toml").write_text('schema = 1\ntwins = 2\nrepeats = 1\nsettings = ["*/probe/2"]\n')
    spec = f"py:{tmp_path}/model.py:net"
    here = to_document(reprcheck.check(spec, place / "mini", tmp_path / "policy.toml", cache_dir=tmp_path / "cache"))
    command = [sys.executable, "-m", "pytest", "benchmarks/", f"--model={spec}", f"--dataset={place}/mini"]
    options = [f"--policy={tmp_path}/policy.toml", f"--cache-dir={tmp_path}/cache", f"--report-dir={tmp_path}/report"]
    forks.run([*command, *options], Path.cwd(), os.environ)
    there = json.loads((tmp_path / "report" / "scorecard.json").read_text())
    for document in (here, there):
        document.pop("run")
    assert json.loads(json.dumps(here)) == there


def test_vectors_are_judged(place, tmp_path):
    np.save(tmp_path / "vectors.npy", np.random.default_rng(0).normal(size=(24, 5)).astype(np.float32))
    card = ask(place, f"emb:{tmp_path}/vectors.npy")
    assert len(card.cells) == len(DIAGNOSTICS.own)
    assert all(cell.status != "pass" for cell in card.cells)


def test_a_fixed_split_and_matching_are_asked_of_a_folder(place):
    labels, part = ["a", "b"] * 20, ["train"] * 18 + ["test"] * 22
    write_dataset(
        place / "split",
        labels=labels,
        shape=(1, 32, 32),
        signal=30.0,
        units=[*(f"c{i // 2:02}" for i in range(39)), "c00"],
        batches=[*(f"p{i // 2 % 4}" for i in range(39)), "p0"],
        extra={"part": part, "treatment": [f"t{i:02}" for i in range(40)]},
        task={"test": {"column": "part", "equals": "test"}, "protocols": ["knn/1"]},
        tasks={
            "moa": {
                **{"kind": "classify", "label": "label", "unit": ["treatment", "unit"], "aggregate": "mean"},
                "protocols": ["nsc/1", "nscb/1"],
            }
        },
    )
    policy = Policy(twins=2, diagnostics=("beats_untrained",), repeats=2)
    card = ask(place, Means(), place / "split", policy=policy)
    split, moa, across = sorted(card.settings, key=lambda setting: ("state" not in setting.id, setting.id))
    assert (split.id, split.n_samples, split.n_units) == ("mini:state/knn/1", 40, 12)
    assert "Confound: 1 unit lies on both sides of the split, with 1 of 22 judged samples: c00." in split.notes
    assert (moa.protocol, moa.n_samples, moa.n_units, across.n_units) == ("nsc/1", 40, 20, 20)
    assert {cell.n_units for cell in card.cells} == {12, 20}


def test_a_limit_is_recorded_and_does_not_release(place):
    card = ask(place, Means(), limit=20)
    assert card.settings[0].limit == 20
    assert card.settings[0].n_samples <= 20
    assert any("by a limit" in reason for reason in card.gate.blocked_by)


@pytest.mark.parametrize(
    ("model", "dataset", "words"),
    [
        ("nothing", None, "nothing"),
        (Means(), "no/such/folder", "no/such/folder"),
        ("timm:no_such_net?pretrained=false", None, "no_such_net"),
    ],
)
def test_a_mistake_is_one_line(place, model, dataset, words):
    with pytest.raises(reprcheck.UserError, match=words) as e:
        ask(place, model, dataset)
    assert "\n" not in str(e.value)


def test_the_public_names_are_there_and_bring_no_torch():
    code = (
        "import sys, reprcheck\n"
        "assert 'numpy' not in sys.modules\n"
        "assert all(getattr(reprcheck, n) is not None for n in reprcheck.__all__)\n"
        "assert 'torch' not in sys.modules\n"
        "try: reprcheck.nothing\n"
        "except AttributeError as e: print(e)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "no attribute 'nothing'" in done.stdout


def test_a_unit_declared_too_fine_is_underpowered_until_the_card_answers(tmp_path):
    """Tiles of a slide are alike, and the label is the slide's: brightness of the slide tells it."""
    slides = [f"slide{i // 3:02}" for i in range(36)]
    labels = [("a", "b")[i // 3 % 2] for i in range(36)]
    extra = {"slide": slides}
    policy = Policy(twins=2, repeats=1, settings=("*/knn/1",), diagnostics=("beats_untrained",))
    folder = write_dataset(tmp_path / "mini", labels=labels, shape=(1, 32, 32), signal=9.0, extra=extra)
    card = ask(tmp_path, Means(), folder, policy=policy)
    (setting,) = card.settings
    assert (setting.qualification, setting.n_units) == ("underpowered", 36)
    assert any(
        "column slide, which the card doesn't answer for, puts 36 units into 12 groups" in n for n in setting.notes
    )
    assert [cell.status for cell in card.cells] == ["inconclusive"]
    assert any("doesn't answer for column slide" in reason for reason in card.gate.blocked_by)
    for answer, n_units in (({"unit": "slide"}, 12), ({"ignored": ["slide"]}, 36)):
        write_dataset(folder, labels=labels, shape=(1, 32, 32), signal=9.0, extra=extra, columns=answer)
        (setting,) = ask(tmp_path, Means(), folder, policy=policy).settings
        assert (setting.qualification != "underpowered", setting.n_units) == (True, n_units)
        assert not any("doesn't answer for" in note for note in setting.notes)
