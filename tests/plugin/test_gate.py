"""What a release engineer relies on: verdicts, exit status, and that nothing missing is taken for a pass."""

import json
import os
import shutil
import subprocess
import sys

import pytest

from tests.cases import write_case
from tests.installed import write_metadata
from tests.plugin.conftest import ROOT

ALL = {"beats_untrained", "beats_structure", "beats_texture", "beyond_intensity"}


def test_a_model_that_sees_what_matters_is_released(gate):
    found = gate(models=("stripes",))
    assert found.statuses == dict.fromkeys(ALL, "pass")
    assert found.status == 0
    assert found.card["gate"] == {"released": True, "outcome": "released", "blocked_by": []}
    assert "4 passed" in found.text
    assert (found.report / "scorecard.md").read_text().count("\n") > 10


def test_a_report_that_fails_leaves_the_verdict_and_is_told(gate, tmp_path):
    (tmp_path / "counts.py").write_text(COUNTS)
    write_metadata(tmp_path, "reprcheck.reporters", "counts", "1.0", {"counts": "counts:COUNTS"})
    found = gate("--reports=counts", models=("stripes",), fresh=True, PYTHONPATH=str(tmp_path))
    assert found.status == 4
    assert found.card["gate"]["released"]
    assert "ERROR: --reports=counts: the reporter 'counts' of counts 1.0 raised ZeroDivisionError" in found.text
    assert {path.name for path in found.report.iterdir()} == {"run.json", "scorecard.json"}


COUNTS = """
from reprcheck.reporters.reporter import Reporter

class Counts(Reporter):
    suffix = ".counts.txt"

    def render(self, scorecard):
        return str(1 / (not scorecard.cells))

COUNTS = Counts()
"""


def test_a_model_that_sees_brightness_alone_is_blocked_by_name(gate):
    found = gate(models=("brightness",))
    assert found.status == 10
    assert "pass" not in found.statuses.values()
    assert "mini:state/probe/2 beyond_intensity" in found.text
    assert not found.card["gate"]["released"]


@pytest.mark.parametrize(("toy", "status"), [("constant", "fail"), ("broken", "error")])
def test_an_embedding_that_can_not_be_judged_never_passes(gate, toy, status):
    found = gate(models=(toy,))
    assert found.statuses == dict.fromkeys(ALL, status)
    assert found.status == 1


@pytest.mark.parametrize(
    "options",
    [
        ("-k", "beats_untrained"),
        ("--deselect", "benchmarks/test_beats_structure.py"),
        ("-k", "no_such_thing"),
    ],
)
def test_what_was_deselected_blocks(gate, options):
    found = gate(*options, models=("stripes",))
    assert found.status == (5 if "no_such_thing" in options else 1)
    assert "no verdict: deselected, skipped or killed" in found.text
    assert set(found.statuses) < ALL
    assert set(found.statuses.values()) <= {"pass"}


def test_stopping_at_the_first_failure_blocks(gate):
    found = gate("-x", models=("constant",))
    assert found.status == 1
    assert len(found.card["cells"]) < len(ALL)


def test_a_model_that_kills_its_process_blocks(gate):
    found = gate("-n", "1", "--max-worker-restart=0", models=("murderer",))
    assert found.status == 1
    assert found.statuses == dict.fromkeys(ALL, "error")
    assert "was killed by SIGKILL (out of memory?), without a verdict" in " ".join(found.text.split())


def test_order_and_workers_do_not_show(gate, tmp_path):
    reversal = tmp_path / "reversal.py"
    reversal.write_text("def pytest_collection_modifyitems(items): items.reverse()\n")
    first = _documents(gate(models=("stripes", "brightness")).report)
    workers = _documents(gate("-n", "2", models=("stripes", "brightness")).report)
    reversed_ = gate("-p", "reversal", models=("stripes", "brightness"), fresh=True, PYTHONPATH=str(tmp_path))
    assert first == workers == _documents(reversed_.report)


def _documents(report):
    """The bytes of everything outside ``run``, by model."""
    found = {}
    for path in sorted(report.glob("*/scorecard.json")):
        document = json.loads(path.read_text())
        document.pop("run")
        found[path.parent.name] = json.dumps(document)
    assert len(found) == 2
    return found


