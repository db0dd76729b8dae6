"""A gate that is stopped while a model hangs: what was computed is kept, and no process is waited for."""

from __future__ import annotations

import signal

import pytest

from reprcheck.embed.cache import Cache

MODEL = """
import os, signal, threading

def stopped(number):
    calls = []
    def encode(x):
        calls.append(len(x))
        if len(calls) == 3:  # the first batch has been seen, and one image of it again
            os.kill(os.getppid(), number)
            threading.Event().wait()
        return x.mean((2, 3))
    return encode

def by_interrupt():
    return stopped(signal.SIGINT)

def by_termination():
    return stopped(signal.SIGTERM)
"""


@pytest.mark.parametrize(
    ("model", "status"), [("by_interrupt", pytest.ExitCode.INTERRUPTED), ("by_termination", -signal.SIGTERM)]
)
def test_what_was_computed_before_it_is_kept(gate, tmp_path, model, status):
    (tmp_path / "stopped.py").write_text(MODEL)
    found = gate(f"--model=py:{tmp_path}/stopped.py:{model}", f"--cache-dir={tmp_path}/cache", fresh=True)
    assert found.status == status, found.text
    assert found.card["gate"]["outcome"] == "undecided"
    assert "Traceback" not in found.text
    keys = [folder.name for folder in (tmp_path / "cache" / "vectors").glob("*/*")]
    kept = [Cache(tmp_path / "cache").load("vectors", key) for key in keys]
    assert [len(rows) for rows in kept if {row.shape for row in rows.values()} == {(1,)}] == [32]
