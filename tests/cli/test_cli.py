"""The command line: whole processes for what a shell sees, and `main` for the rest."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

from reprcheck.cli import main
from reprcheck.runs import audit as auditing
from tests.forked import run_fresh
from tests.minisets import write_dataset

ROOT = Path(__file__).resolve().parents[2]
POLICY = 'schema = 1\ntwins = 2\nsettings = ["*/probe/2"]\n'
STOPPER = """
def stop():
    import os, signal
    def encode(x):
        for process in (os.getppid(), os.getpid()):  # as a terminal does
            os.kill(process, signal.SIGINT)
        return x.mean((2, 3))
    return encode

def gone():
    import os
    return lambda x: os._exit(0)

def means():
    return lambda x: x.mean((2, 3))
"""


def brightness(gain, n):
    """Noise images whose mean differs by class, by more for some than for others."""
    rng = np.random.default_rng(1)
    return [
        np.clip(rng.normal(60 + gain * (i % 2) + rng.normal(0, 8), 20, (1, 32, 32)), 0, 255).astype(np.uint8)
        for i in range(n)
    ]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """One dataset that can tell, one on which everybody is at the ceiling, a policy, a model and a cache."""
    place = tmp_path_factory.mktemp("cli")
    for name, gain, n in (("mini", 12, 48), ("easy", 90, 16)):
        write_dataset(
            place / name, labels=["a", "b"] * (n // 2), images=brightness(gain, n), shape=(1, 32, 32), masks=True,
            card={"name": name},
        )  # fmt: skip
    (place / "policy.toml").write_text(POLICY)
    (place / "toys.py").write_text(STOPPER)
    return place


@pytest.fixture
def ask(place, forked, capsys):
    """Run `main`: ``ask("audit", …) -> (status, stdout, stderr)``, with the module's policy and cache."""

    def run(command, *args, policy=True):
        rest = [f"--policy={place}/policy.toml"] if policy else []
        status = main([command, *map(str, args), *rest, f"--cache-dir={place}/cache"])
        return status, *capsys.readouterr()

    return run


@pytest.fixture
def process(forks):
    """Run the command as a shell would: ``process("audit", …, COLUMNS="80") -> CompletedProcess``.

    With ``fresh`` in an interpreter of its own: where the parent of the model's process matters.
    """

    def run(*args, fresh=False, **env):
        kept = {k: v for k, v in os.environ.items() if k not in ("COLUMNS", "NO_COLOR")}
        start = run_fresh if fresh else forks.run
        return start([sys.executable, "-m", "reprcheck", *map(str, args)], ROOT, kept | env)

    return run


def test_a_dataset_that_can_tell(place, ask, process, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    status, out, _ = ask("audit", place / "mini")
    assert status == 0
    assert "1 of 1 setting can tell" in out
    assert re.search(r"0\.500 c-.*u\.+=+\| 1\.000", out)
    assert max(map(len, out.splitlines())) <= 80
    done = process("audit", place / "mini", f"--policy={place}/policy.toml", f"--cache-dir={place}/cache", COLUMNS="80")
    assert (done.returncode, done.stdout, done.stderr) == (0, out, "")


def test_one_dataset_that_cannot_tell_is_enough_for_exit_status_1(place, ask, process):
    ask("audit", place / "mini")
    options = [place / "mini", place / "easy", f"--policy={place}/policy.toml", f"--cache-dir={place}/cache"]
    done = process("audit", *options)
    assert done.returncode == 1
    assert "easy  0 of 1 setting" in done.stdout
    assert "can't tell: 1.000 of 1.000 is reached without training" in done.stdout


def test_json_and_table_say_the_same(place, ask):
    status, out, _ = ask("audit", place / "mini", "--json")
    document = json.loads(out)
    (one,) = document["audits"]
    assert (status, document["sound"], one["can_tell"]) == (0, {"mini": True}, True)
    assert " ".join(one["sentence"].split()) in " ".join(ask("audit", place / "mini")[1].split())
    assert "model" not in one["setting"]["scores"]


def test_a_model_is_shown_beside_the_rest(place, ask):
    status, out, _ = ask("audit", place / "mini", f"--model=py:{place}/toys.py:means")
    assert status == 0
    assert "toys.means against the untrained: " in out
    assert "m the model" in out


def test_a_margin_to_paste(place, ask):
    status, out, _ = ask("suggest-margin", place / "mini")
    assert status == 0
    pasted = tomllib.loads(out[out.index("[margins]") :])
    assert pasted["margins"]["beats_untrained@probe/2"] >= 0.005
    assert "# mini:state/probe/2" in out


@pytest.mark.parametrize("command", ["audit", "suggest-margin"])
@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["nope"], ("nope", "no such folder", "sim-culture")),
        (["README.md"], ("README.md", "no such folder")),
        (["sim-culture-known", "--policy=none.toml"], ("none.toml", "no such file")),
        (["sim-culture-known", "sim-culture-known", "--limit=20"], ("a second dataset named",)),
    ],
)
def test_a_mistake_is_one_line(capsys, command, args, words, tmp_path):
    assert main([command, *args, f"--cache-dir={tmp_path}"]) == 4
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("ERROR: ")
    assert err.count("\n") == 1
    assert all(word in err for word in words)


