"""Each front door names an option in a message as it takes it: pytest with or without a conftest, Python, a command."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import reprcheck
from reprcheck.cli import main
from reprcheck.errors import Option, UserError, on_command_line
from reprcheck.pytest_plugin.options import Spelling
from tests.forked import Server

ROOT = Path(__file__).resolve().parents[2]
NOT_THERE = "no such folder, simulated or public dataset; did you mean sim-culture?"
NO_MODEL = "no model given, so there is nothing to judge; add {0}model=demo, or {0}model=SPEC for your own"


@pytest.fixture
def errors(forks: Server):
    """Run pytest: ``errors(…) -> (status, lines)``, the lines being those that report a mistake."""

    def run(*arguments: str, cwd: Path = ROOT) -> tuple[int, list[str]]:
        command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments]
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST_", "REPRCHECK_"))}
        done = forks.run(command, cwd, {**environment, "PYTHONPATH": str(ROOT)})
        return done.returncode, [
            line for line in (done.stdout + done.stderr).splitlines() if line.startswith("ERROR: ")
        ]

    return run


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--model=demo", "--dataset=sim-cultur"], f"--dataset=sim-cultur: {NOT_THERE}"),
        (["--reprcheck-model=demo", "--reprcheck-dataset=sim-cultur"], f"--reprcheck-dataset=sim-cultur: {NOT_THERE}"),
        (["--model=demo", "--limit=0"], "--limit=0: not a number of samples; give a whole number above 0"),
        ([], f"--model: {NO_MODEL.format('--')}"),
    ],
)
def test_a_checkout_has_short_options(errors, arguments, line):
    """Its conftest adds them; the plugin's own are taken too, and then named so."""
    assert errors("benchmarks/", *arguments) == (4, [f"ERROR: {line}"])


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--reprcheck-dataset=sim-cultur", "--reprcheck-model=demo"], f"--reprcheck-dataset=sim-cultur: {NOT_THERE}"),
        ([], f"--reprcheck-model: {NO_MODEL.format('--reprcheck-')}"),
    ],
)
def test_elsewhere_there_are_the_plugins_options(errors, tmp_path, arguments, line):
    plugin = [] if installed() else ["-p", "reprcheck.pytest_plugin"]
    assert errors(*plugin, "--pyargs", "reprcheck.suite", *arguments, cwd=tmp_path) == (4, [f"ERROR: {line}"])


def installed() -> bool:
    """Whether pytest finds the plugin by itself."""
    from importlib.metadata import entry_points

    return any(found.value == "reprcheck.pytest_plugin" for found in entry_points(group="pytest11"))


@pytest.mark.parametrize(
    ("asked", "line"),
    [
        ({"dataset": "sim-cultur"}, f"dataset=sim-cultur: {NOT_THERE}"),
        (
            {"dataset": "--dataset=sim-cultur"},
            "dataset=--dataset=sim-cultur: no such folder, simulated or public dataset",
        ),
        ({"limit": 0}, "limit=0: not a number of samples; use a whole number of at least 1"),
        ({"model": "dmo"}, "model=dmo: no model is called 'dmo'; did you mean demo?"),
        ({"cache_remote": "nope://x"}, "cache_remote=nope://x: can't be opened ("),
        ({"cache_dir": __file__}, f"cache_dir={__file__}: not a usable folder ("),
    ],
)
def test_python_has_keywords(asked, line):
    with pytest.raises(reprcheck.UserError) as caught:
        reprcheck.check(**{"model": "demo", "dataset": "sim-culture-known", "limit": 40, **asked})
    assert str(caught.value).startswith(line)
    assert caught.value.__suppress_context__
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["sim-cultur"], f"sim-cultur: {NOT_THERE}"),
        (["--", "--dataset=sim-cultur"], "--dataset=sim-cultur: no such folder, simulated or public dataset; "),
        (["sim-culture-known", "--model=dmo"], "--model=dmo: no model is called 'dmo'; did you mean demo?"),
        (["sim-culture-known", "--cache-remote=nope://x"], "--cache-remote=nope://x: can't be opened ("),
        (["sim-culture-known", "--policy=none.toml"], "none.toml: no such file; check the path"),
    ],
)
def test_a_command_has_arguments_and_options(arguments, line, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("REPRCHECK_CACHE", str(tmp_path))
    assert main(["audit", *arguments]) == 4
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"ERROR: {line}")
    assert err.count("\n") == 1


def test_remedies_spell_options_as_well_and_names_stay_as_they_are():
    mistake = UserError(Option("limit", 5, "task dose"), "--limit is too low", ("use ", Option("limit", 8), " or more"))
    assert str(mistake) == "limit=5 (task dose): --limit is too low; use limit=8 or more"
    assert mistake.line(on_command_line) == "--limit=5 (task dose): --limit is too low; use --limit=8 or more"
    spelling = Spelling(["--reprcheck-", "--"])
    assert spelling(Option("cache-dir", "--limit")) == "--cache-dir=--limit"
    spelling.typed = ("--reprcheck-cache-dir=x", "--limits=3")
    assert spelling(Option("cache-dir", "--limit")) == "--reprcheck-cache-dir=--limit"
    assert spelling(Option("limit", 3)) == "--limit=3"


@pytest.mark.parametrize("name", ["a  b", " a", "--dataset", "a\tb", "a\u00a0b", "ünï", "a'b\"c", "x" * 300])
def test_paths_are_never_edited(name):
    """But for what a terminal would obey: that is shown as its escape."""
    shown = name.replace("\t", "\\t")
    assert str(UserError(f"{name}/samples.csv", "no samples")) == f"{shown}/samples.csv: no samples"
    assert str(UserError(Option("dataset", name), "no such folder")) == f"dataset={shown}: no such folder"


def test_a_mistake_is_printed_once_from_python(tmp_path):
    """Without the exception of whatever library found it, and what was being handled."""
    (tmp_path / "mini").mkdir()
    (tmp_path / "mini/dataset.toml").write_bytes(b"\xff")
    code = "import reprcheck; reprcheck.check('demo', 'mini')"
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "REPRCHECK_CACHE": str(tmp_path)}
    command = [sys.executable, "-c", code]
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=600, check=False
    )
    assert "exception" not in done.stderr
    assert done.stderr.count("Traceback") == 1
    assert done.stderr.splitlines()[-1] == (
        "reprcheck.errors.UserError: mini/dataset.toml: isn't UTF-8 text (invalid start byte); save it as UTF-8"
    )
