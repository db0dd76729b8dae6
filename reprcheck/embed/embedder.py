"""Embeds datasets: all samples that show the same channels together, whichever task comes first.

A sample is decoded once for all encoders that need it, and kept in memory for a second pass where there is room. Here
too: which of the samples embedded together are a task's, and how a unit's samples are aggregated.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reprcheck.embed.aggregate import Groups
from reprcheck.embed.cache import Cache
from reprcheck.embed.engine import Block, Progress, count_missing, embed, load_decoded
from reprcheck.embed.fill import DecodedImage, Fill, Filling, Gap, ImageView, Recipe, fill_here
from reprcheck.embed.workers import BATCH_TIMEOUT
from reprcheck.types import Dataset, Encoder, Image, ImageSource, Task

IMAGE_BYTES = 2**30
"""Decoded images kept in memory for a second pass."""

Channels = tuple[int, ...]
"""Positions in `Dataset.channels`."""


@dataclass
class Embedder:
    """Embeds the samples of datasets, each once.

    Parameters
    ----------
    cache : Cache
    progress : Progress
        Makes progress bars.
    batch_timeout : float
        Seconds after which a batch that an encoder hasn't returned ends the run.
    engine : callable
        Returns what fills gaps with the vectors of a recipe's encoders: this process does, unless another is given.
    n_added : int
        Vectors so far that weren't in the cache.
    """

    cache: Cache
    progress: Progress
    batch_timeout: float = BATCH_TIMEOUT
    engine: Callable[[Recipe], Fill] = lambda recipe: fill_here
    n_added: int = 0
    _images: dict[str, ImageSource] = field(default_factory=dict)
    _decoded: dict[tuple[str, Channels], list[DecodedImage]] = field(default_factory=dict)

    def embed(
        self,
        dataset: Dataset,
        channels: Channels,
        encoders: Sequence[Encoder],
        title: str,
        recipe: Recipe | None = None,
    ) -> list[Block]:
        """Return a block per encoder, of all samples whose tasks show these channels.

        Parameters
        ----------
        dataset : Dataset
        channels : tuple of int
        encoders : sequence of Encoder
        title : str
            What the progress bar says.
        recipe : callable, optional
            Returns the encoders, in other processes too; without it they stay in this one.
        """
        return self._embed(self.view(dataset, channels), encoders, full_title(dataset, channels, title), recipe)

    def _embed(
        self, view: ImageView, encoders: Sequence[Encoder], title: str, recipe: Recipe | None = None
    ) -> list[Block]:
        fill = self.engine(recipe) if recipe else fill_here

        def counted(gap: Gap, *given: Any) -> Filling:
            filling = fill(gap, *given)
            self.n_added += filling.n_vectors
            return filling

        return embed(view, encoders, self.cache, self.progress, title, self.batch_timeout, counted)

    def complete(
        self, dataset: Dataset, channels: Channels, encoders: Sequence[Encoder], blocks: list[Block], title: str
    ) -> list[Block]:
        """Return blocks that were embedded here, with the vectors of all samples, whoever else embeds them."""
        return blocks

    def known(
        self, dataset: Dataset, channels: Channels, encoders: Sequence[Encoder], blocks: Sequence[Block]
    ) -> Sequence[Block]:
        """Return blocks that were embedded here, with whatever vectors of other samples there are."""
        return blocks

    def count_missing(self, dataset: Dataset, channels: Channels, encoders: Sequence[Encoder]) -> tuple[int, ...]:
        """Return how many samples' vectors `embed` would compute, for each encoder."""
        return count_missing(self.view(dataset, channels), encoders, self.cache)

    def view(self, dataset: Dataset, channels: Channels) -> ImageView:
        """Return the samples that are embedded together, as encoders see them."""
        images = self._images.setdefault(dataset.digest, _ImageMemory(dataset.images))
        return ImageView(images, select_rows(dataset, channels), channels)

    def decoded(self, dataset: Dataset, task: Task) -> list[DecodedImage]:
        """Return from the cache what a task's images decoded to; all must have been embedded."""
        key = (dataset.digest, task.channels)
        if key not in self._decoded:
            self._decoded[key] = load_decoded(self.view(dataset, task.channels), self.cache)
        return [self._decoded[key][i] for i in _positions(dataset, task)]


def full_title(dataset: Dataset, channels: Channels, title: str) -> str:
    """Return the title of a pass over a dataset; with the channels shown, where its tasks show several choices."""
    others = any(task.channels != channels for task in dataset.tasks.values())
    return f"{dataset.name}{f' {[dataset.channels[c] for c in channels]}' if others else ''}: {title}"


def select_rows(dataset: Dataset, channels: Channels) -> NDArray[np.int64]:
    """Return the rows of all tasks that show these channels, sorted, int64[n]: they are embedded together."""
    rows = np.concatenate([task.rows for task in dataset.tasks.values() if task.channels == channels])
    return np.unique(rows)


def taker(dataset: Dataset, task: Task) -> Callable[[Block], Block]:
    """Return a function that takes a task's vectors from those embedded together, and aggregates them if it says so."""
    at, groups = _positions(dataset, task), Groups.of(task)
    return lambda block: groups.block(block.take(at)) if groups else block.take(at)


def _positions(dataset: Dataset, task: Task) -> NDArray[np.int64]:
    """Return where a task's samples are among those embedded together."""
    return np.searchsorted(select_rows(dataset, task.channels), task.rows)


def _itself(images: ImageSource) -> ImageSource:
    return images


class _ImageMemory:
    """An image source that keeps what it has decoded, up to `IMAGE_BYTES`; threads that want one image wait for it."""

    def __init__(self, images: ImageSource) -> None:
        self.images, self.memory, self.size = images, dict[int, Image](), 0
        self.turn, self.turns = Lock(), dict[int, tuple[Lock, int]]()

    def __reduce__(self) -> tuple[Callable[[ImageSource], ImageSource], tuple[ImageSource]]:
        """Pickle as the source: another process has its own images to remember, if any."""
        return _itself, (self.images,)

    def content(self, index: int) -> str:
        return self.images.content(index)

    def read(self, index: int) -> Image:
        with self._alone_with(index):
            if index in self.memory:
                return self.memory[index]
            image = self.images.read(index)
            with self.turn:
                if self.size + image.pixels.nbytes <= IMAGE_BYTES:
                    self.memory[index] = image
                    self.size += image.pixels.nbytes
            return image

    @contextmanager
    def _alone_with(self, index: int) -> Iterator[None]:
        """Keep other threads from an image."""
        with self.turn:
            lock, waiting = self.turns.get(index, (Lock(), 0))
            self.turns[index] = lock, waiting + 1
        try:
            with lock:
                yield
        finally:
            with self.turn:
                lock, waiting = self.turns.pop(index)
                if waiting > 1:
                    self.turns[index] = lock, waiting - 1
