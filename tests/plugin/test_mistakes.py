"""Every mistake of a user's: one line that names the place, what is wrong and what to do; exit status 4; no report."""

import json
import shutil

import numpy as np
import pytest

from tests.minisets import write_dataset


def is_one_clear_line(found, *words):
    """The mistake is told once, in one line that holds all words; the report folder says that nothing is decided."""
    assert found.status == 4, found.text
    lines = [line for line in found.text.splitlines() if line.startswith("ERROR: ")]
    assert len(lines) == 1, found.text
    for word in words:
        assert word in lines[0]
    assert "Traceback" not in found.text
    assert "INTERNALERROR" not in found.text
    cards = list(found.report.rglob("scorecard.json"))
    assert cards, "no word in the report folder"
    for path in cards:
        gate = json.loads(path.read_text())["gate"]
        assert gate["outcome"] == "undecided"
        assert not gate["released"]
        assert lines[0].removeprefix("ERROR: ") in gate["blocked_by"][0]


@pytest.fixture
def spoilt(place, tmp_path):
    """A copy of the miniature dataset to spoil."""
    return shutil.copytree(place / "mini", tmp_path / "mini")


def test_no_model(gate):
    is_one_clear_line(gate(), "--model", "no model given", "--model=demo")


def test_no_model_under_xdist(gate):
    is_one_clear_line(gate("-n", "1"), "--model", "no model given")


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ("--model=nothing", ("--model=nothing", "demo")),
        ("--model=tim:resnet18", ("tim", "did you mean timm")),
        ("--model=timm:resnet18?pretrained=false&checkpoint=none.safetensors", ("none.safetensors",)),
        ("--model=timm:resnet1888?pretrained=false", ("resnet1888", "did you mean")),
        ("--model=py:no_such_module:factory", ("no_such_module",)),
        ("--model=emb:none.npy", ("none.npy",)),
    ],
)
def test_unknown_models(gate, option, words):
    is_one_clear_line(gate(option), *words)


def test_unknown_reports(gate):
    is_one_clear_line(gate("--model=demo", "--reports=markdown,markdwn"), "--reports", "did you mean markdown")


@pytest.mark.parametrize(
    ("toy", "words"),
    [
        ("raises", ("RuntimeError", "no weights today")),
        ("shapeless", ("wrong output shape", "D]")),
        ("absent", ("absent",)),
    ],
)
def test_models_that_break(gate, toy, words):
    is_one_clear_line(gate(models=(toy,)), f"{toy}", *words)


def test_a_checkpoint_that_does_not_fit(gate, tmp_path):
    from safetensors.numpy import save_file

    save_file({"nothing.weight": np.zeros((2, 2), np.float32)}, tmp_path / "other.safetensors")
    spec = f"timm:resnet10t?pretrained=false&checkpoint={tmp_path}/other.safetensors"
    is_one_clear_line(gate(f"--model={spec}"), "other.safetensors", "bn1.bias is missing")


def test_vectors_of_another_dataset(gate, tmp_path):
    np.save(tmp_path / "vectors.npy", np.zeros((7, 3), np.float32))
    is_one_clear_line(gate(f"--model=emb:{tmp_path}/vectors.npy"), "vectors.npy", "7", "64")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--dataset=sim-cultur",), ("--dataset=sim-cultur", "did you mean sim-culture")),
        (("--policy=none.toml",), ("none.toml", "no such file")),
        (("--limit=0",), ("--limit", "whole number")),
        (("--reruns=2",), ("--reruns",)),
    ],
)
def test_options_that_can_not_be_honoured(gate, options, words, tmp_path):
    plugin = tmp_path / "reruns_stub.py"  # what pytest-rerunfailures adds
    plugin.write_text("def pytest_addoption(parser): parser.addoption('--reruns', type=int, default=0)\n")
    is_one_clear_line(gate("-p", "reruns_stub", *options, models=("stripes",), PYTHONPATH=str(tmp_path)), *words)


def test_two_models_of_one_name(gate):
    is_one_clear_line(gate(models=("stripes", "stripes")), "toys.stripes", "name=")


def test_a_misspelt_policy_key(gate, tmp_path):
    (tmp_path / "policy.toml").write_text("schema = 1\nmargn = 0.1\n")
    is_one_clear_line(gate(f"--policy={tmp_path}/policy.toml", models=("stripes",)), "margn", "did you mean margin")


