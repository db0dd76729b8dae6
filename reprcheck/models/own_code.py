"""Whose code a module is, and what its source leads to.

A module that a package manager installed is known by its distribution's name and version, the standard library by
Python's own. Every other module is the user's own, an editable install too: known by the bytes of its file and, through
its import statements, by those of each own module that it can reach. Import statements are read, not run, those inside
functions with the rest, so that the answer doesn't depend on what a process has loaded so far.
"""

from __future__ import annotations

import ast
import inspect
import os
import sys
import sysconfig
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import cache, cached_property
from importlib import invalidate_caches
from importlib.machinery import ModuleSpec, PathFinder
from importlib.metadata import PackageNotFoundError, distribution, distributions, packages_distributions
from importlib.util import find_spec, resolve_name, source_from_cache
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

from reprcheck.errors import ReprcheckError

PYTHON = "python{}.{}".format(*sys.version_info[:2])
"""What stands for the standard library."""


BINDINGS = ("_cython_", "pybind11_builtins", "nanobind")
"""How the modules begin that compiled packages' own types say they are from; they have no files."""


class UnknownIdentityError(ReprcheckError):
    """What something is made of can't be told: ``what``, and the ``remedy`` where it isn't the usual one."""

    def __init__(self, what: str, remedy: str = "") -> None:
        super().__init__(what)
        self.what, self.remedy = what, remedy


@dataclass(frozen=True)
class OwnModule:
    """A module of the user's own, loaded or not.

    Attributes
    ----------
    name : str
        As it is imported.
    path : str
        Its file; empty for one that has none, such as a notebook or a folder without ``__init__.py``.
    package : str
        What its relative imports start from.
    """

    name: str
    path: str
    package: str

    @property
    def folder(self) -> str:
        """The folder that its file lies in."""
        return os.path.dirname(self.path)

    @cached_property
    def root(self) -> str:
        """The folder that it is imported from."""
        return _root(self.name, self.path)

    @cached_property
    def source(self) -> bytes:
        """The bytes of its file."""
        try:
            return Path(self.path).read_bytes() if self.path else b""
        except OSError as error:
            raise UnknownIdentityError(
                f"the source of the module {self.name} can't be read: {error.strerror}"
            ) from error

    def imports(self, found: dict[tuple[str, str], OwnModule | str]) -> Iterator[OwnModule | str]:
        """Yield what its import statements lead to: own modules, and of anything else its distribution and version.

        ``found`` keeps what names led to, for the next module.
        """
        if not self.path.endswith(".py"):
            return
        for level, name, members in _statements(self.source):
            full = absolute(level, name, self.package)
            steps = [full[:dot] for dot in range(len(full)) if full[dot] == "."] + [full] * bool(full)
            for step in steps:
                led = self._find(step, found)
                yield led
                if isinstance(led, str):
                    break
            else:
                inner = (self._find(f"{full}.{member}", found) for member in members if full)
                yield from (module for module in inner if isinstance(module, OwnModule))

    def _find(self, name: str, found: dict[tuple[str, str], OwnModule | str]) -> OwnModule | str:
        key = (name, self.root)
        if key not in found:
            _no_stranger(*key)
            loaded = sys.modules.get(name)
            found[key] = of_module(loaded) if isinstance(loaded, ModuleType) else _of_spec(name, _spec(*key))
        return found[key]


def of_module(module: ModuleType) -> OwnModule | str:
    """Return what a loaded module is: one of the user's own, or the name and version of what installed it."""
    path = getattr(module, "__file__", None) or ""
    spec = getattr(module, "__spec__", None)
    name = str(
        getattr(spec, "name", None) or module.__name__
    )  # of `python -m`, whose module is __main__, the spec knows
    package = getattr(module, "__package__", None) or (name if hasattr(module, "__path__") else name.rpartition(".")[0])
    return _installed(name, path) or OwnModule(name, os.path.abspath(path) if path else "", package)


def of_name(name: object) -> OwnModule | str:
    """Return what the loaded module of a name is; one that isn't loaded counts as the user's, without a file."""
    name = name if isinstance(name, str) else ""
    module = sys.modules.get(name)
    if isinstance(module, ModuleType):
        return of_module(module)
    return _installed(name, "") or OwnModule(name, "", "")


def _is_own(name: str, module: object) -> bool:
    if isinstance(module, ModuleType):
        return isinstance(of_module(module), OwnModule)
    return isinstance(_of_spec(name, _spec(name, sys.path[0])), OwnModule)  # an object that took a module's place


