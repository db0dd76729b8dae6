"""The code behind a value, as part of the value's key: a module's source, and that of all that it imports.

Whoever keeps a value in a cache asks for the code of the module that makes it. Import statements are followed from
there, those inside functions with the rest, as far as reprcheck and the module's own top-level package go; what others
install is named by its version (`reprcheck.digest.installed`). Sources are read and parsed, never run.

Three things aren't followed, so that whoever makes a value of them must name them: a module that is loaded by a string,
a file that code reads, and what an ``__init__`` does beside giving names. Ask for the module of the thing that a
registry gave, not for the registry's.
"""

from __future__ import annotations

import ast
import gc
import hashlib
import io
import re
import sys
import tokenize
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.machinery import EXTENSION_SUFFIXES
from importlib.util import decode_source, find_spec, resolve_name
from pathlib import Path

from reprcheck.digest import digest
from reprcheck.errors import ReprcheckError

OURS = __name__.partition(".")[0]
"""The top-level package that is followed from wherever it is imported."""

_UNCLEAR = re.compile(rb"\"{3}|'{3}|\\\n|[\"'].*#")
"""Where a # may lie within a string, or a line of code in one of several lines."""

Span = tuple[int, int, int, int]
"""First line, from 1, and byte in it; last line and the byte behind."""


class MissingCode(ReprcheckError):
    """A module or a name that code is said to depend on, and that isn't there."""


@cache
def code_digest(module: str) -> str:
    """Return the digest of a module's code and of all that it imports, from reprcheck and from its own package.

    ``from package import name`` leads to the module that defines the name, through any number of packages that only
    pass it on; a package that a module merely lies in doesn't count. Imports for type checkers don't either.

    Of a source counts all but comments, strings that are statements (docstrings), blank lines and what only type
    checkers see. It is compared as text, so that versions of Python agree, and a line broken elsewhere is a change.

    Parameters
    ----------
    module : str
        As it is imported; as a rule ``__name__``, or ``type(thing).__module__``.

    Returns
    -------
    str
        40 hex digits.

    Raises
    ------
    MissingCode
        Where there is no such module, or one of those reached imports what isn't there, outside a ``try`` that expects
        an ImportError.

    Examples
    --------
    >>> code_digest("reprcheck.seeding") != code_digest("reprcheck.digest")
    True
    """
    modules = reached(module)
    return digest("code", [(name, _read(name).text, _links(name, _own(module))[1]) for name in modules])


def reached(module: str) -> tuple[str, ...]:
    """Return the names of the modules whose code `code_digest` is made of, sorted. Raises MissingCode."""
    if _find(module) is None:
        raise MissingCode(f"no module {module!r} whose source could be read")
    own = _own(module)
    modules, waiting = {module}, [module]
    while waiting:
        new = _links(waiting.pop(), own)[0] - modules
        modules |= new
        waiting += new
    return tuple(sorted(modules))


def reread() -> None:
    """Forget the sources read so far, in a process that changes them."""
    for function in (code_digest, _links, _read, _find):
        function.cache_clear()


@dataclass(frozen=True)
class _Import:
    """An import statement, for one name.

    ``name`` is None for ``import module`` and ``"*"`` for all; ``level`` counts the dots before the module.
    """

    level: int
    module: str
    name: str | None
    optional: bool = False


@dataclass(frozen=True)
class _Source:
    """What a module's source says.

    Attributes
    ----------
    text : str
        Digest of what counts.
    imports : tuple of _Import
    bound : mapping of str to list of _Import or None
        What its top level binds each name to; None: to something that it makes itself.
    declared : mapping of str to list of _Import
        What it tells type checkers alone, of names that a module's ``__getattr__`` gives.
    """

    text: str
    imports: tuple[_Import, ...] = ()
    bound: dict[str, list[_Import | None]] = field(default_factory=dict)
    declared: dict[str, list[_Import | None]] = field(default_factory=dict)


def _own(module: str) -> frozenset[str]:
    return frozenset({OURS, _top(module)})


def _top(module: str) -> str:
    return module.partition(".")[0]


@cache
def _find(module: str) -> tuple[Path | None, tuple[str, ...]] | None:
    """Return a module's file, None for a folder without ``__init__``, and where its submodules lie; nothing is run."""
    parent, _, last = module.rpartition(".")
    if not parent:
        try:
            spec = find_spec(module)
        except (ImportError, ValueError):
            spec = None
        if spec is None:  # a script that runs as __main__ has a file all the same
            script = getattr(sys.modules.get(module), "__file__", None)
            return (Path(script), ()) if script else None
        file = Path(spec.origin) if spec.origin and spec.has_location else None
        return file, tuple(spec.submodule_search_locations or ())
    if not last or (above := _find(parent)) is None:
        return None
    for folder in above[1]:
        place = Path(folder, last)
        if (place / "__init__.py").is_file():
            return place / "__init__.py", (str(place),)
        for suffix in (*EXTENSION_SUFFIXES, ".py"):
            if (file := place.with_name(last + suffix)).is_file():
                return file, ()
    places = tuple(str(Path(folder, last)) for folder in above[1] if Path(folder, last).is_dir())
    return (None, places) if places else None


