"""What a model reads and imports while it runs: refused where its digest doesn't follow it.

A model that loads weights, or imports a helper, only when it is called has a part that no digest taken before can know:
after an edit of that file it would be served the old vectors. Python tells of every file that it opens
(`sys.addaudithook`); what a library of C opens by itself isn't seen. Compilers' own caches, and what the model itself
has written, may be read.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any

from reprcheck.errors import UserError
from reprcheck.models.identity import Identity
from reprcheck.models.own_code import installed_file, source_of_bytecode

SYSTEM = ("/proc/", "/sys/", "/dev/", "/run/", "/etc/", "/usr/lib/", "/usr/share/", "/System/", "/Library/")
COMPILERS = ("torchinductor_", ".triton", "__pycache__", "numba_cache", "pymp-")
"""How folders begin that compilers, and processes that share memory, keep to themselves."""

_watch = threading.local()
_hook = threading.Lock()
_hooked = False
_written: set[str] = set()


@contextmanager
def only_known(made_of: Identity | None, where: str) -> Iterator[None]:
    """Run a model in this thread, and raise where it has read a file of the user's that its identity doesn't know.

    Parameters
    ----------
    made_of : Identity or None
        None: the model may read what it likes, since none of the user's code is in it.
    where : str

    Raises
    ------
    UserError
    """
    if made_of is None or made_of.files is None:
        yield
        return
    for name, module in made_of.modules.items():
        if sys.modules.get(name) is not module:
            what = f"the model imports {name} while it runs, and this process has loaded another {name} since"
            raise UserError(where, what, "import it at the top of the file, or ask each model in a process of its own")
    _listen()
    before = getattr(_watch, "opened", None)
    opened: list[str] = []
    _watch.opened = opened
    try:
        yield
    finally:
        _watch.opened = before
    for path in dict.fromkeys(map(source_of_bytecode, opened)):
        if not _may_be_read(path, made_of.files):
            what = f"the model reads {os.path.basename(path)} while it runs, which its digest doesn't follow"
            raise UserError(where, what, "read it when the model is made, or give the model a method digest()")


def _may_be_read(path: str, files: Collection[str]) -> bool:
    real = os.path.realpath(path)
    return (
        real in files
        or real in _written
        or real.startswith(SYSTEM)
        or not os.path.isfile(real)
        or any(part.startswith(COMPILERS) for part in real.split(os.sep)[:-1])
        or installed_file(path)
        or installed_file(real)
    )


def _listen() -> None:
    global _hooked
    with _hook:
        if not _hooked:
            sys.addaudithook(_note)  # which can't be taken off again
            _hooked = True


def _note(event: str, arguments: tuple[Any, ...]) -> None:
    """Keep what is opened; called for every event of the process, so quick, and it must not raise."""
    if event != "open":
        return
    opened = getattr(_watch, "opened", None)
    if opened is None:
        return
    path, mode, flags = arguments
    if not isinstance(path, str | bytes | os.PathLike):
        return
    try:
        place = os.path.abspath(os.fsdecode(path))
    except (OSError, ValueError):
        return
    writes = any(letter in mode for letter in "wxa") if isinstance(mode, str) else flags & (os.O_WRONLY | os.O_CREAT)
    if writes:
        _written.add(os.path.realpath(place))
    else:
        opened.append(place)