def installed_file(path: str) -> bool:
    """Say whether a file is part of Python, of an installed package, or of reprcheck."""
    if any(_under(path, root) for root in (*_site_folders(), *_python_folders(), _HERE, *_venv())):
        return True
    entry = next((entry for entry in sys.path if entry and _under(path, entry)), None)
    if entry is None or not path.endswith((".py", ".so", ".pyd")):
        return False
    top = os.path.relpath(path, entry).split(os.sep)[0].partition(".")[0]
    return _distribution(top, os.path.abspath(entry)) is not None


def source_of_bytecode(path: str) -> str:
    """Return the source file that a compiled file stands for; any other path as it is."""
    if not path.endswith(".pyc") or os.path.basename(os.path.dirname(path)) != "__pycache__":
        return path
    return source_from_cache(path)


class FreshImports:
    """Import the user's modules anew for each model.

    A process that asks two models, or one model again after an edit, would else find the first one's modules, and what
    they have read, in ``sys.modules``. Modules that something else than a model imported stay as they are.
    """

    def __init__(self) -> None:
        self._brought: dict[str, object] = {}

    @contextmanager
    def __call__(self) -> Iterator[None]:
        """Take out what earlier models brought, and note what comes in; no compiled files are left beside sources."""
        for name, module in self._brought.items():
            if sys.modules.get(name) is module:
                del sys.modules[name]
        before, writes = set(sys.modules), sys.dont_write_bytecode
        sys.dont_write_bytecode = True
        invalidate_caches()
        try:
            yield
        finally:
            sys.dont_write_bytecode = writes
            new = {name: sys.modules[name] for name in set(sys.modules) - before}
            self._brought = {name: module for name, module in new.items() if _is_own(name, module)}

    def keep(self) -> Callable[[], AbstractContextManager[None]]:
        """Return what puts the latest model's modules back for a while, when others have come since."""
        brought = dict(self._brought)

        @contextmanager
        def as_then() -> Iterator[None]:
            now = {name: sys.modules[name] for name in brought if name in sys.modules}
            sys.modules.update(brought)  # type: ignore[arg-type]
            try:
                yield
            finally:
                for name in brought:
                    sys.modules.pop(name, None)
                sys.modules.update(now)

        return as_then


fresh_imports = FreshImports()
"""Of this process."""

_HERE = str(Path(__file__).resolve().parents[1])


def _installed(name: str, path: str) -> str | None:
    top = name.partition(".")[0]
    if top.startswith(BINDINGS):
        return top
    if not path:
        parent = sys.modules.get(top)
        path = (getattr(parent, "__file__", None) or "") if top != name else ""
        if not path:
            places = list(getattr(parent, "__path__", ()))
            versions = [_distribution(top, os.path.dirname(place)) for place in places]
            if versions and all(versions):
                return str(versions[0])
            return PYTHON if top in sys.stdlib_module_names or top in sys.builtin_module_names else None
        name = top
    return _of_file(name, path)


@cache
def _of_file(name: str, path: str) -> str | None:
    root = _root(name, path)
    if root in _python_folders() or os.path.basename(root) == "lib-dynload":
        return PYTHON
    return _distribution(name.partition(".")[0], root)


@cache
def _distribution(top: str, root: str) -> str | None:
    """Return name and version of what installed a top-level module into a folder, None for what nothing installed."""

    def version(name: str) -> str | None:
        try:
            found = distribution(name)
        except (PackageNotFoundError, ValueError):
            return None
        place = os.path.abspath(str(found.locate_file("")))
        metadata = str(getattr(found, "_path", ""))
        whole = metadata.endswith(".dist-info") or root in _site_folders()  # beside a checkout lies an .egg-info
        return f"{found.metadata['Name']}=={found.version}" if whole and _same(place, root) else None

    if found := version(top):
        return found
    if next(iter(distributions(path=[root])), None) is None:  # as in a user's folder: spare reading what each installed
        return None
    return next((v for v in map(version, sorted(set(_distributions().get(top, ())))) if v), None)


@cache
def _distributions() -> dict[str, list[str]]:
    return dict(packages_distributions())


@cache
def _python_folders() -> frozenset[str]:
    paths = sysconfig.get_paths()
    return frozenset(place for key in ("stdlib", "platstdlib") for place in _both(paths[key]))


@cache
def _site_folders() -> frozenset[str]:
    paths = sysconfig.get_paths()
    listed = [entry for entry in sys.path if os.path.basename(entry) in ("site-packages", "dist-packages")]
    return frozenset(place for path in (paths["purelib"], paths["platlib"], *listed) for place in _both(path))


@cache
def _venv() -> tuple[str, ...]:
    return tuple(_both(sys.prefix)) if sys.prefix != sys.base_prefix else ()


