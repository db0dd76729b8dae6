"""``py:package.module:factory`` and ``py:path/to/file.py:factory``: a model that the user's own code makes.

Options other than reprcheck's own (``name``, ``in_chans``, those of a `Preprocessing` and of a `Readout`) are
the factory's arguments. Where the factory's signature names one of reprcheck's own, some are passed on as well
(`PASSED_ON`) and the others are the factory's alone. The code is imported when the model is first needed. A file is
loaded under a name of its own; its folder (for a module: the working directory) can be imported from while it loads and
while the factory runs, and is taken off the path again.
"""

from __future__ import annotations

import importlib
import inspect
import sys
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import Any

from reprcheck.digest import digest, file_digest
from reprcheck.errors import UserError, did_you_mean
from reprcheck.models import options
from reprcheck.models.failure import users_code
from reprcheck.models.model import Model
from reprcheck.models.objects import Origin, model_of
from reprcheck.models.own_code import fresh_imports
from reprcheck.models.preprocessing import EVERY_MODEL, FEED, Preprocessing
from reprcheck.models.readout import READOUT, Readout
from reprcheck.models.second_build import SecondBuild
from reprcheck.models.sources.source import Source
from reprcheck.models.spec import Option, Spec
from reprcheck.models.stand_in import StandIn

PASSED_ON = ("name", "channels", "in_chans", "size", "normalise", "precision")
"""Options that reprcheck reads, and a factory too where its signature names them."""
OWN = (*PASSED_ON, *(option for option in (*FEED, *READOUT) if option not in PASSED_ON))
"""Options that reprcheck reads; a factory that names one of the others has it for itself."""
OF_MODULES = tuple(option for option in (*FEED, *READOUT) if option not in EVERY_MODEL)
"""Options that only a torch module can follow."""


class Py(Source):
    """Models by the factory that makes them."""

    target = "package.module:factory"
    what = "what a factory of yours returns"
    example = "py:encoder.py:make"
    twins = "`untrained(seed)` of what the factory returns, else each layer's `reset_parameters`"
    options = None

    def open(self, spec: Spec) -> FactoryModel:
        """Return the model; imports nothing. Raises UserError for a file that isn't there and for bad options."""
        return FactoryModel(spec, self.name_of(spec))

    def short_name(self, spec: Spec) -> str:
        """Return ``module.factory``."""
        module, _, factory = spec.target.rpartition(":")
        return f"{Path(module).stem if module.endswith('.py') else module.rpartition('.')[2]}.{factory}"


PY = Py()


class FactoryModel(StandIn):
    """A model made by a factory, which is called when the model is first needed.

    Parameters
    ----------
    spec : Spec
    name : str
    file : str, optional
        Where the factory is, for a SPEC whose target doesn't say.

    Raises
    ------
    UserError
        For a target that isn't ``module:factory``, a file that isn't there, or bad options.
    """

    def __init__(self, spec: Spec, name: str, file: str | None = None) -> None:
        self._parsed, self.spec, self.name = spec, str(spec), name
        module, colon, self._factory = spec.target.rpartition(":")
        self._module = file or module
        if not colon or not self._module or not self._factory:
            raise UserError(spec.where, f"{spec.target!r} names no factory", "write py:package.module:factory")
        self._file = Path(self._module).expanduser() if self._module.endswith(".py") else None
        if self._file and not self._file.is_file():
            raise UserError(spec.where, f"no file {self._module}", "check the path")
        Preprocessing.of(_only(spec, PASSED_ON))  # what is wrong with the others is known once the factory is
        self._in_chans = options.count(spec, "in_chans")

    @cached_property
    def inner(self) -> Model:
        """The model of what the factory returns."""
        spec = self._parsed
        folder = self._file.parent if self._file else Path.cwd()
        with importable(folder), fresh_imports():
            module = _from_file(self._file, spec.where) if self._file else _from_name(self._module, spec.where)
            factory = _factory(module, self._factory, spec.where)
            given = arguments(factory, spec.options)
            with users_code(spec.where, "the factory", f"call {self._factory}() by hand"):
                made = factory(**given)

        def make() -> object:
            with importable(folder):
                return factory(**given)

        told = {key: _told(value) for key, value in given.items()}
        ours = _only(spec, [key for key in OWN if key in PASSED_ON or key not in given])
        fixed = tuple(key for key in ours.options if key in OF_MODULES and key not in given)
        feed, readout = Preprocessing.of(ours), Readout.of(ours)
        again = SecondBuild(spec.where, make, module, fresh_imports.keep())
        origin = Origin(self.spec, self.name, spec.where, feed, self._in_chans, module, told, fixed, readout, again)
        return model_of(made, origin)

    def on(self, channels: Sequence[str]) -> Model:
        """Return the model as it is shown images with these channels; calls the factory where it names some."""
        asks = ":" in str(self._parsed.options.get("channels")) or "names_as" in self._parsed.options
        return self.inner.on(channels) if asks else self


@contextmanager
def importable(folder: Path) -> Iterator[None]:
    """Let code import from a folder inside, and leave ``sys.path`` as it was found."""
    entry = str(folder.resolve())
    sys.path.insert(0, entry)
    try:
        yield
    finally:
        if entry in sys.path:
            sys.path.remove(entry)


def arguments(factory: Callable[..., Any], given: Mapping[str, Option]) -> dict[str, Option]:
    """Return the options that go to a factory: all but reprcheck's own, and those its signature names."""
    try:
        named = set(inspect.signature(factory).parameters)
    except (TypeError, ValueError):
        named = set()
    return {key: value for key, value in given.items() if key not in OWN or key in named}


def _only(spec: Spec, keys: Collection[str]) -> Spec:
    """Return a SPEC without options other than ``keys``."""
    return replace(spec, options={key: value for key, value in spec.options.items() if key in keys})


def _from_file(path: Path, where: str) -> ModuleType:
    """Run a file as a module of its own. Compiled from its bytes, so that no stale bytecode can stand in for it."""
    source = path.read_bytes()
    module = ModuleType(f"reprcheck_model_{digest(str(path.resolve()), source)[:12]}")
    module.__file__ = str(path.resolve())
    sys.modules[module.__name__] = module
    try:
        with users_code(where, f"importing {path.name}", "run the file by hand"):
            exec(compile(source, str(path), "exec"), module.__dict__)
    except UserError:
        del sys.modules[module.__name__]
        raise
    return module


def _from_name(name: str, where: str) -> ModuleType:
    with users_code(where, f"importing {name}", "install it, or run from the folder that holds it"):
        return importlib.import_module(name)


def _factory(module: ModuleType, name: str, where: str) -> Callable[..., Any]:
    factory = getattr(module, name, None)
    if callable(factory):
        return factory  # type: ignore[no-any-return]
    known = [key for key, value in vars(module).items() if inspect.isfunction(value) or inspect.isclass(value)]
    what = f"{module.__name__ if not module.__file__ else Path(module.__file__).name} has no factory {name!r}"
    raise UserError(where, what, did_you_mean(name, [key for key in known if not key.startswith("_")]))


def _told(value: Option) -> Option | list[str]:
    """Return what an argument says: the digest of a file's bytes where it names one."""
    if isinstance(value, str) and Path(value).expanduser().is_file():
        return ["file", file_digest(Path(value).expanduser())]
    return value
