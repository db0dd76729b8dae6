"""What `make benchmark` does: the demo is released on the embedded default, its untrained twin is blocked."""

import json
import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from reprcheck.datasets.catalogue import DEFAULT
from tests.meta.known import DESERVED

pytestmark = pytest.mark.slow
ROOT = Path(__file__).resolve().parents[2]
SPY = """
import sys

def pytest_unconfigure():
    print("torch loaded:", "torch" in sys.modules)
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    place = tmp_path_factory.mktemp("default")
    (place / "spy.py").write_text(SPY)
    return place


@pytest.fixture
def gate(place, cache):
    return partial(run, place, cache)


def run(place, cache, model, report):
    command = [sys.executable, "-m", "pytest", "benchmarks/", f"--model={model}", "-p", "spy", "-s"]
    folders = [f"--cache-dir={cache}", f"--report-dir={place}/{report}"]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST_")} | {"PYTHONPATH": str(place)}
    done = subprocess.run([*command, *folders], cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    card = json.loads((place / report / "scorecard.json").read_text())
    card.pop("run")
    return done.returncode, done.stdout, card


def test_the_demo_is_released_and_a_second_run_needs_no_torch(gate):
    status, output, card = gate("demo", "first")
    assert status == 0, output
    assert {cell["status"] for cell in card["cells"]} == {"pass"}
    assert {setting["qualification"] for setting in card["settings"]} == {"discriminating"}
    assert {(setting["dataset"], setting["task"]) for setting in card["settings"]} == {
        (dataset, task) for dataset in DEFAULT for task in DESERVED[dataset]
    }
    again, output, same = gate("demo", "second")
    assert again == 0
    assert "torch loaded: False" in output
    assert same == card


def test_its_untrained_twin_is_blocked(gate):
    status, _, card = gate("demo?seed=1", "untrained")
    assert status == 1
    assert not card["gate"]["released"]
    beaten = [cell["status"] for cell in card["cells"] if cell["diagnostic"] == "beats_untrained"]
    assert "pass" not in beaten
