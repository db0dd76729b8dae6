"""Whether a factory makes the same model each time: what differs from one call to the next wasn't loaded.

Weights that a checkpoint doesn't cover stay at their random draw, and nobody says so: the model under test would be
another in each run. So the factory is called once more, under another random state, before the model sees its first
image; a warm run asks nothing. A draw that the factory seeds is the same both times, and is nobody's business.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from types import ModuleType

import numpy as np

from reprcheck.errors import UserError
from reprcheck.models.failure import listed
from reprcheck.models.identity import identity

ANOTHER_SEED = 20_011
"""Of the second build; the first one is made under whatever state the process is in."""


class SecondBuild:
    """Refuses a model that its factory makes differently when it is called again; asks once.

    Parameters
    ----------
    where : str
        What the error names.
    make : callable
        Calls the factory. What it raises means that it can't be asked twice: then nothing is known.
    factory : module
        Whose factory it is.
    as_then : callable
        Returns a context in which modules are those that the first build imported.
    """

    def __init__(
        self,
        where: str,
        make: Callable[[], object],
        factory: ModuleType,
        as_then: Callable[[], AbstractContextManager[None]],
    ) -> None:
        self.where, self.make, self.factory, self.as_then, self.asked = where, make, factory, as_then, False

    def check_module(self, module: object) -> None:
        """Compare a torch module's parameters and buffers. Raises UserError that names those that differ."""
        from reprcheck.models.torch.state import differing

        names = [] if (other := self._again()) is None else differing(module, other)
        if names:
            raise self._refusal(listed(names))

    def check_callable(self, thing: object, digest: str) -> None:
        """Compare what a callable is made of by its digest. Raises UserError."""
        if (other := self._again()) is None:
            return
        with self.as_then():
            is_same = identity(other, self.where, self.factory).digest == digest
        if not is_same:
            raise self._refusal(f"what the {type(thing).__name__} is made of")

    def _again(self) -> object | None:
        if self.asked:
            return None
        self.asked = True
        try:
            with self.as_then(), _another_random_state():
                return self.make()
        except Exception:
            return None

    def _refusal(self, what: str) -> UserError:
        remedy = "load them from the checkpoint, or seed the draw where it is meant: torch.manual_seed(0)"
        return UserError(self.where, f"not loaded, another each time the factory is called: {what}", remedy)


@contextmanager
def _another_random_state() -> Iterator[None]:
    before, numpy_before = random.getstate(), np.random.get_state()  # noqa: NPY002 (that is what factories draw from)
    random.seed(ANOTHER_SEED)
    np.random.seed(ANOTHER_SEED)  # noqa: NPY002
    try:
        with _torch_state():
            yield
    finally:
        random.setstate(before)
        np.random.set_state(numpy_before)  # noqa: NPY002


def _torch_state() -> AbstractContextManager[None]:
    if "torch" not in sys.modules:  # whoever draws with it has imported it
        return nullcontext()
    from reprcheck.models.torch.twins import seeded

    return seeded(ANOTHER_SEED)
