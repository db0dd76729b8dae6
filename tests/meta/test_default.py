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


def run(place, cache, report, *models):
    named = [f"--model={model}" for model in models]
    command = [sys.executable, "-m", "pytest", "benchmarks/", *named, "-p", "spy", "-s"]
    folders = [f"--cache-dir={cache}", f"--report-dir={place}/{report}"]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST_")} | {"PYTHONPATH": str(place)}
    done = subprocess.run([*command, *folders], cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    cards = [json.loads(path.read_text()) for path in (place / report).rglob("scorecard.json")]
    return done.returncode, done.stdout, {card["model"]["spec"]: card for card in cards if card.pop("run")}


def test_the_demo_is_released_its_untrained_twin_is_blocked_and_a_second_run_needs_no_torch(gate):
    status, output, first = gate("first", "demo", "demo?seed=1")
    assert status == 1, output
    card, untrained = first["demo"], first["demo?seed=1"]
    assert card["gate"]["released"]
    assert {cell["status"] for cell in card["cells"]} == {"pass"}
    assert {setting["qualification"] for setting in card["settings"]} == {"discriminating"}
    assert {(setting["dataset"], setting["task"]) for setting in card["settings"]} == {
        (dataset, task) for dataset in DEFAULT for task in DESERVED[dataset]
    }
    assert not untrained["gate"]["released"]
    assert untrained["gate"]["outcome"] == "blocked"
    beaten = [cell["status"] for cell in untrained["cells"] if cell["diagnostic"] == "beats_untrained"]
    assert beaten
    assert "pass" not in beaten
    again, output, second = gate("second", "demo")
    assert again == 0, output
    assert "torch loaded: False" in output
    assert second == {"demo": card}
