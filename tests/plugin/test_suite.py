"""The suite that the package brings along: run from any folder, whether it was installed or lies in a checkout."""

from __future__ import annotations

import json
import os
import sys
import zipfile
from collections.abc import Sequence
from importlib.metadata import entry_points
from pathlib import Path

import pytest
from hatchling.builders.wheel import WheelBuilder

from reprcheck.registry import DIAGNOSTICS
from tests.forked import Server, run_fresh
from tests.plugin.attacks import ERRORS, MISTAKES

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def run(place: Path, tmp_path: Path, forks: Server):
    """Run the suite in a folder that knows nothing of the checkout: ``run(path, …) -> (status, text)``.

    ``path`` is where the package lies.
    """

    def run(
        path: Path, *args: str, models: Sequence[str] = ("toys.py:stripes",), fresh: bool = False, **environment: str
    ) -> tuple[int, str]:
        options = {
            "dataset": place / "mini",
            "policy": place / "policy.toml",
            "cache-dir": place / "cache",
            "report-dir": tmp_path / "report",
        }
        named = [f"--reprcheck-{name}={value}" for name, value in options.items()]
        named += [f"--reprcheck-model=py:{place}/{model}" for model in models]
        command = [sys.executable, "-m", "pytest", "--pyargs", "reprcheck.suite", *named, *args]
        others = {plugin.name for plugin in entry_points(group="pytest11")} - {"reprcheck.pytest_plugin"}
        command += [f"-pno:{name}" for name in sorted(others - {"xdist" if "-n" in args else ""})]  # of imports, most
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("PYTEST_", "REPRCHECK_"))}
        start = run_fresh if fresh else forks.run
        done = start(command, tmp_path, {**kept, "PYTHONPATH": str(path), **environment})
        return done.returncode, done.stdout + done.stderr

    return run


def test_it_runs_anywhere_from_a_checkout(run, tmp_path: Path) -> None:
    status, text = run(ROOT, fresh=True)
    assert status == 0, text
    card = json.loads((tmp_path / "report" / "scorecard.json").read_text())
    assert card["gate"]["released"]
    assert {cell["diagnostic"] for cell in card["cells"]} == set(DIAGNOSTICS.own)


def test_one_question_can_be_named(run) -> None:
    status, text = run(ROOT, "--collect-only", "-q", "-k", "beats_untrained")
    assert status == 0, text
    assert "test_beats_untrained[toys.stripes@mini:state/probe/2]" in text
    assert "test_beats_structure" not in text


def test_benchmarks_holds_the_same_tests() -> None:
    in_suite = {path.name for path in (ROOT / "reprcheck" / "suite").glob("test_*.py")}
    in_benchmarks = {path.name for path in (ROOT / "benchmarks").glob("test_*.py")} - {"test_throughput.py"}
    assert in_suite == in_benchmarks


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package as a wheel has it, unpacked in a folder."""
    folder = tmp_path_factory.mktemp("wheel")
    (made,) = WheelBuilder(str(ROOT)).build(directory=str(folder))
    zipfile.ZipFile(made).extractall(folder / "site")
    return folder / "site"


def test_the_wheel_holds_it(wheel: Path) -> None:
    names = {path.relative_to(wheel).as_posix() for path in wheel.rglob("*.py")}
    assert {"reprcheck/suite/__init__.py", "reprcheck/suite/test_beats_untrained.py"} <= set(names)
    assert not any(name.startswith(("benchmarks", "tests")) for name in names)
    assert (wheel / "reprcheck" / "py.typed").exists()
    (about,) = wheel.glob("*.dist-info")
    assert "License-Expression: Apache-2.0\nLicense-File: LICENSE\n" in (about / "METADATA").read_text(encoding="utf-8")
    assert (about / "licenses" / "LICENSE").read_bytes() == (ROOT / "LICENSE").read_bytes()


INSTALLED = [
    *((f"attack.py:{model}", (), {}, 4) for model in MISTAKES),
    ("train.py:model", (), {}, 4),
    ("train.py:model", ("-n", "1"), {}, 4),
    ("attack.py:factory_is_gone", ("-n", "1"), {}, 1),
    ("toys.py:constant", ("-p", "no:reprcheck-run"), {}, 1),
    ("toys.py:constant", ("-n", "1", "-m", "not reprcheck"), {}, 5),
    ("toys.py:constant", ("--fixtures",), {}, 1),
    ("toys.py:constant", (), {"PYTEST_ADDOPTS": "--co"}, 1),
    ("toys.py:constant", (), {"PYTEST_ADDOPTS": "--help"}, 1),
]


@pytest.mark.parametrize(("model", "options", "environment", "expected"), INSTALLED)
def test_an_installed_suite_blocks_as_a_checkout_does(
    run,
    wheel: Path,
    tmp_path: Path,
    model: str,
    options: tuple[str, ...],
    environment: dict[str, str],
    expected: int,
) -> None:
    status, text = run(wheel, *options, models=[model], fresh=model == "train.py:model", **environment)
    assert status == expected, text
    cards = [json.loads(path.read_text()) for path in tmp_path.rglob("scorecard.json")]
    assert not any(card["gate"]["released"] for card in cards)
    assert cards or "--help" in environment.values()


def test_an_installed_suite_blocks_every_model_whose_process_ends(run, wheel: Path, tmp_path: Path) -> None:
    status, text = run(wheel, models=[f"attack.py:{model}" for model in ERRORS])
    assert status == 1, text
    cards = [json.loads(path.read_text()) for path in tmp_path.rglob("scorecard.json")]
    assert {card["model"]["name"]: card["gate"]["outcome"] for card in cards} == {
        f"attack.{model}": "blocked" for model in ERRORS
    }
