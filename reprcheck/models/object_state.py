"""What an object shows of its state, by Python's own means: its digest, its attributes and slots, a closure's cell."""

from __future__ import annotations

import copyreg
import inspect
import types
from typing import Any

from reprcheck.models.own_code import UnknownIdentityError

HEAP_TYPE = 1 << 9
"""A flag of classes that Python code defines."""


def own_digest(value: Any) -> str | None:
    """Return what an object says that it is made of, None where it has no method ``digest()``."""
    own = getattr(value, "digest", None)
    if not callable(own):
        return None
    try:
        inspect.signature(own).bind()
    except (TypeError, ValueError):
        return None
    found = own()
    if not isinstance(found, str) or not found:
        raise UnknownIdentityError(f"digest() returned {found!r}", "return a text that changes with the weights")
    return found


def read_attributes(value: Any) -> list[tuple[str, Any]]:
    """Return the attributes of an instance by name, those in slots too."""
    held = dict(getattr(value, "__dict__", {}))
    for base in type(value).__mro__:
        for name, slot in vars(base).items():
            if isinstance(slot, types.MemberDescriptorType) and "__slots__" in vars(base):
                try:
                    held[f"{base.__name__}.{name}" if name in held else name] = slot.__get__(value)
                except AttributeError:
                    continue
    return sorted(held.items(), key=lambda item: str(item[0]))


def hides_state(kind: type) -> bool:
    """Say whether instances hold more than attributes and slots: a struct of C."""
    if kind.__itemsize__ or any(base is not object and not base.__flags__ & HEAP_TYPE for base in kind.__mro__):
        return True
    with_slots = [vars(base).values() for base in kind.__mro__ if "__slots__" in vars(base)]
    slots = sum(isinstance(held, types.MemberDescriptorType) for space in with_slots for held in space)
    word = tuple.__itemsize__
    offsets = (kind.__dictoffset__ > 0) + (kind.__weakrefoffset__ > 0)
    return kind.__basicsize__ > object.__basicsize__ + word * (slots + offsets)


def pickles_itself(kind: type) -> bool:
    """Say whether a class says for itself how its instances are pickled."""
    ways = ("__reduce__", "__reduce_ex__", "__getstate__", "__getnewargs__", "__getnewargs_ex__")
    return kind in copyreg.dispatch_table or any(
        getattr(kind, way, None) is not getattr(object, way, None) for way in ways
    )


def read_cell(cell: types.CellType) -> Any:
    """Return what a closure's cell holds, ``["empty"]`` where nothing was put there yet."""
    try:
        return cell.cell_contents
    except ValueError:
        return ["empty"]
