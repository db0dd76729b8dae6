"""The README and the pages it leads to: their reports are the committed ones, code runs, links and names exist."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from argparse import ArgumentParser
from pathlib import Path

import pytest

from reprcheck.cli import parser
from reprcheck.datasets.card.card import parse
from reprcheck.exits import MEANING
from reprcheck.policy import read_policy

ROOT = Path(__file__).resolve().parents[1]
FRONT = ("README.md", "CONTRIBUTING.md", "SECURITY.md")
PAGES = {path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in sorted(ROOT.glob("docs/*.md"))}
PAGES |= {name: (ROOT / name).read_text(encoding="utf-8") for name in FRONT}
NAMES = sorted(PAGES)


def blocks(page: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGES[page], re.DOTALL)


def test_its_reports_are_the_committed_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(ROOT / "tools")
    import reports_in_docs

    found = {page: [block[1:] for block in reports_in_docs.BLOCK.findall(text)] for page, text in PAGES.items()}
    assert {page: blocks for page, blocks in found.items() if blocks} == {
        "README.md": [("overview", "reports/demo"), ("pair", "reports/positive")],
        "docs/statistics.md": [("controls", "reports/positive")],
        "docs/scorecard.md": [("scorecard", "reports/demo"), ("scorecard", "reports/demo-untrained")],
        "docs/performance.md": [("estimates", "reports/throughput"), ("throughput", "reports/throughput")],
        "docs/audit.md": [("audit", "reports/audit/sim-culture.json"), ("calibration", "reports/calibration")],
    }
    assert set(reports_in_docs.PAGES) == {page for page, blocks in found.items() if blocks}
    for page in reports_in_docs.PAGES:
        assert reports_in_docs.filled(PAGES[page]) == PAGES[page]


def test_the_first_screen_holds_one_scorecard_of_at_most_25_lines() -> None:
    (scorecard,) = blocks("README.md", "text")
    assert len(scorecard.splitlines()) <= 25
    assert PAGES["README.md"].partition("## ")[0].count("\n") <= 40


def test_python_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("REPRCHECK_CACHE", str(tmp_path))
    for code in blocks("README.md", "python"):
        exec(compile(code, "README.md", "exec"), {})
    assert capsys.readouterr().out.startswith("False")  # a limited run doesn't release


def test_times_are_those_of_the_committed_run() -> None:
    timings = json.loads((ROOT / "reports" / "demo" / "scorecard.json").read_text())["run"]["timings"]
    assert f"the {len(timings)} of the default took about a minute" in " ".join(PAGES["docs/running.md"].split())
    assert 30 < sum(timings.values()) < 120


def test_the_card_and_the_policy_are_read(tmp_path: Path) -> None:
    (card,), (policy,) = blocks("README.md", "toml"), blocks("docs/gate.md", "toml")
    assert parse(card, "README.md").name == "screen7"
    (tmp_path / "policy.toml").write_text(policy)
    assert read_policy(tmp_path / "policy.toml").margin_for("beats_untrained", "knn/1") == 0.05


def test_the_exit_statuses_are_those_of_the_package() -> None:
    for status, meaning in MEANING.items():
        assert f"| {status:d} | {meaning} |" in PAGES["docs/gate.md"]


@pytest.mark.parametrize("page", NAMES)
def test_links_lead_somewhere(page: str) -> None:
    text = re.sub(r"```.*?```", "", PAGES[page], flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if not target.startswith(("https://", "http://")):
            name, _, anchor = target.partition("#")
            path = (ROOT / page).parent / name if name else ROOT / page
            assert path.exists(), target
            assert not anchor or anchor in anchors(path.read_text(encoding="utf-8")), target


def anchors(text: str) -> set[str]:
    """Return what GitHub calls the headings of a page."""
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", NAMES)
def test_files_and_targets_exist(page: str) -> None:
    for path in re.findall(r"`((?:docs|reprcheck|tests|tools|reports)/[\w/.-]+)`", PAGES[page]):
        assert (ROOT / path).exists() or path == "reports/latest/", path
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"(?:`|^ {4})make ([a-z]+)", PAGES[page], re.MULTILINE)) <= targets


def commands(program: str) -> list[str]:
    """Return the command lines of a program in code blocks and between backticks, on all pages."""
    code = [part for text in PAGES.values() for part in re.findall(r"```.*?```|`[^`\n]+`", text, re.DOTALL)]
    return [line for part in code for line in re.findall(rf"^`?({program} [^\n`#]*)", part, re.MULTILINE)]


def options(line: str) -> set[str]:
    return set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", line))


def test_commands_of_reprcheck_exist_and_take_their_options() -> None:
    lines = commands("reprcheck")
    assert len(lines) > 10
    for line in lines:
        command: ArgumentParser = parser()
        for word in line.split()[1:]:
            choices = [a.choices for a in command._actions if isinstance(a.choices, dict)]
            if not choices:
                break
            assert word in choices[0] or word.startswith("-"), line
            command = choices[0].get(word, command)
        assert options(line) <= set(command._option_string_actions), line


def test_options_of_the_gate_exist() -> None:
    asked = [sys.executable, "-m", "pytest", "benchmarks/", "--help"]
    shown = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    others = {option for line in commands("reprcheck") for option in options(line)}
    for page in ("README.md", "docs/running.md", "docs/gate.md", "docs/scorecard.md"):
        for option in options(PAGES[page]) - others:
            assert f"{option}=" in shown or f"{option} " in shown, option


def test_the_citation_is_of_this_version() -> None:
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert f"\nversion: {project['version']}\n" in citation
    assert f"\nlicense: {project['license']}\n" in citation
    assert project["urls"]["Paper"] in citation
