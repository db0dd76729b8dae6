"""What a function's code names: globals, attributes, imports and texts, read from its bytecode."""

from __future__ import annotations

import dis
from dataclasses import dataclass
from functools import cache
from types import CodeType

LOADS = frozenset(("LOAD_GLOBAL", "LOAD_NAME", "LOAD_FROM_DICT_OR_GLOBALS"))
ATTRIBUTES = frozenset(("LOAD_ATTR", "LOAD_METHOD", "LOAD_SUPER_ATTR", "IMPORT_FROM"))


@dataclass(frozen=True)
class CodeNames:
    """Names in a code object, and in the functions within it.

    Attributes
    ----------
    loaded : frozenset of str
        Globals and builtins.
    attributes : frozenset of str
        Whatever is taken from an object or a module.
    imports : tuple of (int, str)
        Level and name of import statements.
    texts : frozenset of str
        Constants that could name something.
    """

    loaded: frozenset[str]
    attributes: frozenset[str]
    imports: tuple[tuple[int, str], ...]
    texts: frozenset[str]


@cache
def names_of(code: CodeType) -> CodeNames:
    """Return the names in a code object."""
    loaded: set[str] = set()
    attributes: set[str] = set()
    imports: dict[tuple[int, str], None] = {}
    before: list[object] = [0, 0]
    for instruction in dis.get_instructions(code):
        if instruction.opname in LOADS:
            loaded.add(instruction.argval)
        elif instruction.opname in ATTRIBUTES:
            attributes.add(instruction.argval)
        elif instruction.opname == "IMPORT_NAME":
            level = before[0] if isinstance(before[0], int) else 0
            imports[level, instruction.argval] = None
        before = [before[1], instruction.argval]
    texts = {const for const in code.co_consts if isinstance(const, str) and const.isidentifier()}
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            names = names_of(inner)
            loaded |= names.loaded
            attributes |= names.attributes
            imports.update(dict.fromkeys(names.imports))
            texts |= names.texts
    return CodeNames(frozenset(loaded), frozenset(attributes), tuple(imports), frozenset(texts))
