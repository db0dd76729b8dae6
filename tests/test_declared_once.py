"""A thing is named in its own file and on its line in the registry: nobody else tells one from another by its name."""

import ast
import re
from pathlib import Path

import pytest

from reprcheck import registry
from reprcheck.registry import DIAGNOSTICS, PROTOCOLS, REFERENCES

PACKAGE = Path(registry.__file__).parent


def texts(path):
    """Yield every string constant of a file that isn't a docstring."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            yield node.lineno, node.value


@pytest.fixture(scope="module")
def said():
    return {path: list(texts(path)) for path in sorted(PACKAGE.rglob("*.py"))}


@pytest.mark.parametrize("name", PROTOCOLS.own)
def test_no_other_file_names_a_protocol(name, said):
    own = PACKAGE.parent / (PROTOCOLS.own[name].partition(":")[0].replace(".", "/") + ".py")
    prefix = re.compile(rf"(?<![\w-]){name.partition('/')[0]}/")
    assert any(prefix.search(text) for _, text in said[own])
    elsewhere = {path: lines for path, lines in said.items() if path not in (own, PACKAGE / "registry.py")}
    assert [f"{p}:{n}" for p, lines in elsewhere.items() for n, text in lines if prefix.search(text)] == []


def file_of(name, things):
    return PACKAGE.parent / (things.own[name].partition(":")[0].replace(".", "/") + ".py")


@pytest.mark.parametrize("name", DIAGNOSTICS.own)
def test_no_other_file_names_a_diagnostic(name, said):
    own = (file_of(name, DIAGNOSTICS), PACKAGE / "suite" / f"test_{name}.py", PACKAGE / "registry.py")
    assert all(any(name in text for _, text in said[path]) for path in own)
    assert [f"{p}:{n}" for p, lines in said.items() if p not in own for n, text in lines if name in text] == []


COMMON_WORDS = {"batch", "position", "metadata", "size", "depth"}
"""Nuisances that bear the names of what they are read from: columns of a card, and facts of a file."""
OTHER_MEANINGS = {
    "untrained": ("models/", "studies/untrained.py", "studies/table.py"),
    "shuffled": ("models/",),
    "intensity": ("datasets/simulate/touches.py", "studies/"),
    "structure": ("studies/structure.py", "studies/table.py"),
    "texture": ("datasets/simulate/", "studies/"),
    "pixels": ("datasets/public/sets/cifar10.py",),
}
"""Models make and name the networks that stand against them; studies bear names, of which some are those of baselines;
simulators change families of features; and a record has a field."""


@pytest.mark.parametrize("name", [name for name in REFERENCES.own if name not in COMMON_WORDS])
def test_no_other_file_names_a_baseline(name, said):
    own = (file_of(name, REFERENCES), PACKAGE / "registry.py")
    bare = re.compile(rf"{name}(-\w+)*")
    assert all(any(bare.fullmatch(text) for _, text in said[path]) for path in own)
    found = [
        f"{p.relative_to(PACKAGE)}:{n}" for p in said if p not in own for n, text in said[p] if bare.fullmatch(text)
    ]
    assert [place for place in found if not place.startswith(OTHER_MEANINGS.get(name, "nowhere"))] == []
