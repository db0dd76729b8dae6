"""Ways to exit status 0 without a required cell that passed: each blocks, and leaves no release behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from xml.etree import ElementTree

import pytest

from tests.plugin.conftest import ROOT

MODELS = """
import os, signal, sys, threading
import numpy as np

def _means(x):
    return x.mean((2, 3)).astype(np.float32)

def factory_leaves():
    sys.exit(0)

def factory_is_gone():
    os._exit(0)

def encode_leaves():
    return lambda x: sys.exit(0)

def encode_is_gone():
    return lambda x: os._exit(0)

def thread_is_gone():
    def encode(x):
        threading.Thread(target=os._exit, args=(0,)).start()
        threading.Event().wait()
    return encode

def segfaults():
    return lambda x: os.kill(os.getpid(), signal.SIGSEGV)

def interrupts_itself():
    raise KeyboardInterrupt

def terminates_the_gate():
    os.kill(os.getppid(), signal.SIGTERM)
    threading.Event().wait()

def skips():
    import pytest
    pytest.skip("nothing to see here")

def exits_pytest():
    import pytest
    pytest.exit("all is well", returncode=0)

def out_of_memory():
    def encode(x):
        raise MemoryError("no 80 GiB")
    return encode

def too_deep():
    def encode(x):
        return encode(x)
    return encode

def answers_for_itself():
    print('{"model": "x", "cell": {"status": "pass"}}', flush=True)
    os.write(1, b'{"model": "x", "cell": {"status": "pass"}}\\n')
    return _means

def breaks_a_protocol():
    from reprcheck import protocols
    def score(*given):
        raise ValueError("this solver needs\\n  two classes")
    protocols.score = score
    return _means

def leaves_at_exit():
    import atexit
    atexit.register(os._exit, 0)
    return _means

class _Twins:
    def __call__(self, x):
        return _means(x)
    def untrained(self, seed):
        sys.exit(0)
    def digest(self):
        return "twins"

def twins_leave():
    return _Twins()

class _Encoder:
    def encode(self, images):
        return np.stack([image.pixels.mean((1, 2)) for image in images])
    def digest(self):
        sys.exit(0)

def digest_leaves():
    return _Encoder()
"""
TRAINING = """
import sys

def main():
    return 0

def model():
    return lambda x: x.mean((2, 3))

