"""A layer imports only layers before it, and torch comes in through the models alone."""

import ast
from graphlib import TopologicalSorter
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1] / "reprcheck"
LAYERS = (
    *(
        "spelling",
        "errors",
        "registry",
        "plain_files",
        "digest",
        "code",
        "seeding",
        "types",
        "progress",
        "waivers",
        "policy",
        "exits",
    ),
    *("agreement", "datasets", "baselines", "confounds", "models", "embed"),
    *("exits", "protocols", "stats", "diagnostics", "scorecard", "questions"),
    *("opponents", "benches", "session", "child"),
    *("checking", "auditing", "margins", "segmenting", "surveying"),
    *("reporters", "pytest_plugin", "suite", "testing"),
    *("calibration", "cli", "__main__"),
)


def imports():
    """Every import of a file of the package: its layer, the file, and the module imported."""
    for path in sorted(PACKAGE.rglob("*.py")):
        layer = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                yield from ((layer, path, alias.name) for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module:
                yield layer, path, node.module


def test_a_layer_imports_only_layers_before_it():
    found = [
        (layer, path, module.split(".")[1]) for layer, path, module in imports() if module.startswith("reprcheck.")
    ]
    assert len(found) > 100
    for layer, path, other in found:
        assert layer == "__init__" or LAYERS.index(other) <= LAYERS.index(layer), f"{path} imports {other}"


def test_only_models_import_torch():
    layers = {layer for layer, _, module in imports() if module.split(".")[0] in ("torch", "timm")}
    assert layers == {"models"}


def test_no_files_import_each_other_in_a_circle():
    """Inside functions too, where a circle hides."""
    names = {".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts): path for path in PACKAGE.rglob("*.py")}
    files = {name.removesuffix(".__init__"): path for name, path in names.items()}
    graph = {name: set(imported_files(path, files)) - {name} for name, path in files.items()}
    assert len(graph["reprcheck.models.resolve"]) > 3
    TopologicalSorter(graph).prepare()  # raises CycleError with the circle


def imported_files(path, files):
    """Yield the modules of the package that a file imports; of ``from package import name`` the one of that name."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            inner = [f"{node.module}.{alias.name}" for alias in node.names]
            yield from (name if name in files else node.module for name in inner if node.module in files)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in files)
