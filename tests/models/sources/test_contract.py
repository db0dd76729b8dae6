"""What holds of every source that ships: its row in the docs, its options, and models that are cheap to open."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest

from reprcheck.errors import UserError
from reprcheck.models import resolve_model
from reprcheck.registry import SOURCES
from tests.models.made import ROOT, TINY

NEEDS = {"clip": "open_clip", "hf": "transformers", "onnx": "onnxruntime"}
"""What a source of an extra imports."""
DOCS = "".join((ROOT / "docs" / name).read_text(encoding="utf-8") for name in ("models.md", "running.md", "vectors.md"))


@pytest.fixture
def specs(tmp_path: Path) -> dict[str, str]:
    """A SPEC of each source."""
    np.save(tmp_path / "v.npy", np.zeros((2, 2), np.float32))
    (tmp_path / "net.py").write_text("def make(): raise RuntimeError('opened too early')\n")
    about = 'title = "Net"\ndimension = 3\nlicence = "ours"\ncitation = "none"\nanswer = "its own"\n'
    known = f'model = "py:{tmp_path}/net.py:make"\nverified = []\nunverified = []\n'
    (tmp_path / "net.toml").write_text(about + known)
    (tmp_path / "net.graph").write_text("opened too early")
    (tmp_path / "hubconf.py").write_text((tmp_path / "net.py").read_text())
    return {
        "clip": f"clip:local-dir:{tmp_path}",
        "demo": "demo",
        "emb": f"emb:{tmp_path / 'v.npy'}",
        "exec": "exec:no-such-command",
        "hf": f"hf:{tmp_path}",
        "hub": f"hub:{tmp_path}:make",
        "onnx": f"onnx:{tmp_path / 'net.graph'}",
        "pt2": f"pt2:{tmp_path / 'net.graph'}",
        "py": f"py:{tmp_path / 'net.py'}:make",
        "recipe": f"recipe:{tmp_path / 'net.toml'}",
        "timm": f"timm:{TINY}?pretrained=false",
        "torchscript": f"torchscript:{tmp_path / 'net.graph'}",
    }


def with_option(spec: str, option: str) -> str:
    return f"{spec}{'&' if '?' in spec else '?'}{option}"


@pytest.mark.parametrize("name", SOURCES.own)
def test_a_model_is_opened_under_its_name_and_can_be_sent_to_another_process(name: str, specs: dict[str, str]) -> None:
    if name in NEEDS:
        pytest.importorskip(NEEDS[name])
    model = resolve_model(with_option(specs[name], "name=nice"))
    assert model.name == "nice"
    model = resolve_model(specs[name])
    again = pickle.loads(pickle.dumps(model))
    assert (again.name, again.spec) == (model.name, model.spec)
    assert model.spec == specs[name] or model.spec.startswith("py:")  # a recipe stands for another SPEC


@pytest.mark.parametrize("name", SOURCES.own)
def test_an_unknown_option_is_refused_unless_any_is_taken(name: str, specs: dict[str, str]) -> None:
    asked = with_option(specs[name], "colour=blue")
    if SOURCES.get(name).options is None or SOURCES.get(name).more:
        assert resolve_model(asked)
    else:
        with pytest.raises(UserError, match=f"{name} has no option 'colour'"):
            resolve_model(asked)


@pytest.mark.parametrize("name", SOURCES.own)
def test_the_docs_have_a_row_for_it_and_a_word_on_each_option(name: str) -> None:
    source = SOURCES.get(name)
    assert f"\n| `{name}{':' if source.target else '`'}" in DOCS
    for option in ("name", *(source.options or ())):
        assert f"{option}=" in DOCS, option