@cache
def _read(module: str) -> _Source:
    file = _find(module)
    if file is None or file[0] is None:
        return _Source("")
    raw = file[0].read_bytes()
    return _parsed(raw) if file[0].suffix == ".py" else _Source(hashlib.sha256(raw).hexdigest())


@cache
def _links(module: str, own: frozenset[str]) -> tuple[frozenset[str], tuple[str, ...]]:
    """Return the modules that a module's imports lead to, and the way to each name."""
    targets, ways = set(), dict[str, None]()
    for statement in _read(module).imports:
        full = _absolute(statement, module)
        if _top(full) not in own:
            continue
        try:
            for target, way in _targets(full, statement.name):
                targets.add(target)
                ways[way] = None
        except MissingCode as error:
            if not statement.optional:
                raise MissingCode(f"{module} imports {full}: {error}") from None
            ways[f"no {full}"] = None
    return frozenset(targets - {module}), tuple(ways)


def _absolute(statement: _Import, module: str) -> str:
    file = _find(module)
    package = module if file and file[1] else module.rpartition(".")[0]
    try:
        return resolve_name("." * statement.level + statement.module, package) if statement.level else statement.module
    except ImportError:
        raise MissingCode(f"{module} imports from above its top-level package") from None


def _targets(
    full: str, name: str | None, visited: frozenset[tuple[str, str]] = frozenset()
) -> Iterator[tuple[str, str]]:
    """Yield the modules that make what is imported, and the way there. Raises MissingCode."""
    place = _find(full)
    if place is None:
        raise MissingCode(f"there is no module {full}")
    if name is None:  # `import a.b` lets code reach whatever a and a.b hold
        steps = full.split(".")
        yield from ((".".join(steps[: i + 1]), full) for i in range(len(steps)))
    elif not place[1] or name == "*":
        yield full, f"{full}:{name}"
    elif (full, name) not in visited:
        yield from _passed_on(full, name, visited | {(full, name)})


