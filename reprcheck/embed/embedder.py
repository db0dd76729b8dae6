"""Datasets embedded: all samples that show the same channels together, whichever task is asked first.

A sample is decoded once for all encoders that want it, and kept in memory for a second pass where there is room. What a
task's samples are among those embedded together, and what a unit's samples become, is answered here too.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from reprcheck.embed.aggregate import Groups
from reprcheck.embed.cache import Cache
from reprcheck.embed.engine import Block, DecodedImage, ImageView, Progress, decoded, embed
from reprcheck.types import Dataset, Encoder, Image, ImageSource, Task

KEPT_BYTES = 2**30
"""Decoded images kept in memory for a second pass."""

Channels = tuple[int, ...]
"""Positions in `Dataset.channels`."""


@dataclass
class Embedder:
    """Embeds the samples of datasets, each thing once.

    Parameters
    ----------
    cache : Cache
    progress : Progress
        Makes progress bars.
    """

    cache: Cache
    progress: Progress
    _images: dict[str, ImageSource] = field(default_factory=dict)
    _decoded: dict[tuple[str, Channels], list[DecodedImage]] = field(default_factory=dict)

    def embed(self, dataset: Dataset, channels: Channels, encoders: Sequence[Encoder], title: str) -> list[Block]:
        """Return a block per encoder, of all samples whose tasks show these channels; ``title`` is the bar's."""
        return embed(self.shown(dataset, channels), encoders, self.cache, self.progress, f"{dataset.name}: {title}")

    def shown(self, dataset: Dataset, channels: Channels) -> ImageView:
        """Return the samples that are embedded together, as encoders see them."""
        images = self._images.setdefault(dataset.digest, _ImageMemory(dataset.images))
        return ImageView(images, rows_shown(dataset, channels), channels)

    def decoded(self, dataset: Dataset, task: Task) -> list[DecodedImage]:
        """Return what a task's images decoded to, all of them embedded: it comes from the cache."""
        key = (dataset.digest, task.channels)
        if key not in self._decoded:
            self._decoded[key] = decoded(self.shown(dataset, task.channels), self.cache)
        return [self._decoded[key][i] for i in _positions(dataset, task)]


def rows_shown(dataset: Dataset, channels: Channels) -> NDArray[np.int64]:
    """Return the samples of every task that shows these channels, sorted, int64[n]: they are embedded together."""
    rows = np.concatenate([task.rows for task in dataset.tasks.values() if task.channels == channels])
    return np.unique(rows)


def taker(dataset: Dataset, task: Task) -> Callable[[Block], Block]:
    """Return what makes a task's vectors of those embedded together: its samples taken, and aggregated where asked."""
    at, groups = _positions(dataset, task), Groups.of(task)
    return lambda block: groups.block(block.take(at)) if groups else block.take(at)


def _positions(dataset: Dataset, task: Task) -> NDArray[np.int64]:
    """Return where a task's samples are among those embedded together."""
    return np.searchsorted(rows_shown(dataset, task.channels), task.rows)


class _ImageMemory:
    """An image source that keeps what it has decoded, up to `KEPT_BYTES`; threads that want one image wait for it."""

    def __init__(self, images: ImageSource) -> None:
        self.images, self.kept, self.size, self.turn = images, dict[int, Image](), 0, Lock()

    def content(self, index: int) -> str:
        return self.images.content(index)

    def read(self, index: int) -> Image:
        with self.turn:
            if index in self.kept:
                return self.kept[index]
            image = self.images.read(index)
            if self.size + image.pixels.nbytes <= KEPT_BYTES:
                self.kept[index] = image
                self.size += image.pixels.nbytes
            return image
