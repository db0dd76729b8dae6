"""Ways to exit status 0 without a required cell that passed: each blocks, and leaves no release behind."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from xml.etree import ElementTree

import pytest

from tests.plugin.attacks import one_outcome, released
from tests.plugin.conftest import ROOT

LISTING = (
    *("--fixtures", "--fixtures-per-test", "--markers", "--setup-plan", "--setup-only"),
    *("--help", "--version --version"),
)


@pytest.mark.parametrize("option", LISTING)
def test_options_that_run_no_test(gate, option):
    found = gate(*option.split(), models=("stripes",))
    assert found.status == 1, found.text
    assert not released(found)


@pytest.mark.parametrize("option", ["--co", "--fixtures", "--help", "--version --version", "-p no:reprcheck-run"])
@pytest.mark.parametrize("door", ["variable", "ini"])
def test_options_that_nobody_typed(gate, tmp_path, option, door):
    ini = tmp_path / "other.ini"
    ini.write_text(f"[pytest]\naddopts = {option}\n")
    typed = (f"-c{ini}", f"--rootdir={ROOT}") if door == "ini" else ()
    found = gate(*typed, models=("constant",), **({"PYTEST_ADDOPTS": option} if door == "variable" else {}))
    assert found.status == 1, found.text
    assert not released(found)


@pytest.mark.parametrize(
    "options",
    [
        ("-p", "no:reprcheck-run"),
        ("-p", "no:reprcheck-spelling"),
        ("-m", "not reprcheck"),
        ("--ignore=benchmarks/test_beats_untrained.py",),
        ("--deselect=benchmarks",),
        ("-o", "python_functions=nothing"),
        ("--override-ini=addopts=--co",),
        ("--runxfail", "-x"),
    ],
    ids=" ".join,
)
def test_options_that_take_tests_away(gate, options):
    found = gate(*options, models=("constant",))
    assert found.status in (1, 5), found.text
    assert one_outcome(found) in ("undecided", "blocked")


PLUGINS = {
    "skips_all": "import pytest\ndef pytest_runtest_setup(item): pytest.skip('not today')\n",
    "keeps_none": "def pytest_collection_modifyitems(items): items.clear()\n",
    "leaves": "import pytest\ndef pytest_collection_finish(session): pytest.exit('enough', returncode=0)\n",
    "sets_the_status": "import pytest\n@pytest.hookimpl(wrapper=True)\n"
    "def pytest_sessionfinish(session):\n    yield\n    session.exitstatus = 0\n",
    "passes_all": "import pytest\n@pytest.hookimpl(tryfirst=True)\ndef pytest_pyfunc_call(pyfuncitem): return True\n",
    "breaks_fixtures": "def pytest_fixture_setup(fixturedef):\n"
    "    if fixturedef.argname == 'reprcheck_question': raise OSError('no disk')\n",
}


@pytest.mark.parametrize("plugin", PLUGINS)
def test_plugins_that_get_in_the_way(gate, tmp_path, plugin):
    (tmp_path / f"{plugin}.py").write_text(PLUGINS[plugin])
    found = gate("-p", plugin, models=("constant",), PYTHONPATH=str(tmp_path))
    assert found.status in (1, 5), found.text
    assert one_outcome(found) == "blocked"
    taken_away = "no verdict: deselected, skipped or killed"
    told = {
        "passes_all": "its test passed without asking",
        "breaks_fixtures": "OSError: no disk",
        "sets_the_status": "the embedding is constant",
    }
    text = " ".join(found.text.split())
    assert told.get(plugin, taken_away) in text
    assert (taken_away in text) == (plugin not in told)


def test_a_suite_without_its_plugin_fails(gate):
    found = gate("-p", "no:reprcheck.pytest_plugin", models=("stripes",))
    assert found.status == 4, found.text
    assert "the reprcheck plugin isn't loaded" in found.text


def test_tests_of_something_else_release_nothing(gate):
    found = gate(models=("stripes",), suite="tests/test_layers.py")
    assert (found.status, one_outcome(found)) == (1, "blocked")


@pytest.mark.parametrize("first", [("stripes", "constant"), ("stripes",)])
def test_a_run_leaves_only_its_own_scorecards(gate, first):
    second = ("stripes",) if len(first) > 1 else ("stripes", "constant")
    report = gate(models=first).report
    (report / "notes.txt").write_text("mine")
    gate("-k", "beats_structure", models=second)
    cards = [json.loads(path.read_text()) for path in report.rglob("scorecard.json")]
    assert {card["model"]["name"] for card in cards} == {f"toys.{name}" for name in second}
    assert len({card["run"]["id"] for card in cards}) == 1
    assert len(list(report.rglob("scorecard.md"))) == len(second)
    assert (report / "notes.txt").read_text() == "mine"


def test_a_run_that_is_killed_leaves_no_earlier_release(gate, place, tmp_path):
    """Whenever it is killed: before it has read what is asked, while it asks, after."""
    report = gate(models=("stripes",)).report
    assert json.loads((report / "scorecard.json").read_text())["gate"]["released"]
    before = json.loads((report / "run.json").read_text())["id"]
    (tmp_path / "slow.py").write_text("import time\ndef model():\n    time.sleep(600)\n")
    options = [f"--model=py:{tmp_path}/slow.py:model", f"--dataset={place}/mini", f"--report-dir={report}"]
    command = [sys.executable, "-m", "pytest", "benchmarks/", *options, f"--cache-dir={place}/cache", "--run-id=mine"]
    running = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while json.loads((report / "run.json").read_text())["id"] == before:
        time.sleep(0.02)
    card = json.loads((report / "scorecard.json").read_text())
    assert (card["gate"]["outcome"], card["run"]["id"]) in (("undecided", "mine"), ("released", before))
    running.send_signal(signal.SIGKILL)
    running.wait()
    gated = [sys.executable, "-m", "reprcheck", "gate", str(report), "--run-id=mine"]
    done = subprocess.run(gated, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    card = json.loads((report / "scorecard.json").read_text())
    assert card["gate"]["outcome"] == "undecided" or card["run"]["id"] == before


def test_what_was_deselected_is_told_from_what_broke(gate, tmp_path):
    """One cell's test is skipped, one's breaks, one passes: only the first is called skipped."""
    (tmp_path / "uneven.py").write_text(
        "import pytest\n"
        "@pytest.hookimpl(tryfirst=True)\n"
        "def pytest_pyfunc_call(pyfuncitem):\n"
        "    if 'structure' in pyfuncitem.name: raise OSError('disk full')\n"
        "def pytest_runtest_setup(item):\n"
        "    if 'intensity' in item.name: pytest.skip('later')\n"
    )
    found = gate("-p", "uneven", models=("stripes",), PYTHONPATH=str(tmp_path))
    assert found.status == 1
    reasons = {reason.split()[1]: reason for reason in found.card["gate"]["blocked_by"]}
    assert reasons["beyond_intensity:"].endswith("no verdict: deselected, skipped or killed")
    assert "its test ended without a verdict: OSError: disk full" in reasons["beats_structure:"]
    assert found.statuses["beats_untrained"] == "pass"


@pytest.mark.parametrize(
    ("model", "options"),
    [("brightness", ()), ("constant", ()), ("stripes", ("-k", "beats_structure")), ("stripes", ("--limit=56",))],
)
def test_who_reads_junit_alone_sees_a_failure(gate, tmp_path, model, options):
    found = gate(*options, f"--junitxml={tmp_path}/junit.xml", models=(model,))
    assert found.status in (1, 10)
    suite = ElementTree.parse(tmp_path / "junit.xml").getroot().find("testsuite")
    assert int(suite.get("failures")) == len(suite.findall("testcase/failure")) > 0
    assert "short test summary info" in found.text
