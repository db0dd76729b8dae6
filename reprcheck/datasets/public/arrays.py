"""Images stored many to a file, as in `.npy` and `.h5`, as an `ImageSource` that reads one sample at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from reprcheck.code import code_digest
from reprcheck.datasets.card.card import Card
from reprcheck.datasets.public.checks import not_as_published
from reprcheck.digest import digest
from reprcheck.file_memory import remembered_digest
from reprcheck.types import Image

Range = tuple[float, float] | None
"""The values that become 0 and 1, if the card gives them."""


@dataclass(frozen=True)
class ArrayPosition:
    """Where one sample is: ``index`` in each of ``files``, those of its pixels and of its mask."""

    files: tuple[Path, ...]
    index: int


class ArrayImages:
    """An `ImageSource` over arrays of many samples; picklable, safe between threads.

    Parameters
    ----------
    places : iterable of ArrayPosition
        By sample.
    read_one : callable
        From an `ArrayPosition` and the card's ``value_range`` to an `Image`; a function of a module, to be pickled,
        and that opens its files at each call, so that no handle outlives a fork.
    card : Card
        Whose ``value_range`` the images have.
    """

    def __init__(
        self, places: Iterable[ArrayPosition], read_one: Callable[[ArrayPosition, Range], Image], card: Card
    ) -> None:
        self.places, self.read_one, self.value_range = tuple(places), read_one, card.value_range
        self._digests: dict[Path, str] = {}

    def content(self, index: int) -> str:
        """Return the digest of a sample's files, of its place in them, its range and the code that decodes.

        Nothing is decoded. The bytes of a file are read once, whole: a change to one of its samples changes the content
        of all.
        """
        place = self.places[index]
        code = code_digest(self.read_one.__module__), code_digest(__name__)
        return digest("array", code, [self._bytes(path) for path in place.files], place.index, self.value_range)

    def read(self, index: int) -> Image:
        """Decode a sample; raises UserError that names the file."""
        return self.read_one(self.places[index], self.value_range)

    def _bytes(self, path: Path) -> str:
        if path not in self._digests:
            try:
                self._digests[path] = remembered_digest(path)
            except OSError as error:
                raise not_as_published(path, f"can't be read ({error.strerror})") from None
        return self._digests[path]