def _both(path: str) -> set[str]:
    return {os.path.abspath(path), os.path.realpath(path)}


def _under(path: str, folder: str) -> bool:
    return path.startswith(os.path.join(folder, ""))


def _same(a: str, b: str) -> bool:
    return os.path.realpath(a) == os.path.realpath(b)


def _root(name: str, path: str) -> str:
    """Return the folder that a module's top-level package lies in."""
    steps = name.count(".") + os.path.basename(path).startswith("__init__.")
    folder = os.path.dirname(os.path.abspath(path)) if path else os.getcwd()
    for _ in range(steps):
        folder = os.path.dirname(folder)
    return folder


def _no_stranger(name: str, root: str) -> None:
    """Raise Untold where a name is loaded from elsewhere, and beside the module that imports it lies another of it."""
    top = name.partition(".")[0]
    loaded = sys.modules.get(top)
    if not isinstance(loaded, ModuleType):
        return
    file = getattr(loaded, "__file__", None)
    twins = (os.path.join(root, f"{top}.py"), os.path.join(root, top, "__init__.py"))
    twin = next((place for place in twins if os.path.isfile(place)), None)
    if twin and not (file and _same(str(file), twin)):
        what = f"it imports {top}, and this process has imported another {top} before, from {file or 'elsewhere'}"
        raise UnknownIdentityError(what, f"rename {twin}, or ask this model in a process of its own")


def _spec(name: str, root: str) -> ModuleSpec | None:
    """Find a module without running anything."""
    top, *rest = name.split(".")
    try:
        spec = PathFinder.find_spec(top, [root]) or find_spec(top)
    except (ImportError, ValueError, AttributeError):
        return None
    step = top
    for part in rest:
        if spec is None or spec.submodule_search_locations is None:
            return None
        step = f"{step}.{part}"
        places = spec.submodule_search_locations  # of a folder without __init__.py: asks for its parent, as if loaded
        spec = PathFinder.find_spec(step, list(getattr(places, "_path", places)))
    return spec


def _of_spec(name: str, spec: ModuleSpec | None) -> OwnModule | str:
    if spec is None:
        return f"no {name}"
    path = spec.origin if spec.has_location and spec.origin else ""
    if not path and spec.submodule_search_locations is None:
        return PYTHON
    package = name if spec.submodule_search_locations is not None else name.rpartition(".")[0]
    return (_of_file(name, path) if path else None) or OwnModule(name, os.path.abspath(path) if path else "", package)


def absolute(level: int, name: str, package: str) -> str:
    """Return the full name of what an import statement names; empty where there is nothing above a package."""
    try:
        return resolve_name("." * level + name, package) if level else name
    except ImportError:
        return ""


Statement = tuple[int, str, tuple[str, ...]]
"""Level, name and members of an import."""


@cache
def _statements(source: bytes) -> tuple[Statement, ...]:
    """Return the imports of a source, in its order; calls of import_module that spell out a name are among them."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return ()
    found: dict[Statement, None] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found.update({(0, alias.name, ()): None for alias in node.names})
        elif isinstance(node, ast.ImportFrom):
            found[node.level, node.module or "", tuple(alias.name for alias in node.names if alias.name != "*")] = None
        elif isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            called = getattr(node.func, "attr", getattr(node.func, "id", None))
            name = node.args[0].value
            if called in ("import_module", "__import__") and isinstance(name, str):
                level = len(name) - len(name.lstrip("."))
                found[level, name[level:], ()] = None
    return tuple(found)


def leads_to(value: Any) -> bool:
    """Say whether a thing of a library's is found under its own name there, so that the name and a version tell it."""
    module, name = getattr(value, "__module__", None), getattr(value, "__qualname__", None)
    if not isinstance(module, str) or not isinstance(name, str) or isinstance(of_name(module), OwnModule):
        return False
    step: Any = sys.modules.get(module)
    for part in name.split("."):
        step = inspect.getattr_static(step, part, None)
    return step is value


def find_library(name: str, value: Any) -> str:
    """Return the library that keeps an object under a name; raise UnknownIdentityError where its name leads nowhere."""
    for at in sorted(sys.modules):
        home = of_name(at) if getattr(sys.modules[at], "__dict__", {}).get(name) is value else None
        if isinstance(home, str):
            return home
    raise UnknownIdentityError(f"is a {type(value).__name__}, whose state can't be seen")


def is_planted(value: Any) -> bool:
    """Say whether something in an installed class or module is a function of the user's."""
    function = value.__func__ if isinstance(value, staticmethod | classmethod) else value
    return isinstance(function, FunctionType) and isinstance(of_name(function.__globals__.get("__name__")), OwnModule)
