"""The README tells the truth: its scorecards are the committed ones, its code runs, its files exist."""

import json
import re
import subprocess
import sys
from pathlib import Path

from reprcheck.datasets.card import parse
from reprcheck.exits import MEANING
from reprcheck.policy import read_policy

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def test_its_scorecards_and_audits_are_the_committed_ones(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "tools")
    from readme_scorecards import AUDIT, BLOCK, CALIBRATION, filled

    assert [found[1] for found in BLOCK.findall(README)] == ["reports/demo", "reports/demo-untrained"]
    assert [found[1] for found in AUDIT.findall(README)] == ["reports/audit/sim-culture.json"]
    assert [found[1] for found in CALIBRATION.findall(README)] == ["reports/calibration"]
    assert filled(README) == README


def test_its_python_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("REPRCHECK_CACHE", str(tmp_path))
    for code in blocks("python"):
        exec(compile(code, "README.md", "exec"), {})
    assert capsys.readouterr().out.startswith("False")  # a limited run doesn't release


def test_its_wrapper_turns_tokens_into_vectors(tmp_path):
    import numpy as np

    from reprcheck.models import resolve
    from reprcheck.types import Image

    (wrapper,) = (code for code in blocks("python") if "load_backbone" in code)
    backbone = """
class Tokens(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.patches = torch.nn.Conv2d(3, 5, 4, stride=4)

    def forward(self, x):
        return {"last_hidden_state": self.patches(x).flatten(2).transpose(1, 2)}

def load_backbone():
    torch.manual_seed(0)
    return Tokens()
"""
    (tmp_path / "encoder.py").write_text(wrapper + backbone)
    images = np.random.default_rng(0).random((2, 3, 8, 8)).astype(np.float32)
    vectors = resolve(f"py:{tmp_path}/encoder.py:encoder").encoder(3).encode([Image(image) for image in images])
    scope = {}
    exec(compile(wrapper + backbone, "encoder.py", "exec"), scope)
    first = scope["load_backbone"]().patches(scope["torch"].from_numpy(images))[:, :, 0, 0].detach().numpy()
    assert np.allclose(vectors, first, atol=1e-5)


def test_its_times_are_those_of_the_committed_run():
    timings = json.loads((ROOT / "reports" / "demo" / "scorecard.json").read_text())["run"]["timings"]
    assert f"the {len(timings)} of the default took about a minute" in " ".join(README.split())
    assert 30 < sum(timings.values()) < 120


def test_its_card_and_policy_are_read(tmp_path):
    card, policy = blocks("toml")
    assert parse(card, "README.md").name == "screen7"
    (tmp_path / "policy.toml").write_text(policy)
    assert read_policy(tmp_path / "policy.toml").margin_for("beats_untrained", "knn/1") == 0.05


def test_what_it_names_exists():
    for path in re.findall(r"`((?:docs|reprcheck|tests|tools)/[\w/.]+)`", README):
        assert (ROOT / path).exists(), path
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"make ([a-z]+)", README)) <= targets


def test_its_options_exist():
    ours = [["reprcheck", *command] for command in (["audit"], ["suggest-margin"], ["calibrate"], ["data", "fetch"])]
    commands = [["pytest", "benchmarks/"], *ours]
    shown = ""
    for command in commands:
        asked = [sys.executable, "-m", *command, "--help"]
        shown += subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for option in set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", README)):
        assert f"{option}=" in shown or f"{option} " in shown, option


def test_the_exit_statuses_are_those_of_the_package():
    for status, meaning in MEANING.items():
        assert f"| {status:d} | {meaning} |" in README
