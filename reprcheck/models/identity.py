"""The identity of an object in memory: one digest of everything that it is made of, and that its code refers to.

The walk starts at the object and goes wherever its code could go: instances by their attributes and slots, classes by
all they define, functions by their code, defaults, closures and the globals that they name, the user's own modules by
their source and that of all they import. Installed packages count by name and version, tensors and arrays by their
bytes, and a text that names a file by that file's bytes. Names of files and places never count, nor does anything that
is another one in another process: addresses, the order of a set, a hash.

What can't be told by bytes (a session of a runtime, an open file, a random generator, a thread) is refused rather than
guessed: a wrong identity would serve one model's cached vectors as another's. A method ``digest()`` of the object, or
of a part of it, tells its state instead; its code is followed all the same. What no walk can see is in docs/models.md.
"""

from __future__ import annotations

import builtins
import copyreg
import functools
import io
import logging
import os
import random
import sys
import threading
import types
import weakref
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path, PurePath
from types import CodeType, FunctionType, ModuleType
from typing import Any

import numpy as np

from reprcheck.digest import digest, file_digest
from reprcheck.errors import UserError
from reprcheck.models.code_names import names_of
from reprcheck.models.failure import because
from reprcheck.models.object_state import (
    HEAP_TYPE,
    hides_state,
    own_digest,
    pickles_itself,
    read_attributes,
    read_cell,
)
from reprcheck.models.own_code import (
    BINDINGS,
    PYTHON,
    OwnModule,
    UnknownIdentityError,
    absolute,
    find_library,
    is_planted,
    leads_to,
    of_module,
    of_name,
)

REMEDY = "give it a method digest() that returns a text made from its weights"
LOCKS = (type(threading.Lock()), type(threading.RLock()))
UNTELLABLE = (io.IOBase, random.Random, np.random.Generator, np.random.BitGenerator, np.random.RandomState)
"""What has a state that running changes; a buffer in memory too."""
WITHOUT_STATE = (logging.Logger, logging.Handler, type(os.environ), *LOCKS)
"""What may be held without changing a vector."""
CLASS_FACTS = frozenset(
    (
        *("__dict__", "__weakref__", "__module__", "__doc__", "__qualname__", "__slots__", "_abc_impl"),
        *("__annotations__", "__annotate__", "__annotate_func__", "__annotations_cache__"),
        *("__firstlineno__", "__static_attributes__"),
    )
)
"""Entries of a class that are no part of what it does."""
MODULE_FACTS = frozenset(("__name__", "__spec__", "__loader__", "__package__", "__cached__", "__doc__", "__builtins__"))
LONGEST_PATH = 1024


@dataclass(frozen=True)
class Identity:
    """What an object is made of.

    Attributes
    ----------
    digest : str
    files : frozenset of str or None
        Files that the digest follows: sources, and files that its code names. None: the object answers for itself.
    modules : mapping of str to module
        What its functions import when they are called, where that was loaded already.
    """

    digest: str
    files: frozenset[str] | None
    modules: Mapping[str, ModuleType]


def identity(thing: object, where: str, factory: ModuleType | None = None) -> Identity:
    """Return the identity of an object: by its own ``digest()`` and its code, else by what it is made of.

    Parameters
    ----------
    thing : object
    where : str
        What an error names.
    factory : module, optional
        Where the object was made; what it imports counts too.

    Raises
    ------
    UserError
        For an object that holds something whose bytes can't be told.
    """
    return _identity(thing, where, factory, lambda walk: walk.by_its_own(thing) or walk.told(thing))


def code_identity(thing: object, where: str, factory: ModuleType | None = None) -> Identity:
    """Return the identity of an object's code alone, for one that tells its state itself."""
    return _identity(thing, where, factory, lambda walk: walk.code_of(thing))


