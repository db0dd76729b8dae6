"""The progress bar counts things or bytes at a terminal, and is silent elsewhere."""

from __future__ import annotations

import io
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


def test_elsewhere(capfd):
    with progress.bar(None, "a.zip", in_bytes=True) as advance:
        advance(1500)
    assert capfd.readouterr() == ("", "")