def test_mistakes_are_told_before_anything_is_computed(place, ask, monkeypatch, tmp_path):
    monkeypatch.setattr(auditing, "audit", lambda *a, **k: pytest.fail("computed"))
    assert ask("audit", place / "mini", "nope")[0] == 4
    assert ask("audit", place / "mini", "--model=tim:resnet18")[0] == 4
    (tmp_path / "policy.toml").write_text('schema = 1\nsettings = ["mini:*"]\n')
    status, _, err = ask("audit", place / "mini", place / "easy", f"--policy={tmp_path}/policy.toml", policy=False)
    assert status == 4
    assert "matches no setting of easy" in err


@pytest.mark.parametrize("args", [[], ["audit"], ["audit", "x", "--frob"], ["audit", "x", "--limit=0"], ["adit"]])
def test_bad_usage_is_one_line(capsys, args):
    with pytest.raises(SystemExit) as stopped:
        main(args)
    assert stopped.value.code == 4
    _, err = capsys.readouterr()
    assert re.fullmatch(r"ERROR: .* \(see reprcheck.* --help\)\n", err)


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["audti", "x"], "no command audti; did you mean audit? (see reprcheck --help)"),
        (["data", "chekc", "x"], "no command chekc; did you mean check? (see reprcheck data --help)"),
        (["data", "zzz"], "no command zzz; known: causality, check, fetch, init, list, segmentation, show, where"),
        (["audit", "x", "--polcy=f"], "no option --polcy; did you mean --policy? (see reprcheck audit --help)"),
        (["data", "check", "x", "--zzz"], "no option --zzz (see reprcheck data check --help)"),
        (["gate", "x", "y"], "one argument too many: y (see reprcheck gate --help)"),
    ],
)
def test_what_is_not_known_is_named_with_what_was_meant(capsys, args, message):
    with pytest.raises(SystemExit) as stopped:
        main(args)
    assert stopped.value.code == 4
    assert capsys.readouterr().err.startswith(f"ERROR: {message}")


def test_a_mistake_as_a_shell_sees_it(process, tmp_path):
    done = process("audit", "nope", f"--cache-dir={tmp_path}")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (4, "", 1)