NETWORK = "--model=timm:resnet10t?pretrained=false&size=32"


def test_fresh_caches_agree_whatever_the_order_and_the_workers(gate, tmp_path):
    def fresh(name, *options):
        found = gate(NETWORK, *options, f"--cache-dir={tmp_path / name}", fresh=name == "a")
        document = found.card
        document.pop("run")
        return json.dumps(document)

    assert fresh("a") == fresh("b", "-n", "2") == fresh("c", "-k", "structure or untrained or texture or intensity")


def test_a_cached_run_imports_no_torch(gate, place, tmp_path):
    gate(NETWORK)
    spy = tmp_path / "spy.py"
    spy.write_text("import sys\ndef pytest_unconfigure():\n    print('torch loaded:', 'torch' in sys.modules)\n")
    found = gate(NETWORK, "-p", "spy", "-s", fresh=True, PYTHONPATH=str(tmp_path))
    assert "torch loaded: False" in found.text
    assert found.card["run"]["device"] == "none", "torch was loaded where the questions are answered"
    assert found.status == 10


def test_several_models_get_a_scorecard_each_and_one_blocked_blocks_all(gate):
    found = gate(models=("stripes", "constant"))
    assert found.status == 1
    cards = {p.parent.name: json.loads(p.read_text()) for p in found.report.glob("*/scorecard.json")}
    assert {name: card["gate"]["released"] for name, card in cards.items()} == {
        "toys.stripes": True,
        "toys.constant": False,
    }


def test_a_limited_run_does_not_release_unless_the_policy_allows_it(gate, place, tmp_path):
    limited = gate("--limit=56", models=("stripes",))
    assert limited.status == 1
    assert limited.card["settings"][0]["limit"] == 56
    assert "cut down to 56 samples by a limit" in " ".join(limited.text.split())
    allowing = tmp_path / "allowing.toml"
    allowing.write_text((place / "policy.toml").read_text() + "limited_release = true\n")
    allowed = gate("--limit=56", f"--policy={allowing}", models=("stripes",))
    assert allowed.status == 0


def test_too_few_units_are_inconclusive_and_block(gate, place, tmp_path):
    demanding = tmp_path / "demanding.toml"
    demanding.write_text((place / "policy.toml").read_text().replace("min_units = 10", "min_units = 100"))
    found = gate(f"--policy={demanding}", models=("stripes",))
    assert found.statuses == dict.fromkeys(ALL, "inconclusive")
    assert found.status == 10
    assert found.card["gate"]["outcome"] == "not_enough_evidence"
    assert "at least 100 units are needed" in " ".join(found.text.split())


TWO = {"beats_structure", "beyond_intensity"}
WAIVED = 'cell = "mini:state/probe/2 {}"\nreason = "blurred plates"\nowner = "Ada"\nexpires = {}\n'


@pytest.fixture
def waiving(place, tmp_path):
    """A policy that asks `TWO`, with a margin over structure that no model can reach, and these waivers."""

    def write(*waivers, margin="[margins]\nbeats_structure = 0.9\n"):
        asked = f"diagnostics = {sorted(TWO)}\n"
        blocks = "".join(f"[[waivers]]\n{WAIVED.format(*waiver)}" for waiver in waivers)
        (tmp_path / "waiving.toml").write_text((place / "policy.toml").read_text() + asked + margin + blocks)
        return f"--policy={tmp_path}/waiving.toml"

    return write


@pytest.mark.parametrize("options", [(), ("-n", "2")])
def test_a_waived_cell_is_expected_to_fail_and_does_not_block(gate, waiving, options):
    found = gate(waiving(("beats_structure", "2999-12-31")), *options, "-rx", models=("stripes",))
    assert found.status == 0, found.text
    assert found.statuses == {"beyond_intensity": "pass", "beats_structure": "waived"}
    assert "1 xfailed" in found.text
    (cell,) = (cell for cell in found.card["cells"] if cell["status"] == "waived")
    assert cell["details"]["found"] == "fail"
    assert cell["statement"].startswith("until 2999-12-31 by Ada: blurred plates; found fail: ")
    assert "until 2999-12-31 by Ada: blurred plates" in " ".join(found.text.split())
    assert "until 2999-12-31 by Ada: blurred plates" in (found.report / "scorecard.md").read_text()
    assert found.card["policy"]["waivers"][0]["owner"] == "Ada"


