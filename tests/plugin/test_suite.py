"""The suite that the package brings along: run from any folder, whether it was installed or lies in a checkout."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

from hatchling.builders.wheel import WheelBuilder

ROOT = Path(__file__).resolve().parents[2]


def run(path: Path, place: Path, cwd: Path, *args: str) -> tuple[int, str]:
    """Run the suite in a folder that knows nothing of the checkout; ``path`` is where the package lies."""
    options = {
        "model": f"py:{place}/toys.py:stripes",
        "dataset": place / "mini",
        "policy": place / "policy.toml",
        "cache-dir": place / "cache",
        "report-dir": cwd / "report",
    }
    named = [f"--reprcheck-{name}={value}" for name, value in options.items()]
    command = [sys.executable, "-m", "pytest", "--pyargs", "reprcheck.suite", *named, *args]
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("PYTEST_", "REPRCHECK_"))}
    done = subprocess.run(
        command,
        cwd=cwd,
        env={**kept, "PYTHONPATH": str(path)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def test_it_runs_anywhere_from_a_checkout(place: Path, tmp_path: Path) -> None:
    status, text = run(ROOT, place, tmp_path)
    assert status == 0, text
    card = json.loads((tmp_path / "report" / "scorecard.json").read_text())
    assert card["gate"]["released"]
    assert {cell["diagnostic"] for cell in card["cells"]} == {"beats_structure", "beats_untrained", "beyond_intensity"}


def test_one_question_can_be_named(place: Path, tmp_path: Path) -> None:
    status, text = run(ROOT, place, tmp_path, "--collect-only", "-q", "-k", "beats_untrained")
    assert status == 0, text
    assert "test_beats_untrained[toys.stripes@mini:state/probe/1]" in text
    assert "test_beats_structure" not in text


def test_benchmarks_holds_the_same_tests() -> None:
    in_suite = {path.name for path in (ROOT / "reprcheck" / "suite").glob("test_*.py")}
    assert in_suite == {path.name for path in (ROOT / "benchmarks").glob("test_*.py")}


def test_the_wheel_holds_it(tmp_path: Path) -> None:
    (made,) = WheelBuilder(str(ROOT)).build(directory=str(tmp_path))
    names = zipfile.ZipFile(made).namelist()
    assert {"reprcheck/suite/__init__.py", "reprcheck/suite/test_beats_untrained.py"} <= set(names)
    assert not any(name.startswith(("benchmarks", "tests")) for name in names)
