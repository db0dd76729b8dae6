"""A survey: what a dataset's images and table show before any model is judged, and what could mislead one.

The sentences are those of the scorecard (`reprcheck.confounds.notes`); whether a nuisance predicts a label is
tested by a cheap protocol.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from reprcheck import protocols
from reprcheck.baselines.pixels import thumbnail
from reprcheck.confounds import notes as misleading
from reprcheck.confounds.nuisance import nuisances
from reprcheck.confounds.values import describe_values
from reprcheck.datasets.assemble import ReorderedImages
from reprcheck.datasets.images.values import Values, facts_of
from reprcheck.datasets.images.windows import WindowImages
from reprcheck.datasets.table.limit import bin_labels
from reprcheck.digest import digest
from reprcheck.embed.aggregate import aggregate
from reprcheck.policy import Policy
from reprcheck.protocols.folds import judged
from reprcheck.registry import PROTOCOLS
from reprcheck.types import Dataset, Image, ImageSource, Task

Progress = Callable[[int, str], AbstractContextManager[Callable[[int], None]]]

SIDE = 12
"""Height and width of the thumbnails by which near-duplicates are found: those of the `pixels` baseline."""
PIXELS_EACH = 128
"""About so many pixels of each channel of an image stand for it in the dataset's quantiles."""
SLOW_UP_TO = 100_000
"""Samples times classes up to which a protocol that isn't quick takes seconds."""
FAMILIAR = 3
"""Most networks can't be shown more channels at once."""
QUANTILES = (0.0, 0.01, 0.5, 0.99, 1.0)


