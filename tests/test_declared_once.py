"""A thing is named in its own file and on its line in the registry: nobody else tells one from another by its name."""

import ast
import re
from pathlib import Path

import pytest

from reprcheck import registry
from reprcheck.registry import PROTOCOLS

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
