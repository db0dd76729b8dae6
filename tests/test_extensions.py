"""The example packages: installed as users install theirs, and asked all at once in one run of the gate."""

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from reprcheck import registry
from tests.minisets import write_dataset

ROOT = Path(__file__).resolve().parents[1]
EXAMPLES = sorted((ROOT / "examples" / "extensions").iterdir())
POLICY = """
schema = 1
min_units = 8
twins = 2
repeats = 1
limited_release = true
diagnostics = ["beats_texture", "beats_pixels"]
baselines = ["patterns"]
settings = ["mini:*/centroid/1", "two-textures:*/knn/1"]
"""


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_an_example_is_small(example):
    files = [*example.glob("*.py"), example / "pyproject.toml"]
    assert sum(len(path.read_text(encoding="utf-8").splitlines()) for path in files) < 60


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A folder with the packages installed in it."""
    folder = tmp_path_factory.mktemp("site")
    install = ["install", "--quiet", "--no-deps", "--no-build-isolation", "--no-index", f"--target={folder}"]
    subprocess.run([sys.executable, "-m", "pip", *install, *map(str, EXAMPLES)], check=True)
    return folder


@pytest.fixture
def run(site, tmp_path, forks):
    """Run Python in an empty folder, where the packages are installed."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(site), str(ROOT)])}
    return lambda *command: forks.run([sys.executable, *command], tmp_path, environment)


def test_each_is_found_where_it_comes_from(run):
    code = """
from reprcheck import registry
names = {"SOURCES": "histogram", "DATASETS": "two-textures", "REFERENCES": "patterns", "PROTOCOLS": "centroid/1"}
names |= {"DIAGNOSTICS": "beats_pixels", "REPORTERS": "tsv"}
for kind, name in names.items():
    print(kind, getattr(registry, kind).origin(name), type(getattr(registry, kind).get(name)).__name__)
"""
    lines = run("-c", code).stdout.splitlines()
    kinds = {line.split()[0] for line in lines}
    assert kinds == {name for name, thing in vars(registry).items() if isinstance(thing, registry.Registry)}
    assert all(line.split()[2] == "1.0" for line in lines)


def test_the_gate_asks_all_of_them(run, tmp_path):
    task = {"protocols": ["centroid/1"]}
    write_dataset(tmp_path / "mini", labels=["a", "b"] * 12, shape=(1, 16, 16), signal=40.0, masks=True, task=task)
    (tmp_path / "policy.toml").write_text(POLICY)
    options = {"model": "histogram:16", "policy": "policy.toml", "limit": "24", "reports": "tsv", "cache-dir": "cache"}
    command = ["-m", "pytest", "-p", "no:cacheprovider", "--pyargs", "reprcheck.suite"]
    command += ["-p", "reprcheck.pytest_plugin"] if not _is_installed() else []
    command += [f"--reprcheck-{name}={value}" for name, value in options.items()]
    datasets = [f"--reprcheck-dataset={name}" for name in ("mini", "two-textures")]
    ended = run(*command, *datasets, "--reprcheck-report-dir=report")
    assert ended.returncode in (0, 1, 10), ended.stdout + ended.stderr
    card = json.loads((tmp_path / "report" / "scorecard.json").read_text(encoding="utf-8"))
    assert card["model"]["name"] == "histogram-16"
    assert {"mini", "two-textures"} == {setting["dataset"] for setting in card["settings"]}
    assert all("patterns" in setting["scores"] for setting in card["settings"])
    asked = {(cell["setting"].split(":")[0], cell["diagnostic"]): cell for cell in card["cells"]}
    assert set(asked) == {(d, q) for d in ("mini", "two-textures") for q in ("beats_texture", "beats_pixels")}
    assert "error" not in {cell["status"] for cell in asked.values()}
    compared = {c["reference"] for c in asked["mini", "beats_texture"]["details"]["comparisons"]}
    assert {"texture", "patterns", "patterns, expanded"} <= compared
    rows = list(
        csv.DictReader((tmp_path / "report" / "scorecard.tsv").read_text(encoding="utf-8").splitlines(), delimiter="\t")
    )
    assert len(rows) == len(card["cells"])


def _is_installed():
    from importlib.metadata import entry_points

    return any(found.value == "reprcheck.pytest_plugin" for found in entry_points(group="pytest11"))
