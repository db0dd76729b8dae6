"""Images that lie side by side in arrays on disk, as an `ImageSource`: one row, one image."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reprcheck.code import code_digest
from reprcheck.datasets.card.card import Card
from reprcheck.datasets.images.axes import StoredArray, arrange, planes
from reprcheck.datasets.images.decode import scale
from reprcheck.digest import digest
from reprcheck.types import Image


class MappedImages:
    """An `ImageSource` over arrays in files; picklable, safe between threads.

    Parameters
    ----------
    rows : sequence of (Path, int)
        The file that holds each sample, and its row there.
    load : callable
        Returns a file's array: (N, H, W), (N, C, H, W) or (N, H, W, C), best mapped and not read. A function of a
        module, so that it can be pickled; called once for each file in each process.
    card : Card
        Whose channels and ``value_range`` they have.
    """

    def __init__(self, rows: Sequence[tuple[Path, int]], load: Callable[[Path], NDArray[Any]], card: Card) -> None:
        self.rows, self.load = tuple(rows), load
        self.channels, self.value_range, self.clip = len(card.channels), card.value_range, card.clip
        self._arrays: dict[Path, NDArray[Any]] = {}

    def content(self, index: int) -> str:
        """Return the digest of a sample's stored values, what they are scaled by, and the code that does it."""
        code = code_digest(self.load.__module__), code_digest(__name__)
        return digest("array", *code, self._stored(index), self.channels, self.value_range, self.clip)

    def read(self, index: int) -> Image:
        """Return a sample, float32[C, H, W]; raises UserError for an array that isn't what the card says."""
        path, row = self.rows[index]
        where = f"{path} row {row}"
        array = self._stored(index)
        stored = StoredArray(array.shape, array.ndim == 3 and array.shape[0] != self.channels, array)
        values = planes(stored, arrange(stored, self.channels, None, where))
        return Image(np.ascontiguousarray(scale(values, self.value_range, where, self.clip)))

    def _stored(self, index: int) -> NDArray[Any]:
        path, row = self.rows[index]
        if path not in self._arrays:
            self._arrays[path] = self.load(path)
        return np.asarray(self._arrays[path][row])

    def __getstate__(self) -> dict[str, Any]:
        """Pickle the paths of the arrays without their values."""
        return {**self.__dict__, "_arrays": {}}