def _identity(thing: object, where: str, factory: ModuleType | None, tell: Callable[[_Walk], Any]) -> Identity:
    walk = _Walk()
    try:
        if factory is not None:
            walk.settle(of_module(factory))
        made_of = [walk.module(factory) if factory else None, tell(walk)]
        nodes = walk.finish()
    except UnknownIdentityError as error:
        raise UserError(where, *_refusal(thing, error)) from error
    except (Exception, SystemExit) as error:
        raise UserError(where, *_refusal(thing, UnknownIdentityError(because(error)))) from error
    by_itself = callable(getattr(thing, "digest", None))
    whole = digest("identity/1", PYTHON, made_of, nodes)
    return Identity(whole, None if by_itself else frozenset(walk.files), walk.modules)


def _refusal(thing: object, error: UnknownIdentityError) -> tuple[str, str]:
    if error.remedy:
        return error.what, error.remedy
    return f"no digest can be made of this {type(thing).__name__} ({error.what})", REMEDY


class _Walk:
    """One walk. Objects that can be shared or hold themselves become nodes, numbered in the order they are met."""

    def __init__(self, outer: frozenset[int] = frozenset(), homes: Iterable[str] = ()) -> None:
        self._number: dict[Any, int] = {}
        self._queue: deque[tuple[Any, Callable[[Any], Any], str]] = deque()
        self._kept: list[Any] = []  # a number is of an address, so whoever has one must stay alive
        self._outer = outer
        self._trail = ""
        self.homes: dict[str, None] = dict.fromkeys(homes)
        self.files: set[str] = set()
        self.modules: dict[str, ModuleType] = {}
        self._found: dict[tuple[str, str], OwnModule | str] = {}

    def finish(self) -> list[Any]:
        """Describe every node, those met meanwhile too."""
        nodes = []
        while self._queue:
            value, describe, self._trail = self._queue.popleft()
            try:
                nodes.append(describe(value))
            except UnknownIdentityError as error:
                raise UnknownIdentityError(
                    f"its {self._trail} {error.what}" if self._trail and not error.remedy else error.what, error.remedy
                ) from error
        return nodes

    # -- values ------------------------------------------------------------------------------------------------------

    def told(self, value: Any, label: str = "") -> Any:
        """Return what stands for a value: itself where it is plain, else the number of its node."""
        kind = type(value)
        if value is None or kind in (bool, int, float, bytes):
            return value
        if kind is str:
            return self._text(value)
        if kind is complex:
            return ["complex", value.real, value.imag]
        if kind is tuple:
            return ["tuple", *(self.told(item, label) for item in value)]
        if kind in (set, frozenset):
            return ["set", *self._members(value)]
        return self._node(id(value), value, self._describe, label)

    def _node(self, key: Any, value: Any, describe: Callable[[Any], Any], label: str) -> list[Any]:
        if key not in self._number:
            self._number[key] = len(self._number)
            self._kept.append(value)
            trail = ".".join(part for part in (self._trail, label) if part)
            self._queue.append((value, describe, trail))
        return ["node", self._number[key]]

    def _members(self, values: Iterable[Any]) -> list[str]:
        """Return a set's members in an order that doesn't depend on hashes: that of their own digests."""
        if id(values) in self._outer:
            return ["the set itself"]
        found = []
        for value in values:
            if type(value) in (str, int, bytes):
                found.append(digest(self.told(value)))
                continue
            walk = _Walk(self._outer | {id(values)}, self.homes)
            found.append(digest(walk.told(value), walk.finish()))
            self.files |= walk.files
            self.modules |= walk.modules
        return sorted(found)

    def _text(self, value: str, kind: str = "text") -> Any:
        """Return a text: for the path of a file the file's bytes, for a place beside the user's code where that is."""
        if not 0 < len(value) < LONGEST_PATH or "\n" in value:
            return value if kind == "text" else [kind, value]
        path = os.path.expanduser(value)
        if os.path.isabs(path):
            if os.path.isfile(path):
                return [kind, "file", self._file(path)]
            for home in self.homes:
                if home and (path == home or path.startswith(home + os.sep)):
                    return [kind, "beside", os.path.relpath(path, home)]
        elif kind == "path" or os.path.splitext(path)[1]:
            places = dict.fromkeys(os.path.join(home, path) for home in ("", *self.homes))
            files = [self._file(place) for place in places if os.path.isfile(place)]
            if files:
                return [kind, value, *sorted(set(files))]
        return value if kind == "text" else [kind, value]

    def _file(self, path: str) -> str:
        self.files.add(os.path.realpath(path))
        return file_digest(Path(path))

    # -- nodes -------------------------------------------------------------------------------------------------------

    def _describe(self, value: Any) -> Any:
        describe = _EXACTLY.get(type(value)) or next((to for kind, to in _KINDS if isinstance(value, kind)), None)
        if describe:
            return describe(self, value)
        if isinstance(of_name(type(value).__module__), OwnModule):
            told = self.by_its_own(value)
            if told:
                return told
        if _with_torch():
            from reprcheck.models.torch.state import torch_parts

            parts = torch_parts(value)
            if parts is not None:
                return ["torch", self.told(type(value)), *self._pairs(parts)]
        return self._instance(value)

    def by_its_own(self, value: Any) -> list[Any] | None:
        """Return what an object's own ``digest()`` tells of its state, and its code; None where it has none."""
        told = own_digest(value)
        if told is None:
            return None
        found = ["digest", told, *self.code_of(value)]
        if _with_torch() and isinstance(value, sys.modules["torch"].nn.Module):  # whose twins say the same
            from reprcheck.models.torch.state import state_digest

            found.append(state_digest(value))
        return found

    def code_of(self, value: Any) -> list[Any]:
        """Return what stands for the modules that define a function, or the classes of an instance."""
        names = [kind.__module__ for kind in (value if isinstance(value, type) else type(value)).__mro__]
        names = [value.__module__] if isinstance(value, FunctionType) else names
        return [self._origin(of_name(name), name) for name in names]

    def _pairs(self, pairs: Iterable[tuple[str, Any]]) -> list[Any]:
        return [[name, self.told(value, name)] for name, value in pairs]

    def module(self, module: ModuleType) -> Any:
        """Return what stands for a module."""
        found = of_module(module)
        return self._source(found) if isinstance(found, OwnModule) else ["library", found, module.__name__]

    def _source(self, module: OwnModule) -> Any:
        return self._node(("source", module.path or module.name), module, self._describe_source, "")

    def _describe_source(self, module: OwnModule) -> Any:
        if module.path:
            self.files.add(os.path.realpath(module.path))
        imports = [self._source(led) if isinstance(led, OwnModule) else led for led in module.imports(self._found)]
        return ["module", module.source, imports]

    def settle(self, module: OwnModule | str) -> None:
        """Note that paths may be told from the folder of one of the user's modules, and from where it is imported."""
        if isinstance(module, OwnModule) and module.path:
            self.homes[module.folder] = None
            self.homes[module.root] = None

    def _origin(self, module: OwnModule | str, name: str) -> Any:
        self.settle(module)
        return self._source(module) if isinstance(module, OwnModule) else ["library", module, name]

    def _function(self, function: FunctionType) -> Any:
        home = of_name(function.__globals__.get("__name__"))
        if isinstance(home, str) and leads_to(function):
            return ["library", home, function.__module__, function.__qualname__]
        cells = zip(function.__code__.co_freevars, map(read_cell, function.__closure__ or ()), strict=True)
        defaults = [("defaults", function.__defaults__), ("keyword defaults", function.__kwdefaults__)]
        held = [*defaults, *cells, *sorted(vars(function).items())]
        told = [function.__name__, self._origin(home, ""), self._code(function.__code__), *self._pairs(held)]
        return ["function", *told, *(self._references(function) if isinstance(home, OwnModule) else ())]

    def _references(self, function: FunctionType) -> list[Any]:
        """Return the globals that a function names, and what it may take from the modules that it names."""
        found: list[Any] = []
        space, names = function.__globals__, names_of(function.__code__)
        looked_up = names.loaded | (names.texts if names.loaded & {"globals", "vars", "eval", "exec"} else frozenset())
        for name in sorted(looked_up - MODULE_FACTS):
            if name in space:
                value = space[name]
                found.append([name, self.told(value, name)])
                if isinstance(value, ModuleType):
                    found.extend(self._taken(value, name, names.attributes | names.texts, {id(value)}))
            elif not hasattr(builtins, name):
                found.append([name, "unset"])
        for level, name in names.imports:
            full = absolute(level, name, str(space.get("__package__") or ""))
            for step in (full.partition(".")[0], full):
                module = sys.modules.get(step)
                if module is not None:
                    self.modules[step] = module
                    found.extend(self._taken(module, step, names.attributes | names.texts, {id(module)}))
        return found

    def _taken(self, module: ModuleType, label: str, names: frozenset[str], seen: set[int]) -> list[Any]:
        """Return the values of a module's that go by one of these names; of an installed one, the user's own only."""
        own = isinstance(of_module(module), OwnModule)
        found: list[Any] = []
        space = vars(module)
        for name in sorted((names | {"__getattr__"}) & set(space) - MODULE_FACTS):
            value = space[name]
            if isinstance(value, ModuleType):
                if id(value) not in seen and isinstance(of_module(value), OwnModule):
                    seen.add(id(value))
                    found.extend(self._taken(value, f"{label}.{name}", names, seen))
            elif own or is_planted(value):
                found.append([name, self.told(value, f"{label}.{name}")])
        return found

    def _code(self, code: CodeType) -> list[Any]:
        consts = [self._code(item) if isinstance(item, CodeType) else self.told(item) for item in code.co_consts]
        shape = [code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount, code.co_flags]
        names = [list(part) for part in (code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars)]
        return ["code", code.co_code, code.co_exceptiontable, shape, names, consts]

    def _class(self, kind: type) -> Any:
        home = of_name(kind.__module__)
        if isinstance(home, str) and (leads_to(kind) or home.startswith(BINDINGS)):
            planted = [(name, value) for name, value in sorted(vars(kind).items()) if is_planted(value)]
            bases = [base for base in kind.__bases__ if base is not object] if kind.__flags__ & HEAP_TYPE else []
            return [
                "library",
                home,
                str(kind.__module__),
                kind.__qualname__,
                self._pairs(planted),
                *map(self.told, bases),
            ]
        space = [(name, value) for name, value in sorted(vars(kind).items()) if name not in CLASS_FACTS]
        slots = [name for name, value in space if isinstance(value, types.MemberDescriptorType)]
        rest = [(name, value) for name, value in space if name not in slots]
        above = [self.told(type(kind)), *map(self.told, kind.__bases__)]
        return ["class", kind.__name__, self._origin(home, ""), slots, above, self._pairs(rest)]

    def _builtin(self, function: Any) -> Any:
        owner = getattr(function, "__self__", None)
        if owner is None or isinstance(owner, ModuleType):
            return ["builtin", function.__module__, function.__qualname__, of_name(function.__module__)]
        return ["bound builtin", function.__name__, self.told(owner, "owner")]

    def _descriptor(self, value: Any) -> Any:
        return ["descriptor", self.told(value.__objclass__), value.__name__]

    def _mapping(self, value: Mapping[Any, Any]) -> Any:
        return [type(value).__name__, *([self.told(k), self.told(v, f"[{k!r}]"[:40])] for k, v in value.items())]

    def _list(self, value: list[Any]) -> Any:
        return ["list", *(self.told(item, f"[{i}]") for i, item in enumerate(value))]

    def _array(self, value: np.ndarray[Any, Any]) -> Any:
        about = (
            []
            if type(value) in (np.ndarray, np.memmap)
            else [self.told(type(value)), *self._pairs(read_attributes(value))]
        )
        plain = np.asarray(value)
        if plain.dtype.hasobject or plain.dtype.kind in "OUT":
            return ["array", plain.dtype.kind, list(plain.shape), *map(self.told, plain.ravel().tolist()), *about]
        raw = np.ascontiguousarray(plain).reshape(-1).view(np.uint8) if plain.size else np.empty(0, np.uint8)
        return ["array", str(plain.dtype.descr), list(plain.shape), raw, *about]

    def _instance(self, value: Any) -> Any:
        kind = type(value)
        home = of_name(kind.__module__)
        own = isinstance(home, OwnModule)
        self.settle(home)
        if not own and leads_to(value):
            return ["library", of_name(value.__module__), value.__module__, value.__qualname__]
        if not own and hasattr(value, "__wrapped__"):  # a cache, a compiler: what they add is no state of their own
            forget = getattr(value, "cache_clear", None)
            if callable(forget):
                forget()  # what it remembers was read without being seen; let it be read again, where that shows
            return ["wrapper", self.told(kind), self.told(value.__wrapped__, "__wrapped__")]
        hidden = hides_state(kind)
        parts = ["instance", self.told(kind)]
        if own or not (hidden or pickles_itself(kind)):
            parts.append(self._pairs(read_attributes(value)))
        if hidden or (not own and pickles_itself(kind)):
            parts.append(self._reduced(value))
        return parts

    def _reduced(self, value: Any) -> Any:
        """Return what pickling would keep of an object whose state Python can't see."""
        try:
            reduce = copyreg.dispatch_table.get(type(value))
            parts = reduce(value) if reduce else value.__reduce_ex__(4)
        except Exception as error:
            raise UnknownIdentityError(f"is a {type(value).__name__}, whose state can't be seen") from error
        if isinstance(parts, str):
            return ["global", find_library(parts, value), parts]
        made, arguments, *more = parts
        state, items, pairs = [*more, None, None, None][:3]
        told = [self.told(made), self.told(tuple(arguments)), self.told(state)]
        return [*told, [self.told(item) for item in items or ()], [self.told(tuple(pair)) for pair in pairs or ()]]