@pytest.mark.parametrize("args", [[], ["audit"], ["suggest-margin"]])
def test_help_fits_80_columns_and_is_quick(args):
    code = (
        "import sys\nfrom reprcheck.cli import main\n"
        f"try: main({[*args, '--help']})\n"
        "finally: assert not {'numpy', 'torch', 'rich'} & set(sys.modules)\n"
    )
    environment = os.environ | {"COLUMNS": "80"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert max(map(len, done.stdout.splitlines())) <= 80
    assert "usage: reprcheck" in done.stdout


def test_version(capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["--version"])
    assert stopped.value.code == 0
    assert re.fullmatch(r"reprcheck \d+\.\d+.*\n", capsys.readouterr().out)


def test_the_script_is_main():
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
    module, _, name = scripts["reprcheck"].partition(":")
    assert getattr(import_module(module), name) is main


def test_a_reader_that_goes_leaves_no_traceback(place, ask):
    ask("audit", place / "mini")
    options = [f"{place}/mini", f"--policy={place}/policy.toml", f"--cache-dir={place}/cache"]
    for command in (["audit", *options], ["--help"]):
        started = subprocess.Popen(
            [sys.executable, "-m", "reprcheck", *command], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        started.stdout.close()
        err = started.stderr.read()
        started.stderr.close()
        assert (started.wait(), err) == (0, b"")


def test_ctrl_c_leaves_no_traceback_and_keeps_the_cache(place, process, tmp_path):
    options = [f"--policy={place}/policy.toml", f"--cache-dir={tmp_path}/cache", f"--model=py:{place}/toys.py:stop"]
    done = process("audit", place / "mini", *options, fresh=True)
    assert (done.returncode, done.stdout) == (2, "")
    assert "Traceback" not in done.stderr
    assert list((tmp_path / "cache" / "vectors").rglob("*.safetensors"))


def test_a_model_that_ends_its_process_does_not_end_an_audit_well(place, process, tmp_path):
    options = [f"--policy={place}/policy.toml", f"--cache-dir={tmp_path}/cache", f"--model=py:{place}/toys.py:gone"]
    done = process("audit", place / "mini", *options)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("ERROR: mini:")
    assert "ended itself with exit status 0, without a verdict" in done.stderr


def test_the_help_tells_every_exit_status(capsys):
    from reprcheck.exits import MEANING

    with pytest.raises(SystemExit):
        main(["--help"])
    shown = capsys.readouterr().out
    for status, meaning in MEANING.items():
        assert f"  {status:2d}  {meaning}" in shown


@pytest.fixture
def decided(tmp_path):
    """A report folder with the scorecards of one run, with these outcomes."""
    from reprcheck.scorecard.report_folder import ReportFolder
    from reprcheck.types import Gate
    from tests.scorecards import demo_scorecard

    def write(*outcomes):
        cards = [
            demo_scorecard(
                model={"spec": f"m{i}", "name": f"m{i}", "digest": "0f" * 20},
                gate=Gate(outcome, () if outcome == "released" else ("it is so",)),
                run={"id": "r1"},
            )
            for i, outcome in enumerate(outcomes)
        ]
        ReportFolder(tmp_path, "r1").replace(cards)
        return tmp_path

    return write


@pytest.mark.parametrize(
    ("outcomes", "run_id", "status"),
    [
        (["released"], "r1", 0),
        (["released"], None, 0),
        (["released"], "r2", 1),
        (["released", "released"], "r1", 0),
        (["released", "not_enough_evidence"], "r1", 10),
        (["not_enough_evidence", "blocked"], "r1", 1),
        (["released", "undecided"], "r1", 1),
        (["undecided"], None, 1),
    ],
)
def test_gate_reads_what_a_run_decided(decided, ask, outcomes, run_id, status):
    arguments = ["gate", str(decided(*outcomes))] + ([f"--run-id={run_id}"] if run_id else [])
    assert main(arguments) == status


def test_gate_reads_one_scorecard_and_says_which_run(decided, capsys):
    folder = decided("released", "blocked")
    assert main(["gate", str(folder / "m0" / "scorecard.json")]) == 0
    assert capsys.readouterr().out == "m0: released (run r1)\n"
    assert main(["gate", str(folder / "m1"), "--run-id=r2"]) == 1
    assert capsys.readouterr().out == "m1: BLOCKED (of run r1, not of r2)\n  it is so\n"


def test_gate_shows_the_verdicts_where_asked(capsys):
    assert main(["gate", str(ROOT / "reports" / "demo"), "--overview"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("demo: released (run ")
    assert re.search(r"^ localisation/knn/1 +pass +pass +pass +pass +untrained \+0\.404", out, re.MULTILINE)


def test_gate_without_a_scorecard_is_a_mistake(tmp_path, capsys):
    assert main(["gate", str(tmp_path)]) == 4
    assert "holds no scorecard" in capsys.readouterr().err


def test_gate_misses_a_scorecard_that_the_run_wrote(decided, capsys):
    folder = decided("released", "released")
    (folder / "m1" / "scorecard.json").unlink()
    assert main(["gate", str(folder)]) == 4
    assert "m1/scorecard.json: no such file" in capsys.readouterr().err


@pytest.mark.parametrize("said", ["blocked", "undecided", "anything\x1b[31m"])
def test_gate_believes_the_index_where_it_says_less(decided, capsys, said):
    folder = decided("released")
    index = json.loads((folder / "run.json").read_text())
    (folder / "run.json").write_text(json.dumps({**index, "outcome": said}))
    assert main(["gate", str(folder)]) == 1
    assert capsys.readouterr().out.startswith("run.json says ")


LONG_NAME = json.dumps({"outcome": "released", "scorecards": ["x" * 300 + "/scorecard.json"]})


@pytest.mark.parametrize("text", ["[" * 100_000, LONG_NAME], ids=["deep", "long"])
def test_an_index_that_nobody_can_read_is_passed_over(decided, text):
    folder = decided("released")
    (folder / "run.json").write_text(text)
    assert main(["gate", str(folder)]) == 0
    decided("blocked")
    assert main(["gate", str(folder)]) == 1


def test_an_index_that_points_elsewhere_is_not_followed(decided, tmp_path):
    folder = decided("released", "blocked")
    outside = tmp_path.parent / "outside"
    outside.mkdir(exist_ok=True)
    (outside / "scorecard.json").write_text("{}")
    index = json.loads((folder / "run.json").read_text())
    index["scorecards"] += ["../outside/scorecard.json", "/etc/hostname", "m0/other.json", 7]
    (folder / "run.json").write_text(json.dumps(index))
    assert main(["gate", str(folder)]) == 1
    decided("released")
    assert (outside / "scorecard.json").exists()
    assert sorted(p.name for p in folder.rglob("scorecard.json")) == ["scorecard.json"]
