"""A part of a dataset's samples: n processes embed a part each, into one cache, and know nothing of one another.

Nobody waits: vectors are named by what they are of, so that one written twice is the same vector. What rests on all
samples together is worked out by each process for itself, from the cache where the others have been; what they haven't
written yet it computes, in an order of its own, so that those who come early share even that.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from reprcheck.embed.embedder import Channels, Embedder
from reprcheck.embed.engine import Block, load_known
from reprcheck.embed.fill import BATCH, ImageView, Recipe
from reprcheck.seeding import rng
from reprcheck.types import Dataset, Encoder


@dataclass(frozen=True)
class Part:
    """The i-th of n parts of the samples, from 1; the first of one is all.

    Examples
    --------
    >>> str(Part.read("1/4")), [Part(i, 2).positions(100) for i in (1, 2)]
    ('1/4', [range(0, 64), range(64, 100)])
    """

    number: int = 1
    count: int = 1

    def __str__(self) -> str:
        """Return it as it is typed."""
        return f"{self.number}/{self.count}"

    @classmethod
    def read(cls, text: str) -> Part:
        """Return the part that is typed as ``1/4``. Raises ValueError."""
        match = re.fullmatch(r"([0-9]{1,9})/([0-9]{1,9})", text, re.ASCII)
        if not match or not 1 <= int(match[1]) <= int(match[2]):
            raise ValueError(f"{text!r} is no part; 2/8 is the second of eight")
        return cls(int(match[1]), int(match[2]))

    def positions(self, n: int) -> range:
        """Return which of n samples these are: whole batches side by side, as one process would show them."""
        batches = -(-n // BATCH)
        first, end = ((number * batches // self.count) * BATCH for number in (self.number - 1, self.number))
        return range(min(first, n), min(end, n))

    def others(self) -> list[Part]:
        """Return all other parts, in an order that is this one's own."""
        order = rng("parts", self.number).permutation(self.count) + 1
        return [replace(self, number=int(number)) for number in order if number != self.number]

    def of(self, view: ImageView) -> ImageView:
        """Return the samples of a view that are in this part."""
        return replace(view, rows=view.rows[list(self.positions(len(view.rows)))])


ALL = Part()


@dataclass
class PartEmbedder(Embedder):
    """Embeds one part of the samples of datasets.

    Parameters
    ----------
    part : Part
    sizes : dict
        By encoder and channels, how many vectors of the part were asked for so far.
    n_for_others : int
        Vectors of other parts so far that weren't in the cache.
    """

    part: Part = ALL
    sizes: dict[tuple[str, Channels], int] = field(default_factory=dict)
    n_for_others: int = 0

    def embed(
        self,
        dataset: Dataset,
        channels: Channels,
        encoders: Sequence[Encoder],
        title: str,
        recipe: Recipe | None = None,
    ) -> list[Block]:
        """Return a block per encoder, of the part's samples."""
        view = self.part.of(self.view(dataset, channels))
        blocks = self._embed(view, encoders, f"{dataset.name} {self.part}: {title}", recipe)
        self.sizes |= {(block.source, channels): len(set(block.ids)) for block in blocks}
        return blocks

    def complete(
        self, dataset: Dataset, channels: Channels, encoders: Sequence[Encoder], blocks: list[Block], title: str
    ) -> list[Block]:
        """Return blocks of all samples; embeds what other parts haven't yet."""
        view, title = self.view(dataset, channels), f"{dataset.name}: {title}"
        known = load_known(view, encoders, self.cache)
        if len(known[0].ids) == len(view.rows):
            return known
        n_own = self.n_added
        for other in self.part.others():
            self._embed(other.of(view), encoders, title)
        self.n_for_others, self.n_added = self.n_for_others + self.n_added - n_own, n_own
        return load_known(view, encoders, self.cache)

    def known(
        self, dataset: Dataset, channels: Channels, encoders: Sequence[Encoder], blocks: Sequence[Block]
    ) -> Sequence[Block]:
        """Return blocks of all samples whose vectors the cache has by now."""
        return load_known(self.view(dataset, channels), encoders, self.cache)