def _with_torch() -> bool:
    return hasattr(sys.modules.get("torch"), "nn")


def _refuse(_: _Walk, value: Any) -> Any:
    raise UnknownIdentityError(f"is a {type(value).__name__}, whose state can't be told")


_EXACTLY: Mapping[type, Callable[[_Walk, Any], Any]] = {
    dict: _Walk._mapping,
    types.MappingProxyType: _Walk._mapping,
    list: _Walk._list,
    type(...): lambda walk, value: ["..."],
    type(NotImplemented): lambda walk, value: ["NotImplemented"],
}
_KINDS: tuple[tuple[Any, Callable[[_Walk, Any], Any]], ...] = (
    (ModuleType, _Walk.module),
    (FunctionType, _Walk._function),
    (type, _Walk._class),
    (types.MethodType, lambda walk, value: ["method", walk.told(value.__func__), walk.told(value.__self__)]),
    (types.BuiltinFunctionType, _Walk._builtin),
    ((types.MethodDescriptorType, types.WrapperDescriptorType, types.ClassMethodDescriptorType), _Walk._descriptor),
    ((types.GetSetDescriptorType, types.MemberDescriptorType), _Walk._descriptor),
    (types.MethodWrapperType, lambda walk, value: ["method", value.__name__, walk.told(value.__self__)]),
    (CodeType, _Walk._code),
    (types.CellType, lambda walk, value: ["cell", walk.told(read_cell(value))]),
    (property, lambda walk, value: ["property", *map(walk.told, (value.fget, value.fset, value.fdel))]),
    ((staticmethod, classmethod), lambda walk, value: [type(value).__name__, walk.told(value.__func__)]),
    (
        functools.partial,
        lambda walk, value: [
            "partial",
            *walk._pairs(
                [("func", value.func), ("args", value.args), ("keywords", value.keywords), *read_attributes(value)]
            ),
        ],
    ),
    (ContextVar, lambda walk, value: ["context", walk.told(value.get(None))]),
    (weakref.ReferenceType, lambda walk, value: ["weak", walk.told(value())]),
    (np.ndarray, _Walk._array),
    (np.generic, lambda walk, value: ["scalar", walk._array(np.asarray(value))]),
    (PurePath, lambda walk, value: walk._text(str(value), "path")),
    ((*UNTELLABLE, threading.Thread, types.GeneratorType, types.CoroutineType), _refuse),
    (WITHOUT_STATE, lambda walk, value: ["without state", type(value).__name__]),
)