def test_a_waiver_without_a_date(gate, place, tmp_path):
    waiver = '[[waivers]]\ncell = "mini:state/probe/2 beats_structure"\nreason = "x"\nowner = "Ada"\n'
    (tmp_path / "policy.toml").write_text((place / "policy.toml").read_text() + waiver)
    found = gate(f"--policy={tmp_path}/policy.toml", models=("stripes",))
    is_one_clear_line(found, "policy.toml: waivers[1].expires: missing", "write expires = YYYY-MM-DD")


def test_an_unknown_diagnostic(gate, tmp_path):
    (tmp_path / "policy.toml").write_text('schema = 1\ndiagnostics = ["beats_untraind"]\n')
    is_one_clear_line(gate(f"--policy={tmp_path}/policy.toml", models=("stripes",)), "beats_untraind", "did you mean")


def test_a_baseline_that_is_not_installed(gate, place, tmp_path):
    (tmp_path / "hiding.py").write_text("import sys\nsys.modules['cp_measure'] = None\n")
    (tmp_path / "policy.toml").write_text((place / "policy.toml").read_text() + 'baselines = ["cellprofiler"]\n')
    asked = ("-p", "hiding", f"--policy={tmp_path}/policy.toml")
    is_one_clear_line(
        gate(*asked, models=("stripes",), PYTHONPATH=str(tmp_path)), "policy: baselines", "reprcheck[cellprofiler]"
    )


def test_a_policy_that_requires_nothing(gate, tmp_path):
    (tmp_path / "policy.toml").write_text('schema = 1\nsettings = ["other:*"]\n')
    is_one_clear_line(gate(f"--policy={tmp_path}/policy.toml", models=("stripes",)), "other:*", "mini")


def test_an_unusable_cache_folder(gate, tmp_path):
    (tmp_path / "file").write_text("")
    is_one_clear_line(gate(f"--cache-dir={tmp_path}/file", models=("stripes",)), "--cache-dir", "usable")


def test_a_missing_image(gate, spoilt):
    (spoilt / "images" / "003.tif").unlink()
    is_one_clear_line(gate(f"--dataset={spoilt}", models=("stripes",)), "003.tif", "5")


def test_a_truncated_image_told_once_for_all_questions(gate, spoilt):
    path = spoilt / "images" / "003.tif"
    path.write_bytes(path.read_bytes()[:-200])
    is_one_clear_line(gate(f"--dataset={spoilt}", models=("stripes",)), "003.tif")


@pytest.mark.parametrize(("shape", "words"), [((2, 32, 32), ("003.tif", "channel")), ((1, 30, 32), ("003.tif", "fit"))])
def test_an_image_unlike_the_others(gate, spoilt, shape, words):
    import tifffile

    tifffile.imwrite(spoilt / "images" / "003.tif", np.zeros(shape, np.uint8), photometric="minisblack")
    is_one_clear_line(gate(f"--dataset={spoilt}", models=("stripes",)), *words)


LABELS = ["a", "b"] * 8
FOUR = [f"p{i // 4}" for i in range(16)]


@pytest.mark.parametrize(
    ("folder", "words"),
    [
        ({"labels": ["a"] * 16}, ("one class",)),
        ({"labels": LABELS, "ids": ["same"] * 16}, ("samples.csv line 3", "same")),
        ({"labels": LABELS, "columns": {"unit": "well"}}, ("well",)),
        ({"labels": LABELS, "batches": ["p"] * 16, "task": {"holdout": "batch"}}, ("batch",)),
        ({"labels": ["a"] * 4 + ["b"] * 12, "batches": FOUR, "task": {"holdout": "batch"}}, ("p0",)),
        ({"labels": ["a", "b", "b", "b"] + ["b", "c"] * 6, "batches": FOUR, "task": {"holdout": "batch"}}, ("a",)),
        ({"labels": LABELS, "task": {"protocols": ["prob/1"]}}, ("prob/1", "probe/2")),
    ],
    ids=[
        "one class",
        "duplicate ids",
        "missing column",
        "one batch",
        "batch of one class",
        "class in one batch",
        "protocol",
    ],
)
def test_tables_that_can_not_be_judged(gate, tmp_path, folder, words):
    write_dataset(tmp_path / "bad", **folder)
    is_one_clear_line(gate(f"--dataset={tmp_path}/bad", models=("stripes",)), *words)


def test_a_mistake_leaves_no_earlier_release_behind(gate, spoilt):
    report = gate(models=("stripes",)).report
    assert json.loads((report / "scorecard.json").read_text())["gate"]["released"]
    (spoilt / "images" / "003.tif").write_bytes(b"")
    is_one_clear_line(gate(f"--dataset={spoilt}", models=("stripes",)), "003.tif")