def _passed_on(package: str, name: str, visited: frozenset[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """Yield the modules behind a name of a package: those that define it, and a submodule called so."""
    source, way = _read(package), f"{package}:{name}"
    inner = f"{package}.{name}"
    inside = _find(inner) is not None
    if inside:
        yield inner, way
    bound = source.bound.get(name, [])
    if not bound and not inside:
        if not source.bound.keys() & {"*", "__getattr__"}:
            raise MissingCode(f"{package} has no {name!r}")
        yield package, way
        bound = source.declared.get(name, [])
    for statement in bound:
        if statement is None:
            yield package, way
        elif _top(behind := _absolute(statement, package)) == _top(package):
            yield from ((target, f"{way} {rest}") for target, rest in _targets(behind, statement.name, visited))


@cache
def _parsed(raw: bytes) -> _Source:
    collecting = gc.isenabled()
    gc.disable()  # a tree has no cycles, and the collector would go through it again and again while it grows
    try:
        text = decode_source(raw)
        tree = ast.parse(text)
        reading = _Reading()
        reading.statements(tree.body, top=True)
        code = _without(text.encode().split(b"\n"), reading.cuts, tree)
    finally:
        if collecting:
            gc.enable()
    digested = hashlib.sha256(code).hexdigest()
    return _Source(digested, tuple(dict.fromkeys(reading.imports)), reading.bound, reading.declared)


class _Reading:
    """One pass over a module's statements, which leaves expressions alone."""

    def __init__(self) -> None:
        self.imports: list[_Import] = []
        self.bound: dict[str, list[_Import | None]] = {}
        self.declared: dict[str, list[_Import | None]] = {}
        self.cuts: list[Span] = []

    def statements(self, body: Sequence[ast.AST], top: bool, optional: bool = False) -> None:
        """Note imports, what they and others bind at the top level, and what doesn't count."""
        for node in body:
            if isinstance(node, ast.Import | ast.ImportFrom):
                self._import(node, top, optional)
            elif isinstance(node, ast.Expr):
                if isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
                    self.cuts.append(_span(node))
            elif isinstance(node, ast.If) and _for_type_checkers(node.test):
                inner = _Reading()
                inner.statements(node.body, top)
                self.declared |= inner.bound
                self.cuts.append((*_span(node.body[0])[:2], *_span(node.body[-1])[2:]))
                self.statements(node.orelse, top, optional)
            else:
                self._other(node, top, optional)

    def _import(self, node: ast.Import | ast.ImportFrom, top: bool, optional: bool) -> None:
        for alias in node.names:
            if isinstance(node, ast.Import):
                one = _Import(0, alias.name, None, optional)
                name = alias.asname or alias.name.partition(".")[0]
            else:
                one = _Import(node.level, node.module or "", alias.name, optional)
                name = alias.asname or alias.name
            self.imports.append(one)
            if top:
                self.bound.setdefault(name, []).append(one)

    def _other(self, node: ast.AST, top: bool, optional: bool) -> None:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            self._bind([node.name] if top else [])
            self.statements(node.body, top=False, optional=optional)
            return
        if top:
            targets = [*getattr(node, "targets", ()), *filter(None, (getattr(node, "target", None),))]
            targets += [item.optional_vars for item in getattr(node, "items", ()) if item.optional_vars]
            self._bind(part.id for target in targets for part in ast.walk(target) if isinstance(part, ast.Name))
        tried = optional or (any(map(_expects_no_module, getattr(node, "handlers", ()))))
        for part in ("body", "handlers", "orelse", "finalbody", "cases"):
            self.statements(getattr(node, part, ()), top, tried if part == "body" else optional)

    def _bind(self, names: Iterator[str] | Sequence[str]) -> None:
        for name in names:
            self.bound.setdefault(name, []).append(None)


def _for_type_checkers(test: ast.expr) -> bool:
    return getattr(test, "id", getattr(test, "attr", None)) == "TYPE_CHECKING"


def _expects_no_module(handler: ast.ExceptHandler) -> bool:
    caught = [handler.type] if not isinstance(handler.type, ast.Tuple) else handler.type.elts
    return any(
        one is None or getattr(one, "id", "") in ("ImportError", "ModuleNotFoundError", "Exception") for one in caught
    )


def _span(node: ast.AST) -> Span:
    first = min([node, *getattr(node, "decorator_list", ())], key=lambda part: part.lineno)
    return first.lineno, first.col_offset, node.end_lineno, node.end_col_offset  # type: ignore[attr-defined]


def _without(lines: list[bytes], cuts: Sequence[Span], tree: ast.Module) -> bytes:
    """Return the lines of a source without some spans, comments and blank lines."""
    kept, inside = _cut(lines, cuts), set[int]()
    if _UNCLEAR.search(b"\n".join(kept)):
        strings = [_span(node) for node in ast.walk(tree) if _is_string(node)]
        kept = _cut(lines, [*cuts, *_comments(lines, strings)])
        inside = _later_lines(strings) - _later_lines(cuts)
    else:
        kept = _cut(kept, list(_comments(kept, [])))
    return b"\n".join(line for number, line in enumerate(kept, 1) if number in inside or line.strip())


def _later_lines(spans: Sequence[Span]) -> set[int]:
    return {number for first, _, last, _ in spans for number in range(first + 1, last + 1)}


def _is_string(node: ast.AST) -> bool:
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str | bytes))


def _cut(lines: list[bytes], cuts: Sequence[Span]) -> list[bytes]:
    left = list(lines)
    for first, start, last, end in sorted(cuts, reverse=True):
        before, behind = left[first - 1][:start], left[last - 1][end:]
        left[first - 1] = before + behind if behind else before.rstrip()
        left[first:last] = [b""] * (last - first)
    return left


def _comments(lines: list[bytes], strings: Sequence[Span]) -> Iterator[Span]:
    """Yield the comments: what starts with a # that lies in no string, or between two strings that are one."""
    for number, line in enumerate(lines, 1):
        at = line.find(b"#")
        while at >= 0:
            around = [span for span in strings if span[:2] <= (number, at) < span[2:]]
            if not around or any(_between(lines, span, number, at) for span in around):
                yield number, at, number, len(line)
                break
            at = line.find(b"#", at + 1)


def _between(lines: list[bytes], span: Span, number: int, at: int) -> bool:
    """Return whether a place in a string of several lines is a comment between its parts."""
    first, start, last, end = span
    if first == last:
        return False
    text = [lines[first - 1][start:], *lines[first : last - 1], lines[last - 1][:end]]
    at -= start - 1 if number == first else 0
    tokens = tokenize.tokenize(io.BytesIO(b"(" + b"\n".join(text) + b")").readline)
    line = number - first + 1
    return any(
        token.type == tokenize.COMMENT and (token.start[0], len(token.line[: token.start[1]].encode())) == (line, at)
        for token in tokens
    )
