"""The table of sources: the docs have it as the registry does, and each example is one that opens."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote

import numpy as np
import pytest

from reprcheck.cli import main
from reprcheck.models import resolve_model
from reprcheck.registry import SOURCES
from reprcheck.reporters.sources import SourceTable

DOCS = Path(__file__).resolve().parents[2] / "docs" / "models.md"


def test_the_docs_have_the_table_of_the_registry() -> None:
    assert "\n".join(SourceTable(shipped=True).markdown()) in DOCS.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", SOURCES.own)
def test_an_example_opens(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in {"onnx": ("onnx", "onnxruntime"), "hf": ("transformers",), "clip": ("open_clip",)}.get(name, ()):
        pytest.importorskip(module)
    monkeypatch.chdir(tmp_path)
    np.save("vectors.npy", np.zeros((2, 2), np.float32))
    (tmp_path / "repo").mkdir()
    for file in ("encoder.py", "encoder.pt", "encoder.pt2", "encoder.onnx", "weights.safetensors", "repo/hubconf.py"):
        (tmp_path / file).touch()
    source = SOURCES.get(name)
    assert name == "recipe" or unquote(resolve_model(source.example).spec) == source.example
    assert resolve_model(source.example).name
    assert bool(source.twins) == (name != "emb")


def test_a_command_prints_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", "models"]) == 0
    printed = capsys.readouterr().out
    assert all(f"{name}:" in printed for name in SOURCES.own if name != "demo")
    assert "untrained twins" in printed