def test_an_expired_waiver_blocks(gate, waiving):
    found = gate(waiving(("beats_structure", "2020-01-31")), models=("stripes",))
    assert found.status == 1
    assert found.statuses["beats_structure"] == "fail"
    assert any("expired on 2020-01-31" in reason for reason in found.card["gate"]["blocked_by"])
    needless = gate(waiving(("beats_structure", "2020-01-31"), margin=""), models=("stripes",))
    assert needless.status == 1
    assert needless.statuses == dict.fromkeys(TWO, "pass")


def test_a_waiver_that_is_not_needed_blocks(gate, waiving):
    found = gate(waiving(("beats_structure", "2999-12-31"), margin=""), models=("stripes",))
    assert found.status == 1
    assert "no longer needed: its cell passed; remove it" in " ".join(found.text.split())


def test_waivers_of_every_cell_release_nothing(gate, waiving):
    waivers = [(diagnostic, "2999-12-31") for diagnostic in sorted(TWO)]
    margins = "[margins]\nbeats_structure = 0.9\nbeyond_intensity = 0.9\n"
    found = gate(waiving(*waivers, margin=margins), models=("stripes",))
    assert found.statuses == dict.fromkeys(TWO, "waived")
    assert found.status == 1
    assert "2 xfailed" in found.text
    (reason,) = found.card["gate"]["blocked_by"]
    assert reason == "mini: nothing was shown: all required verdicts that could tell are waived"


def test_a_paired_design_has_verdicts(gate, place, tmp_path):
    """Every donor in both classes, ids that begin with the class."""
    case = write_case("paired_design", tmp_path / "paired")
    (tmp_path / "all.toml").write_text("schema = 1\ntwins = 2\nrepeats = 1\n")
    found = gate(NETWORK, f"--dataset={case}", f"--policy={tmp_path}/all.toml")
    assert found.status in (1, 10), found.text
    assert len(found.statuses) == len(ALL)
    assert "error" not in {cell["status"] for cell in found.card["cells"]}
    assert {setting["n_units"] for setting in found.card["settings"]} == {20}


def test_verdicts_have_their_own_words(gate, place, tmp_path):
    demanding = tmp_path / "demanding.toml"
    demanding.write_text((place / "policy.toml").read_text().replace("min_units = 10", "min_units = 100"))
    found = gate(f"--policy={demanding}", "-v", models=("stripes",))
    assert found.text.count("INCONCLUSIVE benchmarks/test_") == len(ALL), "in the short summary"
    for line in ("asked: ", "found: ", "try:   judge more units"):
        assert line in found.text


def test_a_failure_tells_what_was_asked_found_and_what_to_try(gate):
    found = gate(models=("constant",))
    for line in ("asked: does training give more", "found: the embedding is constant", "try:   "):
        assert line in found.text
    assert "Traceback" not in found.text


def test_collecting_only_judges_nothing(gate):
    found = gate("--collect-only", "-q", models=("stripes",))
    assert found.status == 0
    assert "test_beats_untrained[toys.stripes@mini:state/probe/2]" in found.text
    assert found.card["gate"]["outcome"] == "undecided"


def test_the_suite_runs_in_a_repository_that_owns_the_short_options(place, tmp_path):
    shutil.copytree(ROOT / "benchmarks", tmp_path / "suite")
    (tmp_path / "conftest.py").write_text("def pytest_addoption(parser): parser.addoption('--model', action='store')\n")
    options = {
        "model": f"py:{place}/toys.py:stripes",
        "dataset": place / "mini",
        "policy": place / "policy.toml",
        "cache-dir": place / "cache",
        "report-dir": tmp_path / "report",
    }
    command = [sys.executable, "-m", "pytest", "suite", *(f"--reprcheck-{name}={o}" for name, o in options.items())]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST_")}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads((tmp_path / "report" / "scorecard.json").read_text())["gate"]["released"]
