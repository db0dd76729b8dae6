"""The progress bar counts things or bytes at a terminal, and is silent elsewhere."""

from __future__ import annotations

import io
import re
import sys

import pytest
from rich.console import Console

from reprcheck import progress


@pytest.mark.parametrize(("in_bytes", "shown"), [(False, "1500/3000"), (True, "1.5/3.0 kB")])
def test_at_a_terminal(monkeypatch, in_bytes, shown):
    text = io.StringIO()
    monkeypatch.setattr(progress, "Console", lambda **_: Console(file=text, force_terminal=True, width=90))
    monkeypatch.setattr(sys, "__stderr__", type("Terminal", (), {"isatty": lambda _: True})())
    with progress.bar(3000, "a.zip", in_bytes=in_bytes) as advance:
        advance(1500)
    assert "a.zip" in text.getvalue()
    assert shown in text.getvalue()


@pytest.fixture
def terminal(monkeypatch):
    text = io.StringIO()
    monkeypatch.setattr(progress, "Console", lambda **_: Console(file=text, force_terminal=True, width=80))
    monkeypatch.setattr(sys, "__stderr__", type("Terminal", (), {"isatty": lambda _: True})())
    return text


def test_a_run_has_one_bar_at_a_terminal_with_lines_above_it(terminal):
    begun = []
    screen = progress.Screen(lambda: begun.append(terminal.getvalue()))
    assert screen.is_terminal
    screen.show("embedding 2 of 5, sim-culture: a-model-with-a-long-name and 5 untrained", None, "", "")
    screen.show(
        "embedding 2 of 5, sim-culture: a-model-with-a-long-name and 5 untrained", 0.25, "41.2/s", "40 min to go"
    )
    screen.say("reprcheck: about 40 min on this machine; 12 of 13 encoders cached; missing: sim-culture 5,000 images")
    screen.hide()
    lines = [re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", line) for line in re.split(r"[\r\n]+", terminal.getvalue())]
    assert begun == [""]
    assert all(len(line) <= 80 for line in lines)
    assert any(
        re.fullmatch(r"embedding 2 of 5, sim-culture: a.*… ━.*25%  41\.2/s  40 min to go", line) for line in lines
    )
    assert "reprcheck: about 40 min on this machine; 12 of 13 encoders cached; missing: " in [
        f"{s.rstrip()} " for s in lines
    ]


def test_a_run_writes_whole_lines_to_a_log(capfd):
    line = "reprcheck: " + "a long line " * 20
    screen = progress.Screen()
    assert not screen.is_terminal
    screen.say(line)
    assert capfd.readouterr() == ("", f"{line}\n")


def test_elsewhere(capfd):
    with progress.bar(None, "a.zip", in_bytes=True) as advance:
        advance(1500)
    assert capfd.readouterr() == ("", "")