@dataclass
class ImageFacts:
    """What the survey remembers of each image, by its number.

    Attributes
    ----------
    digests : dict of int to tuple of str
        Of each channel's pixels.
    thumbnails : dict of int to float32[C, 12, 12]
    values : dict of int to float32[C, n]
        Some of the pixels, and the lowest and highest.
    remarks : dict of int to tuple of str
        What was interpreted in reading it.
    facts : dict of int to float32[C, F]
        Of its stored values, see `reprcheck.datasets.images.values`.
    extent : (int, int)
        Height and width of all of them, as fitted.
    """

    digests: dict[int, tuple[str, ...]] = field(default_factory=dict)
    thumbnails: dict[int, NDArray[np.float32]] = field(default_factory=dict)
    values: dict[int, NDArray[np.float32]] = field(default_factory=dict)
    remarks: dict[int, tuple[str, ...]] = field(default_factory=dict)
    facts: dict[int, NDArray[np.float32]] = field(default_factory=dict)
    extent: tuple[int, int] = (0, 0)

    def look(self, number: int, image: Image) -> None:
        """Keep what is needed of an image."""
        flat = image.pixels.reshape(len(image.pixels), -1)
        some = flat[:, :: flat.shape[1] // PIXELS_EACH | 1]  # an odd step doesn't stay in one column
        self.digests[number] = tuple(digest(channel) for channel in image.pixels)
        self.thumbnails[number] = thumbnail(image.pixels, SIDE)
        self.remarks[number] = image.remarks
        self.facts[number] = facts_of(image)
        self.extent = image.pixels.shape[1], image.pixels.shape[2]
        self.values[number] = np.hstack([some, flat.min(1, keepdims=True), flat.max(1, keepdims=True)])

    def renumber(self, old: Mapping[int, int]) -> ImageFacts:
        """Return the facts of some images under new numbers, from a mapping of new numbers to old ones."""
        return ImageFacts(
            {new: self.digests[number] for new, number in old.items()},
            {new: self.thumbnails[number] for new, number in old.items()},
            {new: self.values[number] for new, number in old.items()},
            {new: self.remarks[number] for new, number in old.items()},
            {new: self.facts[number] for new, number in old.items()},
            self.extent,
        )


@dataclass(frozen=True)
class Survey:
    """What a survey found in a dataset.

    Attributes
    ----------
    dataset : Dataset
    sizes : int64[n, 2]
        Height and width of the image of each sample of any task, before it is fitted.
    quantiles : float64[C, 5]
        Lowest value, 1 %, median, 99 % and highest of each channel, over the samples of any task; in [0, 1].
    notes : mapping of str to tuple of str
        Of each task: what was left out, and every confound found.
    """

    dataset: Dataset
    sizes: NDArray[np.int64]
    quantiles: NDArray[np.float64]
    notes: Mapping[str, tuple[str, ...]]


def survey(dataset: Dataset, progress: Progress, looked_at: ImageFacts | None = None) -> Survey:
    """Survey a dataset.

    Parameters
    ----------
    dataset : Dataset
    progress : callable
        Such as `reprcheck.progress.bar`.
    looked_at : ImageFacts, optional
        Of images that were looked at already, by row of the table; without it they are decoded.

    Returns
    -------
    Survey
    """
    used = np.unique(np.concatenate([task.rows for task in dataset.tasks.values()]))
    if looked_at is None or isinstance(_source(dataset), WindowImages):  # what was looked at were fields
        facts = ImageFacts()
        with progress(len(used), "decoding") as advance:
            for row in used.tolist():
                facts.look(row, dataset.images.read(row))
                advance(1)
    else:
        facts = looked_at.renumber(dict(zip(used.tolist(), dataset.table_row[used].tolist(), strict=True)))
    values = np.hstack([facts.values[row] for row in used.tolist()])
    return Survey(
        dataset,
        _sizes(dataset, facts),
        np.quantile(values.astype(np.float64), QUANTILES, axis=1).T,
        {name: traps(task, dataset.ids, dataset.channels, facts) for name, task in dataset.tasks.items()},
    )


def label_groups(task: Task) -> tuple[list[str], NDArray[np.int64]]:
    """Return names and codes: of classes, or of quantile bins of a regression's label."""
    if task.classes:
        return list(task.classes), task.y
    _, codes = np.unique(bin_labels(task.y), return_inverse=True)
    bins = [task.y[codes == code] for code in range(codes.max() + 1)]
    return [f"{b.min():.3g} to {b.max():.3g}" if np.ptp(b) else f"{b.min():.3g}" for b in bins], codes


def _sizes(dataset: Dataset, facts: ImageFacts) -> NDArray[np.int64]:
    sizes = dict.fromkeys(facts.digests, facts.extent)
    for task in dataset.tasks.values():
        if task.sizes is not None:
            sizes |= dict(zip(task.rows.tolist(), task.sizes.astype(int).tolist(), strict=True))
    return np.array(list(sizes.values()), np.int64)


def _source(dataset: Dataset) -> ImageSource:
    return dataset.images.images if isinstance(dataset.images, ReorderedImages) else dataset.images


def traps(task: Task, ids: NDArray[np.str_], channels: Sequence[str], facts: ImageFacts) -> tuple[str, ...]:
    """Return a task's notes, and a sentence for each thing beside them that could mislead.

    Parameters
    ----------
    task : Task
    ids : str[N]
        Of the dataset's samples.
    channels : sequence of str
        Of the dataset.
    facts : ImageFacts
        By sample. Where some of the task's images are missing, one sentence says that pixels weren't looked at.
    """
    return (*task.notes, *_traps(task, ids, channels, facts))


def _traps(task: Task, ids: NDArray[np.str_], names: Sequence[str], facts: ImageFacts) -> list[str]:
    policy, warnings = Policy(), list[str]()
    rows, channels = task.rows.tolist(), list(task.channels)
    units = len(np.unique(task.units[judged(task)]))
    unseen = [row for row in rows if row not in facts.digests]
    values = None if unseen else Values(np.stack([facts.facts[row][channels] for row in rows]))
    if values is not None:
        task = replace(task, depths=values.depths)
        warnings += misleading.interpreted(task, [facts.remarks[row] for row in rows], ids[task.rows].tolist())
        warnings += describe_values(task, values, [names[c] for c in channels], ids[task.rows].tolist())
    warnings += [note for protocol in map(protocols.get, task.protocols) for note in protocol.notes(aggregate(task))]
    if units < policy.min_units:
        warnings.append(f"Underpowered: {units} units, and a verdict needs at least {policy.min_units}.")
    else:
        warnings += misleading.on_batches(task, protocols.get(task.protocols[0]), policy.min_units)
    if len(channels) > FAMILIAR:
        alone = "a model that doesn't take as many is shown each alone, and the vectors are joined"
        warnings.append(f"Channels: {len(channels)}; {alone}.")
    predicting = [protocol for protocol in map(protocols.get, task.protocols) if protocol.predicts]
    if not predicting:
        return warnings + misleading.along_the_plate(task, policy.alpha)
    quick = next((protocol for protocol in predicting if protocol.quick), None) or _quick(task)
    readers = [quick]
    if len(task.y) * len(task.classes) <= SLOW_UP_TO:
        readers += [protocol for protocol in predicting if not protocol.quick]  # ten votes are few of many in a place
    for nuisance, vectors in nuisances(task, quick.holds_batches_out(task)).items():
        for protocol in readers:
            scores = protocol.score([vectors], task)
            if sentences := misleading.predictive(task, nuisance, scores, protocol, policy.alpha / len(readers)):
                warnings += sentences
                break
    if values is None:
        return [
            *warnings,
            f"Not looked at yet: values of pixels, and copies of images, of which {len(unseen)} aren't seen.",
        ]
    pixels = [digest([facts.digests[row][c] for c in channels]) for row in rows]
    thumbnails = np.stack([facts.thumbnails[row][channels].ravel() for row in rows])
    constant = np.asarray(values.constant.all(axis=1))
    return [*warnings, *misleading.copies(task, predicting[0], pixels, thumbnails, ids[task.rows].tolist(), constant)]


def _quick(task: Task) -> protocols.Protocol:
    """Return the first quick protocol that predicts labels of such a task, where the card lists only slow ones."""
    things = map(protocols.get, PROTOCOLS.names())
    return next(protocol for protocol in things if protocol.quick and protocol.predicts and task.kind in protocol.kinds)
