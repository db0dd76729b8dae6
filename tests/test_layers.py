"""A layer imports only layers before it, as the design lists them; no circles; torch stays in its folder."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "reprcheck"
DESIGN = (ROOT / "docs" / "design.md").read_text(encoding="utf-8")
LAYERS = [layer.split("+") for layer in re.search(r"```text layers\n(.+?)```", DESIGN, re.DOTALL)[1].split()]
RANKS = {name.replace("/", "."): rank for rank, layer in enumerate(LAYERS) for name in layer}


def module_name(path):
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


FILES = {module_name(path): path for path in sorted(PACKAGE.rglob("*.py"))}


def imported(path):
    """Every module that a file imports, wherever in it; of a member that is a file, the file."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for_types = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if id(node) in for_types:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            members = [f"{node.module}.{alias.name}" for alias in node.names]
            yield from (member if member in FILES else node.module for member in members)


IMPORTS = {name: {other for other in imported(path) if other != name} for name, path in FILES.items()}


def rank(module):
    """The place of the longest name in the list that a module's begins with."""
    parts = module.removeprefix("reprcheck.").split(".")
    known = (".".join(parts[:n]) for n in range(len(parts), 0, -1))
    return next(RANKS[name] for name in known if name in RANKS)


def test_a_layer_imports_only_layers_before_it():
    found = [(name, other) for name, others in IMPORTS.items() for other in others if other in FILES]
    assert len(found) > 500
    for name, other in found:
        if name != "reprcheck" and other != "reprcheck":
            assert rank(other) <= rank(name), f"{name} imports {other}"


def test_every_layer_is_there():
    names = {name for layer in LAYERS for name in layer}
    assert [name for name in names if not (PACKAGE / name).is_dir() and not (PACKAGE / f"{name}.py").is_file()] == []


def test_no_file_imports_one_that_imports_it():
    done, path = set(), []

    def visit(name):
        if name in path:
            pytest.fail(" -> ".join([*path[path.index(name) :], name]))
        if name not in done:
            path.append(name)
            for other in sorted(IMPORTS[name] & FILES.keys()):
                visit(other)
            done.add(path.pop())

    for name in FILES:
        visit(name)


def statements(body):
    """Yield the import statements that run when a file is imported, in their order."""
    for node in body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield node
        elif isinstance(node, ast.Try):
            yield from statements(node.body)
        elif isinstance(node, ast.If) and ast.unparse(node.test) != "TYPE_CHECKING":
            yield from statements([*node.body, *node.orelse])


RUNS = {name: list(statements(ast.parse(path.read_text(encoding="utf-8")).body)) for name, path in FILES.items()}


def import_first(name):
    """Import a file before any other, as Python would; return who asks for a name of a file that has only begun."""
    begun, done, faults = [], set(), []

    def run(module):
        if module in done or module in begun or module not in FILES:
            return
        run(module.rpartition(".")[0])
        if module in done:  # by its package
            return
        begun.append(module)
        for node in RUNS[module]:
            taken_from = node.module if isinstance(node, ast.ImportFrom) else None
            if taken_from:
                run(taken_from)
            for alias in node.names:
                inner = f"{taken_from}.{alias.name}" if taken_from else alias.name
                run(inner)
                if taken_from in begun and inner not in FILES:
                    faults.append(f"{module} takes {alias.name} from {taken_from}")
        done.add(begun.pop())

    run(name)
    return faults


@pytest.mark.parametrize("name", [name for name in FILES if not name.endswith("__main__")])
def test_any_file_can_be_imported_first(name):
    assert import_first(name) == []


def test_torch_and_timm_are_imported_in_one_folder():
    importers = {
        name for name, others in IMPORTS.items() if {other.split(".")[0] for other in others} & {"torch", "timm"}
    }
    assert {name.rpartition(".")[0] for name in importers} == {"reprcheck.models.torch"}


@pytest.mark.parametrize("private", ["_pytest", "xdist", "rich._"])
def test_private_parts_of_others_are_used_in_one_file_each(private):
    users = {name for name, others in IMPORTS.items() for other in others if other.startswith(private)}
    assert len(users) <= 1
