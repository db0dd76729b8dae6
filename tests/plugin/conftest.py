"""Whole pytest sessions of the gate, each in a process of its own, on a miniature dataset."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock

from tests.forked import Server, run_fresh
from tests.minisets import write_dataset
from tests.plugin.attacks import MODELS, TRAINING

ROOT = Path(__file__).resolve().parents[2]
TOYS = """
import numpy as np

def stripes():
    "Tells on which side stripes are steep, whatever their brightness: the phase of an overtone beside its base."
    def encode(x):
        waves = np.fft.rfft(x.mean(2)[:, 0])[:, 1:]
        waves = waves / (np.sqrt((np.abs(waves) ** 2).sum(1, keepdims=True)) + 1e-6)
        side = (waves[:, 2] ** 2 * waves[:, 5].conj()).imag
        return np.stack([side, side], 1).astype(np.float32)
    return encode

def brightness():
    return lambda x: np.concatenate([x.mean((2, 3)), x.std((2, 3))], 1).astype(np.float32)

def constant():
    return lambda x: np.ones((len(x), 3), np.float32)

def broken():
    return lambda x: np.full((len(x), 3), np.nan, np.float32)

def raises():
    raise RuntimeError("no weights today")

def shapeless():
    return lambda x: x

def murderer():
    import os, signal
    def encode(x):
        os.kill(os.getpid(), signal.SIGKILL)
    return encode
"""
POLICY = 'schema = 1\ntwins = 3\nrepeats = 1\nmin_units = 10\nsettings = ["mini:state/probe/2"]\n'


@dataclass(frozen=True)
class Outcome:
    """What a session left behind."""

    status: int
    text: str
    report: Path

    @property
    def card(self) -> dict:
        return json.loads((self.report / "scorecard.json").read_text())

    @property
    def cards(self) -> list[dict]:
        """The scorecard of every model."""
        return [json.loads(path.read_text()) for path in sorted(self.report.rglob("scorecard.json"))]

    @property
    def statuses(self) -> dict[str, str]:
        return {cell["diagnostic"]: cell["status"] for cell in self.card["cells"]}


def striped(n: int, seed: int) -> tuple[list[np.ndarray], list[str]]:
    """Fields of noise with faint stripes, steep on the left in one class and on the right in the other.

    Neither brightness nor texture knows: both see the same when an image is turned by 180 degrees.
    """
    rng = np.random.default_rng(seed)
    images, labels = [], []
    for i in range(n):
        at = np.arange(32) * 2 * np.pi * 3 / 32 + rng.uniform(0, 6)
        wave = (np.sin(at) + (1 if i % 2 else -1) * np.sin(2 * at) / 2)[None, :].repeat(32, 0)
        pixels = 110 + 8 * wave + rng.normal(0, 25, (32, 32)) + rng.normal(0, 8)
        images.append(np.clip(pixels, 0, 255).astype(np.uint8)[None])
        labels.append("right" if i % 2 else "left")
    return images, labels


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a dataset, toy models, a policy and a cache, shared by all sessions of whichever worker."""
    shared = tmp_path_factory.getbasetemp()
    place = (shared.parent if os.environ.get("PYTEST_XDIST_WORKER") else shared) / "gate"
    with FileLock(f"{place}.lock"):
        if not place.exists():
            fill(place)
    return place


def fill(place: Path) -> None:
    """Write the dataset, the models and the policy."""
    images, labels = striped(64, seed=3)
    write_dataset(
        place / "mini",
        labels=labels,
        units=[f"w{i // 2:02d}{labels[i][0]}" for i in range(64)],
        batches=[f"plate{(i // 8) % 4}" for i in range(64)],
        images=images,
        shape=(1, 32, 32),
        masks=True,
        task={"holdout": "batch"},
    )
    (place / "toys.py").write_text(TOYS)
    (place / "attack.py").write_text(MODELS)
    (place / "train.py").write_text(TRAINING)
    (place / "policy.toml").write_text(POLICY)


@pytest.fixture
def gate(place: Path, tmp_path: Path, forks: Server):
    """Run the gate: ``gate("--model=…", …) -> Outcome``; without a dataset, on the miniature one.

    With ``fresh`` in an interpreter of its own: where imports, hashing or the parent of the model's process matter.
    """

    def run(
        *args: str,
        models: tuple[str, ...] = (),
        cwd: Path = ROOT,
        suite: str = "benchmarks/",
        fresh: bool = False,
        **env: str,
    ) -> Outcome:
        named = [f"--model=py:{place}/toys.py:{toy}" for toy in models]
        rest = list(args)
        if not any(a.startswith("--dataset") for a in args):
            rest.append(f"--dataset={place}/mini")
        if not any(a.startswith("--policy") for a in args):
            rest.append(f"--policy={place}/policy.toml")
        if not any(a.startswith("--cache-dir") for a in args):
            rest.append(f"--cache-dir={place}/cache")
        report = tmp_path / "report"
        plugins = ["-p", "xdist"] if "-n" in args else []  # no others: their import is most of a short session's time
        command = [sys.executable, "-m", "pytest", *plugins, suite, *named, *rest, f"--report-dir={report}"]
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST_", "REPRCHECK_", "COLUMNS"))}
        start = run_fresh if fresh else forks.run
        done = start(command, cwd, {**environment, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", **env})
        return Outcome(done.returncode, done.stdout + done.stderr, report)

    return run