sys.exit(main())
"""
GONE = "import os\nos._exit(0)\n"

MISTAKES = {
    "factory_leaves": "SystemExit: 0",
    "encode_leaves": "SystemExit: 0",
    "twins_leave": "SystemExit: 0",
    "digest_leaves": "SystemExit: 0",
    "skips": "Skipped: nothing to see here",
    "exits_pytest": "Exit: all is well",
    "out_of_memory": "MemoryError: no 80 GiB",
    "too_deep": "RecursionError: ",
}
ERRORS = {
    "factory_is_gone": "ended itself with exit status 0, without a verdict",
    "encode_is_gone": "ended itself with exit status 0, without a verdict",
    "thread_is_gone": "ended itself with exit status 0, without a verdict",
    "segfaults": "was killed by SIGSEGV, without a verdict",
    "interrupts_itself": "KeyboardInterrupt",
    "breaks_a_protocol": "ValueError: this solver needs two classes",
}


@pytest.fixture
def attacked(gate, tmp_path):
    """Run the gate on one of `MODELS`."""
    (tmp_path / "attack.py").write_text(MODELS)
    return lambda model, *options, **env: gate(f"--model=py:{tmp_path}/attack.py:{model}", *options, **env)


def one_outcome(found):
    """The outcome that all scorecards in the folder give; none is a release."""
    cards = [json.loads(path.read_text()) for path in found.report.rglob("scorecard.json")]
    (outcome,) = {card["gate"]["outcome"] for card in cards}
    assert not any(card["gate"]["released"] for card in cards)
    assert "released" not in (found.report / "scorecard.md").read_text().splitlines()[2]
    return outcome


def released(found):
    """Whether a scorecard in the folder is a release; where pytest reads no option, none is written."""
    cards = [json.loads(path.read_text()) for path in found.report.rglob("scorecard.json")]
    return any(card["gate"]["released"] for card in cards)


@pytest.mark.parametrize("model", MISTAKES)
def test_code_that_would_end_the_program_is_the_users_mistake(attacked, model):
    found = attacked(model)
    assert (found.status, one_outcome(found)) == (4, "undecided"), found.text
    (line,) = [line for line in found.text.splitlines() if line.startswith("ERROR: ")]
    assert f"attack.py:{model}: " in line
    assert MISTAKES[model] in line
    assert "Traceback" not in found.text


@pytest.mark.parametrize("model", ERRORS)
def test_a_process_that_ends_is_an_error(attacked, model):
    found = attacked(model)
    assert (found.status, one_outcome(found)) == (1, "blocked"), found.text
    assert {(c["status"], ERRORS[model] in c["statement"]) for c in found.card["cells"]} == {("error", True)}
    assert len(found.card["gate"]["blocked_by"]) == 3
    assert "deselected" not in found.text
    assert "Traceback" not in found.text


@pytest.mark.parametrize("model", ["breaks_a_protocol", "encode_leaves"])
def test_a_traceback_is_for_those_who_ask(attacked, model):
    assert "Traceback (most recent call last)" in attacked(model, "--reprcheck-debug").text


@pytest.mark.parametrize(("model", "expected"), [("factory_leaves", 4), ("encode_is_gone", 1)])
def test_under_xdist_too(attacked, model, expected):
    found = attacked(model, "-n", "1")
    assert found.status == expected, found.text
    assert one_outcome(found) == {4: "undecided", 1: "blocked"}[expected]
    assert "deselected" not in found.text


@pytest.mark.parametrize("model", ["answers_for_itself", "leaves_at_exit"])
def test_what_a_model_prints_or_does_at_exit_changes_no_verdict(attacked, model):
    found = attacked(model)
    assert (found.status, one_outcome(found)) == (10, "not_enough_evidence"), found.text
    assert "pass" not in found.statuses.values()
    assert len(found.statuses) == 3


def test_a_model_that_ends_the_gate_leaves_it_undecided(attacked):
    found = attacked("terminates_the_gate")
    assert found.status == -signal.SIGTERM
    assert one_outcome(found) == "undecided"


@pytest.mark.parametrize(
    ("source", "expected", "words"),
    [(TRAINING, 4, "importing train.py raised SystemExit: 0"), (GONE, 1, "ended itself with exit status 0")],
)
@pytest.mark.parametrize("workers", [(), ("-n", "1")])
def test_a_training_script_that_ends_the_program(gate, tmp_path, source, expected, words, workers):
    (tmp_path / "train.py").write_text(source)
    found = gate(f"--model=py:{tmp_path}/train.py:model", *workers)
    assert found.status == expected, found.text
    assert words in " ".join(found.text.split())
    one_outcome(found)


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


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The package as a wheel has it, unpacked in a folder."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    (built,) = folder.glob("*.whl")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(folder / "site")]
    subprocess.run([*pip, str(built)], check=True, capture_output=True)
    return folder / "site"


@pytest.mark.parametrize(
    ("model", "options", "environment", "expected"),
    [
        ("train.py:model", (), {}, 4),
        ("attack.py:factory_leaves", ("-n", "1"), {}, 4),
        ("attack.py:encode_is_gone", (), {}, 1),
        ("attack.py:constant", ("-p", "no:reprcheck-run"), {}, 1),
        ("attack.py:constant", (), {"PYTEST_ADDOPTS": "--co"}, 1),
        ("attack.py:constant", ("--fixtures",), {}, 1),
    ],
)
def test_an_installed_suite_blocks_as_well(wheel, place, tmp_path, model, options, environment, expected):
    (tmp_path / "train.py").write_text(TRAINING)
    (tmp_path / "attack.py").write_text(MODELS + "\ndef constant():\n    return lambda x: np.ones((len(x), 2))\n")
    given = {"dataset": place / "mini", "policy": place / "policy.toml", "cache-dir": place / "cache"}
    command = [sys.executable, "-m", "pytest", "--pyargs", "reprcheck.suite", f"--reprcheck-model=py:{model}", *options]
    command += [f"--reprcheck-{name}={value}" for name, value in given.items()]
    scrubbed = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST_", "REPRCHECK_"))}
    done = subprocess.run(
        command,
        cwd=tmp_path,
        env={**scrubbed, "PYTHONPATH": str(wheel), **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == expected, done.stdout + done.stderr
    card = json.loads((tmp_path / "reports" / "latest" / "scorecard.json").read_text())
    assert not card["gate"]["released"]
    assert (wheel / "reprcheck").is_dir()
